package settle

import (
	"context"
	"errors"
	"maps"
	"slices"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/store"
)

// Abort is an assignment that its worker gave up, reported or by taking too long.
type Abort struct {
	Rules      *Rules
	Assignment Assignment
	Funds      Funds

	Worker *fleet.Worker // nil: it is gone
	Pop    string        // that handed the assignment out
	Excuse Excuse

	Raid bool // the horde is in raid mode

	// Before are the workers that are known to have failed on the work already.
	Before []string

	// AnotherLeft reports whether a live worker could do the work besides those that
	// have tried it.
	AnotherLeft func(tried map[string][]string) bool

	// After the commit:
	Suspected bool // the worker's owner is, for too many aborts
	Suspended bool // the worker is, for failing alone
}

// GiveUp writes an abort: the work goes back to the queue or is given up with it
// (generation §5.8, §3.3), and the worker's aborts and failures in a row are counted
// (generation §5.10) unless it is excused. ErrLost: the assignment had ended.
func GiveUp(ctx context.Context, s *store.Store, b *Abort) error {
	return s.Write(ctx, store.Unit{
		Key:      b.Assignment.request(),
		Accounts: b.Funds.accounts(),
		Workers:  b.workers(),
		Do:       b.giveUp,
	})
}

// workers are those that the abort may change.
func (b *Abort) workers() []string {
	ids := slices.Clone(b.Before)
	if b.Worker != nil {
		ids = append(ids, b.Worker.ID)
	}
	return ids
}

func (b *Abort) giveUp(tx *store.Tx) error {
	b.Suspected, b.Suspended = false, false // of a run that was rolled back

	found, err := b.Assignment.giveUp(tx, b)
	if err != nil {
		return err
	}
	if !b.Assignment.decoy() {
		if err := releaseIfOver(tx, &b.Funds, b.Assignment.over); err != nil {
			return err
		}
	}

	if found.tries.hopeless() {
		if err := b.forgive(tx, found.tries.Blamed); err != nil {
			return err
		}
	}

	// Nobody is to blame, or nobody is left to be.
	if b.Worker == nil || b.Excuse != NoExcuse || found.cancelled {
		return nil
	}
	return b.blame(tx, found.tries.hopeless())
}

// spent reports whether the work is given up for good.
func (b *Abort) spent(t Tries) bool {
	return b.Excuse == SourceGone || b.Rules.Spent(t, b.AnotherLeft)
}

// forgive takes work that many workers failed on out of the failures of those that
// have delivered before: else whoever asks for what no worker can make would suspend
// them all.
func (b *Abort) forgive(tx *store.Tx, blamed map[string][]string) error {
	locked := b.workers()
	for _, id := range slices.Sorted(maps.Keys(blamed)) {
		// Of a failure that another node saw just now, this one does not know yet.
		if !slices.Contains(locked, id) {
			continue
		}

		_, err := tx.ChangeWorker(id, func(w *store.Worker) {
			if fleet.HasDelivered(w) {
				fleet.ForgiveFailures(w, blamed[id])
			}
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // else it was deleted
			return err
		}
	}
	return nil
}

// blame counts the abort against the worker, and its pop among those that failed in a
// row unless the work was hopeless.
func (b *Abort) blame(tx *store.Tx, hopeless bool) error {
	_, err := tx.ChangeWorker(b.Worker.ID, func(w *store.Worker) {
		b.Suspected = fleet.CountAbort(w, fleet.Abort{At: tx.Now, Raid: b.Raid, OwnerTrusted: b.Worker.OwnerTrusted()})
		if !b.Assignment.decoy() && !(hopeless && fleet.HasDelivered(w)) {
			b.Suspended = fleet.CountFailure(w, b.Pop, tx.Now)
		}
	})
	if err != nil || !b.Suspected {
		return err
	}
	return account.SuspectUser(tx, b.Worker.UserID, account.SuspicionAborts)
}
