package alchemy

import (
	"horde/internal/account"
	"horde/internal/horde"
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

// openOf is how many forms of a user wait or run.
func (x *index) openOf(user horde.UserID) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests.JobsOf(user)
}

// room refuses n forms in the transaction that would take them, when their user has
// no room for them any more.
func (x *index) room(tx *store.Tx, user *account.User, n int) error {
	news, err := tx.Unheard()
	if err != nil {
		return err
	}
	ids := news.Alchemy
	if news.Missed {
		if ids, err = tx.AlchemyIDsOf(user.ID); err != nil {
			return err
		}
	}

	// At one moment: what comes into the index meanwhile must count once.
	x.mu.Lock()
	open, unknown := x.requests.JobsOf(user.ID), x.requests.Unknown(ids)
	x.mu.Unlock()

	others, err := tx.OpenFormsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	return mayOpen(user, open+others, n)
}

// keepPlace counts the forms of a request that is being committed among what its
// user has open, until it is in the index or leavePlace is called.
func (x *index) keepPlace(e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests.Reserve(e)
}

// leavePlace undoes keepPlace.
func (x *index) leavePlace(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests.Release(id)
}
