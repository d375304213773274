package llamacpp

import "horde/engine/internal/remote"

// completion is the body of /completion. What is nil is the server's own setting, which
// its operator has chosen.
type completion struct {
	Prompt   any      `json:"prompt"` // a text, or tokens
	Length   int      `json:"n_predict"`
	Seed     uint32   `json:"seed"`
	Stop     []string `json:"stop,omitempty"`
	Stream   bool     `json:"stream"`
	Progress bool     `json:"return_progress"` // while a long prompt is read
	Cache    bool     `json:"cache_prompt"`
	Fields   []string `json:"response_fields"` // of the last message

	Temperature      *float64 `json:"temperature,omitempty"`
	TopK             *int     `json:"top_k,omitempty"`
	TopP             *float64 `json:"top_p,omitempty"`
	MinP             *float64 `json:"min_p,omitempty"`
	Typical          *float64 `json:"typical_p,omitempty"`
	RepPen           *float64 `json:"repeat_penalty,omitempty"`
	RepPenRange      *int     `json:"repeat_last_n,omitempty"`
	DynatempRange    *float64 `json:"dynatemp_range,omitempty"`
	DynatempExponent *float64 `json:"dynatemp_exponent,omitempty"`
	Samplers         []string `json:"samplers,omitempty"`
	IgnoreEOS        bool     `json:"ignore_eos,omitempty"`
}

// lastFields are what is wanted of the last message, which otherwise repeats prompt and
// settings.
var lastFields = []string{"content", "stop", "tokens_predicted", "tokens_evaluated", "stop_type", "stopping_word"}

// names of the samplers, by their number in sampler_order. min_p has none: it follows
// top_p, as in KoboldCpp. top_a and tfs do not exist here.
var names = map[int][]string{
	remote.TopK:        {"top_k"},
	remote.TopP:        {"top_p", "min_p"},
	remote.Typical:     {"typ_p"},
	remote.Temperature: {"temperature"},
	remote.RepPen:      {"penalties"},
}

// newCompletion maps the settings of a payload.
func newCompletion(s *remote.Sampling, room remote.Room, seed uint32, cache bool) *completion {
	c := &completion{
		Length:   room.Length,
		Seed:     seed,
		Stop:     s.Stop,
		Stream:   true,
		Progress: true,
		Cache:    cache,
		Fields:   lastFields,

		Temperature:      s.Temperature,
		TopK:             s.TopK,
		TopP:             s.TopP,
		MinP:             s.MinP,
		Typical:          s.Typical,
		RepPen:           s.RepPen,
		RepPenRange:      s.RepPenRange,
		DynatempRange:    s.DynatempRange,
		DynatempExponent: s.DynatempExponent,
		IgnoreEOS:        s.BanEOS,
	}
	if s.RepPenRange != nil && *s.RepPenRange == 0 { // KoboldAI: everything; here: nothing
		all := room.Prompt + room.Length
		c.RepPenRange = &all
	}
	for _, n := range s.Order {
		c.Samplers = append(c.Samplers, names[n]...)
	}

	s.Decline("top_a", s.TopA, 0)
	s.Decline("tfs", s.TFS, 1)
	s.Decline("smoothing_factor", s.Smoothing, 0)
	if s.RepPen != nil && *s.RepPen != 1 {
		s.Decline("rep_pen_slope", s.RepPenSlope, 0)
	}
	return c
}
