package alchemy

import (
	"context"

	"horde/internal/fleet"
	kind "horde/internal/kinds/form"
	"horde/internal/live"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// Sweep removes expired requests and gives up forms that took too long (generation §3.3), as
// any node may do at any time.
func (q *Queue) Sweep(ctx context.Context) error {
	if err := settle.Sweep(ctx, q.Clock, q.Store.ExpiredAlchemy, q.expire); err != nil {
		return err
	}
	return settle.Sweep(ctx, q.Clock, q.Store.OverdueForms, q.timeOut)
}

// expire removes an expired request, with what was set aside for its forms and its image;
// ErrLost when it was renewed or is gone.
func (q *Queue) expire(ctx context.Context, row store.AlchemyRequest) error {
	r, err := recordOf(row)
	if err != nil { // it goes all the same
		q.Log.Error("expired alchemy request", "error", err)
	}
	expiry := settle.Expiry{Request: row.ID, Payer: row.UserID, Delete: (*store.Tx).DeleteAlchemy, At: q.Clock.Micros()}
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
		q.DropObjects(ctx, kind.BlobName(id))
	}
	if r.Source != "" {
		q.DropObjects(ctx, r.Source)
	}
	return nil
}

// timeOut gives up an overdue form; ErrLost when somebody else has.
func (q *Queue) timeOut(ctx context.Context, row store.Form) error {
	f, err := live.FindPart(ctx, q.Refresh, row.ID, q.formInIndex, live.PartOf(row.RequestID))
	switch {
	case err != nil:
		return err
	case f == nil: // its request has expired; that sweep removes it
		return store.ErrLost
	}

	late := requests.Late{
		ID:      row.ID,
		Request: row.RequestID,
		Worker:  row.WorkerID,
		Begun:   row.Started,
		Due:     row.Ends,
	}
	return q.TimeOut(ctx, late, func(w *fleet.Worker, why settle.Excuse) error { return q.fault(ctx, f, row, w, why) })
}
