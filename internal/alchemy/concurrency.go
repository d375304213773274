package alchemy

import (
	"slices"

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
		return horde.Errorf(horde.TooManyPrompts, "This request has %d forms, and %d of yours are waiting or in progress: at most %d may be. "+
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
	open, unknown := x.openLocked(user.ID), x.unknownLocked(ids)
	x.mu.Unlock()

	others, err := tx.OpenFormsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	return mayOpen(user, open+others, n)
}

// unknownLocked are those of these requests, each once, that neither are in the
// index nor come into it. The index must be locked.
func (x *index) unknownLocked(ids []string) (unknown []string) {
	for _, id := range ids {
		if _, comes := x.coming[id]; !comes && x.entries[id] == nil {
			unknown = append(unknown, id)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// keepPlaces counts n forms of a request that is being committed among what its
// user has open, until leavePlaces.
func (x *index) keepPlaces(row *store.AlchemyRequest, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.coming[row.ID] = places{row.UserID, n}
	h := x.holder(row.UserID)
	h.coming++
	h.open += n
}

// leavePlaces undoes keepPlaces.
func (x *index) leavePlaces(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.leavePlacesLocked(id)
}

// leavePlacesLocked is leavePlaces under the lock of the index.
func (x *index) leavePlacesLocked(id string) {
	p, ok := x.coming[id]
	if !ok {
		return
	}
	delete(x.coming, id)
	h := x.holders[p.user]
	h.coming--
	h.open -= p.forms
	x.tidyHolder(p.user)
}
