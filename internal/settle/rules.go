package settle

import (
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Rules are what settling one kind of work has of its own.
type Rules struct {
	// Place of the kind's counts in a store.PerKind.
	Place int

	// Event begins the ids of the ledger's events of deliveries; the id of the assignment
	// follows. Never change one: it is what keeps a delivery from being paid twice.
	Event string

	// Delivered is the reason of these events, Cancelled that of work that was
	// cancelled in a worker's hands; "": such work is neither paid nor charged (generation §6.4).
	Delivered, Cancelled string

	// Worth is what the ledger calls the part of a charge that is for the work.
	Worth kudos.PartKind

	// Earnings is where a worker's row counts what it earned, beside the sum of all
	// (generation §6.4).
	Earnings func(*store.WorkerTotals) *horde.Kudos

	// Teams count the deliveries of their members: those of image workers only (generation §6.4).
	Teams bool

	// FirstRequest: a request counts in its user's records when it is taken, besides
	// the counts of its deliveries. Forms count with their delivery alone (generation §6.4).
	FirstRequest bool

	// MaxFailures is after how many failures work is given up if no other worker could
	// do it (generation §5.8, §3.3; decision 48).
	MaxFailures int
}

// Rules of the kinds of work.
var (
	Images = &Rules{
		Place:        store.ImagePlace,
		Event:        "deliver:",
		Delivered:    kudos.ImageDelivered,
		Worth:        kudos.Image,
		Earnings:     func(t *store.WorkerTotals) *horde.Kudos { return &t.Generated },
		Teams:        true,
		FirstRequest: true,
		MaxFailures:  3,
	}
	Texts = &Rules{
		Place:        store.TextPlace,
		Event:        "deliver:",
		Delivered:    kudos.TextDelivered,
		Worth:        kudos.Text,
		Earnings:     func(t *store.WorkerTotals) *horde.Kudos { return &t.Generated },
		FirstRequest: true,
		MaxFailures:  3,
	}
	Forms = &Rules{
		Place:       store.FormPlace,
		Event:       "form:",
		Delivered:   kudos.FormDelivered,
		Cancelled:   kudos.FormCancelled,
		Worth:       kudos.Form,
		Earnings:    func(t *store.WorkerTotals) *horde.Kudos { return &t.Interrogated },
		MaxFailures: 4,
	}
)
