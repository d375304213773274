package kudos

import (
	"horde/internal/horde"
	"horde/internal/store"
)

// UnpaidBounds are how much an account may earn on one day, by UTC, of what nobody pays for
// (generation §6.14): what is minted for it beyond what the same event charges and does
// not forgive. The zero UnpaidBounds bound and count nothing.
type UnpaidBounds struct {
	Account horde.Kudos // a day; 0: any amount
	Address horde.Kudos // a day, of all workers that call from From; 0: any amount
	From    string      // key of an address; "": none is known

	// Anonymous: who is charged has nothing of its own, so no charge counts as paid.
	Anonymous bool
}

// For is the bounds for what a payer is charged for.
func (ub UnpaidBounds) For(payer horde.UserID) UnpaidBounds {
	ub.Anonymous = payer == horde.AnonymousID && ub != (UnpaidBounds{})
	return ub
}

// byAddress reports whether the address matters.
func (ub UnpaidBounds) byAddress() bool { return ub.Address > 0 && ub.From != "" }

// Within bounds what the event mints without a charge that covers it, for one user.
func (e *Entry) Within(a UnpaidBounds) { e.unpaid = a }

// Forgone is what the event would have minted besides, but for its bounds.
func (e *Entry) Forgone() horde.Kudos { return e.forgone }

// grant returns what a user gets of an amount to be minted, counts what of it nobody
// paid for, and notes what is forgone.
func (e *Entry) grant(user horde.UserID, amount horde.Kudos) (horde.Kudos, error) {
	unpaid := amount - max(0, e.paid())
	if unpaid <= 0 || e.unpaid == (UnpaidBounds{}) {
		return amount, nil
	}

	left, err := e.left(user)
	if err != nil {
		return 0, err
	}
	counted := min(unpaid, left)
	if err := e.count(user, counted); err != nil {
		return 0, err
	}

	forgone := unpaid - counted
	if forgone > 0 {
		e.forgone += forgone
		e.note(user, Forgone, -forgone)
		e.post(UserAccount(user), 0) // the history shows it even if nothing is left to be minted
	}
	return amount - forgone, nil
}

// paid is what the event has charged so far and not forgiven.
func (e *Entry) paid() (sum horde.Kudos) {
	if e.unpaid.Anonymous {
		return 0
	}
	for _, p := range e.ev.Postings {
		if p.Account == Burn || p.Account == Forgiven {
			sum += p.Amount
		}
	}
	return sum
}

// left is how much more a user may earn today of what nobody pays for.
func (e *Entry) left(user horde.UserID) (horde.Kudos, error) {
	a, err := e.tx.Account(user)
	if err != nil {
		return 0, err
	}

	today, left := store.DayOf(e.tx.Now), unbounded
	if most := e.unpaid.Account; most > 0 {
		left = min(left, most-a.Unpaid.On(today))
	}
	if e.unpaid.byAddress() {
		earned, err := e.tx.UnpaidAt(e.unpaid.From)
		if err != nil {
			return 0, err
		}
		left = min(left, e.unpaid.Address-earned.On(today))
	}
	return max(0, left), nil
}

// unbounded is more than anybody earns.
const unbounded = horde.Kudos(1 << 62)

// count adds to what a user, and the workers of the address, have earned today.
func (e *Entry) count(user horde.UserID, amount horde.Kudos) error {
	if amount == 0 {
		return nil
	}
	if e.unpaid.byAddress() {
		e.tx.AddUnpaidAt(e.unpaid.From, amount)
	}
	return e.tx.ChangeAccount(user, func(a *store.Account) { a.Unpaid.Add(store.DayOf(e.tx.Now), amount) })
}
