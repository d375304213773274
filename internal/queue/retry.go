package queue

import (
	"slices"

	"horde/internal/fleet"
	"horde/internal/kinds"
)

// contest is a request that has failed on these workers, before those that could serve
// it. Its rules read the request under the lock of the index.
func (q *Queue) contest(e *entry, failed func(worker string) bool) kinds.Contest {
	kind, now := e.home.kind, q.Clock.Micros()
	known, matched := q.Catalog.Snapshot(), q.Modes().MatchedTargeting

	return kinds.Contest{
		Online:   func(each func(*fleet.Worker) bool) { q.Fleet.Online(kind.name, each) },
		Revision: q.Fleet.Revision(),
		Now:      now,
		Failed:   failed,
		CouldGet: func(w *fleet.Worker) bool {
			return kinds.MayPopFor(w, e.row.UserID, now) && (!matched || !e.item.Targeted() || befriends(w, e)) &&
				e.offeredBy(w) && kind.popping(kinds.LastSeen(w, known)).CouldGet(&e.item, 0)
		},
		AsksFunds: func(w *fleet.Worker) bool {
			return w.Settings.RequireUpfrontKudos && !e.record.Trusted && !befriends(w, e)
		},
	}
}

// offeredBy reports whether a worker offers a model of the request.
func (e *entry) offeredBy(w *fleet.Worker) bool {
	return len(e.models()) == 0 || slices.ContainsFunc(e.models(), w.Offers)
}

// befriends reports whether a worker puts the requester first.
func befriends(w *fleet.Worker, e *entry) bool {
	return e.row.UserID == w.UserID || slices.Contains(w.Settings.PriorityUsers, e.row.UserID)
}

// rivalsLocked are the workers that could serve a request which has failed and have not
// failed on it. What was found is remembered for a while.
func (q *Queue) rivalsLocked(e *entry) kinds.Rivals {
	if !e.rivals.Current(q.Fleet.Revision(), q.Clock.Micros()) {
		e.rivals = q.contest(e, func(worker string) bool { return e.failed[worker] }).Rivals()
	}
	return e.rivals
}

// anotherCouldGet reports whether a live worker could serve the request besides
// those that have tried it.
func (q *Queue) anotherCouldGet(e *entry, tried map[string][]string) bool {
	x := e.home
	x.Lock()
	defer x.Unlock()
	return q.contest(e, func(worker string) bool { return tried[worker] != nil }).AnyRival()
}
