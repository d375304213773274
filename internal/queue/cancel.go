package queue

import (
	"context"
	"errors"
	"math"
	"slices"

	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// cancel ends a request: nothing more is handed out, what workers have already
// is still delivered, paid and charged (generation §1.12).
func (q *Queue) cancel(ctx context.Context, e *entry) error {
	err := settle.Cancel(ctx, q.Store, e.row.ID, e.funds())
	if errors.Is(err, store.ErrLost) { // it expired just now
		return nil
	}
	if err == nil {
		q.dropIdleSources(ctx, e)
	}
	return err
}

// DropKey ends the requests of a shared key that was deleted: nothing more is
// handed out. What workers have already is still delivered, paid and charged; the
// requests without any such job are gone at once.
func (q *Queue) DropKey(ctx context.Context, user horde.UserID, key string) error {
	ids, err := q.Store.RequestIDsWith(ctx, user, key)
	if err != nil {
		return err
	}

	for _, id := range ids {
		e := q.inIndexes(id)
		if e == nil { // it is over, or another node took it in just now
			if err := q.Refresh(ctx, []string{id}); err != nil {
				return err
			}
			e = q.inIndexes(id)
		}
		if e == nil || e.record.SharedKey != key {
			continue
		}
		if err := q.drop(ctx, e); err != nil && !errors.Is(err, store.ErrLost) {
			return err
		}
	}
	return nil
}

// drop cancels a request, then removes it if no worker is at it: after the cancel
// none can begin.
func (q *Queue) drop(ctx context.Context, e *entry) error {
	if err := q.cancel(ctx, e); err != nil {
		return err
	}

	jobs, err := q.Store.JobsOf(ctx, []string{e.row.ID})
	if err != nil || slices.ContainsFunc(jobs, func(j store.Job) bool { return inProgress(&j) > 0 }) {
		return err
	}
	return q.removeExpired(ctx, e, e.row, math.MaxInt64)
}
