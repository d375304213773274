package fleet

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

// mayCallFrom refuses workers at an address that is shut out, and those of owners
// without a vouching role at one that is judged unsafe (generation §1.14).
// During a raid the latter are let in silently, but unsafe says so.
func (f *Fleet) mayCallFrom(ctx context.Context, owner *account.User, text string) (unsafe bool, err error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return false, nil
	}
	if err := f.Addresses.Check(addr); err != nil {
		return false, err
	}

	if owner.Is(account.Trusted) || owner.Is(account.VPN) || owner.Patron {
		return false, nil
	}

	switch f.Checker.Judge(ctx, addr) {
	case moderation.Unknown:
		return false, horde.Errorf(horde.TooManyNewIPs,
			"Too many new workers are arriving to check all of their addresses. Please try again in a few minutes.")
	case moderation.Unsafe:
		if f.Raid() {
			return true, nil
		}
		return false, horde.Errorf(horde.UnsafeIP,
			"Workers are not accepted from this address, which seems to be that of a VPN or proxy. "+
				"Please connect without it, or contact the moderators of this horde.")
	}
	return false, nil
}

// suspectAddress records once that a worker came from an unsafe address, as a suspicion of it
// and its owner (platform §6.5).
func (f *Fleet) suspectAddress(ctx context.Context, w *Worker, owner *account.User) (*Worker, error) {
	if slices.Contains(w.Totals.Suspicions, account.SuspicionUnsafeIP) {
		return w, nil
	}

	// The suspicion holds, even if the worker leaves before the answer.
	ctx = context.WithoutCancel(ctx)

	unit := store.Unit{Key: w.ID, Workers: []string{w.ID}, Accounts: []horde.UserID{owner.ID}}
	unit.Do = func(tx *store.Tx) error {
		_, err := tx.ChangeWorker(w.ID, func(r *store.Worker) { Suspect(r, account.SuspicionUnsafeIP) })
		if err != nil {
			return err
		}
		return account.SuspectUser(tx, owner.ID, account.SuspicionUnsafeIP)
	}
	err := f.Store.Write(ctx, unit)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	return f.Latest(w), nil
}
