package alchemy

import (
	"context"
	"slices"
	"strings"
	"time"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/store"
)

const (
	startingGrace = time.Minute     // in which workers find a server that was down
	storeTime     = 2 * time.Second // for our store to say whether it works
	verdictLife   = 1_000_000       // microseconds for which a look at the fleet is used
)

// nobody is a standing worse than that of any worker.
const nobody = fleet.Failing + 1

// untried is how well those live workers stand that could fill in a form and have
// not failed on it.
type untried struct {
	best  fleet.Standing // nobody: there are none
	at    int64          // microseconds
	turns uint64         // of the fleet
	of    int64          // version of the form
}

// failures are the pops that failed on a form, by worker.
type failures map[string][]string

// failuresOf reads what a form's row says of its failures.
func failuresOf(p store.FormProgress) failures {
	if p.FailedBy == "" {
		return nil
	}
	all := failures{}
	for one := range strings.SplitSeq(p.FailedBy, ",") {
		worker, pop, _ := strings.Cut(one, "/")
		all[worker] = append(all[worker], pop)
	}
	return all
}

// failed is the text of a form's failures with one more.
func failed(p store.FormProgress, worker, pop string) string {
	one := worker + "/" + pop
	if p.FailedBy == "" {
		return one
	}
	return p.FailedBy + "," + one
}

// number is how many failures there are.
func (f failures) number() (n int) {
	for _, pops := range f {
		n += len(pops)
	}
	return n
}

// yields reports whether a worker has to leave a form that has failed to others: to
// whoever has not failed on it if it has, else to whoever stands better. First tries
// are anybody's. The index must be locked.
func (q *Queue) yields(w *fleet.Worker, f *form) bool {
	if f.FailedBy == "" {
		return false
	}
	tried, own := failuresOf(f.FormProgress), q.Fleet.Latest(w).Standing()
	if tried[w.ID] != nil {
		own = nobody
	}
	return q.untriedBy(f, tried).best < own
}

// untriedBy finds the workers that could fill in a form which has failed, and
// remembers its verdict for a while. The index must be locked.
func (q *Queue) untriedBy(f *form, tried failures) untried {
	now, turns := q.now(), q.Fleet.Revision()
	if u := f.untried; u.of == f.Version && u.turns == turns && now-u.at < verdictLife {
		return u
	}

	u := untried{best: nobody, at: now, turns: turns, of: f.Version}
	q.Fleet.Online(fleet.Forms, func(w *fleet.Worker) bool {
		if s := w.Standing(); s < u.best && tried[w.ID] == nil && couldGet(w, f, now) {
			u.best = s
		}
		return u.best > fleet.Proven // none can stand better
	})
	f.untried = u
	return u
}

// couldGet reports whether a pop of the worker, by its last check-in, could bring a
// form that waits: by the very rules of pops.
func couldGet(w *fleet.Worker, f *form, now int64) bool {
	own := f.e.row.UserID == w.UserID
	switch {
	case w.Suspended(now), (w.Maintenance || w.Paused) && !own:
		return false
	case w.Owner != nil && (w.Owner.Is(account.Flagged) || w.Owner.Is(account.Deleted)): // its pops are refused
		return false
	}
	_, offered := slices.BinarySearch(w.Settings.Forms, f.Name)
	return offered && f.e.record.Tiles <= w.Settings.MaxTiles && (w.Speed() < fastSeconds || f.e.record.SlowWorkers) &&
		(w.OwnerTrusted() || !f.e.record.needsTrust())
}

// needsTrust reports whether only workers of trusted owners serve a request.
func (r *record) needsTrust() bool { return r.TrustedWorkers || r.UnsafeIP }

// spent reports whether a form with these failures is given up: three workers have
// failed on it; or it has failed four times, and nobody is left who has not failed
// on it. endings are the times that it was given up in all.
func (q *Queue) spent(f *form, tried failures, endings int) bool {
	switch {
	case len(tried) >= workerLimit || endings >= endingLimit:
		return true
	case tried.number() < abortLimit:
		return false
	}
	return !q.anotherCouldGet(f, tried)
}

func (q *Queue) anotherCouldGet(f *form, tried failures) (found bool) {
	now := q.now()
	q.Fleet.Online(fleet.Forms, func(w *fleet.Worker) bool {
		found = tried[w.ID] == nil && couldGet(w, f, now)
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
	sourceGone        // the image that the form is about; no worker will do better
)

// excuseOf finds out whether the server itself made a worker fault: the source image
// is gone, or its store takes nothing. Images at addresses of others are not ours.
func (q *Queue) excuseOf(ctx context.Context, f *form) excuse {
	// A worker that hangs up at once must not look like a store that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if name := f.e.record.Source; name != "" {
		switch there, err := q.Blobs.Exists(ctx, name); {
		case err != nil:
			return ourStore
		case !there:
			return sourceGone
		}
	}
	if makesPicture(f.Name) && q.Blobs.Ready(ctx) != nil {
		return ourStore
	}
	return noExcuse
}

// excuseOfLate is the excuse of a form that was not delivered in time: while this
// server was down, or had only just come back, nobody took it, unless another node
// served all the while.
func (q *Queue) excuseOfLate(ctx context.Context, row store.Form) (excuse, error) {
	if row.Ends >= q.opened+startingGrace.Microseconds() || row.Started >= q.opened {
		return noExcuse, nil
	}
	if served, err := q.Store.ServedElsewhere(ctx, row.Started, q.opened); err != nil || served {
		return noExcuse, err
	}
	return ourOutage, nil
}
