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
// of the checks, and once more when it is taken: then their places are kept until
// they are in the index or refused, so that calls at one moment count each other.
// What another node took in just now is looked up in the transaction.

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

// keepPlaces counts n forms of a request that is about to be committed among what
// its user has open, until leavePlacesLocked. TooManyPrompts when there is no room.
func (x *index) keepPlaces(user *account.User, n int) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := mayOpen(user, x.openLocked(user.ID), n); err != nil {
		return err
	}
	h := x.holder(user.ID)
	h.coming++
	h.open += n
	return nil
}

// leavePlacesLocked undoes keepPlaces, under the lock of the index.
func (x *index) leavePlacesLocked(user int64, n int) {
	h := x.holders[user]
	h.coming--
	h.open -= n
	x.tidyHolder(user)
}

// placesAmongOthers refuses n forms for which there is no room beside those that
// other nodes took in: this one may have heard of them since the places were kept,
// or not yet. The account of their user is locked, so that none is added meanwhile.
func (x *index) placesAmongOthers(tx *store.Tx, user *account.User, n int) error {
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
	more, err := tx.OpenFormsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	return mayOpen(user, open-n+more, n) // their own places are kept already
}
