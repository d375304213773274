package queue

import (
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kinds/image"
	"horde/internal/kinds/text"
	"horde/internal/match"
	"horde/internal/settle"
)

// kind is what one kind of work has of its own; all else in this package is the
// same for every kind. There is an index for each.
type kind struct {
	name  horde.Kind    // of its workers and requests
	rules *settle.Rules // of its settlement
	title string        // of a request, in refusals

	// Work units per second that are assumed: of the horde where no worker serves the kind,
	// and of a worker that is gone.
	unservedSpeed, unknownSpeed float64

	recordUnit float64 // work units in one unit of the users' records

	counters *match.Counters // of what pops skip

	// popping is what decides which requests a worker gets in a pop; possible, whether
	// it could serve a request at all (generation §5.5), where reasons in patience do not count.
	popping, possible func(kinds.Seen) *match.Worker
	patience          match.Lacks
	// implied are the gen_metadata values that a state stands for.
	implied map[string]string

	// warns: answers to requests carry warnings beside the message (generation §1.8).
	warns bool

	// trains: deliveries are recorded to train price networks on.
	trains bool

	// known reports whether the reference has a model of this name; takesSpecials, that
	// models outside of it, for special users, are of this kind.
	known         func(*catalog.Snapshot, string) bool
	takesSpecials bool

	// workOf is the work of a record, whose common it sets; nil: it has no body of the kind.
	workOf func(r *record) kinds.Work
}

// The kinds of jobs.
var (
	images = &kind{
		name:          horde.KindImage,
		rules:         settle.Images,
		title:         "Image Waiting Prompt",
		unservedSpeed: image.Fast,
		unknownSpeed:  1_000_000,
		recordUnit:    1e4,
		counters:      image.Counters,
		popping:       image.NewWorker,
		possible:      image.NewWorker,
		patience:      image.LackPatience,
		implied:       map[string]string{"censored": "nsfw", "csam": "csam"},
		warns:         true,
		trains:        true,
		takesSpecials: true,
		known:         (*catalog.Snapshot).KnownImage,
		workOf: func(r *record) kinds.Work {
			if r.Image == nil {
				return nil
			}
			r.common = &r.Image.Common
			return image.Work{Image: r.Image, Baselines: r.Baselines}
		},
	}
	texts = &kind{
		name:          horde.KindText,
		rules:         settle.Texts,
		title:         "Text Waiting Prompt",
		unservedSpeed: text.Fast,
		unknownSpeed:  1,
		recordUnit:    1,
		counters:      text.Counters,
		popping:       text.NewWorker,
		possible:      text.NewPossibleWorker,
		implied:       map[string]string{"csam": "csam"},
		known:         (*catalog.Snapshot).KnownText,
		workOf: func(r *record) kinds.Work {
			if r.Text == nil {
				return nil
			}
			r.common = &r.Text.Common
			return text.Work{Text: r.Text}
		},
	}
)
