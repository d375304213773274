package queue

import (
	"context"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// Sweep gives up overdue jobs and removes expired requests (generation §5.8), as any node
// may do at any time.
func (q *Queue) Sweep(ctx context.Context) error {
	if err := settle.Sweep(ctx, q.Clock, q.Store.Overdue, q.timeOut); err != nil {
		return err
	}
	if err := settle.Sweep(ctx, q.Clock, q.Store.Expired, q.expire); err != nil {
		return err
	}
	return settle.RepairKeys(ctx, q.Store)
}

// timeOut gives up an overdue job; ErrLost when somebody else has.
func (q *Queue) timeOut(ctx context.Context, j store.Job) error {
	a, err := live.FindPart(ctx, q.Refresh, j.ID, q.jobInIndexes, live.PartOf(j.RequestID))
	switch {
	case err != nil:
		return err
	case a.job == nil: // its request has expired; that sweep removes it
		return store.ErrLost
	}

	late := requests.Late{ID: j.ID, Request: j.RequestID, Worker: j.WorkerID, Begun: j.Started, Due: j.Started + j.TTL}
	return q.TimeOut(ctx, late, func(w *fleet.Worker, why settle.Excuse) error {
		a.worker = w
		return q.fault(ctx, a, why)
	})
}

// expire removes an expired request; ErrLost when somebody else has, or it was renewed.
func (q *Queue) expire(ctx context.Context, r store.Request) error {
	return q.removeExpired(ctx, q.entryOf(r), r, q.Clock.Micros())
}

// removeExpired removes a request that has expired at now, with its holds, its source
// images and what was not delivered; ErrLost when it was renewed or is gone. e is nil where
// its row is unreadable.
func (q *Queue) removeExpired(ctx context.Context, e *entry, r store.Request, now horde.Micros) error {
	err := settle.Remove(ctx, q.Store, settle.Expiry{
		Request: r.ID,
		Payer:   r.UserID,
		Delete:  (*store.Tx).DeleteRequest,
		At:      now,
		Holds:   []string{settle.HoldOfRequest(r.ID)},
		OnKey:   e == nil || e.record.SharedKey != "",
	})
	if err == nil && e != nil {
		q.dropExpired(ctx, e)
	}
	return err
}

// entryOf is the entry of a row: that of the index, or one of its own. Nil where it is
// unreadable.
func (q *Queue) entryOf(r store.Request) *entry {
	if e := q.inIndexes(r.ID); e != nil {
		return e
	}

	x := q.indexOf(r.Kind)
	if x == nil {
		return nil
	}
	e, err := x.readEntry(r)
	if err != nil {
		q.Log.Error("unreadable request", "error", err)
		return nil
	}
	return e
}

// inIndexes is the request with this id, expired or not, of whatever kind; nil where
// this node does not know it.
func (q *Queue) inIndexes(id string) *entry {
	for _, x := range q.indexes() {
		x.Lock()
		e := x.Requests.Get(id)
		x.Unlock()
		if e != nil {
			return e
		}
	}
	return nil
}
