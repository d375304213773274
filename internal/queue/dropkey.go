package queue

import (
	"context"
	"errors"
	"math"
	"slices"

	"horde/internal/horde"
	"horde/internal/store"
)

// DropKey ends the requests of a shared key that was deleted: nothing more is
// handed out. What workers have already is still delivered, paid and charged; the
// requests without any such job are gone at once.
func (q *Queue) DropKey(ctx context.Context, user horde.UserID, key string) error {
	// Another node may have taken one in just now.
	if q.Store.Shared() {
		ids, err := q.Store.RequestIDsOf(ctx, user)
		if err == nil {
			err = q.Refresh(ctx, ids)
		}
		if err != nil {
			return err
		}
	}

	for _, x := range q.indexes() {
		for _, e := range x.withKey(user, key) {
			if err := q.drop(ctx, e); err != nil && !errors.Is(err, store.ErrLost) {
				return err
			}
		}
	}
	return nil
}

// withKey are the live requests of a user that a shared key pays for.
func (x *index) withKey(user horde.UserID, key string) (found []*entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e := range x.requests.Of(user) {
		if e.record.SharedKey == key {
			found = append(found, e)
		}
	}
	return found
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
	return q.removeExpired(ctx, e.row, math.MaxInt64)
}
