package alchemy

import (
	"context"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/requests"
	"horde/internal/store"
)

// formsPerJob is how many forms may be open for each job of a user's concurrency
// (generation §5.6).
const formsPerJob = 10

// How many forms a user has open is looked at when a request comes, in the order
// of the checks, and once more in the transaction that takes it. The writer runs
// those one by one, and whatever one of them takes is counted from then until it is
// in the index, so that calls at one moment see each other. What another node took
// in and this one has not heard of is looked up under the lock of the user's account.

// mayOpen refuses n more forms to a user who has as many open as they may.
func mayOpen(user *account.User, open, n int) error {
	if limit := user.Concurrency * formsPerJob; open+n > limit {
		return horde.Errorf(horde.TooManyPrompts,
			"This request has %d forms, and %d of yours are waiting or in progress: at most %d may be. "+
				"Wait for some to finish, or ask for fewer.", n, open, limit)
	}
	return nil
}

// crowd is what waits or runs when a request of a user comes.
func (x *index) crowd(user *account.User) admission.Crowd {
	x.Lock()
	defer x.Unlock()
	return requests.CrowdLocked(x.Index, user)
}

// stillMayOpen refuses a request in the transaction that would take it, when there is no
// room for its forms any more: its user's, or that of all.
func (q *Queue) stillMayOpen(ctx context.Context, tx *store.Tx, user *account.User, e *entry) error {
	x := q.index
	ids, err := q.Unheard(tx, func() ([]string, error) { return tx.AlchemyIDsOf(user.ID) })
	if err != nil {
		return err
	}

	// At one moment: what comes into the index meanwhile must count once.
	x.Lock()
	crowd, unknown := requests.CrowdLocked(x.Index, user), x.Requests.Unknown(ids)
	x.Unlock()

	elsewhere, err := tx.OpenFormsOf(unknown)
	if err != nil {
		return err
	}
	crowd = crowd.Plus(requests.CrowdOf(user.ID, elsewhere))

	more := e.Load()
	if err := mayOpen(user, crowd.Own.Jobs, more.Jobs); err != nil {
		return err
	}
	return q.Bounds.Check(ctx, crowd, admission.Backlog{Jobs: more.Jobs, Bytes: more.Bytes})
}
