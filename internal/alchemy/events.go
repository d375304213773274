package alchemy

import (
	"context"
	"slices"

	"horde/api"
	"horde/internal/live"
	"horde/internal/store"
	"horde/internal/waiting"
)

// Follow has w told of every change of those live requests that there are among
// ids, until stop is called. It returns the ids that it found.
func (q *Queue) Follow(ctx context.Context, ids []string, w *waiting.Watch) (found []string, stop func(), err error) {
	found, err = live.FindAll(ctx, q.Refresh, ids, func(ids []string) []string { return q.follow(ids, w) })
	stop = func() {
		q.index.mu.Lock()
		defer q.index.mu.Unlock()
		q.index.requests.Unfollow(found, w)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return found, stop, nil
}

// follow is Follow for the requests that this node knows.
func (q *Queue) follow(ids []string, w *waiting.Watch) []string {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.index.requests.Follow(ids, w, q.now())
}

// News is how far a request is, for one who follows it.
type News struct {
	Status api.AlchemyStatus
	Gone   bool // the request has expired, or there was none
	Ended  bool // no form waits or is in progress
}

// News tells how far a request is, with its results: Gone when there is none.
func (q *Queue) News(ctx context.Context, id string) (n News, err error) {
	e := q.known(id)
	if e == nil {
		return News{Gone: true}, nil
	}
	n.Ended = !slices.ContainsFunc(q.formRows(e), func(f store.Form) bool {
		return f.State == store.FormWaiting || f.State == store.FormRunning
	})
	n.Status, err = q.status(ctx, e)
	return n, err
}
