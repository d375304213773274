package account

import (
	"context"
	"errors"
	"fmt"
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

// Adjusted is the result of an Adjustment: less than was to be taken if the
// balance would fall below the floor.
type Adjusted struct {
	Alias          string
	Moved, Balance horde.Kudos
}

// Adjust moves kudos by hand and keeps the reason in the ledger. It is what
// Modify does with ModifyUser.Kudos, for which the original keeps no reason.
func (a *Accounts) Adjust(ctx context.Context, caller *User, in Adjustment) (done Adjusted, err error) {
	if !a.Admin(caller) {
		return done, horde.Errorf(horde.NotAdmin, "Only the administrators of this horde adjust kudos.")
	}

	id, ok := IDOfAlias(in.Target)
	unknown := horde.Errorf(horde.UserNotFound, "There is no such user. Adjust the kudos of name#id or a bare id.")
	if !ok {
		return done, unknown
	}

	reason, err := in.check()
	if err != nil {
		return done, err
	}

	event := "admin:" + horde.NewID()
	err = a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
		row, err := living(tx, id)
		if err != nil {
			return err
		}
		acc, err := tx.Account(id)
		if err != nil {
			return err
		}

		had := acc.Balance

		e := kudos.NewEntry(tx, event, "changed by "+caller.Alias(), "", "")
		e.About(kudos.About{By: caller.ID, Why: reason})
		if err := e.Grant(id, horde.Whole(in.Amount), kudos.ByAdmin); err != nil {
			return err
		}
		done = Adjusted{Alias: fromRow(row).Alias(), Moved: acc.Balance - had, Balance: acc.Balance}
		return e.Commit()
	}})
	if errors.Is(err, store.ErrNotFound) {
		err = unknown
	}
	if err != nil {
		return done, err
	}
	return done, a.Record(ctx, Act{
		By:     caller,
		Action: "kudos adjusted",
		Target: done.Alias,
		Detail: fmt.Sprintf("%s: %s", done.Moved, reason),
	})
}

// check refuses an adjustment without an understandable reason or that is too large,
// and returns the reason as it is kept.
func (in *Adjustment) check() (reason string, err error) {
	reason = moderation.Sanitize(strings.Join(strings.Fields(in.Reason), " "))
	switch {
	case reason == "":
		return "", horde.Invalid("reason", "say why, in words that the user will read")
	case moderation.Profane(reason):
		return "", horde.Errorf(horde.ProfaneAdminComment, "Please choose words that everybody can read.")
	case in.Amount == 0 || in.Amount > maxAtOnce || in.Amount < -maxAtOnce:
		return "", horde.Invalid("amount", "1 to 10¹² kudos can be given or, below 0, taken at once")
	}
	return reason, nil
}
