package queue

import (
	"context"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// Concurrency (§5.6): how many jobs a user may have waiting. It is looked at when a
// request comes, in the order of the checks, and once more when it is taken: then
// its place is kept under the index's lock until it is in the index or refused, so
// that calls at one moment count each other. What another node took in just now
// is looked up in the transaction that holds the user's account.

// waitingOf counts what a user has waiting against the concurrency: the anonymous
// user by the models asked for.
func (x *index) waitingOf(user *account.User, models []string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.waitingLocked(user, models)
}

func (x *index) waitingLocked(user *account.User, models []string) int {
	h := x.holders[user.ID]
	switch {
	case h == nil:
		return 0
	case !user.Anonymous() || len(models) == 0:
		return h.waiting
	}
	n := 0
	for _, m := range models {
		n += h.byModel[m]
	}
	return n
}

// mayWait refuses n more jobs to a user who has as many waiting as they may.
func mayWait(ctx context.Context, user *account.User, waiting, n int) error {
	most := user.Concurrency
	switch {
	case waiting+n <= most:
		return nil
	case user.Anonymous():
		return horde.Errorf("TooManyPrompts", "This request has %d jobs, and %d anonymous ones of the models asked for are waiting: at most %d may. "+
			"Register an account at %s/register to have a limit of your own.", n, waiting, most, horde.BaseOf(ctx))
	case n > most:
		return horde.Errorf("TooManyPrompts", "This request has %d jobs, and at most %d of yours may wait at a time. Ask for fewer.", n, most)
	}
	return horde.Errorf("TooManyPrompts", "This request has %d jobs, and %d of yours are waiting: at most %d may. "+
		"Wait for some to finish, or ask for fewer.", n, waiting, most)
}

// keepPlace counts a request that is about to be committed among what its user has
// waiting, until leavePlace. TooManyPrompts when there is no room for it.
func (x *index) keepPlace(ctx context.Context, e *entry, user *account.User) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := e.countedWaiting()
	if err := mayWait(ctx, user, x.waitingLocked(user, e.models()), n); err != nil {
		return err
	}
	h := x.holder(user.ID)
	h.coming++
	h.count(e, n)
	return nil
}

// leavePlaceLocked undoes keepPlace, under the lock of the index: n is what was
// counted.
func (x *index) leavePlaceLocked(e *entry, n int) {
	h := x.holders[e.row.UserID]
	h.coming--
	h.count(e, -n)
	x.tidyHolder(e.row.UserID)
}

// placeAmongOthers refuses a request for which there is no room beside those that
// other nodes took in: this one may have heard of them since the place was kept, or
// not yet. The account of its user is locked, so that none is added meanwhile.
func (x *index) placeAmongOthers(ctx context.Context, tx *store.Tx, e *entry, user *account.User) error {
	news, err := tx.Unheard()
	if err != nil {
		return err
	}
	var unknown []string
	x.mu.Lock()
	waiting := x.waitingLocked(user, e.models())
	for _, id := range news.Requests {
		if x.entries[id] == nil {
			unknown = append(unknown, id)
		}
	}
	x.mu.Unlock()
	rows, err := tx.RequestsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Kind != x.kind.name || row.Expires <= tx.Now {
			continue
		}
		other, err := x.readEntry(row)
		if err != nil {
			return err
		}
		h := holder{byModel: map[string]int{}}
		h.count(other, other.countedWaiting())
		lone := index{holders: map[int64]*holder{user.ID: &h}}
		waiting += lone.waitingLocked(user, e.models())
	}
	n := e.countedWaiting()
	return mayWait(ctx, user, waiting-n, n) // its own place is kept already
}
