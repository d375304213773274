package kudos

import (
	"errors"
	"slices"

	"horde/internal/horde"
	"horde/internal/store"
)

// System accounts of the ledger. They have no balance besides their postings: a row
// for them would be locked by every delivery on every node.
const (
	Mint     = store.MintAccount     // where rewards come from
	Burn     = store.BurnAccount     // where charges go
	Forgiven = store.ForgivenAccount // what was not charged, below a floor or beyond a budget
	Admin    = store.AdminAccount    // adjustments by hand, and the allowances of test accounts
)

// UserAccount is the ledger's name for what a user can spend.
func UserAccount(user horde.UserID) string { return store.SpendableAccount(user) }

// EscrowAccount is the ledger's name for what an untrusted worker owner has
// earned but cannot spend yet.
func EscrowAccount(user horde.UserID) string { return store.EscrowAccount(user) }

// Entry is a ledger event under construction: each call adds postings and changes
// the balances beside them, Commit writes the event. All of it happens within one unit
// of work, so that both happen or neither.
type Entry struct {
	tx     *store.Tx
	ev     store.Event
	detail Detail

	unpaid  UnpaidBounds
	forgone horde.Kudos
}

// NewEntry starts an event. id is its business id: a second event with the same
// id moves nothing and fails with store.ErrDuplicate.
func NewEntry(tx *store.Tx, id, reason, request, job string) *Entry {
	return &Entry{tx: tx, ev: store.Event{ID: id, Reason: reason, RequestID: request, JobID: job}}
}

// About says what the event is about besides its amounts.
func (e *Entry) About(a About) { e.detail.About = a }

// post adds to the posting of an account within the event.
func (e *Entry) post(account string, amount horde.Kudos) {
	for i := range e.ev.Postings {
		if e.ev.Postings[i].Account == account {
			e.ev.Postings[i].Amount += amount
			return
		}
	}
	e.ev.Postings = append(e.ev.Postings, store.Posting{Account: account, Amount: amount})
}

// Charge takes amount from what a user can spend. The balance never falls below
// the user's floor; the part that would is forgiven, in a posting of its own
// (generation §6.10). parts say what the amount consists of; what they
// leave over is the burn.
func (e *Entry) Charge(user horde.UserID, amount horde.Kudos, parts ...Part) error {
	return e.ChargeAtMost(user, amount, amount, parts...)
}

// ChargeAtMost is Charge, but the user pays at most most: the rest is forgiven, as
// what lies below the floor is. The budget of a shared key sets such a bound.
func (e *Entry) ChargeAtMost(user horde.UserID, amount, most horde.Kudos, parts ...Part) error {
	rest := amount
	for _, p := range parts {
		rest -= p.Amount
		e.note(user, p.Kind, -p.Amount)
	}
	e.note(user, Burned, -rest)

	paid := min(amount, most)
	e.note(user, ForgivenByBudget, amount-paid)
	if err := e.move(user, -paid, func(t *store.Totals) { t.Accumulated -= paid }); err != nil {
		return err
	}

	if paid == 0 { // the history shows the charge even if nothing was paid
		e.post(UserAccount(user), 0)
	}
	if paid != amount {
		e.post(Forgiven, paid-amount)
	}
	e.post(Burn, amount)
	return nil
}

// Earning is what somebody is rewarded with.
type Earning struct {
	Amount  horde.Kudos
	Trusted bool // all of it can be spent; else half of it (rounded half to even) goes into escrow
}

// Reward gives newly minted kudos to a worker's owner (generation §6.4), within the
// bounds of the event.
func (e *Entry) Reward(owner horde.UserID, r Earning) error {
	granted, err := e.grant(owner, r.Amount)
	if err != nil {
		return err
	}

	var kept horde.Kudos
	if !r.Trusted {
		kept = halfToEven(granted)
	}

	spendable := granted - kept
	e.note(owner, Rewarded, r.Amount-kept)
	if err := e.move(owner, spendable, func(t *store.Totals) { t.Accumulated += spendable }); err != nil {
		return err
	}

	if err := e.keep(owner, kept); err != nil {
		return err
	}

	e.post(Mint, -spendable)
	return nil
}

// Escrow gives newly minted kudos into a user's escrow, within the bounds of the event.
func (e *Entry) Escrow(owner horde.UserID, amount horde.Kudos) error {
	granted, err := e.grant(owner, amount)
	if err != nil {
		return err
	}
	e.note(owner, Rewarded, amount-granted) // and forgone
	return e.keep(owner, granted)
}

// keep puts newly minted kudos into escrow.
func (e *Entry) keep(owner horde.UserID, amount horde.Kudos) error {
	if amount == 0 {
		return nil
	}
	e.note(owner, Escrowed, amount)
	e.post(Mint, -amount)
	e.post(EscrowAccount(owner), amount)
	return e.tx.ChangeAccount(owner, func(a *store.Account) { a.Escrow += amount })
}

