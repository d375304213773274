package admission

import (
	"fmt"
	"math"
	"unicode/utf8"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// Text is a text request as the queue keeps it: every default filled in. It is
// stored as one JSON document.
type Text struct {
	Common
	MaxLength         int              `json:"max_length"`         // tokens to generate at most
	MaxContextLength  int              `json:"max_context_length"` // tokens that the model considers
	Sampling          api.TextSampling `json:"sampling,omitzero"`  // as asked
	Softprompt        string           `json:"softprompt,omitempty"`
	ValidatedBackends bool             `json:"validated_backends,omitempty"`
}

// WorkUnits is the raw work of one text generation: the most tokens that it may have
// (generation §6.4).
func (t *Text) WorkUnits() int64 { return int64(t.MaxLength) }

// Order returns what the price of the request depends on.
func (t *Text) Order(s Server) kudos.TextOrder {
	return kudos.TextOrder{
		MaxLength:   t.MaxLength,
		MaxContext:  t.MaxContextLength,
		N:           t.N,
		PromptChars: utf8.RuneCountInString(t.Prompt),
		Targeted:    s.MatchedTargeting && t.Targeted(),
	}
}

// Payload returns the request as a Scribe gets it (generation §2.7): one generation.
func (t *Text) Payload() api.TextPayload {
	p := TextDefaults()
	p.Prompt, p.N, p.MaxContextLength, p.MaxLength = t.Prompt, 1, t.MaxContextLength, t.MaxLength
	standard := p.TextSampling
	p.TextSampling = t.Sampling
	p.MinP = orPointer(p.MinP, *standard.MinP)
	p.SmoothingFactor = orPointer(p.SmoothingFactor, *standard.SmoothingFactor)
	p.DynatempRange = orPointer(p.DynatempRange, *standard.DynatempRange)
	p.DynatempExponent = orPointer(p.DynatempExponent, *standard.DynatempExponent)
	return p
}

// Lengths of a text generation that sets none, in tokens (generation §2.2).
const (
	defaultLength  = 80
	defaultContext = 2048
)

// TextDefaults is the payload of a pop that found nothing (generation §2.7).
func TextDefaults() api.TextPayload {
	zero, one := api.Float(0), api.Float(1)
	return api.TextPayload{MaxContextLength: defaultContext, MaxLength: defaultLength,
		TextSampling: api.TextSampling{MinP: &zero, SmoothingFactor: &zero, DynatempRange: &zero, DynatempExponent: &one}}
}

// TextRequest is a text request that asks to enter the queue. The exported fields
// are inputs, except Text, which Normalize sets.
type TextRequest struct {
	Asked       api.TextRequest // as sent, after its schema; with a style merged in
	ClientAgent string
	Style       Style
	Caller      Caller
	Models      *catalog.Snapshot
	Server      Server
	// PromptTooLong is as with Request.
	PromptTooLong bool

	Text Text
}

// Normalize records the caller and derives Text from what was asked: the effective
// defaults of generation §2.1 and §2.2.
func (q *TextRequest) Normalize(caller Caller) {
	q.Caller = caller
	a := &q.Asked
	p := a.Params
	if p == nil {
		p = &api.TextParams{}
	}

	q.Text = Text{
		Common: Common{
			Prompt:          a.Prompt,
			Models:          a.Models,
			N:               or(p.N, 1),
			TrustedWorkers:  or(a.TrustedWorkers, false),
			SlowWorkers:     or(a.SlowWorkers, true),
			Workers:         firstWorkers(a.Workers),
			WorkerBlacklist: or(a.WorkerBlacklist, false),
			DryRun:          or(a.DryRun, false),
			AllowDowngrade:  or(a.AllowDowngrade, false),
			Webhook:         a.Webhook,
			ProxiedAccount:  a.ProxiedAccount,
			ClientAgent:     q.ClientAgent,
		},
		MaxLength:         or(p.MaxLength, defaultLength),
		MaxContextLength:  or(p.MaxContextLength, defaultContext),
		Sampling:          p.TextSampling,
		Softprompt:        a.Softprompt,
		ValidatedBackends: or(a.ValidatedBackends, false),
	}
}

// Check runs the rows of a stage in order and returns the first refusal, a
// *horde.Error, or nil. Stages after BeforeKey need Normalize to have run.
func (q *TextRequest) Check(s Stage) error {
	e := entrance{
		prompt:       q.Asked.Prompt,
		webhook:      q.Asked.Webhook,
		proxied:      q.Asked.ProxiedAccount,
		models:       q.Text.Models,
		extraSources: len(q.Asked.ExtraSourceImages),
		n:            q.Text.N,
		alone:        or(q.Asked.DisableBatching, false),
		style:        q.Style,
		foreign:      ImageStyle,
		caller:       q.Caller,
		server:       q.Server,
	}
	if err := run(entranceChecks, &e, s); err != nil {
		return err
	}
	return run(textChecks, q, s)
}

// Limits of generation §2.3.
const (
	allSamplers      = 7
	maxStops         = 128  // distinct ones
	maxStopsTogether = 2000 // characters of these
)

// textChecks are the rows of generation §2.3, numbered on from 24; 23 is the check for NUL,
// as for images.
var textChecks = []check[*TextRequest]{
	{23, horde.NulByteInPayload, (*TextRequest).hasNUL, "The request may not contain NUL bytes."},
	{24, horde.TokenOverflow, func(r *TextRequest) bool { return r.Text.MaxContextLength < r.Text.MaxLength },
		"max_length cannot be larger than max_context_length."},
	{25, horde.MissingFullSamplerOrder, func(r *TextRequest) bool {
		order := r.Text.Sampling.SamplerOrder
		return order != nil && len(distinct(order)) < allSamplers
	}, "sampler_order must name all seven samplers, each once."},
	{26, horde.TooManyStopSequences, func(r *TextRequest) bool {
		return len(distinct(r.Text.Sampling.StopSequence)) > maxStops
	}, "A request can have at most 128 stop sequences."},
	{27, horde.ExcessiveStopSequence, func(r *TextRequest) bool {
		n := 0
		for s := range distinct(r.Text.Sampling.StopSequence) {
			n += utf8.RuneCountInString(s)
		}
		return n > maxStopsTogether
	}, "The stop sequences can have at most 2000 characters together."},
	{28, horde.InvalidExtraSourceImagesWithStop, func(r *TextRequest) bool { return len(r.Asked.ExtraSourceImages) > 0 },
		"Text is generated without extra source images. Leave them out."},

	// A bound of ours: a style's template may repeat the prompt.
	{29, horde.InvalidPromptSize, func(r *TextRequest) bool { return r.PromptTooLong },
		"The prompt is too long for this style."},
}

func (q *TextRequest) hasNUL() bool {
	return q.Text.hasNUL() || anyNUL(q.Text.Softprompt) || anyNUL(q.Text.Sampling.StopSequence...)
}

func distinct[T comparable](list []T) map[T]struct{} {
	set := make(map[T]struct{}, len(list))
	for _, v := range list {
		set[v] = struct{}{}
	}
	return set
}

// Tokens that need no kudos upfront, at the busiest and at the best (generation §2.4).
const (
	minFreeTokens = 256
	maxFreeTokens = 512
)

func maxTokens(load Load) int {
	return maxFreeTokens + 5*load.Threads - int(math.RoundToEven(0.9*float64(load.QueuedRequests)))
}

func freeTokens(load Load) int { return min(max(maxTokens(load), minFreeTokens), maxFreeTokens) }

// Upfront applies the rules of generation §2.4: long and fast-only requests need their kudos
// upfront, and shorter ones too the busier the horde is.
func (q *TextRequest) Upfront(load Load) Upfront {
	m := &q.Text
	var broken []Breach
	if !m.SlowWorkers {
		broken = append(broken, slowWorkersBreach())
	}
	if limit := freeTokens(load); m.MaxLength > limit {
		broken = append(broken, m.lengthBreach(limit))
	}
	if q.Server.UpfrontOnWorkerList && len(m.Workers) > 0 {
		broken = append(broken, workersBreach(m.Workers))
	}
	return upfront(broken, &m.Common)
}

// lengthBreach is the breach of a generation that is longer than this many tokens.
func (t *Text) lengthBreach(limit int) Breach {
	return Breach{
		Rule: RuleTextLength, Fields: []string{"params.max_length"}, Asked: t.MaxLength, Limit: limit,

		Text: fmt.Sprintf("A max_length of %d tokens is more than the %d that need no kudos upfront%s.",
			t.MaxLength, limit, nowBusy(limit, maxFreeTokens)),
		Remedy: fmt.Sprintf("ask for a max_length of at most %d", limit),
	}
}

// Downgrade makes Text short enough to need no kudos upfront: any worker may
// serve it, fewer tokens (generation §2.4).
func (q *TextRequest) Downgrade(load Load) {
	q.Text.SlowWorkers = true
	q.Text.MaxLength = min(q.Text.MaxLength, freeTokens(load))
}
