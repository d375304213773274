package settle

import (
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Acceptance is what moves when a request is taken: its tax, and what is set aside
// for what it will be charged later.
type Acceptance struct {
	Rules   *Rules
	Request string       // id
	Payer   horde.UserID // whose account is locked

	// Needed is set aside on the payer's account, or the request is refused
	// (generation §1.5 step 5); 0: nothing is.
	Needed horde.Kudos

	// Wishes are set aside as far as the payer has it.
	Wishes []kudos.OptionalHold

	// Key is the shared key that pays, as read in this transaction; nil: none. Most is
	// what the request can come to: so much is set aside on the key, as far as it is
	// there (generation §6.11).
	Key  *store.SharedKey
	Most horde.Kudos

	// Tax is charged at once (generation §6.3); TaxParts are what it consists of.
	Tax      horde.Kudos
	TaxParts []kudos.Part

	// Style is the name of the style that the request uses, Bonus what moves for it in
	// the same event; nil: nothing does.
	Style string
	Bonus func(*store.Tx, *kudos.Entry) error

	// Unpaid bounds what of the bonus the tax does not pay for.
	Unpaid kudos.UnpaidBounds
}

// Reserved is what an acceptance has set aside.
type Reserved struct {
	OnAccount bool         // anything
	Promised  *horde.Kudos // what the owner of the shared key pays at most; nil: no key pays
}

// Apply carries the acceptance out. kudos.ErrInsufficient: the payer cannot cover what is
// needed.
func (a *Acceptance) Apply(tx *store.Tx) (r Reserved, err error) {
	if r.OnAccount, err = a.hold(tx); err != nil {
		return r, err
	}

	paid := a.Tax
	if a.Key != nil {
		opened, err := kudos.ReserveOnKey(tx, a.Key, a.Request, a.Most, a.Tax)
		if err != nil {
			return r, err
		}
		r.Promised, paid = &opened.Promised, opened.Paid
	}

	if err := a.charge(tx, paid); err != nil {
		return r, err
	}
	return r, tx.ChangeAccount(a.Payer, func(acc *store.Account) {
		if a.Rules.FirstRequest {
			acc.Totals.Requests[a.Rules.Place]++
		}
		acc.LastActive = tx.Now
	})
}

// hold sets kudos aside on the payer's account and reports whether it did.
func (a *Acceptance) hold(tx *store.Tx) (bool, error) {
	if a.Needed > 0 {
		return true, kudos.Hold(tx, HoldOfRequest(a.Request), a.Payer, a.Needed)
	}
	if len(a.Wishes) == 0 {
		return false, nil
	}
	return kudos.HoldAvailable(tx, a.Payer, a.Wishes)
}

// charge moves the tax, of which the payer pays so much, and what the style brings.
func (a *Acceptance) charge(tx *store.Tx, paid horde.Kudos) error {
	if a.Tax == 0 && a.Bonus == nil {
		return nil
	}

	e := kudos.NewEntry(tx, "accept:"+a.Request, "request accepted", a.Request, "")
	about := kudos.About{Style: a.Style}
	if a.Key != nil {
		about.Key = a.Key.ID
	}
	e.About(about)

	if err := e.ChargeAtMost(a.Payer, a.Tax, paid, a.TaxParts...); err != nil {
		return err
	}
	if a.Bonus != nil {
		e.Within(a.Unpaid.For(a.Payer))
		if err := a.Bonus(tx, e); err != nil {
			return err
		}
	}

	// The tax is one of the charges that the hold is for.
	if a.Needed > 0 {
		if err := kudos.ConsumeHold(tx, HoldOfRequest(a.Request), paid); err != nil {
			return err
		}
	}
	return e.Commit()
}
