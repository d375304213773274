package queue

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/store"
)

// This file is the one way by which requests and jobs come into memory, whoever wrote
// them: nothing else in this package tells the indexes what was committed.

// hear is what the store calls (store.Follow) with everything that is committed: by this
// node, before whoever wrote it is answered, and by others, as their change log tells.
func (q *Queue) hear(ctx context.Context, c *store.Changes) error {
	switch {
	case c.Missed:
		return q.Reload(ctx)
	case c.Own: // the rows are there; its callers wait, so nothing is read
		q.bringIn(c)
		return nil
	}
	return q.Refresh(ctx, c.Requests)
}

// Refresh reads requests and their jobs, which another node has changed.
func (q *Queue) Refresh(ctx context.Context, ids []string) error {
	rows, err := q.Store.Requests(ctx, ids)
	if err != nil {
		return err
	}
	jobs, err := q.Store.JobsOf(ctx, ids)
	if err != nil {
		return err
	}

	q.bringIn(asRead(rows, jobs, ids))
	return nil
}

// Reload reads all live requests again: at the start, and when changes of other
// nodes were missed.
func (q *Queue) Reload(ctx context.Context) error {
	now := horde.MicrosOf(q.Clock())
	var before []string // what is known now and not read below has ended
	for _, x := range q.indexes() {
		before = append(before, x.ids()...)
	}

	rows, err := q.Store.LiveRequests(ctx, now)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	jobs, err := q.Store.LiveJobs(ctx, now)
	if err != nil {
		return fmt.Errorf("read jobs: %w", err)
	}
	if err := q.recent.reload(ctx, q.Store, now); err != nil {
		return err
	}

	q.bringIn(asRead(rows, jobs, before))
	return nil
}

// asRead are rows that were read, as if they had just been committed. Of the requests
// that were asked for, those without a row are gone.
func asRead(rows []store.Request, jobs []store.Job, asked []string) *store.Changes {
	return &store.Changes{Committed: store.Committed{Requests: rows, Jobs: jobs, Deleted: asked}}
}

// bringIn brings what was committed into the indexes, and wakes the pops that it may be
// for.
func (q *Queue) bringIn(c *store.Changes) {
	if c.Committed.NoRequests() {
		return
	}
	for _, x := range q.indexes() {
		more := x.bringIn(c, horde.MicrosOf(q.Clock()), q.Log)
		x.requests.Offer(more...)
	}
	q.recent.add(c.Committed.Deliveries...)
}

// bringIn brings in what there is of the index's kind. It returns the requests of which
// there may be more to hand out than before.
func (x *index) bringIn(c *store.Changes, now horde.Micros, log *slog.Logger) (more []*entry) {
	x.mu.Lock()
	defer x.mu.Unlock()

	rows := &c.Committed
	if len(rows.Requests)+len(rows.Deleted) > 0 {
		more = x.bringInRowsLocked(rows.Requests, rows.Deleted, now, log)
	}
	more = append(more, x.bringInStatesLocked(rows.States)...)

	for _, j := range rows.Jobs {
		// A claim of this node gives back what it has reserved at the moment at which its
		// request has fewer jobs: no pop sees them twice, or misses others.
		if c.Own {
			x.releaseLocked(j.PopID())
		}
		if e := x.requests.Get(j.RequestID); e != nil {
			x.setJobLocked(e, j)
		}
	}
	for _, j := range rows.Ended {
		x.endJobLocked(j)
	}
	return more
}

// bringInRowsLocked brings in requests as a whole, and forgets those of gone that have no
// row. It returns those that have one.
func (x *index) bringInRowsLocked(rows []store.Request, gone []string, now horde.Micros, log *slog.Logger) []*entry {
	own := slices.DeleteFunc(slices.Clone(rows), func(r store.Request) bool { return r.Kind != x.kind.name })
	known, err := live.Take(x.requests, keeper{x: x, now: now}, own, gone)
	if err != nil {
		log.Error("unreadable request", "error", err)
	}
	return known
}

// bringInStatesLocked brings in later states of requests. It returns those of which more
// is to be handed out.
func (x *index) bringInStatesLocked(states []store.RequestChange) (more []*entry) {
	for _, s := range states {
		e := x.requests.Get(s.ID)
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

// keeper brings rows of requests into an index, whose lock it needs.
type keeper struct {
	x   *index
	now horde.Micros
}

func (into keeper) Key(r store.Request) string { return r.ID }

// Read leaves out what has expired: perhaps another node has removed it since it was
// read. What this node has made itself is not made again.
func (into keeper) Read(r store.Request) (*entry, error) {
	if r.Expires <= into.now {
		return nil, nil
	}
	if e := into.x.requests.Reserved(r.ID); e != nil {
		e.commit(r)
		return e, nil
	}
	return into.x.readEntry(r)
}

func (into keeper) Add(e *entry)                    { into.x.addLocked(e) }
func (into keeper) Remove(e *entry)                 { into.x.removeLocked(e) }
func (into keeper) Apply(e *entry, r store.Request) { into.x.applyLocked(e, r.RequestState) }
