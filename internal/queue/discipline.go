package queue

import (
	"slices"
	"time"

	"horde/internal/account"
	"horde/internal/store"
)

// Figures of generation rulebook §5.10.
const (
	speedSamples    = 20
	unreasonable    = 20_000_000 // pixelsteps/s that no hardware reaches
	abortWindow     = time.Hour
	abortLimit      = 20
	pausingSuspects = 5
)

// Reasons of suspicion, by the original's numbers.
const (
	suspicionTooFast = 5
	suspicionAborts  = 9
)

const tooManyAborts = "This worker has been put into maintenance mode because it dropped too many jobs within an hour. " +
	"Please check its speed and settings, then switch maintenance mode off."

// countDelivery adds a delivery to a worker's life, and a suspicion when it
// came faster than any hardware could. Enough of them pause the worker of an
// untrusted owner.
func countDelivery(w *store.Worker, s settlement, owner *account.User) {
	t := &w.Totals
	t.Kudos += s.earned
	t.Generated += s.earned
	t.Things += s.things
	t.Fulfilments++
	t.Speeds = append(slices.Clip(t.Speeds), s.speed)
	if n := len(t.Speeds); n > speedSamples {
		t.Speeds = t.Speeds[n-speedSamples:]
	}
	if s.speed > unreasonable && !owner.Is(account.Trusted) {
		suspect(w, suspicionTooFast)
	}
}

func suspect(w *store.Worker, reason int) {
	w.Totals.Suspicions = append(slices.Clip(w.Totals.Suspicions), reason)
	if len(w.Totals.Suspicions) >= pausingSuspects {
		w.Paused = true
	}
}

// countAbort adds a job that was given up. More than 20 within an hour put the
// worker into maintenance.
func countAbort(w *store.Worker, now int64) {
	t := &w.Totals
	t.Uncompleted++
	if now-t.AbortsSince > abortWindow.Microseconds() {
		t.AbortsSince, t.Aborts = now, 0
	}
	t.Aborts++
	if t.Aborts > abortLimit {
		t.Aborts = 0
		w.Maintenance = true
		w.MaintenanceMsg = tooManyAborts
	}
}
