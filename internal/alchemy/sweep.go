package alchemy

import (
	"context"
	"errors"

	"horde/internal/store"
)

const sweepBatch = 500

// Sweep removes expired requests and gives up forms that took too long (§3.3), as
// any node may do at any time.
func (q *Queue) Sweep(ctx context.Context) error {
	if err := q.sweepExpired(ctx); err != nil {
		return err
	}
	return q.sweepOverdue(ctx)
}

func (q *Queue) sweepExpired(ctx context.Context) error {
	for {
		now := q.now()
		old, err := q.Store.ExpiredAlchemy(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, row := range old {
			err := q.Store.Write(store.Unit{Key: row.ID, Do: func(tx *store.Tx) error { return tx.DeleteAlchemy(row.ID, now) }})
			if errors.Is(err, store.ErrLost) {
				continue
			}
			if err != nil {
				return err
			}
			q.forget(ctx, row)
		}
		if len(old) < sweepBatch {
			return nil
		}
	}
}

// forget removes an expired request from the index, and its picture.
func (q *Queue) forget(ctx context.Context, row store.AlchemyRequest) {
	x := q.index
	x.mu.Lock()
	if e := x.entries[row.ID]; e != nil {
		x.remove(e)
	}
	x.mu.Unlock()
	if e, err := newEntry(row, nil); err == nil && e.record.Source != "" {
		q.dropSource(ctx, e.record.Source)
	}
}

func (q *Queue) sweepOverdue(ctx context.Context) error {
	for {
		late, err := q.Store.OverdueForms(ctx, q.now(), sweepBatch)
		if err != nil {
			return err
		}
		ended := 0
		for _, row := range late {
			ok, err := q.timeOut(ctx, row)
			if err != nil {
				return err
			}
			if ok {
				ended++
			}
		}
		if len(late) < sweepBatch || ended == 0 { // what is left is somebody else's, or of requests that expire now
			return nil
		}
	}
}

// timeOut gives up one form; false when somebody else has.
func (q *Queue) timeOut(ctx context.Context, row store.Form) (bool, error) {
	f := q.knownForm(row.ID)
	if f == nil {
		if err := q.Refresh(ctx, []string{row.RequestID}); err != nil {
			return false, err
		}
		if f = q.knownForm(row.ID); f == nil { // its request has expired; that sweep removes it
			return false, nil
		}
	}
	w, err := q.workerOf(ctx, row.WorkerID)
	if err != nil {
		return false, err
	}
	err = q.fault(f, row, w)
	if errors.Is(err, store.ErrLost) {
		return false, nil
	}
	if err == nil {
		q.Log.Info("form took too long", "form", row.ID, "request", row.RequestID, "worker", row.WorkerID)
	}
	return err == nil, err
}
