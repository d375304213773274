package account

import (
	"context"
	"fmt"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// firstID is the id of the first account that registers.
const firstID = 1

// maxAtOnce bounds, in whole kudos, what is given, taken or set as a budget by hand
// at once. Sums of many such amounts stay within 64 bits of hundredths.
const maxAtOnce = 1_000_000_000_000

// Awarder reports whether the user may award kudos (decision 40). As
// with administrators, the id decides.
func (a *Accounts) Awarder(u *User) bool {
	if len(a.config.Awarders) == 0 {
		return u.ID == firstID
	}
	return lists(a.config.Awarders, u.ID)
}

// Award gives whole kudos to the user with an alias or id, with the refusals of
// platform §3.2 in order; a negative amount takes them back, but
// never below the floor. The original answers awards to flagged accounts with
// nothing done and a list of nulls: here they are refused.
func (a *Accounts) Award(ctx context.Context, source *User, target string, amount int64) error {
	switch {
	case source.Is(Deleted):
		return horde.Errorf(horde.DeletedUser, "Your account is scheduled for deletion and cannot award kudos.")
	case !a.Awarder(source):
		return horde.Errorf(horde.NotAllowedAwards,
			"Only the accounts that the operator of this horde chose can award kudos.")
	}

	id, ok := IDOfAlias(target)
	var u *User
	var err error
	if ok {
		u, err = a.ByID(ctx, id)
	}

	switch {
	case !ok || horde.CodeOf(err) != "":
		return horde.Errorf(horde.InvalidAwardUsername,
			"The receiver of the award was not found. Award to name#id or a bare id.")
	case err != nil:
		return err
	case u.Anonymous():
		return horde.Errorf(horde.KudosAwardToAnon, "The anonymous account cannot be awarded kudos.")
	case u.Is(Flagged):
		return horde.Errorf(horde.TargetAccountFlagged, "This account is flagged and cannot be awarded kudos.")
	case amount > maxAtOnce || amount < -maxAtOnce:
		return horde.Invalid("amount", "at most 10¹² kudos can be awarded at once")
	}

	event := "award:" + horde.NewID()
	err = a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{u.ID}, Do: func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, event, "awarded by "+source.Alias(), "", "")
		e.About(kudos.About{By: source.ID})
		if err := e.Bonus(u.ID, horde.Whole(amount), kudos.Awarded); err != nil {
			return err
		}
		return e.Commit()
	}})
	if err != nil {
		return err
	}
	return a.Record(ctx, Act{By: source, Action: "kudos awarded", Target: u.Alias(), Detail: fmt.Sprint(amount)})
}
