// Package fleet knows the workers: who they are, what they offer, when they
// were last seen, how fast they are and how they behave.
//
//	f, err := fleet.New(ctx, fleet.Config{…})
//	offer, err := f.CheckInImage(ctx, owner, pop, addr) // each pop begins so
//	f.Online(horde.KindImage, func(w *fleet.Worker) bool { … })
//
// A check-in ([Fleet.CheckInImage], [Fleet.CheckInText], [Fleet.CheckInForms])
// refuses who may not work here, in the order of generation §1.14, makes workers
// that are new, stores their settings and accrues their uptime. What it returns
// tells the worker as it is stored from what this one pop decides: settings of a
// known worker change at most every 30 s.
//
// Workers that are there, or were lately, are held in memory as immutable snapshots. A
// change writes the row and replaces the snapshot, so whoever holds one never sees it
// change; [Fleet.Latest] gets the newest. Every committed change comes in through hear
// (hear.go), those of this node before [store.Store.Write] returns. Others are read from
// the database when they are asked for ([Fleet.Find]) and come back with their next pop.
//
// The files:
//
//   - checkin.go, settings.go, alchemist.go, address.go: what a pop says, and whether
//     it is let in
//   - presence.go, room.go: which workers are in memory, and how much they may take there
//   - failures.go: aborts, runs of failures, suspicions, and how far a worker can be
//     relied on ([Standing]); generation §5.10
//   - modify.go, worker_details.go: what owners and moderators change and see; platform §3.4
//     and §4.2
//   - teams.go: teams of workers; platform §3.6
//   - messages.go, message_inbox.go: messages to workers, which their pops carry; platform §3.5
//
// The package decides about workers, never about requests: what a worker is given is
// the queue's business.
package fleet
