package queue

import (
	"context"
	"fmt"
	"slices"

	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/store"
)

// This file is how requests and jobs come into memory, whoever wrote them: nothing else in
// this package tells the indexes what was committed.

// rows are a request and its jobs.
type rows = live.Rows[store.Request, store.Job]

// source is what the mirror of a queue reads, and where it takes it.
func (q *Queue) source() live.Source[store.Request, store.Job] {
	return live.Source[store.Request, store.Job]{
		Now:       q.Clock.Micros,
		Requests:  q.Store.Requests,
		Parts:     q.Store.JobsOf,
		Open:      q.Store.OpenRequests,
		OpenParts: q.Store.OpenJobs,
		Head:      func(r *store.Request) (string, horde.Micros) { return r.ID, r.Expires },
		RequestOf: func(j *store.Job) string { return j.RequestID },
		Waits:     func(r *store.Request) bool { return r.Waiting > 0 },
		Changed:   func(c *store.Changes) []string { return c.Requests },
		Known:     func() []string { return append(q.images.Keys(), q.texts.Keys()...) },
		Take:      q.takeRead,
		TakeOwn:   q.takeOwn,
		Besides:   q.reloadBesides,
	}
}

// takeRead brings requests that were read into the indexes of their kinds.
func (q *Queue) takeRead(read []rows, gone []string) (outdated []string) {
	for _, x := range q.indexes() {
		outdated = append(outdated, live.BringIn(x.Index, x, x.ofKind(read), gone, q.Clock.Micros())...)
	}
	return outdated
}

// ofKind are those of these requests that are of the index's kind.
func (x *index) ofKind(all []rows) []rows {
	return slices.DeleteFunc(slices.Clone(all), func(r rows) bool { return r.Request.Kind != x.kind.name })
}

// takeOwn brings in what this node has committed, and wakes the pops that it may be for.
func (q *Queue) takeOwn(c *store.Committed) {
	if c.NoRequests() {
		return
	}
	made := q.Join(c.Requests, nil)
	for _, x := range q.indexes() {
		x.Requests.Offer(x.takeOwn(c, x.ofKind(made), q.Clock.Micros())...)
	}
	q.recent.add(c.Deliveries...)
}

// takeOwn brings in what there is of the index's kind. It returns the requests of which
// there may be more to hand out than before.
func (x *index) takeOwn(c *store.Committed, made []rows, now horde.Micros) []*entry {
	x.Lock()
	defer x.Unlock()

	// Requests before their jobs, which need them.
	more, _ := live.Take(x.Index, x, made, c.Deleted, now)
	more = append(more, x.takeStatesLocked(c.States)...)

	for _, j := range c.Jobs {
		// A claim gives back what it has reserved at the moment at which its request has
		// fewer jobs: no pop sees them twice, or misses others.
		x.releaseLocked(j.PopID())
		if e := x.Requests.Get(j.RequestID); e != nil {
			x.setJobLocked(e, j)
		}
	}
	for _, j := range c.Ended {
		x.endJobLocked(j)
	}
	x.RetireLocked(now)
	return more
}

// takeStatesLocked brings in later states of requests. It returns those of which more
// is to be handed out.
func (x *index) takeStatesLocked(states []store.RequestChange) (more []*entry) {
	for _, s := range states {
		e := x.Requests.Get(s.ID)
		if e == nil {
			continue
		}

		// Where the state has been read before, a claim of it gives back below what
		// pops have missed since.
		known, waiting := s.Version <= e.state.Version, e.state.Waiting
		x.applyLocked(e, s.RequestState)
		if known || e.state.Waiting > waiting {
			more = append(more, e)
		}
	}
	return more
}

// Read, Commit and Apply are what an index knows of rows (live.Keeper).

// Read makes an entry of a request.
func (x *index) Read(r *rows) (*entry, error) { return x.readEntry(r.Request) }

// Commit gives an entry that this node has made the row that was committed.
func (x *index) Commit(e *entry, r *rows) { e.commit(r.Request) }

// Apply gives an entry the state of a request and its jobs.
func (x *index) Apply(e *entry, r *rows) {
	x.applyLocked(e, r.Request.RequestState)
	for _, j := range r.Parts {
		x.setJobLocked(e, j)
	}
}

// reloadBesides reads again which requests are over, of which memory holds no more than
// that, and what was delivered of late.
func (q *Queue) reloadBesides(ctx context.Context) error {
	var listed []string
	for _, x := range q.indexes() {
		listed = append(listed, x.endedKeys()...)
	}

	ended, err := q.Store.EndedRequests(ctx, q.Clock.Micros())
	if err != nil {
		return fmt.Errorf("read requests that are over: %w", err)
	}
	for _, x := range q.indexes() {
		x.listEnded(listed, ended)
	}
	return q.recent.reload(ctx, q.Store, q.Clock.Micros())
}

// endedKeys are those of the requests that are over and not in memory.
func (x *index) endedKeys() []string {
	x.Lock()
	defer x.Unlock()
	return x.Requests.Ended.Keys()
}

// listEnded lists the requests that are over as they were read, and forgets what of those
// that were known before is no longer among them.
func (x *index) listEnded(before []string, read []store.Request) {
	x.Lock()
	defer x.Unlock()

	over := make(map[string]bool, len(read))
	for _, r := range read {
		over[r.ID] = true
		if r.Kind == x.kind.name && !r.Faulted && x.Requests.Get(r.ID) == nil {
			x.Requests.Ended.List(r.ID, r.UserID)
		}
	}

	for _, id := range before {
		if !over[id] {
			x.Requests.Ended.Remove(id)
		}
	}
}
