package kinds

import (
	"time"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
)

// Nobody is a standing worse than that of any worker.
const Nobody = fleet.Failing + 1

// rivalsLife is for how long a look at the fleet is used.
const rivalsLife = time.Second

// Rivals is how well those live workers stand that could get an item which has failed,
// and have not failed on it. The zero value is out of date.
type Rivals struct {
	Best     fleet.Standing // of those that serve whoever asks; Nobody: there are none
	AskFunds fleet.Standing // of those that serve only whoever could pay
	at       horde.Micros
	revision uint64 // of the fleet
}

// Contest is an item that has failed, before the workers that could get it.
type Contest struct {
	Online   func(each func(*fleet.Worker) bool) // yields the live workers
	Revision uint64                              // of the fleet
	Now      horde.Micros

	Failed    func(worker string) bool // on the item
	CouldGet  func(*fleet.Worker) bool
	AsksFunds func(*fleet.Worker) bool // it serves only whoever could pay; nil: none does
}

// Current reports whether rivals that were found before are still good, with the fleet
// at this revision.
func (r Rivals) Current(revision uint64, now horde.Micros) bool {
	return r.at > 0 && r.revision == revision && now-r.at < horde.MicrosIn(rivalsLife)
}

// Rivals finds the workers that could get the item and have not failed on it.
func (c Contest) Rivals() Rivals {
	r := Rivals{Best: Nobody, AskFunds: Nobody, at: c.Now, revision: c.Revision}
	c.Online(func(w *fleet.Worker) bool {
		standing := w.Standing()
		if standing >= r.Best || c.Failed(w.ID) || !c.CouldGet(w) {
			return true
		}
		if c.AsksFunds != nil && c.AsksFunds(w) {
			r.AskFunds = min(r.AskFunds, standing)
			return true
		}
		r.Best = standing
		return standing > fleet.Proven // none can stand better
	})
	return r
}

// AnyRival reports whether any worker could get the item and has not failed on it.
// Workers that ask for funds count: their next pop finds out.
func (c Contest) AnyRival() (found bool) {
	c.Online(func(w *fleet.Worker) bool {
		found = !c.Failed(w.ID) && c.CouldGet(w)
		return !found
	})
	return found
}

// StandingOf is how well a worker stands before an item on which the workers with these
// ids have failed: behind all others if it is among them.
func StandingOf[V any](w *fleet.Worker, failed map[string]V) fleet.Standing {
	if _, ok := failed[w.ID]; ok {
		return Nobody
	}
	return w.Standing()
}

// MayPopFor reports whether pops of a worker, by its last check-in, bring anything that
// a user asks for.
func MayPopFor(w *fleet.Worker, user horde.UserID, now horde.Micros) bool {
	own := user == w.UserID
	refused := w.Owner != nil && (w.Owner.Is(account.Flagged) || w.Owner.Is(account.Deleted))
	return !refused && !w.Suspended(now) && (own || !w.Maintenance && !w.Paused)
}
