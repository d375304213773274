package alchemy

import (
	"context"
	"errors"

	"horde/internal/store"
)

const sweepBatch = 500

// Sweep removes expired requests and gives up forms that took too long (generation §3.3), as
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
			if err := q.removeExpired(ctx, row, now); err != nil && !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		if len(old) < sweepBatch {
			return nil
		}
	}
}

// removeExpired removes a request that has expired at now, with what was set aside
// for its forms and its picture; ErrLost when it was renewed or is gone.
func (q *Queue) removeExpired(ctx context.Context, row store.AlchemyRequest, now int64) error {
	r, err := recordOf(row)
	if err != nil { // it goes all the same
		q.Log.Error("expired alchemy request", "error", err)
	}
	u := store.Unit{Key: row.ID}
	var ids []string
	if r.Held {
		u.Accounts = []int64{row.UserID}
		forms, err := q.Store.FormsOf(ctx, []string{row.ID})
		if err != nil {
			return err
		}
		for _, f := range forms {
			ids = append(ids, f.ID)
		}
	}
	u.Do = func(tx *store.Tx) error {
		if err := tx.DeleteAlchemy(row.ID, now); err != nil {
			return err
		}
		return r.release(tx, ids...)
	}
	if err := q.Store.Write(u); err != nil {
		return err
	}
	q.forget(row.ID)
	if r.Source != "" {
		q.dropSource(ctx, r.Source)
	}
	return nil
}

// forget removes a request from the index.
func (q *Queue) forget(id string) {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[id]; e != nil {
		x.remove(e)
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
	why, err := q.excuseOfLate(ctx, row)
	if err != nil {
		return false, err
	}
	err = q.fault(f, row, w, why)
	if errors.Is(err, store.ErrLost) {
		return false, nil
	}
	if err == nil {
		q.Log.Info("form took too long", "form", row.ID, "request", row.RequestID, "worker", row.WorkerID)
	}
	return err == nil, err
}
