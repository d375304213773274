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

// Refresh reads requests and their jobs, which another node has changed, or which are over
// and somebody asks for.
func (q *Queue) Refresh(ctx context.Context, ids []string) error {
	rows, jobs, err := q.read(ctx, ids)
	if err != nil {
		return err
	}
	q.bringIn(asRead(rows, jobs, ids))
	return nil
}

// read reads requests, then their jobs: what is over by its row has all of them.
func (q *Queue) read(ctx context.Context, ids []string) ([]store.Request, []store.Job, error) {
	rows, err := q.Store.Requests(ctx, ids)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	jobs, err := q.Store.JobsOf(ctx, ids)
	return rows, jobs, err
}

// Reload reads the live requests again: at the start, and when changes of other nodes were
// missed. Of those that are over and not in memory it reads no more than what is noted of them.
func (q *Queue) Reload(ctx context.Context) error {
	now := horde.MicrosOf(q.Clock())
	var known, listed []string
	for _, x := range q.indexes() {
		known, listed = append(known, x.ids()...), append(listed, x.endedIDs()...)
	}

	rows, jobs, err := q.readOpen(ctx, now)
	if err != nil {
		return err
	}
	ended, err := q.Store.EndedRequests(ctx, now)
	if err != nil {
		return fmt.Errorf("read requests that are over: %w", err)
	}
	if err := q.recent.reload(ctx, q.Store, now); err != nil {
		return err
	}

	q.bringIn(asRead(rows, jobs, nil))
	for _, x := range q.indexes() {
		x.listEnded(listed, ended)
	}

	// What is known and has not been read is over, or gone.
	read := make(map[string]bool, len(rows))
	for i := range rows {
		read[rows[i].ID] = true
	}
	return q.Refresh(ctx, slices.DeleteFunc(known, func(id string) bool { return read[id] }))
}

// readOpen reads the requests that are not over, and their jobs.
func (q *Queue) readOpen(ctx context.Context, now horde.Micros) ([]store.Request, []store.Job, error) {
	rows, err := q.Store.OpenRequests(ctx, now)
	if err != nil {
		return nil, nil, fmt.Errorf("read requests: %w", err)
	}
	jobs, err := q.Store.OpenJobs(ctx, now)
	if err != nil {
		return nil, nil, fmt.Errorf("read jobs: %w", err)
	}

	// What has ended since the first reading has no jobs in the second.
	of := map[string]bool{}
	for i := range jobs {
		of[jobs[i].RequestID] = true
	}
	rows = slices.DeleteFunc(rows, func(r store.Request) bool { return r.Waiting == 0 && !of[r.ID] })
	return rows, jobs, nil
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
	x.retireLocked(now)
	return more
}

// bringInRowsLocked brings in requests as a whole, and forgets those of gone that have no
// row. It returns those of which something waits.
func (x *index) bringInRowsLocked(rows []store.Request, gone []string, now horde.Micros, log *slog.Logger) []*entry {
	for _, id := range gone {
		x.ended.Remove(id)
	}
	own := slices.DeleteFunc(slices.Clone(rows), func(r store.Request) bool { return r.Kind != x.kind.name })
	known, err := live.Take(x.requests, keeper{x: x, now: now}, own, gone)
	if err != nil {
		log.Error("unreadable request", "error", err)
	}

	// A row that is only read because somebody asks for it is nothing for a pop.
	return slices.DeleteFunc(known, func(e *entry) bool { return e.countedWaiting() == 0 })
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
