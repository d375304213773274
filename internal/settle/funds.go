package settle

import (
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// HoldOfRequest names what is set aside for the charges of a request (generation §6.13).
func HoldOfRequest(id string) string { return "upfront:" + id }

// HoldOfForm names what is set aside for the charge of a form (generation §6.13).
func HoldOfForm(id string) string { return "interrogation:" + id }

// Funds is where the kudos for work come from: the account of its payer, and what
// was set aside for it there or on the budget of a shared key.
type Funds struct {
	Payer horde.UserID

	// Hold is the id of what was set aside on the payer's account; "": nothing was.
	Hold string

	// OneCharge: the hold is for one charge, not for all of a request's. What the
	// charge leaves of it is free.
	OneCharge bool

	// Key is the shared key that pays; nil: none. What the request has consumed is
	// filled in here.
	Key *kudos.KeyUse
}

// reserved reports whether anything may be set aside.
func (funds *Funds) reserved() bool { return funds.Hold != "" || funds.Key != nil }

// keyID is the id of the shared key that pays; "": none does.
func (funds *Funds) keyID() string {
	if funds.Key == nil {
		return ""
	}
	return funds.Key.Key
}

// accounts are those that a release changes.
func (funds *Funds) accounts() []horde.UserID {
	if funds.reserved() {
		return []horde.UserID{funds.Payer}
	}
	return nil
}

// spend takes a charge out of the budget of the shared key, of which the request has
// consumed so much before, and returns what of it the payer has to pay.
func (funds *Funds) spend(tx *store.Tx, charge, consumed horde.Kudos) (paid horde.Kudos, err error) {
	if funds.Key == nil {
		return charge, nil
	}

	use := *funds.Key
	use.Consumed = consumed
	return kudos.ChargeKey(tx, use, charge)
}

// consume takes what was paid out of a hold that is for more than one charge.
func (funds *Funds) consume(tx *store.Tx, paid horde.Kudos) error {
	if funds.Hold == "" || funds.OneCharge {
		return nil
	}
	return kudos.ConsumeHold(tx, funds.Hold, paid)
}

// release frees what is left of what was set aside.
func (funds *Funds) release(tx *store.Tx) error {
	if funds.Key != nil {
		if err := kudos.ReleaseKeyHold(tx, funds.Key.Request); err != nil {
			return err
		}
	}

	if funds.Hold == "" {
		return nil
	}
	return kudos.ReleaseHolds(tx, funds.Hold)
}

// releaseIfOver frees what is left of the funds of work of which nothing more will be
// charged. over finds that out; it is asked only where anything is set aside.
func releaseIfOver(tx *store.Tx, f *Funds, over func(*store.Tx) (bool, error)) error {
	if !f.reserved() {
		return nil
	}
	if ended, err := over(tx); err != nil || !ended {
		return err
	}
	return f.release(tx)
}
