package openai

import (
	"context"
	"fmt"

	"horde/engine/internal/remote"
)

// Bounds of OpenAI's own API.
const (
	maxStandardStops       = 4
	maxStandardTemperature = 2
)

// completion is the body of /v1/completions. What is nil is the server's own setting.
type completion struct {
	Model   string   `json:"model"`
	Prompt  string   `json:"prompt"`
	Length  int      `json:"max_tokens"`
	Seed    uint32   `json:"seed"`
	Stop    []string `json:"stop,omitempty"`
	Stream  bool     `json:"stream"`
	Options *options `json:"stream_options,omitempty"`

	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`

	// Beyond OpenAI's own; several servers know them, strict ones refuse them.
	TopK             *int     `json:"top_k,omitempty"`
	MinP             *float64 `json:"min_p,omitempty"`
	Typical          *float64 `json:"typical_p,omitempty"`
	RepPen           *float64 `json:"repetition_penalty,omitempty"`
	TopA             *float64 `json:"top_a,omitempty"`
	TFS              *float64 `json:"tfs,omitempty"`
	Smoothing        *float64 `json:"smoothing_factor,omitempty"`
	IgnoreEOS        bool     `json:"ignore_eos,omitempty"`
	DynatempExponent *float64 `json:"dynatemp_exponent,omitempty"`
	DynatempRange    *float64 `json:"dynatemp_range,omitempty"`
}

type options struct {
	Usage bool `json:"include_usage"`
}

// newCompletion maps the settings of a payload to what the server takes.
//
// Stop sequences are looked for here wherever pieces come as they are made: then it is
// known which one ended a text, and any number of any length works. A server that answers
// in one piece is told them.
func newCompletion(s *remote.Sampling, f serverFeatures, model string, length int, seed uint32) *completion {
	c := &completion{
		Model:       model,
		Length:      length,
		Seed:        seed,
		Stream:      true,
		Temperature: s.Temperature,
		TopP:        s.TopP,
	}
	if f.usage {
		c.Options = &options{Usage: true}
	}
	if f.known && !f.streams {
		c.Stop = s.Stop
	}
	if !f.extended {
		c.keepToStandard(s)
		return c
	}

	c.MinP, c.Typical, c.RepPen = s.MinP, s.Typical, s.RepPen
	c.TopA, c.TFS, c.Smoothing = changing(s.TopA, 0), changing(s.TFS, 1), changing(s.Smoothing, 0)
	if c.IgnoreEOS = s.BanEOS && f.endless; s.BanEOS && !f.endless {
		s.Ignore(endsAnyway)
	}
	if c.DynatempRange = changing(s.DynatempRange, 0); c.DynatempRange != nil {
		c.DynatempExponent = s.DynatempExponent
	}
	if c.TopK = s.TopK; c.TopK != nil && *c.TopK == 0 {
		off := -1
		c.TopK = &off
	}
	s.Decline("rep_pen_slope", s.RepPenSlope, 0)
	c.declineOrder(s)
	return c
}

// endsAnyway says that the model may end a text though the payload forbids it.
const endsAnyway = "use_default_badwordsids: the engine cannot keep the model from ending"

// keepToStandard leaves out what OpenAI's own API does not have.
func (c *completion) keepToStandard(s *remote.Sampling) {
	if c.Temperature != nil && *c.Temperature > maxStandardTemperature {
		most := float64(maxStandardTemperature)
		c.Temperature = &most
		s.Ignore("temperature: the engine takes no more than 2")
	}
	if len(c.Stop) > maxStandardStops {
		c.Stop = c.Stop[:maxStandardStops]
	}

	s.Decline("min_p", s.MinP, 0)
	s.Decline("typical", s.Typical, 1)
	s.Decline("top_a", s.TopA, 0)
	s.Decline("tfs", s.TFS, 1)
	s.Decline("rep_pen", s.RepPen, 1)
	s.Decline("smoothing_factor", s.Smoothing, 0)
	s.Decline("dynatemp_range", s.DynatempRange, 0)
	if s.TopK != nil && *s.TopK > 0 {
		s.Ignore("top_k: the engine has no such sampler")
	}
	if s.BanEOS {
		s.Ignore(endsAnyway)
	}
	c.declineOrder(s)
}

// declineOrder says that this API has no order of samplers, and no range of penalties.
func (c *completion) declineOrder(s *remote.Sampling) {
	if len(s.Order) > 0 {
		s.Ignore("sampler_order: the engine has an order of its own")
	}
	if s.RepPenRange != nil && s.RepPen != nil && *s.RepPen != 1 {
		s.Ignore("rep_pen_range: the engine has a range of its own")
	}
}

// changing is a setting where it changes anything: servers that do not know it may refuse
// it.
func changing(v *float64, neutral float64) *float64 {
	if v == nil || *v == neutral {
		return nil
	}
	return v
}

// counted is the answer of /tokenize, of vLLM and of llama.cpp.
type counted struct {
	Count  *int  `json:"count"`
	Tokens []any `json:"tokens"`
}

// count asks how many tokens a text has; one is added for what goes before a prompt.
func (d *driver) count(ctx context.Context, text string) (int, error) {
	d.mu.Lock()
	model := d.model
	d.mu.Unlock()
	var c counted
	err := d.server.Post(ctx, "/tokenize", map[string]string{"model": model, "prompt": text, "content": text}, &c)
	switch {
	case err != nil:
		return 0, err
	case c.Count != nil && *c.Count > 0:
		return *c.Count, nil
	case len(c.Tokens) > 0:
		return len(c.Tokens) + 1, nil
	}
	return 0, fmt.Errorf("it says that %d bytes have no tokens", len(text))
}

const maxCounts = 6 // of one prompt

// prompt cuts a prompt from the left until it fits. Where the server does not count
// tokens it goes by bytes.
func (d *driver) prompt(ctx context.Context, f serverFeatures, text string, room int) (string, error) {
	text = remote.Readable(text, room)
	if len(text) < room { // a token has a byte at least
		return text, nil
	}
	if !f.counts {
		return remote.LastBytes(text, room*remote.LikelyBytes), nil
	}

	for range maxCounts {
		n, err := d.count(ctx, text)
		if err != nil {
			return "", fmt.Errorf("count the tokens of the prompt: %w", err)
		}
		if n <= room {
			return text, nil
		}
		// A little less than in proportion, so that few rounds are needed.
		text = remote.LastBytes(text, len(text)*room/n-remote.LikelyBytes)
	}
	return remote.LastBytes(text, room-1), nil
}
