package alchemy

import (
	"context"
	"errors"

	"horde/api"
	"horde/internal/settle"
	"horde/internal/store"
)

// Cancel ends a request: whatever is not done is cancelled; what workers have in
// hand is paid and charged as if it were delivered (generation §3.2). The answer
// is the status after it.
func (q *Queue) Cancel(ctx context.Context, id string) (api.AlchemyStatus, error) {
	e, err := q.find(ctx, id)
	if err != nil {
		return api.AlchemyStatus{}, err
	}

	for try := 0; ; try++ {
		err := q.cancelOnce(ctx, e)
		if err == nil {
			return q.Status(ctx, id) // it may have left memory meanwhile
		}
		if !errors.Is(err, store.ErrLost) || try == maxCancelTries {
			return api.AlchemyStatus{}, err
		}
		if err := q.Refresh(ctx, []string{id}); err != nil {
			return api.AlchemyStatus{}, err
		}
		if e, err = q.find(ctx, id); err != nil {
			return api.AlchemyStatus{}, err
		}
	}
}

// maxCancelTries bounds the race of a cancel with workers that deliver.
const maxCancelTries = 50

// cancelOnce cancels all forms of a request that are not done in one transaction, or none:
// ErrLost when one of them changed meanwhile.
func (q *Queue) cancelOnce(ctx context.Context, e *entry) error {
	all, err := q.cancellable(ctx, e)
	if err != nil || len(all) == 0 {
		return err
	}
	uploading := q.uploading(e.row.ID)
	if err := settle.CancelForms(ctx, q.Store, e.row.ID, all); err != nil {
		return err
	}
	q.dropUndelivered(ctx, e, uploading...)
	return nil
}

// cancellable are the forms of a request that can be cancelled: faulted ones too.
func (q *Queue) cancellable(ctx context.Context, e *entry) ([]settle.CancelledForm, error) {
	var all []settle.CancelledForm
	for i, row := range q.formRows(e) {
		if row.State == store.FormDone || row.State == store.FormCancelled {
			continue
		}

		f := e.forms[i]
		c := settle.CancelledForm{Form: &settle.Form{Row: row}, Funds: f.funds()}
		if row.State == store.FormRunning {
			h, err := q.handsOf(ctx, row.WorkerID)
			if err != nil {
				return nil, err
			}
			if h.worker != nil {
				c.InHand = q.delivery(f, c.Form, h, q.Clock.Micros())
			}
		}

		all = append(all, c)
	}
	return all, nil
}

// handsOf finds a worker and its owner; the zero hands when the worker is gone.
func (q *Queue) handsOf(ctx context.Context, id string) (h hands, err error) {
	if h.worker, err = q.WorkerOf(ctx, id); err != nil || h.worker == nil {
		return h, err
	}
	h.owner, err = q.Accounts.ByID(ctx, h.worker.UserID)
	return h, err
}
