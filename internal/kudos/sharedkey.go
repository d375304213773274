package kudos

import (
	"errors"

	"horde/internal/horde"
	"horde/internal/store"
)

// Shared keys (generation §6.11, decision 49). What a request
// can cost is reserved on the key's budget when it is accepted, consumed by its charges
// and released when nothing more of it will be charged. So what is reserved never
// exceeds the budget, and what a key's owner is charged through it never exceeds
// what they gave it.
//
// All of this requires the account of the key's owner to be locked.

// KeyUse is a request that a shared key pays for.
type KeyUse struct {
	Key     string // id
	Request string // id
	// Promised is what the owner pays for the request even if the budget is lowered:
	// what was reserved when it was accepted. Nil: all of it; the request was accepted
	// by a version that reserved nothing.
	Promised *horde.Kudos
	// Consumed is what the request was charged so far.
	Consumed horde.Kudos
}

// promised is how much of an amount the owner has promised to pay.
func (u *KeyUse) promised(amount horde.Kudos) horde.Kudos {
	if u.Promised == nil {
		return amount
	}
	return max(0, *u.Promised-u.Consumed)
}

// KeyReservation is what was reserved of a budget when a request was accepted.
type KeyReservation struct {
	Promised horde.Kudos // the most that the owner pays for the request
	Paid     horde.Kudos // of the tax
}

// ReserveOnKey reserves on a shared key, as read in this transaction, the most that
// a request can cost, as far as the budget goes, and pays the request's tax from it.
func ReserveOnKey(tx *store.Tx, k *store.SharedKey, request string, most, tax horde.Kudos) (KeyReservation, error) {
	o := KeyReservation{Promised: most}
	if k.Limited() {
		o.Promised = min(most, k.Left())
	}
	o.Paid = min(tax, o.Promised)

	budget, own := k.Budget, o.Promised-o.Paid
	if k.Limited() {
		budget -= o.Paid
	}
	if err := tx.SetKeySums(k.ID, budget, k.Held+own, o.Paid); err != nil {
		return o, err
	}
	if own == 0 {
		return o, nil
	}
	return o, tx.InsertKeyHold(store.KeyHold{RequestID: request, KeyID: k.ID, Remaining: own})
}

// ChargeKey takes a charge out of a shared key's budget and counts it. It returns
// how much of the charge is the owner's to pay: all that was promised, and beyond
// that what the budget has left. The rest is forgiven (Entry.ChargeAtMost).
func ChargeKey(tx *store.Tx, u KeyUse, amount horde.Kudos) (paid horde.Kudos, err error) {
	s, err := tx.KeySums(u.Key, u.Request)
	// If the key has been deleted, what was promised is still paid.
	if errors.Is(err, store.ErrNotFound) {
		return min(amount, u.promised(amount)), nil
	}
	if err != nil {
		return 0, err
	}

	// Beyond what was promised, pay from what nobody has reserved.
	limited := s.Budget != store.Unlimited
	paid = amount
	if limited {
		free := max(0, s.Budget-s.Held)
		paid = min(amount, max(u.promised(amount), s.Own+free))
	}

	// The request's own reservation is consumed first.
	own := max(0, s.Own-paid)
	budget, held := s.Budget, s.Held-(s.Own-own)
	if limited {
		budget = max(0, budget-paid)
	}
	if own != s.Own {
		if err := tx.SetKeyHold(u.Request, own); err != nil {
			return 0, err
		}
	}

	// Only if the owner lowered the budget below what was promised, or a request of an
	// earlier version was charged, is more reserved than is left.
	if limited && held > budget {
		if held, err = TrimKeyHolds(tx, u.Key, budget); err != nil {
			return 0, err
		}
	}
	return paid, tx.SetKeySums(u.Key, budget, held, paid)
}

// ReleaseKeyHold frees what is left of a request's hold on its shared key; one
// that is gone is no error.
func ReleaseKeyHold(tx *store.Tx, request string) error {
	h, err := tx.DropKeyHold(request)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.FreeOnKey(h.KeyID, h.Remaining)
}

// TrimKeyHolds lowers the holds on a shared key, the newest first, until their sum is
// at most budget, and returns that sum. What was promised stays promised.
func TrimKeyHolds(tx *store.Tx, key string, budget horde.Kudos) (held horde.Kudos, err error) {
	holds, err := tx.KeyHoldsOf(key)
	if err != nil {
		return 0, err
	}
	for _, h := range holds {
		held += h.Remaining
	}

	for _, h := range holds {
		cut := min(h.Remaining, held-budget)
		if cut <= 0 {
			break
		}
		if err := tx.SetKeyHold(h.RequestID, h.Remaining-cut); err != nil {
			return 0, err
		}
		held -= cut
	}
	return held, nil
}

// RepairKey restores the holds of a shared key that nodes of the previous version
// have used to what they should be.
func RepairKey(tx *store.Tx, key store.InconsistentKey) error {
	if key.Stray != "" {
		return ReleaseKeyHold(tx, key.Stray)
	}

	k, err := tx.SharedKey(key.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}

	if err != nil || !k.Limited() || k.Held <= k.Budget {
		return err
	}

	if k.Held, err = TrimKeyHolds(tx, k.ID, k.Budget); err != nil {
		return err
	}
	return tx.SetKeySums(k.ID, k.Budget, k.Held, 0)
}
