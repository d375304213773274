package run

import (
	"context"
	"errors"
	"fmt"
	"sync"

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

// openTextEngine makes the engine that the flags name. It calls no server: what kind an
// unnamed one is, the engine's first probe finds out.
func openTextEngine(f TextFlags) (engine.TextEngine, error) {
	kind := f.TextEngine
	if kind == kindAuto {
		kind = "openai"
	}
	e, err := newTextEngine(kind, f) // which checks the address, of whatever kind the server is
	if err != nil {
		return nil, console.UsageError("--text: %w", err)
	}
	if f.TextEngine != kindAuto {
		return e, nil
	}
	return &autoEngine{flags: f, openai: e}, nil
}

// kindAuto stands for a server whose kind is found out by asking it.
const kindAuto = "auto"

// autoEngine is the engine of a server whose kind is not known until it answers a probe.
type autoEngine struct {
	flags  TextFlags
	openai engine.TextEngine // what it is where it is nothing more particular

	mu    sync.Mutex
	found engine.TextEngine // nil: no server has answered yet; guarded by mu
}

var errNoServerYet = errors.New("no text engine has answered yet")

// Probe implements engine.Engine.
func (a *autoEngine) Probe(ctx context.Context) error {
	if e := a.engine(); e != nil {
		return e.Probe(ctx)
	}

	e, err := a.detect(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.found = e
	a.mu.Unlock()
	return nil
}

// detect asks the server what it is, and returns an engine that it has answered a probe of.
func (a *autoEngine) detect(ctx context.Context) (engine.TextEngine, error) {
	kind := ""
	llama := llamacpp.IsHere(ctx, a.flags.Text, a.flags.TextKey)
	switch {
	case llama == nil:
		kind = "llamacpp"
	case ollama.IsHere(ctx, a.flags.Text, a.flags.TextKey) == nil:
		kind = "ollama"
	default:
		if err := a.openai.Probe(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("not as llama.cpp's server: %w", llama),
				fmt.Errorf("not as an OpenAI-compatible one: %w", err))
		}
		return a.openai, nil
	}

	e, err := newTextEngine(kind, a.flags)
	if err != nil {
		return nil, err
	}
	if err := e.Probe(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// engine is the one that was found; nil: none yet.
func (a *autoEngine) engine() engine.TextEngine {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.found
}

// Name implements engine.Engine.
func (a *autoEngine) Name() string {
	if e := a.engine(); e != nil {
		return e.Name()
	}
	return "text engine at " + a.flags.Text
}

// Models implements engine.Engine.
func (a *autoEngine) Models() []string {
	if e := a.engine(); e != nil {
		return e.Models()
	}
	return nil
}

// TextCapabilities implements engine.TextEngine.
func (a *autoEngine) TextCapabilities() engine.TextCapabilities {
	if e := a.engine(); e != nil {
		return e.TextCapabilities()
	}
	return engine.TextCapabilities{}
}

// GenerateText implements engine.TextEngine.
func (a *autoEngine) GenerateText(
	ctx context.Context, job engine.TextJob, hooks engine.TextHooks,
) (engine.TextResult, error) {
	if e := a.engine(); e != nil {
		return e.GenerateText(ctx, job, hooks)
	}
	return engine.TextResult{}, errNoServerYet
}

// Close implements engine.Engine.
func (a *autoEngine) Close() error {
	err := a.openai.Close()
	if e := a.engine(); e != nil && e != a.openai {
		err = errors.Join(err, e.Close())
	}
	return err
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
