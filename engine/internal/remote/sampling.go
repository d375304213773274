package remote

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"horde/api"
)

// Bounds of the API (generation §2.2, §2.3), which also hold for what a horde sends.
const (
	maxStops     = 128  // stop sequences
	maxStopChars = 2000 // characters of all together
)

// Samplers of sampler_order, in the numbers of KoboldAI (worker §7.4).
const (
	TopK = iota
	TopA
	TopP
	TFS
	Typical
	Temperature
	RepPen
	samplers // how many there are
)

// Sampling are the settings of a payload within the ranges of the API; nil: not given.
type Sampling struct {
	Temperature, TopP, MinP, Typical, TopA, TFS *float64
	RepPen, RepPenSlope                         *float64
	Smoothing, DynatempRange, DynatempExponent  *float64
	TopK, RepPenRange                           *int
	Order                                       []int // nil, or a permutation of all samplers
	BanEOS                                      bool  // the model may not end the text
	Stop                                        []string

	ignored []string
}

// NewSampling reads a payload. What is no number or makes no sense is left out, what lies
// outside its range is moved to its end; Ignored says so.
func NewSampling(p api.TextSampling) *Sampling {
	s := &Sampling{}
	s.Temperature = s.within("temperature", p.Temperature, 0, 5)
	s.TopP = s.within("top_p", p.TopP, 0.001, 1)
	s.MinP = s.within("min_p", p.MinP, 0, 1)
	s.Typical = s.within("typical", p.Typical, 0, 1)
	s.TopA = s.within("top_a", p.TopA, 0, 1)
	s.TFS = s.within("tfs", p.TFS, 0, 1)
	s.RepPen = s.within("rep_pen", p.RepPen, 1, 3)
	s.RepPenSlope = s.within("rep_pen_slope", p.RepPenSlope, 0, 10)
	s.Smoothing = s.within("smoothing_factor", p.SmoothingFactor, 0, 10)
	s.DynatempRange = s.within("dynatemp_range", p.DynatempRange, 0, 5)
	s.DynatempExponent = s.within("dynatemp_exponent", p.DynatempExponent, 0, 5)
	s.TopK = s.whole("top_k", p.TopK, 0, 200)
	s.RepPenRange = s.whole("rep_pen_range", p.RepPenRange, 0, 4096)
	s.BanEOS = p.DefaultBadWordsIDs != nil && *p.DefaultBadWordsIDs
	s.order(p.SamplerOrder)
	s.stops(p.StopSequence)
	return s
}

func (s *Sampling) within(name string, v *api.Float, least, most float64) *float64 {
	if v == nil {
		return nil
	}
	f := float64(*v)
	if math.IsNaN(f) {
		s.Ignore(name + ": no number")
		return nil
	}
	if f < least || f > most {
		s.Ignore(fmt.Sprintf("%s: %g is outside %g…%g", name, f, least, most))
		f = min(max(f, least), most)
	}
	return &f
}

func (s *Sampling) whole(name string, v *int, least, most int) *int {
	if v == nil {
		return nil
	}
	n := min(max(*v, least), most)
	if n != *v {
		s.Ignore(fmt.Sprintf("%s: %d is outside %d…%d", name, *v, least, most))
	}
	return &n
}

// order takes over a permutation of all samplers.
func (s *Sampling) order(order []int) {
	if len(order) == 0 {
		return
	}
	seen := map[int]bool{}
	for _, n := range order {
		if n < 0 || n >= samplers || seen[n] {
			s.Ignore("sampler_order: not all seven samplers, once each")
			return
		}
		seen[n] = true
	}
	if len(seen) < samplers {
		s.Ignore("sampler_order: not all seven samplers, once each")
		return
	}
	s.Order = slices.Clone(order)
}

// stops takes over the sequences that are not empty, each once, within the bounds of the
// API.
func (s *Sampling) stops(all []string) {
	seen, chars := map[string]bool{}, 0
	for _, stop := range all {
		if stop == "" || seen[stop] {
			continue
		}
		n := utf8.RuneCountInString(stop)
		if len(s.Stop) == maxStops || chars+n > maxStopChars {
			s.Ignore(fmt.Sprintf("stop_sequence: only the first %d of %d", len(s.Stop), len(all)))
			return
		}
		seen[stop] = true
		chars += n
		s.Stop = append(s.Stop, stop)
	}
}

// Ignore notes what of the payload was left out or changed, and why.
func (s *Sampling) Ignore(what string) { s.ignored = append(s.ignored, what) }

// Decline notes a setting that a server cannot do, where it would change anything:
// neutral is the value that does nothing.
func (s *Sampling) Decline(name string, v *float64, neutral float64) {
	if v != nil && *v != neutral {
		s.Ignore(name + ": the engine has no such sampler")
	}
}

// Ignored says what of the payload was left out or changed, and why.
func (s *Sampling) Ignored() []string { return s.ignored }
