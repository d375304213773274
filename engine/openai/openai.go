// Package openai generates text through any server that has OpenAI's completions API:
// /v1/models and /v1/completions. vLLM, TabbyAPI, Aphrodite, LM Studio, llama.cpp and
// others do. Start at [New].
//
// Ollama is not one of them: its /v1/completions wraps the prompt in the model's chat
// template, while the prompts of a horde are whole already. Use package ollama.
package openai

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"horde/api"
	"horde/engine"
	"horde/engine/internal/remote"
)

// Options of New.
type Options struct {
	// URL of the server, with or without /v1 at its end.
	URL string
	// Key is sent as a bearer token; empty: none.
	Key string
	// ServerModel is which of the server's models to use; empty: the first it lists.
	ServerModel string
	// Model is the public name that it is offered under; empty: the server's.
	Model string
	// Context is how many tokens prompt and text may have together. 0: what the server
	// says, and 2048 where it does not say.
	Context int
	// Slots is how many jobs the server is given at once; 0: 1. The API does not tell.
	Slots int
}

// unknownContext is assumed where neither server nor operator says, in tokens.
const unknownContext = 2048

// New makes the engine. It does not call the server yet: that is what Probe is for.
func New(o Options) (engine.TextEngine, error) {
	if err := remote.CheckOptions(o.Context, o.Slots); err != nil {
		return nil, err
	}
	s, err := remote.NewServer(strings.TrimSuffix(strings.TrimRight(o.URL, "/"), "/v1"), o.Key)
	if err != nil {
		return nil, err
	}
	return &driver{options: o, server: s}, nil
}

// driver is the engine.
type driver struct {
	remote.State
	options Options
	server  *remote.Server

	mu       sync.Mutex
	model    string         // of the server; guarded by mu
	features serverFeatures // guarded by mu
}

// serverFeatures are what a server was found to take. They are tried, not guessed by its
// name.
type serverFeatures struct {
	known    bool
	extended bool // samplers beyond OpenAI's own
	endless  bool // ignore_eos
	usage    bool // stream_options
	streams  bool // an answer comes in pieces
	counts   bool // /tokenize tells how many tokens a text has
}

// Name implements engine.Engine.
func (d *driver) Name() string { return "OpenAI-compatible server at " + d.server.URL() }

// models is the answer of /v1/models, with what servers say there of the context.
type models struct {
	Data []struct {
		ID       string `json:"id"`
		MaxModel int    `json:"max_model_len"`      // vLLM, Aphrodite
		Context  int    `json:"context_length"`     // several
		Longest  int    `json:"max_context_length"` // LM Studio
		Meta     struct {
			Context int `json:"n_ctx"` // llama.cpp
		} `json:"meta"`
	} `json:"data"`
}

// Probe implements engine.Engine. The first one, and the first with another model, tries
// with a few tokens what the server takes and how fast it is.
func (d *driver) Probe(ctx context.Context) error {
	var list models
	if err := d.server.Get(ctx, "/v1/models", &list); err != nil {
		return err
	}
	name, stated, err := d.choose(list)
	if err != nil {
		return err
	}
	contextLength, err := d.contextLength(stated)
	if err != nil {
		return err
	}

	public := d.options.Model
	if public == "" {
		public = remote.PublicName(name)
	}
	d.Learn(name, public, engine.TextCapabilities{
		MaxContextLength: contextLength,
		MaxLength:        contextLength - 1,
		Slots:            max(1, d.options.Slots),
	})

	d.mu.Lock()
	if d.model != name { // what the server took with another one says nothing of this
		d.model, d.features = name, serverFeatures{}
	}
	fresh := !d.features.known
	d.mu.Unlock()
	if fresh {
		return d.learnFeatures(ctx, public)
	}
	return nil
}

// contextLength is how many tokens prompt and text may have together, where the server
// states so many; 0: nothing.
func (d *driver) contextLength(stated int) (int, error) {
	length := d.options.Context
	switch {
	case length == 0 && stated == 0:
		length = unknownContext
	case length == 0:
		length = stated
	case stated > 0:
		length = min(length, stated)
	}
	return length, remote.CheckContext(length)
}

// choose picks the model, with what the server says of its context; 0: nothing.
func (d *driver) choose(list models) (name string, context int, err error) {
	for _, m := range list.Data {
		if m.ID != "" && (d.options.ServerModel == "" || d.options.ServerModel == m.ID) {
			return m.ID, max(m.MaxModel, m.Context, m.Longest, m.Meta.Context, 0), nil
		}
	}
	if d.options.ServerModel != "" {
		return "", 0, fmt.Errorf("it has no model %q", d.options.ServerModel)
	}
	return "", 0, errors.New("it has no models")
}

