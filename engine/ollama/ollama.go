// Package ollama generates text through Ollama, by its own API: /api/tags, /api/show and
// /api/generate with raw prompts. Its OpenAI-compatible API is of no use here: that one
// wraps every prompt in the model's chat template, while the prompts of a horde are whole
// already. Start at [New].
package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"horde/engine"
	"horde/engine/internal/remote"
)

// Options of New.
type Options struct {
	// URL of the server, such as http://127.0.0.1:11434.
	URL string
	// Key is sent as a bearer token, for a proxy that wants one; empty: none.
	Key string
	// ServerModel is which of the server's models to use; empty: the first it lists.
	ServerModel string
	// Model is the public name that it is offered under; empty: the server's.
	Model string
	// Context is how many tokens prompt and text may have together; Ollama takes memory
	// for so many. 0: 4096, or the model's own if that is less.
	Context int
	// Slots is how many jobs the server is given at once; 0: 1. The API does not tell.
	Slots int
}

// usualContext is taken where the operator names none, in tokens.
const usualContext = 4096

// New makes the engine. It does not call the server yet: that is what Probe is for.
func New(o Options) (engine.TextEngine, error) {
	if err := remote.CheckOptions(o.Context, o.Slots); err != nil {
		return nil, err
	}
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
	model    string // of the server; guarded by mu
	measured string // the model whose speed was measured; guarded by mu
}

// Name implements engine.Engine.
func (d *driver) Name() string { return "Ollama at " + d.server.URL() }

// IsHere reports whether the server at an address is Ollama: no error where it is.
func IsHere(ctx context.Context, address, key string) error {
	s, err := remote.NewServer(address, key)
	if err != nil {
		return err
	}
	var v struct {
		Version string `json:"version"`
	}
	if err := s.Get(ctx, "/api/version", &v); err != nil {
		return err
	}
	if v.Version == "" {
		return errors.New("it has no version of Ollama")
	}
	var t tags
	return s.Get(ctx, "/api/tags", &t)
}

// tags is the answer of /api/tags.
type tags struct {
	Models []struct {
		Name string `json:"name"`
	} `json:"models"`
}

// Probe implements engine.Engine. The first one, and the first with another model, also
// generates a few tokens: Ollama loads the model then.
func (d *driver) Probe(ctx context.Context) error {
	name, err := d.choose(ctx)
	if err != nil {
		return err
	}
	holds, err := d.context(ctx, name)
	if err != nil {
		return err
	}

	public := d.options.Model
	if public == "" {
		public = remote.PublicName(strings.TrimSuffix(name, ":latest"))
	}
	d.Learn(name, public, engine.TextCapabilities{
		MaxContextLength: holds,
		MaxLength:        holds - 1,
		Slots:            max(1, d.options.Slots),
	})

	d.mu.Lock()
	d.model = name
	fresh := d.measured != name
	d.mu.Unlock()
	if !fresh {
		return nil
	}
	r, err := d.GenerateText(ctx, engine.TextJob{Model: public, Payload: remote.ProbePayload()}, engine.TextHooks{})
	if err == nil && r.Tokens == 0 {
		err = remote.ErrNoTokens
	}
	if err != nil {
		return fmt.Errorf("a first text: %w", err)
	}
	d.mu.Lock()
	d.measured = name
	d.mu.Unlock()
	return nil
}

// choose picks the model.
func (d *driver) choose(ctx context.Context) (string, error) {
	var t tags
	if err := d.server.Get(ctx, "/api/tags", &t); err != nil {
		return "", err
	}
	for _, m := range t.Models {
		asked := d.options.ServerModel
		if m.Name != "" && (asked == "" || asked == m.Name || asked+":latest" == m.Name) {
			return m.Name, nil
		}
	}
	if d.options.ServerModel != "" {
		return "", fmt.Errorf("it has no model %q", d.options.ServerModel)
	}
	return "", errors.New("it has no models: pull one first")
}

