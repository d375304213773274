package alchemy

import (
	"context"

	"horde/internal/account"
	"horde/internal/fleet"
	kind "horde/internal/kinds/form"
	"horde/internal/settle"
)

const verdictLife = 1_000_000 // microseconds for which a look at the fleet is used

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

// yields reports whether a worker has to leave a form that has failed to others: to
// whoever has not failed on it if it has, else to whoever stands better. First tries
// are anybody's. The index must be locked.
func (q *Queue) yields(w *fleet.Worker, f *form) bool {
	if f.FailedBy == "" {
		return false
	}
	tried, own := settle.FailuresOf(&f.FormProgress), q.Fleet.Latest(w).Standing()
	if tried[w.ID] != nil {
		own = nobody
	}
	return q.untriedBy(f, tried).best < own
}

// untriedBy finds the workers that could fill in a form which has failed, and
// remembers its verdict for a while. The index must be locked.
func (q *Queue) untriedBy(f *form, tried map[string][]string) untried {
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
	switch {
	case w.Suspended(now):
		return false
	case w.Owner != nil && (w.Owner.Is(account.Flagged) || w.Owner.Is(account.Deleted)): // its pops are refused
		return false
	}
	return kind.LastSeen(w).CouldGet(&f.item, 0)
}

// anotherCouldGet reports whether a live worker could fill a form in besides those
// that have tried it.
func (q *Queue) anotherCouldGet(f *form, tried map[string][]string) (found bool) {
	now := q.now()
	q.Fleet.Online(fleet.Forms, func(w *fleet.Worker) bool {
		found = tried[w.ID] == nil && couldGet(w, f, now)
		return !found
	})
	return found
}

// server is what workers depend on besides themselves.
func (q *Queue) server() settle.Server {
	return settle.Server{Store: q.Store, Blobs: q.Blobs, Opened: q.opened}
}

// excuseOf finds out whether the server itself made a worker fault. Images at
// addresses of others are not ours.
func (q *Queue) excuseOf(ctx context.Context, f *form) settle.Excuse {
	needs := settle.Needs{Upload: f.work().Uploads()}
	if name := f.e.record.Source; name != "" {
		needs.Sources = []string{name}
	}
	return q.server().ExcuseNow(ctx, needs)
}