// learnFeatures tries the richest call first; what is refused is left out of the next.
func (d *driver) learnFeatures(ctx context.Context, public string) error {
	_, err := d.count(ctx, "Once upon a time")
	counts := err == nil

	for _, f := range []serverFeatures{
		{extended: true, endless: true, usage: true},
		{extended: true, usage: true},
		{extended: true},
		{usage: true},
		{},
	} {
		f.counts = counts
		streams, err := d.try(ctx, f, public)
		if remote.IsRefusal(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("a first text: %w", err)
		}

		f.known, f.streams = true, streams
		d.mu.Lock()
		d.features = f
		d.mu.Unlock()
		d.NoteInOnePiece(!streams)
		return nil
	}
	return errors.New("it refuses every form of a completion: is it one of chats only?")
}

// try generates a few tokens; streams: they came in pieces.
func (d *driver) try(ctx context.Context, f serverFeatures, public string) (streams bool, err error) {
	one, neutral := api.Float(1), 0
	payload := remote.ProbePayload()
	payload.RepPen, payload.Typical, payload.TopK = &one, &one, &neutral
	payload.DefaultBadWordsIDs = &f.endless // as many tokens as tell its speed
	pieces := 0
	r, err := d.generate(ctx, f, engine.TextJob{Model: public, Payload: payload},
		engine.TextHooks{Progress: func(engine.TextProgress) { pieces++ }})
	if err == nil && r.Text == "" && r.Tokens == 0 {
		err = remote.ErrNoTokens
	}
	return pieces > 1, err
}

// GenerateText implements engine.TextEngine.
func (d *driver) GenerateText(
	ctx context.Context, job engine.TextJob, hooks engine.TextHooks,
) (engine.TextResult, error) {
	end, err := d.Begin(ctx)
	if err != nil {
		return engine.TextResult{}, err
	}
	defer end()

	d.mu.Lock()
	f := d.features
	d.mu.Unlock()
	r, err := d.generate(ctx, f, job, hooks)

	// Not every sampler and value was tried by the probe. A text without the one that is
	// refused is better than none.
	if remote.IsRefusal(err) && f.extended {
		f.extended, f.endless = false, false
		r, err = d.generate(ctx, f, job, hooks)
	}

	// A server that refuses this as well may be another one than it was.
	if remote.IsRefusal(err) {
		d.mu.Lock()
		d.features.known = false
		d.mu.Unlock()
	}
	return r, remote.Refused(err)
}

func (d *driver) generate(
	ctx context.Context, f serverFeatures, job engine.TextJob, hooks engine.TextHooks,
) (engine.TextResult, error) {
	room := remote.RoomFor(job.Payload.MaxLength, job.Payload.MaxContextLength, d.TextCapabilities().MaxContextLength)
	sampling := remote.NewSampling(job.Payload.TextSampling)
	prompt, err := d.prompt(ctx, f, job.Payload.Prompt, room.Prompt)
	if err != nil {
		return engine.TextResult{}, err
	}

	d.mu.Lock()
	call := newCompletion(sampling, f, d.model, room.Length, job.Seed)
	d.mu.Unlock()
	call.Prompt = prompt
	r, err := d.complete(ctx, call, sampling, room, hooks)

	// Without a count of tokens a prompt may still be too long. No token is shorter than a
	// byte.
	if short := remote.LastBytes(prompt, room.Prompt); remote.IsRefusal(err) && !f.counts && len(short) < len(prompt) {
		call.Prompt = short
		r, err = d.complete(ctx, call, sampling, room, hooks)
	}
	return r, err
}

// complete makes one call.
func (d *driver) complete(
	ctx context.Context, call *completion, sampling *remote.Sampling, room remote.Room, hooks engine.TextHooks,
) (engine.TextResult, error) {
	var finish, serverStop string
	var used usage
	text := remote.NewText(hooks, room.Length, sampling.Stop)
	err := d.server.Stream(ctx, "/v1/completions", call, func(message []byte) error {
		var c chunk
		if err := remote.Decode(message, &c); err != nil {
			return err
		}
		if c.Usage != nil {
			used = *c.Usage
		}
		if len(c.Choices) == 0 {
			return nil
		}
		choice := c.Choices[0]
		if choice.FinishReason != "" {
			finish, serverStop = choice.FinishReason, choice.stop()
		}
		return text.Add(choice.Text, 0)
	})
	r := text.Ended(sampling)
	switch {
	case err != nil:
		return engine.TextResult{}, err
	case r.Stop == "" && finish == "" && r.Tokens < room.Length:
		return engine.TextResult{}, errors.New("its text broke off in the middle")
	}

	d.NoteSpeed(text.Speed(used.Completion))
	r.PromptTokens = max(0, used.Prompt)
	if r.Stop == "" {
		r.Stop = serverStop
		if used.Completion > 0 {
			r.Tokens = used.Completion
		}
	}
	return r, nil
}

// chunk is a message of the stream, or the whole answer of a server that does not stream.
type chunk struct {
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage"`
}

type choice struct {
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason"`
	StopReason   any    `json:"stop_reason"` // vLLM: the stop sequence, or the number of a token
}

// stop is the stop sequence that ended a text, where the server names it.
func (c choice) stop() string {
	s, _ := c.StopReason.(string)
	return s
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}
