package queue

import (
	"slices"
	"time"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/store"
)

// Figures of generation rulebook §5.10.
const (
	speedSamples    = 20
	abortWindow     = time.Hour
	abortLimit      = 20
	raidAbortLimit  = 10  // in a raid
	formsAbortLimit = 100 // of alchemists
	pausingSuspects = 5
)

const tooManyAborts = "This worker has been put into maintenance mode because it dropped too many jobs within an hour. " +
	"Please check its speed and settings, then switch maintenance mode off."

// countDelivery adds a delivery to a worker's life, and suspicions when it came
// faster than any hardware could.
func countDelivery(w *store.Worker, s settlement) {
	t := &w.Totals
	t.Kudos += s.earned
	t.Generated += s.earned
	t.Things += s.things
	t.Fulfilments++
	t.Speeds = append(slices.Clip(t.Speeds), s.speed)
	if n := len(t.Speeds); n > speedSamples {
		t.Speeds = t.Speeds[n-speedSamples:]
	}
	for range s.suspicions {
		suspect(w, account.SuspicionTooFast, false)
	}
}

// suspect adds a suspicion to a worker. Enough of them pause it, unless its owner
// is trusted.
func suspect(w *store.Worker, reason int, trusted bool) {
	w.Totals.Suspicions = account.Suspect(w.Totals.Suspicions, reason)
	if len(w.Totals.Suspicions) >= pausingSuspects && !trusted {
		w.Paused = true
	}
}

// countAbort adds a job that was given up. Too many within an hour are a suspicion
// and, but in a raid, put the worker into maintenance.
func countAbort(w *store.Worker, now int64, raid, trusted bool) (suspected bool) {
	t := &w.Totals
	t.Uncompleted++
	if now-t.AbortsSince > abortWindow.Microseconds() {
		t.AbortsSince, t.Aborts = now, 0
	}
	t.Aborts++
	limit := int64(abortLimit)
	switch {
	case w.Kind == fleet.Forms:
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
	suspect(w, account.SuspicionAborts, trusted)
	return true
}
