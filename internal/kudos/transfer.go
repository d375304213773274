package kudos

import (
	"horde/internal/horde"
	"horde/internal/store"
)

// Bucket is where a movement is counted among a user's totals
// (platform §6.3), and what it is called in words.
type Bucket struct {
	of   func(*store.Totals) *horde.Kudos
	what PartKind
}

// Buckets of gifts from outside the ledger.
var (
	ByAdmin   = Bucket{func(t *store.Totals) *horde.Kudos { return &t.Admin }, Adjusted}
	Recurring = Bucket{func(t *store.Totals) *horde.Kudos { return &t.Recurring }, Allowance}
	Awarded   = Bucket{func(t *store.Totals) *horde.Kudos { return &t.Awarded }, Award}
)

// Grant gives a user kudos by hand, or takes them with a negative amount, but
// never below the floor.
func (e *Entry) Grant(user horde.UserID, amount horde.Kudos, b Bucket) error {
	e.note(user, b.what, amount)
	if err := e.move(user, amount, func(t *store.Totals) { *b.of(t) += amount }); err != nil {
		return err
	}
	e.post(Admin, -amount)
	return nil
}

// Monthly gives a user what is due for a month, consisting of parts (generation §6.11).
func (e *Entry) Monthly(user horde.UserID, parts ...Part) error {
	var amount horde.Kudos
	for _, p := range parts {
		amount += p.Amount
		e.note(user, p.Kind, p.Amount)
	}

	if err := e.move(user, amount, func(t *store.Totals) { t.Recurring += amount }); err != nil {
		return err
	}
	e.post(Mint, -amount)
	return nil
}

// Gift is what one user gives to another.
type Gift struct {
	From, To horde.UserID
	Amount   horde.Kudos
	Donation bool // to an education account (platform §3.2)
}

// Transfer moves kudos from one user to another; ErrInsufficient when the giver
// cannot spend that much.
func (e *Entry) Transfer(g Gift) error {
	a, err := e.tx.Account(g.From)
	if err != nil {
		return err
	}
	if Spendable(a) < g.Amount {
		return ErrInsufficient
	}

	given := func(t *store.Totals) {
		if g.Donation {
			t.Donated -= g.Amount
		} else {
			t.Gifted -= g.Amount
		}
	}

	e.note(g.From, Given, -g.Amount)
	e.note(g.To, Received, g.Amount)
	if err := e.move(g.From, -g.Amount, given); err != nil {
		return err
	}
	return e.move(g.To, g.Amount, func(t *store.Totals) { t.Received += g.Amount })
}

// Promote moves a user's whole escrow to what can be spent: the user has become
// trusted (platform §6.4).
func (e *Entry) Promote(user horde.UserID) error {
	a, err := e.tx.Account(user)
	if err != nil || a.Escrow == 0 {
		return err
	}

	escrow := a.Escrow
	if err := e.tx.ChangeAccount(user, func(a *store.Account) { a.Escrow = 0 }); err != nil {
		return err
	}

	e.note(user, Promoted, escrow)
	e.note(user, Escrowed, -escrow)
	e.post(EscrowAccount(user), -escrow)
	return e.move(user, escrow, func(t *store.Totals) { t.Accumulated += escrow })
}
