// Package kinds holds what the kinds of work have in common. What each has of its own
// is in the packages below it, as functions of their inputs: image, text and form.
package kinds

import (
	"time"

	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/match"
)

// Seen is a worker as a kind looks at it.
type Seen struct {
	Worker       *fleet.Worker
	Models       []string // that it offers now
	OwnerTrusted bool
	Known        *catalog.Snapshot
}

// LastSeen is a worker that is not popping now, as its last check-in said.
func LastSeen(w *fleet.Worker, known *catalog.Snapshot) Seen {
	return Seen{Worker: w, Models: w.Settings.Models, OwnerTrusted: w.OwnerTrusted(), Known: known}
}

// Facts are what decides over work of any kind.
func (s Seen) Facts() match.Worker {
	w := s.Worker
	return match.Worker{
		ID:             w.ID,
		Owner:          w.UserID,
		OwnOnly:        w.Maintenance,
		SuspendedUntil: w.Totals.SuspendedUntil,
		Models:         s.Models,
		Blacklist:      w.Settings.Blacklist,
	}
}

// Pickup is a worker about to get jobs of a request.
type Pickup struct {
	Settings *fleet.Settings
	Known    *catalog.Snapshot
	Model    string
	Amount   int // jobs that it takes at most
	Left     int // jobs that the request has left
}

// defaultMaintenance is what a worker in maintenance hears when its owner left no
// words. Workers look for "maintenance mode" in it.
const defaultMaintenance = "This worker has been put into maintenance mode by its owner"

// MaintenanceError is what a worker that gets nothing hears if it is in maintenance;
// nil: it is not.
func MaintenanceError(w *fleet.Worker) error {
	if !w.Maintenance {
		return nil
	}
	text := w.MaintenanceMsg
	if text == "" {
		text = defaultMaintenance
	}
	return horde.Errorf(horde.WorkerMaintenance, "%s", text)
}

// LeastTTL is the least that a worker may take over a job.
const LeastTTL = 150 * time.Second
