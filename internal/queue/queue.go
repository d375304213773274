package queue

import (
	"context"

	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/live"
	"horde/internal/moderation"
	"horde/internal/requests"
	"horde/internal/store"
	"horde/internal/style"
)

// Config is what the queue depends on.
type Config struct {
	requests.Config
	Catalog *catalog.Catalog
	Styles  *style.Styles // presets that requests may name
	// Pricer prices images; nil: by the net that comes with the program.
	Pricer *kudos.Pricer
	// Timings: how long finished images took is recorded, to train nets on.
	Timings bool
	// Filters judge and rewrite prompts; nil: there are none.
	Filters *moderation.Filters
	// Addresses are those that are kept out; nil: none is.
	Addresses *moderation.Addresses
}

// Queue is the requests and jobs of the horde as this node sees them.
type Queue struct {
	Config
	*live.Mirror[store.Request, store.Job]
	images, texts *index
	partials      *partials
	recent        lastHour
	sampler       sampler
}

// indexes are those of all kinds.
func (q *Queue) indexes() [2]*index { return [2]*index{q.images, q.texts} }

// find returns the live request of a kind with this id, from the database when it is
// over, or when another node took it in and the news has not come yet. A RequestNotFound
// error when there is none.
func (q *Queue) find(ctx context.Context, x *index, id, what string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry { return x.Known(id, q.Clock.Micros()) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "%s (%s) with ID '%s' not found.", x.kind.title, what, requests.Shown(id))
	}
	return e, err
}

// findAny is find for a request of whatever kind.
func (q *Queue) findAny(ctx context.Context, id string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry { return q.known(id) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "Request with ID '%s' not found.", requests.Shown(id))
	}
	return e, err
}

// known is a request of whatever kind that is in memory and has not expired; nil: there
// is none.
func (q *Queue) known(id string) *entry {
	for _, x := range q.indexes() {
		if e := x.Known(id, q.Clock.Micros()); e != nil {
			return e
		}
	}
	return nil
}
