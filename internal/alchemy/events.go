package alchemy

import (
	"context"

	"horde/api"
	"horde/internal/live"
	"horde/internal/waiting"
)

// Follow has w told of every change of those live requests that there are among
// ids, until stop is called. It returns the ids that it found.
func (q *Queue) Follow(ctx context.Context, ids []string, w *waiting.Watch) (found []string, stop func(), err error) {
	return live.Follow(ctx, q.Refresh, ids, w, q.Clock.Micros, q.index.Index)
}

// News is how far a request is, for one who follows it.
type News struct {
	Status api.AlchemyStatus
	Gone   bool // the request has expired, or there was none
	Ended  bool // no form waits or is in progress
}

// News tells how far a request is, with its results: Gone when there is none.
func (q *Queue) News(ctx context.Context, id string) (n News, err error) {
	e := q.index.Known(id, q.Clock.Micros())
	if e == nil {
		return News{Gone: true}, nil
	}
	n.Ended = q.index.Over(e)
	n.Status, err = q.status(ctx, e)
	return n, err
}