// SetBalance makes a balance exactly amount, regardless of the floor (the
// minting route for tests, platform §8.6).
func (e *Entry) SetBalance(user horde.UserID, amount horde.Kudos) error {
	var delta horde.Kudos
	err := e.tx.ChangeAccount(user, func(a *store.Account) {
		delta = amount - a.Balance
		a.Balance = amount
	})

	e.note(user, SetTo, delta)
	e.post(UserAccount(user), delta)
	e.post(Admin, -delta)
	return err
}

// move changes a spendable balance, keeps it at the floor or above, and counts. The
// counterpart of delta is the caller's to post.
func (e *Entry) move(user horde.UserID, delta horde.Kudos, count func(*store.Totals)) error {
	var lifted horde.Kudos
	err := e.tx.ChangeAccount(user, func(a *store.Account) {
		a.Balance += delta
		if a.Balance < a.Lowest {
			lifted = a.Lowest - a.Balance
			a.Balance = a.Lowest
		}
		count(&a.Totals)
	})

	e.note(user, ForgivenByFloor, lifted)
	if delta != 0 || lifted != 0 {
		e.post(UserAccount(user), delta+lifted)

	}
	if lifted != 0 {
		e.post(Forgiven, -lifted)
	}
	return err
}

// Commit writes the event; one that moved nothing is not written, unless something was
// forgone. A user whose movements cancel out within it, as when a charge is forgiven
// entirely, has a posting of zero: without it the history would not show the event.
func (e *Entry) Commit() error {
	moved := func(p store.Posting) bool { return p.Amount != 0 }
	if e.forgone == 0 && !slices.ContainsFunc(e.ev.Postings, moved) {
		return nil
	}

	e.ev.Postings = slices.DeleteFunc(e.ev.Postings, func(p store.Posting) bool {
		return !moved(p) &&
			store.SystemAccount(p.Account)
	})
	e.ev.Detail = e.detail.text()
	return e.tx.Post(e.ev)
}

func halfToEven(k horde.Kudos) horde.Kudos {
	half := k / 2
	if k%2 != 0 && half%2 != 0 {
		half++
	}
	return half
}

// Spendable is what a user may commit: the balance above the floor that is not
// held for something else (generation §1.5).
func Spendable(a *store.Account) horde.Kudos { return a.Balance - a.Lowest - a.Held }

// ErrInsufficient says that an account cannot cover an amount.
var ErrInsufficient = errors.New("not enough kudos above the floor")

// Hold sets amount aside for a purpose; ErrInsufficient when the user cannot cover it.
func Hold(tx *store.Tx, id string, user horde.UserID, amount horde.Kudos) error {
	a, err := tx.Account(user)
	if err != nil {
		return err
	}
	if Spendable(a) < amount {
		return ErrInsufficient
	}
	return setAside(tx, user, store.Hold{ID: id, UserID: user, Remaining: amount})
}

// OptionalHold is a hold worth having, but no reason to refuse anyone.
type OptionalHold struct {
	ID     string
	Amount horde.Kudos
}

// HoldAvailable sets aside for each hold, in their order, as much as the user
// can still spend, and reports whether that was anything at all.
func HoldAvailable(tx *store.Tx, user horde.UserID, wishes []OptionalHold) (bool, error) {
	a, err := tx.Account(user)
	if err != nil {
		return false, err
	}

	left := Spendable(a)
	var holds []store.Hold
	for _, w := range wishes {
		if amount := min(w.Amount, left); amount > 0 {
			holds = append(holds, store.Hold{ID: w.ID, UserID: user, Remaining: amount})
			left -= amount
		}
	}

	if len(holds) == 0 {
		return false, nil
	}
	return true, setAside(tx, user, holds...)
}

func setAside(tx *store.Tx, user horde.UserID, holds ...store.Hold) error {
	var sum horde.Kudos
	for _, h := range holds {
		sum += h.Remaining
	}
	if err := tx.ChangeAccount(user, func(a *store.Account) { a.Held += sum }); err != nil {
		return err
	}
	tx.InsertHolds(holds...)
	return nil
}

// ConsumeHold takes a charge out of a hold, as far as the hold covers it; a hold that is
// gone is no error. The hold's user must be locked.
func ConsumeHold(tx *store.Tx, id string, amount horde.Kudos) error {
	h, err := tx.Hold(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}

	eaten := min(amount, h.Remaining)
	if err := tx.ChangeAccount(h.UserID, func(a *store.Account) { a.Held -= eaten }); err != nil {
		return err
	}
	return tx.SetHold(id, h.Remaining-eaten)
}

// ReleaseHolds frees what is left of holds; those that are gone are no error.
// Their users must be locked.
func ReleaseHolds(tx *store.Tx, ids ...string) error {
	dropped, err := tx.DropHolds(ids...)
	for _, h := range dropped {
		err = errors.Join(err, free(tx, h))
	}
	return err
}

// Released is ReleaseHolds for one hold that the unit asked to be dropped.
func Released(tx *store.Tx, drop *store.Ask[store.Hold]) error {
	h, err := drop.Answer(tx)
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	if err != nil {
		return err
	}
	return free(tx, h)
}

func free(tx *store.Tx, dropped store.Hold) error {
	return tx.ChangeAccount(dropped.UserID, func(a *store.Account) { a.Held -= dropped.Remaining })
}
