package queue

import (
	"context"
	"slices"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/requests"
	"horde/internal/store"
)

// Concurrency (generation §5.6): how many jobs a user may have waiting. It is looked at when a
// request comes, in the order of the checks, and once more in the transaction that
// takes it. The writer runs those one by one, and whatever one of them takes has its
// place counted from then until it is in the index, so that calls at one moment see
// each other. What another node took in and this one has not heard of is looked up
// under the lock of the user's account.
//
// In the same way, how much all users, and strangers together, may have waiting
// (admission.Bounds).

// waitingOf counts what a user has waiting against the concurrency, the anonymous
// user by the models asked for, and what waits altogether.
func (x *index) waitingOf(user *account.User, models []string) (int, admission.Crowd) {
	x.Lock()
	defer x.Unlock()
	return x.waitingLocked(user, models), requests.CrowdLocked(x.Index, user)
}

func (x *index) waitingLocked(user *account.User, models []string) int {
	if !user.Anonymous() {
		return x.Requests.JobsOf(user.ID)
	}
	return x.Requests.JobsOf(user.ID, models...)
}

// mayWait refuses n more jobs to a user who has as many waiting as they may.
func mayWait(ctx context.Context, user *account.User, waiting, n int) error {
	most := user.Concurrency
	switch {
	case waiting+n <= most:
		return nil
	case user.Anonymous():
		return horde.Errorf(horde.TooManyPrompts,
			"This request has %d jobs, and %d anonymous ones of the models asked for are waiting: at most %d may. "+
				"Register an account at %s/register to have a limit of your own.", n, waiting, most, horde.BaseOf(ctx))
	case n > most:
		return horde.Errorf(horde.TooManyPrompts,
			"This request has %d jobs, and at most %d of yours may wait at a time. Ask for fewer.", n, most)
	}
	return horde.Errorf(horde.TooManyPrompts, "This request has %d jobs, and %d of yours are waiting: at most %d may. "+
		"Wait for some to finish, or ask for fewer.", n, waiting, most)
}

// stillMayWait is mayWait, and the check of the bounds, in the transaction that would
// take a request.
func (q *Queue) stillMayWait(ctx context.Context, tx *store.Tx, e *entry, user *account.User) error {
	x := e.home
	ids, err := q.Unheard(tx, func() ([]string, error) { return tx.WaitingRequestIDs(user.ID, x.kind.name) })
	if err != nil {
		return err
	}

	// At one moment: what comes into the index meanwhile must count once.
	x.Lock()
	waiting, unknown := x.waitingLocked(user, e.models()), x.Requests.Unknown(ids)
	crowd := requests.CrowdLocked(x.Index, user)
	x.Unlock()

	// What other nodes took in counts like what is in the index: for the anonymous user by
	// the models asked for.
	backlog, err := tx.BacklogOf(x.kind.name, unknown)
	if err != nil {
		return err
	}

	elsewhere := requests.CrowdOf(user.ID, backlog)
	others := elsewhere.Own.Jobs
	if user.Anonymous() && len(e.models()) > 0 {
		if others, err = x.weighElsewhere(tx, e, user, unknown); err != nil {
			return err
		}
	}
	if err := mayWait(ctx, user, waiting+others, e.countedWaiting()); err != nil {
		return err
	}

	return q.Bounds.Check(ctx, crowd.Plus(elsewhere), admission.Backlog{Jobs: e.countedWaiting(), Bytes: e.record.size})
}

// weighElsewhere counts what of requests that are not in the index counts for the
// anonymous user, where a request for models comes.
func (x *index) weighElsewhere(tx *store.Tx, e *entry, user *account.User, ids []string) (waiting int, err error) {
	rows, err := tx.WaitingRequestsOf(user.ID, x.kind.name, ids)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		o, err := x.readEntry(row)
		if err != nil {
			return 0, err
		}
		waiting += o.weighsOn(e.models())
	}
	return waiting, nil
}

// weighsOn is how many jobs of a request count for the anonymous user where these
// models are asked for.
func (e *entry) weighsOn(models []string) int {
	shared := 0
	for _, m := range models {
		if slices.Contains(e.models(), m) {
			shared++
		}
	}
	return e.countedWaiting() * shared
}
