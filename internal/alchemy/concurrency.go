package alchemy

import (
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// formsPerJob is how many forms may be open for each job of a user's concurrency
// (§5.6).
const formsPerJob = 10

// How many forms a user has open is looked at when a request comes, in the order
// of the checks, and once more in the transaction that takes it. The writer runs
// those one by one, and whatever one of them takes is counted from then until it is
// in the index, so that calls at one moment see each other. What another node took
// in just now is looked up under the lock of the user's account.

// mayOpen refuses n more forms to a user who has as many open as they may.
func mayOpen(user *account.User, open, n int) error {
	if limit := user.Concurrency * formsPerJob; open+n > limit {
		return horde.Errorf("TooManyPrompts", "This request has %d forms, and %d of yours are waiting or in progress: at most %d may be. "+
			"Wait for some to finish, or ask for fewer.", n, open, limit)
	}
	return nil
}

// openOf is how many forms of a user wait or run.
func (x *index) openOf(user int64) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.openLocked(user)
}

func (x *index) openLocked(user int64) int {
	if h := x.holders[user]; h != nil {
		return h.open
	}
	return 0
}

// room refuses n forms in the transaction that would take them, when their user has
// no room for them any more. kept: their places are counted already.
func (x *index) room(tx *store.Tx, user *account.User, n int, kept bool) error {
	news, err := tx.Unheard()
	if err != nil {
		return err
	}
	var unknown []string
	x.mu.Lock()
	open := x.openLocked(user.ID)
	for _, id := range news.Alchemy {
		if x.entries[id] == nil {
			unknown = append(unknown, id)
		}
	}
	x.mu.Unlock()

	if kept {
		open -= n
	}
	more, err := tx.OpenFormsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	return mayOpen(user, open+more, n)
}

// keepPlaces counts n forms of a request that is being committed among what its
// user has open, until leavePlacesLocked.
func (x *index) keepPlaces(user int64, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.holder(user)
	h.coming++
	h.open += n
}

// leavePlacesLocked undoes keepPlaces, under the lock of the index.
func (x *index) leavePlacesLocked(user int64, n int) {
	h := x.holders[user]
	h.coming--
	h.open -= n
	x.tidyHolder(user)
}
