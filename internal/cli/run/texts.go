package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"horde/engine"
	"horde/engine/llamacpp"
	"horde/engine/ollama"
	"horde/engine/openai"
	"horde/internal/cli/console"
	"horde/internal/worker"
)

// TextFlags choose what generates text, and how much of it.
type TextFlags struct {
	Text            string `placeholder:"URL" help:"Also generate text, by the server at this address: llama.cpp's, Ollama, or any with OpenAI's completions API."`
	TextEngine      string `default:"auto" enum:"auto,llamacpp,ollama,openai" placeholder:"NAME" help:"What kind of server that is: llamacpp, ollama, openai, or auto, by asking it."`
	TextKey         string `placeholder:"KEY" help:"API key of that server, if it wants one."`
	TextServerModel string `placeholder:"NAME" help:"Which of its models to use; default: the first."`
	TextModel       string `placeholder:"NAME" help:"Name under which the horde shows the model; default: the server's."`
	TextContext     int    `placeholder:"N" help:"Most tokens of prompt and text together; default: what the server holds."`
	TextLength      int    `placeholder:"N" help:"Most tokens of a text; default: what the server writes in time."`
	TextThreads     int    `placeholder:"N" help:"Texts at once; default: as many as the server has slots for."`
}

// detectPause is the time between two looks for a server that is not there yet.
const detectPause = 5 * time.Second

// openTextEngine makes the engine that the flags name. Where that takes asking the server
// what it is, it waits for it; ctx ends that.
func openTextEngine(ctx context.Context, log *slog.Logger, f TextFlags) (engine.TextEngine, error) {
	kind := f.TextEngine
	said := ""
	for kind == "auto" {
		found, err := detect(ctx, f)
		if err == nil {
			kind = found
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if text := err.Error(); text != said {
			log.Warn("no text engine answers; trying again", "url", f.Text, "err", err)
			said = text
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(detectPause):
		}
	}

	e, err := newTextEngine(kind, f)
	if err != nil {
		return nil, console.UsageError("--text: %w", err)
	}
	return e, nil
}

// detect asks a server what it is.
func detect(ctx context.Context, f TextFlags) (kind string, err error) {
	e, err := newTextEngine("openai", f) // its address is checked in any case
	if err != nil {
		return "openai", nil //nolint:nilerr // newTextEngine says so again
	}
	defer e.Close()

	llama := llamacpp.IsHere(ctx, f.Text, f.TextKey)
	if llama == nil {
		return "llamacpp", nil
	}
	if ollama.IsHere(ctx, f.Text, f.TextKey) == nil {
		return "ollama", nil
	}
	if err := e.Probe(ctx); err != nil {
		return "", errors.Join(fmt.Errorf("not as llama.cpp's server: %w", llama),
			fmt.Errorf("not as an OpenAI-compatible one: %w", err))
	}
	return "openai", nil
}

func newTextEngine(kind string, f TextFlags) (engine.TextEngine, error) {
	switch kind {
	case "llamacpp":
		return llamacpp.New(llamacpp.Options{URL: f.Text, Key: f.TextKey, Model: f.TextModel})
	case "ollama":
		return ollama.New(ollama.Options{URL: f.Text, Key: f.TextKey, ServerModel: f.TextServerModel, Model: f.TextModel,
			Context: f.TextContext, Slots: f.TextThreads})
	default:
		return openai.New(openai.Options{URL: f.Text, Key: f.TextKey, ServerModel: f.TextServerModel, Model: f.TextModel,
			Context: f.TextContext, Slots: f.TextThreads})
	}
}

// texts is the work of a Scribe with an engine.
func (f TextFlags) texts(e engine.TextEngine) worker.Texts {
	return worker.Texts{
		Engines:          []engine.TextEngine{e},
		MaxLength:        f.TextLength,
		MaxContextLength: f.TextContext,
	}
}

// scribeName is the name of the Scribe beside a Dreamer: hordes want a name of its own
// for every kind.
func scribeName(name string) string { return name + " Scribe" }
