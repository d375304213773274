package alchemy

import (
	"context"

	"horde/internal/horde"
	kind "horde/internal/kinds/form"
	"horde/internal/settle"
	"horde/internal/store"
)

// Sweep removes expired requests and gives up forms that took too long (generation §3.3), as
// any node may do at any time.
func (q *Queue) Sweep(ctx context.Context) error {
	if err := q.sweepExpired(ctx); err != nil {
		return err
	}
	return q.sweepOverdue(ctx)
}

func (q *Queue) sweepExpired(ctx context.Context) error {
	var now horde.Micros // of each look
	find := func(ctx context.Context, limit int) ([]store.AlchemyRequest, error) {
		now = q.now()
		return q.Store.ExpiredAlchemy(ctx, now, limit)
	}
	return settle.Sweep(ctx, find, func(ctx context.Context, row store.AlchemyRequest) error {
		return q.removeExpired(ctx, row, now)
	})
}

// removeExpired removes a request that has expired at now, with what was set aside
// for its forms and its image; ErrLost when it was renewed or is gone.
func (q *Queue) removeExpired(ctx context.Context, row store.AlchemyRequest, now horde.Micros) error {
	r, err := recordOf(row)
	if err != nil { // it goes all the same
		q.Log.Error("expired alchemy request", "error", err)
	}
	expiry := settle.Expiry{Request: row.ID, Payer: row.UserID, Delete: (*store.Tx).DeleteAlchemy, At: now}
	if r.Held {
		forms, err := q.Store.FormsOf(ctx, []string{row.ID})
		if err != nil {
			return err
		}
		for _, f := range forms {
			expiry.Holds = append(expiry.Holds, settle.HoldOfForm(f.ID))
		}
	}
	uploading := q.uploading(row.ID)
	if err := settle.Remove(ctx, q.Store, expiry); err != nil {
		return err
	}

	for _, id := range uploading {
		q.dropObject(ctx, kind.BlobName(id))
	}
	if r.Source != "" {
		q.dropSource(ctx, r.Source)
	}
	return nil
}

func (q *Queue) sweepOverdue(ctx context.Context) error {
	find := func(ctx context.Context, limit int) ([]store.Form, error) {
		return q.Store.OverdueForms(ctx, q.now(), limit)
	}
	return settle.Sweep(ctx, find, q.timeOut)
}

// timeOut gives up an overdue form; ErrLost when somebody else has.
func (q *Queue) timeOut(ctx context.Context, row store.Form) error {
	f := q.formInIndex(row.ID)
	if f == nil {
		if err := q.Refresh(ctx, []string{row.RequestID}); err != nil {
			return err
		}
		if f = q.formInIndex(row.ID); f == nil { // its request has expired; that sweep removes it
			return store.ErrLost
		}
	}
	w, err := q.workerOf(ctx, row.WorkerID)
	if err != nil {
		return err
	}

	why, err := q.server().ExcuseLate(ctx, row.Started, row.Ends)
	if err != nil {
		return err
	}
	if err := q.fault(ctx, f, row, w, why); err != nil {
		return err
	}
	q.Log.Info("form took too long", "form", row.ID, "request", row.RequestID, "worker", row.WorkerID)
	return nil
}