// context is how many tokens prompt and text may have together with a model.
func (d *driver) context(ctx context.Context, model string) (int, error) {
	var show struct {
		Info map[string]json.RawMessage `json:"model_info"`
	}
	if err := d.server.Post(ctx, "/api/show", map[string]string{"model": model}, &show); err != nil {
		return 0, fmt.Errorf("look at the model %s: %w", model, err)
	}

	holds := d.options.Context
	if holds == 0 {
		holds = usualContext
	}
	for key, value := range show.Info {
		var trained int
		if strings.HasSuffix(key, ".context_length") && json.Unmarshal(value, &trained) == nil && trained > 0 {
			holds = min(holds, trained)
		}
	}
	return holds, remote.CheckContext(holds)
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

	holds := d.TextCapabilities().MaxContextLength
	room := remote.RoomFor(job.Payload.MaxLength, job.Payload.MaxContextLength, holds)
	sampling := remote.NewSampling(job.Payload.TextSampling)
	d.mu.Lock()
	call := newGenerate(sampling, d.model, room.Length, holds, job.Seed)
	d.mu.Unlock()

	// Ollama does not count tokens before it generates, and cuts what is still too long from
	// the left by itself.
	call.Prompt = remote.LastBytes(job.Payload.Prompt, room.Prompt*remote.LikelyBytes)

	var last *chunk
	text := remote.NewText(hooks, room.Length, sampling.Stop)
	err = d.server.Stream(ctx, "/api/generate", call, func(message []byte) error {
		var c chunk
		if err := remote.Decode(message, &c); err != nil {
			return err
		}
		if c.Done {
			last = &c
		}
		return text.Add(c.Response, 0)
	})
	r := text.Ended(sampling)
	switch {
	case remote.IsRefusal(err): // the server may be another one than it was: look again
		d.mu.Lock()
		d.measured = ""
		d.mu.Unlock()
		return engine.TextResult{}, remote.Refused(err)
	case err != nil:
		return engine.TextResult{}, err
	case r.Stop == "" && last == nil && r.Tokens < room.Length:
		return engine.TextResult{}, errors.New("its text broke off in the middle")
	}

	d.NoteSpeed(text.Speed(predicted(last)))
	if last != nil {
		r.PromptTokens = max(0, last.Evaluated)
		if last.Predicted > 0 {
			r.Tokens = last.Predicted
		}
	}
	return r, nil
}

// predicted is how many tokens Ollama says it has generated; nil: it has not said.
func predicted(last *chunk) int {
	if last == nil {
		return 0
	}
	return last.Predicted
}

// generate is the body of /api/generate.
type generate struct {
	Model   string  `json:"model"`
	Prompt  string  `json:"prompt"`
	Raw     bool    `json:"raw"` // without the model's chat template
	Stream  bool    `json:"stream"`
	Options options `json:"options"`
}

type options struct {
	Length      int      `json:"num_predict"`
	Context     int      `json:"num_ctx"`
	Seed        uint32   `json:"seed"`
	Temperature *float64 `json:"temperature,omitempty"`
	TopK        *int     `json:"top_k,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`
	MinP        *float64 `json:"min_p,omitempty"`
	Typical     *float64 `json:"typical_p,omitempty"`
	RepPen      *float64 `json:"repeat_penalty,omitempty"`
	RepPenRange *int     `json:"repeat_last_n,omitempty"`
}

// newGenerate maps the settings of a payload. Stop sequences are looked for here: then it
// is known which one ended a text.
func newGenerate(s *remote.Sampling, model string, length, context int, seed uint32) *generate {
	g := &generate{Model: model, Raw: true, Stream: true, Options: options{
		Length:      length,
		Context:     context,
		Seed:        seed,
		Temperature: s.Temperature,
		TopK:        s.TopK,
		TopP:        s.TopP,
		MinP:        s.MinP,
		Typical:     s.Typical,
		RepPen:      s.RepPen,
		RepPenRange: s.RepPenRange,
	}}
	if s.RepPenRange != nil && *s.RepPenRange == 0 { // KoboldAI: everything; here: nothing
		all := -1
		g.Options.RepPenRange = &all
	}

	s.Decline("top_a", s.TopA, 0)
	s.Decline("tfs", s.TFS, 1)
	s.Decline("smoothing_factor", s.Smoothing, 0)
	s.Decline("dynatemp_range", s.DynatempRange, 0)
	s.Decline("rep_pen_slope", s.RepPenSlope, 0)
	if len(s.Order) > 0 {
		s.Ignore("sampler_order: the engine has an order of its own")
	}
	if s.BanEOS {
		s.Ignore("use_default_badwordsids: the engine cannot keep the model from ending")
	}
	return g
}

// chunk is one line of the stream of /api/generate; the last one is done.
type chunk struct {
	Response  string `json:"response"`
	Done      bool   `json:"done"`
	Evaluated int    `json:"prompt_eval_count"`
	Predicted int    `json:"eval_count"`
}
