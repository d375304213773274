package kinds

import (
	"fmt"
	"math"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Asked is a request on its way in, by what looks at it.
type Asked interface {
	Described
	Checked
	Priced
	Bounded
	Filtered
	Warnings() []api.Warning
}

// Described is a request once it was normalized.
type Described interface {
	Common() *admission.Common
	NamedWorkers() []string // in the words of the request
	Body() Body
	// SourceImages is where the request has its source images; nil: it can have none.
	SourceImages() *api.ImageRequest
}

// Checked is a request before the rows that may refuse it. Normalize and Downgrade
// change it; all other methods of requests are functions of their inputs.
type Checked interface {
	Check(admission.Stage) error
	Normalize(admission.Caller)
	Upfront(admission.Load) admission.Upfront
	Downgrade(admission.Load)
}

// Priced is a request that costs something. offered are the models of the workers that
// could get it, which count where it names none (decision 6).
type Priced interface {
	Price(offered []string) Price
	Explain(offered []string) *api.Price // Price, line by line
}

// Bounded is a request with limits that a shared key may set.
type Bounded interface {
	Limits(*store.SharedKey) []Limit
}

// Filtered is a request with a prompt, which filters look at.
type Filtered interface {
	Common() *admission.Common
	Filtering() Filtering
	IsAdult(model string) bool
}

// Body is what is stored of what a request asks for: an image or a text.
type Body struct {
	Image     *admission.Image
	Text      *admission.Text
	Baselines []string // of the models that the request names, at acceptance
}

// Filtering is what the prompt filters do with a request (generation §7.4).
type Filtering struct {
	Looks   bool // suspicious prompts are looked for
	Rewrite bool // and rewritten, where they would be refused
}

// Limit is something that a shared key bounds in one job.
type Limit struct {
	Field string // of the shared key
	Name  string
	Asks  int
	Most  int64 // below 0: no limit
}

// Exceeded reports whether a job is above the limit.
func (l Limit) Exceeded() bool { return l.Most >= 0 && int64(l.Asks) > l.Most }

// Refusal says so.
func (l Limit) Refusal() string {
	return fmt.Sprintf("This shared key allows at most %d %s in a job (%s), not %d.", l.Most, l.Name, l.Field, l.Asks)
}

// Price is what a request costs.
type Price struct {
	Base   float64     // of one job, as the answer shows it and workers look at it
	Tax    horde.Kudos // at acceptance
	DryRun float64     // as answered to a dry run
	Needed horde.Kudos // that must be there, and is held, where kudos are needed upfront
	Most   horde.Kudos // that it can come to, with the tax: what is set aside on a shared key
}

// Budgeted is what a shared key must have left for a request: the price that the
// rulebook compares with its budget (generation §1.5 step 4), and never less than what
// the request can come to, so that a request that was taken can be paid.
func (p Price) Budgeted() horde.Kudos { return max(p.Needed, p.Most) }

// Lines are the steps of a price as people are shown them.
func Lines(steps []kudos.Step) []api.PriceLine {
	const digits = 1e4
	shown := func(v float64) api.Float { return api.Float(math.Round(v*digits) / digits) }
	given := func(v float64) *api.Float {
		if v == 0 {
			return nil
		}
		f := shown(v)
		return &f
	}

	lines := make([]api.PriceLine, len(steps))
	for i, s := range steps {
		lines[i] = api.PriceLine{
			Code:   s.Code,
			Text:   s.Describe(),
			Factor: given(s.Factor),
			Add:    given(s.Add),
			Kudos:  shown(s.Kudos),
		}
	}
	return lines
}

// NetName is what the price network of a pricer is called, "" where it has none.
func NetName(p *kudos.Pricer) string {
	if n := p.Net(); n != nil {
		return n.Card().Name
	}
	return ""
}
