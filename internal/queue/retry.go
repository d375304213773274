package queue

import (
	"context"
	"slices"
	"time"

	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/store"
)

// How often a request is tried (generation §5.8; decision 48).
const (
	faultLimit   = 3  // given-up jobs, where no other worker could serve the request
	workerLimit  = 3  // workers that gave jobs of it up
	excusedLimit = 10 // pops whose jobs failed by no fault of their workers'

	startingGrace = time.Minute     // in which workers find a server that was down
	storeTime     = 2 * time.Second // for our store to say whether it works
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
func (q *Queue) yields(v *view, e *entry) bool {
	if len(e.failed) == 0 {
		return false
	}
	own, u := e.standingOf(q.Fleet.Latest(v.worker)), q.untriedBy(e)
	return u.best < own || u.asks < own && !v.lacksFunds(e)
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
	case s.matched && e.aimed() && !befriends(w, e):
		return false
	case len(e.models()) > 0 && !slices.ContainsFunc(e.models(), w.Offers):
		return false
	}
	v := viewOfLast(e.home.kind, w, s.known)
	return v.serves(e.models()) && v.lacking(e.feat) == 0 && v.refuses(e, 0) == ""
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

// aimed reports whether a request is for named workers alone.
func (e *entry) aimed() bool {
	q := e.record.common
	return len(q.Workers) > 0 && !q.WorkerBlacklist
}

// spent reports whether a request with these failures is given up: three workers
// have failed on it; or three of its jobs have, of one pop too as recorded, and nobody
// is left who has not failed on it. What was no worker's fault only counts in the long run.
func (q *Queue) spent(e *entry, failures []store.Failure) bool {
	tried, excused := blamedPops(failures), map[string]bool{}
	blamed := 0
	for _, f := range failures {
		if f.Excused {
			excused[f.Pop] = true
		} else {
			blamed++
		}
	}
	switch {
	case len(tried) >= workerLimit || len(excused) >= excusedLimit:
		return true
	case blamed < faultLimit:
		return false
	}
	return !q.anotherCouldGet(e, tried)
}

// blamedPops are the pops that failed on a request, by worker; excused ones are left
// out.
func blamedPops(failures []store.Failure) map[string][]string {
	pops := map[string][]string{}
	for _, f := range failures {
		if !f.Excused {
			pops[f.WorkerID] = append(pops[f.WorkerID], f.Pop)
		}
	}
	return pops
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

// excuse is why a failure is not its worker's fault.
type excuse int

const (
	noExcuse   excuse = iota
	ourStore          // it could not take the result, or could not be asked
	ourOutage         // this server was not there to take the result in time
	sourceGone        // what the job is made from; no worker will do better
)

// excuseOf finds out whether the server itself made a worker fault: its source
// images are gone, or its store takes nothing.
func (q *Queue) excuseOf(ctx context.Context, a assigned) excuse {
	if a.job.Fake || !a.e.work.stored() {
		return noExcuse
	}

	// A worker that hangs up at once must not look like a store that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	for _, name := range a.e.record.sources() {
		switch there, err := q.Blobs.Exists(ctx, name); {
		case err != nil:
			return ourStore
		case !there:
			return sourceGone
		}
	}
	if q.Blobs.Ready(ctx) != nil {
		return ourStore
	}
	return noExcuse
}

// excuseOfLate is the excuse of a job that was not delivered in time: while this
// server was down, or had only just come back, nobody took it, unless another node
// served all the while.
func (q *Queue) excuseOfLate(ctx context.Context, j *store.Job) (excuse, error) {
	if j.Started+j.TTL >= q.opened+startingGrace.Microseconds() || j.Started >= q.opened {
		return noExcuse, nil
	}
	if served, err := q.Store.ServedElsewhere(ctx, j.Started, q.opened); err != nil || served {
		return noExcuse, err
	}
	return ourOutage, nil
}
