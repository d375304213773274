package queue

import (
	"slices"

	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/match"
)

// nobody is a standing worse than that of any worker.
const nobody = fleet.Failing + 1

// untried is how well those live workers stand that could serve a request and have
// not failed on it.
type untried struct {
	best  fleet.Standing // of those that ask for no kudos; nobody: there are none
	asks  fleet.Standing // of those that serve it only if its requester could pay
	at    int64          // microseconds
	turns uint64         // of the fleet
}

// untriedBy finds the workers that could serve a request which has failed, and
// remembers its verdict for a while. The index must be locked.
func (q *Queue) untriedBy(e *entry) untried {
	now, turns := q.Clock().UnixMicro(), q.Fleet.Revision()
	if u := e.untried; u.at > 0 && u.turns == turns && now-u.at < verdictLife {
		return u
	}

	u := untried{best: nobody, asks: nobody, at: now, turns: turns}
	s := q.scan(now)
	q.Fleet.Online(e.home.kind.name, func(w *fleet.Worker) bool {
		standing := w.Standing()
		if e.failed[w.ID] || standing >= u.best || !s.couldGet(w, e) {
			return true
		}
		if s.asksKudos(w, e) {
			u.asks = min(u.asks, standing)
			return true
		}
		u.best = standing
		return standing > fleet.Proven // none can stand better
	})
	e.untried = u
	return u
}

// yields reports whether a worker has to leave a request that has failed to others:
// to whoever has not failed on it if it has, else to whoever stands better. First
// tries are anybody's. The index must be locked.
func (q *Queue) yields(w *fleet.Worker, pop *match.Pop, e *entry) bool {
	if len(e.failed) == 0 {
		return false
	}
	own, u := e.standingOf(q.Fleet.Latest(w)), q.untriedBy(e)
	return u.best < own || u.asks < own && !pop.LacksFunds(&e.item)
}

// standingOf is how well a worker stands before a request: behind all others if it
// has failed on it.
func (e *entry) standingOf(w *fleet.Worker) fleet.Standing {
	if e.failed[w.ID] {
		return nobody
	}
	return w.Standing()
}

// scan is a look at the fleet for workers that would be handed out a request now.
type scan struct {
	now     int64
	known   *catalog.Snapshot
	matched bool
}

func (q *Queue) scan(now int64) scan {
	return scan{now: now, known: q.Catalog.Snapshot(), matched: q.Modes().MatchedTargeting}
}

// couldGet reports whether a pop of the worker, by its last check-in, could bring
// the request, were it the first in the queue: by the very rules of pops. Whether
// its requester can pay is not looked at.
func (s scan) couldGet(w *fleet.Worker, e *entry) bool {
	own := e.row.UserID == w.UserID
	switch {
	case w.Suspended(s.now), (w.Maintenance || w.Paused) && !own:
		return false
	case w.Owner != nil && (w.Owner.Is(account.Flagged) || w.Owner.Is(account.Deleted)): // its pops are refused
		return false
	case s.matched && e.item.Targeted() && !befriends(w, e):
		return false
	case len(e.models()) > 0 && !slices.ContainsFunc(e.models(), w.Offers):
		return false
	}
	return e.home.kind.popping(kinds.LastSeen(w, s.known)).CouldGet(&e.item, 0)
}

// asksKudos reports whether the worker serves the request only if its requester
// could pay.
func (s scan) asksKudos(w *fleet.Worker, e *entry) bool {
	return w.Settings.RequireUpfrontKudos && !e.record.Trusted && !befriends(w, e)
}

// befriends reports whether a worker puts the requester first.
func befriends(w *fleet.Worker, e *entry) bool {
	return e.row.UserID == w.UserID || slices.Contains(w.Settings.PriorityUsers, e.row.UserID)
}

// anotherCouldGet reports whether a live worker could serve the request besides
// those that have tried it. Workers that ask for kudos count: their next pop finds
// out whether the requester has them.
func (q *Queue) anotherCouldGet(e *entry, tried map[string][]string) (found bool) {
	x := e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	s := q.scan(q.Clock().UnixMicro())
	q.Fleet.Online(x.kind.name, func(w *fleet.Worker) bool {
		found = tried[w.ID] == nil && s.couldGet(w, e)
		return !found
	})
	return found
}
