package fleet

import (
	"fmt"
	"slices"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// Figures of generation §5.10.
const (
	abortWindow       = time.Hour
	abortLimit        = 20  // within abortWindow
	raidAbortLimit    = 10  // during a raid
	formsAbortLimit   = 100 // for alchemists
	pausingSuspicions = 5
)

// What happens to workers that only fail (decision 48).
const (
	suspendingRun = 5                // pops that failed since the last delivery
	suspension    = 10 * time.Minute // without jobs for the worker
)

const tooManyAborts = "This worker has been put into maintenance mode because it dropped too many jobs " +
	"within an hour. Please check its speed and settings, then switch maintenance mode off."

// Suspect adds a suspicion to a worker's row; enough of them pause it. Workers of
// trusted owners are not suspected (platform §6.1).
func Suspect(w *store.Worker, reason int) {
	w.Totals.Suspicions = account.Suspect(w.Totals.Suspicions, reason)
	if len(w.Totals.Suspicions) >= pausingSuspicions {
		w.Paused = true
	}
}

// Abort is how and when a worker gave up a job.
type Abort struct {
	At           horde.Micros
	Raid         bool // the horde is being raided
	OwnerTrusted bool
}

// CountAbort adds a job that was given up to a worker's row. Too many within an
// hour are a suspicion, of the owner too if it returns true, and, except during a
// raid, put the worker into maintenance (generation §5.10).
func CountAbort(w *store.Worker, a Abort) (suspected bool) {
	t := &w.Totals

	t.Uncompleted++
	if a.At-t.AbortsSince > horde.MicrosIn(abortWindow) {
		t.AbortsSince, t.Aborts = a.At, 0
	}
	t.Aborts++

	limit := int64(abortLimit)
	switch {
	case w.Kind == horde.KindAlchemy:
		limit = formsAbortLimit
	case a.Raid:
		limit = raidAbortLimit
	}
	if t.Aborts <= limit {
		return false
	}

	t.Aborts = 0
	if !a.Raid {
		w.Maintenance = true
		w.MaintenanceMsg = tooManyAborts
	}
	if !a.OwnerTrusted {
		Suspect(w, account.SuspicionAborts)
	}
	return !a.OwnerTrusted
}

// Standing says how far a worker can be relied on; lower is better.
type Standing int

// Standings of workers.
const (
	Proven  Standing = iota // it has delivered and not failed since
	Untried                 // it has neither delivered nor failed
	Failing                 // it has failed since its last delivery
)

// Standing returns what the worker's last jobs say about it.
func (w *Worker) Standing() Standing { return standingOf(&w.Totals) }

func standingOf(t *store.WorkerTotals) Standing {
	switch {
	case len(t.FailedPops) > 0:
		return Failing
	case len(t.Speeds) == 0:
		return Untried
	}
	return Proven
}

// Suspended reports whether the worker gets no jobs because all of its last ones
// failed.
func (w *Worker) Suspended(now horde.Micros) bool { return w.Totals.SuspendedUntil > now }

// CountFailure adds a pop of which a job failed to a worker's row; further failures of
// the same pop add nothing. Too many in a row suspend the worker, which it reports.
func CountFailure(w *store.Worker, pop string, now horde.Micros) (suspended bool) {
	t := &w.Totals
	if slices.Contains(t.FailedPops, pop) {
		return false
	}

	t.FailedPops = append(slices.Clip(t.FailedPops), pop)
	if n := len(t.FailedPops); n > suspendingRun {
		t.FailedPops = t.FailedPops[n-suspendingRun:]
	}

	// Jobs that it had already taken do not prolong the suspension.
	if len(t.FailedPops) < suspendingRun || t.SuspendedUntil > now {
		return false
	}
	t.SuspendedUntil = now + horde.MicrosIn(suspension)
	return true
}

// EndFailures clears the failures of a worker that has delivered, or whose owner
// says that it works again.
func EndFailures(w *store.Worker) { w.Totals.FailedPops, w.Totals.SuspendedUntil = nil, 0 }

// HasDelivered reports whether a worker has ever delivered anything. Its samples of
// speed show it: its fulfilments also count forms that were cancelled meanwhile.
func HasDelivered(w *store.Worker) bool { return len(w.Totals.Speeds) > 0 }

// ForgiveFailures removes pops from a worker's failures that were not its fault.
func ForgiveFailures(w *store.Worker, pops []string) {
	t := &w.Totals
	forgiven := func(pop string) bool { return slices.Contains(pops, pop) }
	t.FailedPops = slices.DeleteFunc(slices.Clone(t.FailedPops), forgiven)
	if len(t.FailedPops) < suspendingRun {
		t.SuspendedUntil = 0
	}
}

// Failures shows the owner of a worker, or a moderator, how its last jobs went.
func (f *Fleet) Failures(caller *account.User, w *Worker) (api.WorkerFailures, error) {
	if caller.ID != w.UserID && !caller.Is(account.Moderator) {
		return api.WorkerFailures{}, horde.Errorf(horde.NotOwner,
			"Only the owner of the worker and the moderators of this horde can see its failures.")
	}

	a := api.WorkerFailures{InARow: len(w.Totals.FailedPops)}
	if w.Suspended(horde.MicrosOf(f.Clock())) {
		until := w.Totals.SuspendedUntil.Time().Format(time.RFC3339)
		a.PausedUntil, a.Message = &until, &w.suspensionMessage().Message
	}
	return a, nil
}

// suspensionOrigin is the sender of the message that a worker is suspended.
const suspensionOrigin = "This horde"

// suspensionMessage returns what a suspended worker is told.
func (w *Worker) suspensionMessage() *api.WorkerMessage {
	until := w.Totals.SuspendedUntil.Time()
	id := w.ID
	if n := len(w.Totals.FailedPops); n > 0 {
		id = w.Totals.FailedPops[n-1] // differs for each suspension
	}

	return &api.WorkerMessage{
		ID:     id,
		Origin: suspensionOrigin,
		Expiry: rfc822(w.Totals.SuspendedUntil),
		Message: fmt.Sprintf(
			"This worker is paused until %s UTC: the jobs of its last %d pops were all faulted or not delivered in time. "+
				"Please check its log, models and settings. It gets jobs again by itself then, or at once when its owner "+
				"switches maintenance mode off for it.",
			until.Format("15:04"), len(w.Totals.FailedPops)),
	}
}
