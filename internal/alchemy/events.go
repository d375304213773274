package alchemy

import (
	"context"
	"slices"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/waiting"
)

// Follow has w told of every change of those live requests that there are among
// ids, until stop is called. It returns the ids that it found.
func (q *Queue) Follow(ctx context.Context, ids []string, w *waiting.Watch) (found []string, stop func(), err error) {
	entries := q.knownAmong(ids)

	// Another node may have taken in the rest; one read looks for all of them.
	if len(entries) < len(ids) && q.Store.Shared() {
		unknown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return entries[id] != nil || !horde.IsID(id) })
		if err := q.Refresh(ctx, unknown); err != nil {
			return nil, nil, err
		}
		entries = q.knownAmong(ids)
	}

	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	for id, e := range entries {
		e.watches.Add(w)
		found = append(found, id)
	}
	stop = func() {
		q.index.mu.Lock()
		defer q.index.mu.Unlock()
		for _, e := range entries {
			delete(e.watches, w)
		}
	}
	return found, stop, nil
}

// knownAmong are the live requests that this node knows, by id.
func (q *Queue) knownAmong(ids []string) map[string]*entry {
	entries := make(map[string]*entry, len(ids))
	for _, id := range ids {
		if e := q.known(id); e != nil {
			entries[id] = e
		}
	}
	return entries
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
	n.Ended = !slices.ContainsFunc(q.rows(e), func(f store.Form) bool {
		return f.State == store.FormWaiting || f.State == store.FormRunning
	})
	n.Status, err = q.status(ctx, e)
	return n, err
}
