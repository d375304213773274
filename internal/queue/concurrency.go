package queue

import (
	"context"
	"slices"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// Concurrency (§5.6): how many jobs a user may have waiting. It is looked at when a
// request comes, in the order of the checks, and once more in the transaction that
// takes it. The writer runs those one by one, and whatever one of them takes has its
// place counted from then until it is in the index, so that calls at one moment see
// each other. What another node took in just now is looked up under the lock of the
// user's account.

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

// room refuses a request in the transaction that would take it, when its user has
// no room for it any more. kept: its place is counted already.
func (q *Queue) room(ctx context.Context, tx *store.Tx, e *entry, user *account.User, kept bool) error {
	x := e.home
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

	if kept {
		waiting -= e.weighsOn(user, e.models())
	}
	others, err := tx.RequestsOf(user.ID, unknown)
	if err != nil {
		return err
	}
	for _, row := range others {
		if row.Kind != x.kind.name || row.Expires <= tx.Now {
			continue
		}
		o, err := x.readEntry(row)
		if err != nil {
			return err
		}
		waiting += o.weighsOn(user, e.models())
	}
	return mayWait(ctx, user, waiting, e.countedWaiting())
}

// weighsOn is how many jobs of a request count for its user where these models are
// asked for.
func (e *entry) weighsOn(user *account.User, models []string) int {
	n := e.countedWaiting()
	if !user.Anonymous() || len(models) == 0 {
		return n
	}
	shared := 0
	for _, m := range models {
		if slices.Contains(e.models(), m) {
			shared++
		}
	}
	return n * shared
}

// keepPlace counts a request that is being committed among what its user has
// waiting, until leavePlaceLocked.
func (x *index) keepPlace(e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.holder(e.row.UserID)
	h.coming++
	h.count(e, e.countedWaiting())
}

// leavePlaceLocked undoes keepPlace, under the lock of the index.
func (x *index) leavePlaceLocked(e *entry) {
	h := x.holders[e.row.UserID]
	h.coming--
	h.count(e, -e.countedWaiting())
	x.tidyHolder(e.row.UserID)
}
