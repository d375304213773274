// Package llamacpp generates text through the server of llama.cpp (llama-server), by its
// own API: /health, /props, /tokenize and /completion. Start at [New].
//
// How many tokens fit and how many jobs run at once is asked from the server; so is the
// number of tokens of a prompt. What a payload asks for and the server has not is left
// out (docs/engines.md has the table).
package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"horde/api"
	"horde/engine"
	"horde/engine/internal/remote"
)

// Options of New.
type Options struct {
	// URL of the server, such as http://127.0.0.1:8080, or unix:/run/llama.sock.
	URL string
	// Key is the server's API key; empty: it wants none.
	Key string
	// Model is the public name that the model is offered under; empty: its file's name.
	Model string
	// Reproducible has every prompt read from its beginning: without it the server goes
	// on from what it has read before, which is faster, and the same seed may give
	// another text.
	Reproducible bool
}

// New makes the engine. It does not call the server yet: that is what Probe is for.
func New(o Options) (engine.TextEngine, error) {
	s, err := remote.NewServer(o.URL, o.Key)
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
	measured string // the model whose speed was measured; guarded by mu
	begin    []int  // tokens that the model wants before a prompt; guarded by mu
}

// Name implements engine.Engine.
func (d *driver) Name() string { return "llama.cpp at " + d.server.URL() }

// props is what of the answer of /props is of interest.
type props struct {
	Settings struct {
		Context int `json:"n_ctx"` // of one slot
	} `json:"default_generation_settings"`
	Slots int    `json:"total_slots"`
	Alias string `json:"model_alias"`
	Path  string `json:"model_path"`
	Build string `json:"build_info"`
}

// maxSlots is the most slots that a server may say it has.
const maxSlots = 256

// Probe implements engine.Engine. The first one, and the first with another model, also
// generates a few tokens to see how fast it is.
func (d *driver) Probe(ctx context.Context) error {
	var health struct {
		Status string `json:"status"`
	}
	if err := d.server.Get(ctx, "/health", &health); err != nil {
		if e := (*remote.StatusError)(nil); errors.As(err, &e) && e.Status == http.StatusServiceUnavailable {
			return errors.New("it is still loading its model")
		}
		return err
	}

	p, err := d.props(ctx)
	if err != nil {
		return err
	}
	var begin tokens
	if err := d.server.Post(ctx, "/tokenize", content{Content: "", AddSpecial: true}, &begin); err != nil {
		return fmt.Errorf("count the tokens of nothing: %w", err)
	}

	name := d.options.Model
	if name == "" {
		name = remote.PublicName(p.name())
	}
	d.mu.Lock()
	d.begin = begin.Tokens
	fresh := d.measured != p.name()
	d.mu.Unlock()
	d.Learn(p.name(), name, engine.TextCapabilities{
		MaxContextLength: p.Settings.Context,
		MaxLength:        p.Settings.Context - 1,
		Slots:            p.Slots,
	})
	if !fresh {
		return nil
	}

	if err := d.measure(ctx, name); err != nil {
		return fmt.Errorf("a first text: %w", err)
	}
	d.mu.Lock()
	d.measured = p.name()
	d.mu.Unlock()
	return nil
}

// IsHere reports whether the server at an address is one of llama.cpp: no error where it
// is.
func IsHere(ctx context.Context, address, key string) error {
	s, err := remote.NewServer(address, key)
	if err != nil {
		return err
	}
	d := &driver{server: s}
	_, err = d.props(ctx)
	return err
}

func (d *driver) props(ctx context.Context) (p props, err error) {
	if err := d.server.Get(ctx, "/props", &p); err != nil {
		return p, err
	}
	if p.name() == "" {
		return p, errors.New("it names no model")
	}
	if err := remote.CheckContext(p.Settings.Context); err != nil {
		return p, err
	}
	p.Slots = min(max(1, p.Slots), maxSlots)
	return p, nil
}

func (p *props) name() string {
	if p.Alias != "" {
		return p.Alias
	}
	return p.Path
}

// measure generates a short text, so that no promise is made before the speed is known.
func (d *driver) measure(ctx context.Context, model string) error {
	r, err := d.GenerateText(ctx, engine.TextJob{Model: model, Payload: probeJob()}, engine.TextHooks{})
	if err == nil && r.Tokens == 0 {
		err = remote.ErrNoTokens
	}
	return err
}

// probeJob asks for a few tokens, also of a model that would end its text before.
func probeJob() api.TextPayload {
	yes := true
	payload := remote.ProbePayload()
	payload.DefaultBadWordsIDs = &yes
	return payload
}

// content is what /tokenize is asked.
type content struct {
	Content    string `json:"content"`
	AddSpecial bool   `json:"add_special"`
}

// tokens is what /tokenize answers.
type tokens struct {
	Tokens []int `json:"tokens"`
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

	room := remote.RoomFor(job.Payload.MaxLength, job.Payload.MaxContextLength, d.TextCapabilities().MaxContextLength)
	sampling := remote.NewSampling(job.Payload.TextSampling)
	call := newCompletion(sampling, room, job.Seed, !d.options.Reproducible)
	if call.Prompt, err = d.prompt(ctx, job.Payload.Prompt, room.Prompt); err != nil {
		return engine.TextResult{}, err
	}

	var last *chunk
	text := remote.NewText(hooks, room.Length, nil) // the server looks for stop sequences
	err = d.server.Stream(ctx, "/completion", call, func(message []byte) error {
		var c chunk
		if err := remote.Decode(message, &c); err != nil {
			return err
		}
		if c.Stop {
			last = &c
		}
		return text.Add(c.Content, c.Predicted)
	})
	switch {
	case remote.IsRefusal(err): // the server may be another one than it was: look again
		d.mu.Lock()
		d.measured = ""
		d.mu.Unlock()
		return engine.TextResult{}, remote.Refused(err)
	case err != nil:
		return engine.TextResult{}, err
	case last == nil:
		return engine.TextResult{}, errors.New("its text broke off in the middle")
	}

	d.NoteSpeed(text.Speed(last.Predicted))
	r := text.Ended(sampling)
	r.Tokens, r.PromptTokens = last.Predicted, last.Evaluated
	if last.StopType == "word" {
		r.Stop = last.StoppingWord
	}
	return r, nil
}

// prompt is a prompt as /completion takes it: a text where it fits, else its last tokens,
// after those that the model wants before a prompt.
func (d *driver) prompt(ctx context.Context, text string, room int) (any, error) {
	text = remote.Readable(text, room)
	d.mu.Lock()
	begin := d.begin
	d.mu.Unlock()
	if text == "" && len(begin) == 0 {
		return nil, errors.New("a prompt without a token")
	}
	if len(text)+len(begin) <= room { // a token has a byte at least
		return text, nil
	}

	var t tokens
	if err := d.server.Post(ctx, "/tokenize", content{Content: text}, &t); err != nil {
		return nil, fmt.Errorf("count the tokens of the prompt: %w", err)
	}
	if len(t.Tokens)+len(begin) <= room {
		return text, nil
	}
	begin = begin[:min(len(begin), room-1)]
	last := t.Tokens[max(0, len(t.Tokens)-(room-len(begin))):]
	return append(append(make([]int, 0, room), begin...), last...), nil
}

// chunk is one message of the stream of /completion; the last one has Stop.
type chunk struct {
	Content      string `json:"content"`
	Stop         bool   `json:"stop"`
	Predicted    int    `json:"tokens_predicted"`
	Evaluated    int    `json:"tokens_evaluated"`
	StopType     string `json:"stop_type"` // eos, limit, word
	StoppingWord string `json:"stopping_word"`
}
