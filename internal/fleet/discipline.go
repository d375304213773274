package fleet

import (
	"time"

	"horde/internal/account"
	"horde/internal/store"
)

// Figures of generation rulebook §5.10.
const (
	abortWindow     = time.Hour
	abortLimit      = 20
	raidAbortLimit  = 10  // in a raid
	formsAbortLimit = 100 // of alchemists
	pausingSuspects = 5
)

const tooManyAborts = "This worker has been put into maintenance mode because it dropped too many jobs within an hour. " +
	"Please check its speed and settings, then switch maintenance mode off."

// Suspect adds a suspicion to a worker's row; enough of them pause it. Workers of
// trusted owners are not suspected (platform rulebook §6.1).
func Suspect(w *store.Worker, reason int) {
	w.Totals.Suspicions = account.Suspect(w.Totals.Suspicions, reason)
	if len(w.Totals.Suspicions) >= pausingSuspects {
		w.Paused = true
	}
}

// CountAbort adds a job that was given up to a worker's row. Too many within an
// hour are a suspicion, of the owner too where it returns true, and, but in a
// raid, put the worker into maintenance (§5.10). trusted is the owner's.
func CountAbort(w *store.Worker, now int64, raid, trusted bool) (suspected bool) {
	t := &w.Totals
	t.Uncompleted++
	if now-t.AbortsSince > abortWindow.Microseconds() {
		t.AbortsSince, t.Aborts = now, 0
	}
	t.Aborts++
	limit := int64(abortLimit)
	switch {
	case w.Kind == Forms:
		limit = formsAbortLimit
	case raid:
		limit = raidAbortLimit
	}
	if t.Aborts <= limit {
		return false
	}
	t.Aborts = 0
	if !raid {
		w.Maintenance = true
		w.MaintenanceMsg = tooManyAborts
	}
	if !trusted {
		Suspect(w, account.SuspicionAborts)
	}
	return !trusted
}
