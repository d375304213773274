package queue

import (
	"context"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kinds/image"
	"horde/internal/kinds/text"
	"horde/internal/match"
	"horde/internal/settle"
	"horde/internal/store"
)

// kind is what one kind of work has of its own; all else in this package is the
// same for every kind. There is an index for each.
type kind struct {
	name  string        // of its workers and requests
	rules *settle.Rules // of its settlement
	title string        // of a request, in refusals
	slow  float64       // things per second that count as fast, where no worker is there
	fresh float64       // those of a worker that has delivered nothing
	unit  float64       // things in one unit of the users' records

	counters *match.Counters // of what pops skip

	// popping is what decides which requests a worker gets in a pop; possible, whether
	// it could serve a request at all (generation §5.5), where reasons in patience do not count.
	popping, possible func(kinds.Seen) *match.Worker
	patience          match.Lacks
	// implied are the gen_metadata values that a state stands for.
	implied map[string]string
	read    func(r *record) work
}

// work is the part of a request that its kind makes.
type work interface {
	features(r *record) match.Features
	describe(it *match.Item)  // adds what pops of the kind look at
	things() int64            // of one job: pixelsteps, tokens
	asked() int64             // the same as statistics count it (platform §3.10)
	batch(p kinds.Pickup) int // jobs that one pop gets
	ttl(p kinds.Pickup) time.Duration
	seed(left int) int64
	// stored reports whether workers fetch from and put into our store.
	stored() bool
	// keep stores a result and returns what the job's row holds of it.
	keep(ctx context.Context, q *Queue, job, generation string) (string, error)
	// value is what a result is worth.
	value(q *Queue, a assigned, generation string) value
	// told is what a webhook is told of a finished job.
	told(ctx context.Context, q *Queue, e *entry, j *store.Job, reward float64) any
}

// value is the worth of one result.
type value struct {
	reward     float64 // as its worker is told
	earned     horde.Kudos
	charge     func(reward float64) float64 // of the requester; a censored result has the reward 0
	made       int64                        // things really made, for the speed
	suspicions func(speed float64) int      // of a speed in things per second that no hardware reaches
}

// incoming is a request on its way in.
type incoming interface {
	Check(admission.Stage) error
	Upfront(admission.Load) admission.Upfront
	Downgrade(admission.Load)

	normalize(admission.Caller)
	common() *admission.Common // once normalized
	workers() []string         // all that were named
	limits(*store.SharedKey) []limit
	adult(model string) bool
	// filtered tells whether suspicious prompts are looked for (generation §7.4), and whether
	// they are then rewritten in place of refused.
	filtered() (looked, rewritten bool)
	price(q *Queue, of *account.User) price
	explain(q *Queue, of *account.User) *api.Price // price, line by line
	record() record
	// sources stores the pictures of a request.
	sources(ctx context.Context, q *Queue, id string, r *record) error
	warnings() []api.Warning
}

// price is what a request costs.
type price struct {
	base   float64     // of one job, as the answer shows it and workers look at it
	tax    horde.Kudos // at acceptance
	dry    float64     // answer to a dry run
	needed horde.Kudos // that must be there, and is held, where kudos are needed upfront
	most   horde.Kudos // that it can come to, with the tax: what is set aside on a shared key
}

// budgeted is what a shared key must have left for a request: the price that the
// rulebook compares with its budget (generation §1.5 step 4), and never less than what the request
// can come to, so that a request that was taken can be paid.
func (p price) budgeted() horde.Kudos { return max(p.needed, p.most) }

var (
	images = &kind{
		name: fleet.Image, rules: settle.Images, title: "Image Waiting Prompt",
		slow: image.Fast, fresh: 1_000_000, unit: 1e4, counters: image.Counters,
		popping: image.NewWorker, possible: image.NewWorker, patience: image.LackPatience, implied: map[string]string{"censored": "nsfw", "csam": "csam"},
		read: func(r *record) work {
			if r.Image == nil {
				return nil
			}
			r.common = &r.Image.Common
			return imageWork{r.Image}
		},
	}
	texts = &kind{
		name: fleet.Text, rules: settle.Texts, title: "Text Waiting Prompt",
		slow: text.Fast, fresh: 1, unit: 1, counters: text.Counters,
		popping: text.NewWorker, possible: text.NewPossibleWorker, implied: map[string]string{"csam": "csam"},
		read: func(r *record) work {
			if r.Text == nil {
				return nil
			}
			r.common = &r.Text.Common
			return textWork{r.Text}
		},
	}
)
