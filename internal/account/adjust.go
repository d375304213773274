package account

import (
	"context"
	"errors"
	"strings"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Adjustment is what an administrator gives to a user by hand, or takes from the
// user with a negative amount, in whole kudos. The user reads the reason.
type Adjustment struct {
	Target string // alias or id
	Amount int64  // -10¹² to 10¹²
	Reason string
}

// Adjusted is what an Adjustment came to: less than was to be taken where the
// balance is not to fall below the floor.
type Adjusted struct {
	Alias          string
	Moved, Balance horde.Kudos
}

// Adjust moves kudos by hand and keeps the reason in the ledger. It is what
// Modify does with ModifyUser.Kudos, where the original has no place for a reason.
func (a *Accounts) Adjust(_ context.Context, caller *User, in Adjustment) (done Adjusted, err error) {
	if !a.Admin(caller) {
		return done, horde.Errorf("NotAdmin", "Only the administrators of this horde adjust kudos.")
	}
	id, ok := IDOfAlias(in.Target)
	unknown := horde.Errorf("UserNotFound", "There is no such user. Adjust the kudos of name#id or a bare id.")
	if !ok {
		return done, unknown
	}
	reason := moderation.Sanitize(strings.Join(strings.Fields(in.Reason), " "))
	switch {
	case reason == "":
		return done, &horde.Error{Fields: map[string]string{"reason": "say why, in words that the user will read"}}
	case moderation.Profane(reason):
		return done, horde.Errorf("ProfaneAdminComment", "Please choose words that everybody can read.")
	case in.Amount == 0 || in.Amount > mostAwarded || in.Amount < -mostAwarded:
		return done, &horde.Error{Fields: map[string]string{"amount": "1 to 10¹² kudos can be given or, below 0, taken at once"}}
	}
	event := "admin:" + horde.NewID()
	err = a.store.Write(store.Unit{Accounts: []int64{id}, Do: func(tx *store.Tx) error {
		row, err := tx.User(id)
		if err == nil && wiped(row) {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		before, err := tx.Account(id)
		if err != nil {
			return err
		}
		had := before.Balance
		e := kudos.NewEntry(tx, event, "changed by "+caller.Alias(), "", "")
		e.About(kudos.About{By: caller.ID, Why: reason})
		if err := e.Grant(id, horde.Whole(in.Amount), kudos.ByAdmin); err != nil {
			return err
		}
		now, err := tx.Account(id)
		if err != nil {
			return err
		}
		done = Adjusted{Alias: fromRow(row).Alias(), Moved: now.Balance - had, Balance: now.Balance}
		return e.Commit()
	}})
	if errors.Is(err, store.ErrNotFound) {
		err = unknown
	}
	return done, err
}
