package account

import (
	"context"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// wipeIdleTime is how long a deleted account must have been idle before it can be
// wiped.
const wipeIdleTime = 30 * 24 * time.Hour

// Delete marks a user as deleted, which can be undone. For one that is marked
// already it answers wipe: the caller removes the user's workers and then calls
// Wipe. Refusals are in the order of platform §3.1.
func (a *Accounts) Delete(ctx context.Context, caller, target *User) (wipe bool, err error) {
	switch {
	case caller.Anonymous():
		return false, horde.Errorf(horde.AnonForbiddenUser, "The anonymous user cannot delete accounts.")
	case target.Is(Moderator):
		return false, horde.Errorf(horde.CannotDeleteMod, "Moderators cannot be deleted. Take the role away first.")
	case caller.ID != target.ID && !caller.Is(Moderator):
		return false, horde.Errorf(horde.NotUserOrMod,
			"Only the user and the moderators of this horde can delete an account.")
	}
	if err := a.RefuseAbove(caller, target.ID); err != nil {
		return false, err
	}

	if !target.Is(Deleted) {
		err := a.change(ctx, target.ID, func(u *store.User) {
			if u.OAuthID != anonymousOAuth {
				u.Roles |= int64(Deleted)
			}
		})
		if err != nil {
			return false, err
		}
		return false, a.RecordOver(ctx, target.ID, Act{By: caller, Action: "user deleted", Target: target.Alias()})
	}

	acc, err := a.store.Account(ctx, target.ID)
	if err != nil {
		return false, err
	}

	if free := acc.LastActive.Time().Add(wipeIdleTime); a.config.Clock().Before(free) {
		return false, horde.Errorf(horde.CannotWipeActiveUser,
			"This account was active within the last 30 days. It can be wiped from %s on.", free.Format(time.RFC1123))
	}
	return true, a.RecordOver(ctx, target.ID, Act{By: caller, Action: "user wiped", Target: target.Alias()})
}

// Wipe removes everything that identifies a deleted user. The id stays
// taken, and so do the ledger's postings.
func (a *Accounts) Wipe(ctx context.Context, id horde.UserID) error {
	return a.change(ctx, id, func(u *store.User) {
		mark := wipedOAuth + horde.NewID()
		*u = store.User{
			ID: u.ID, Created: u.Created, Username: wipedOAuth, OAuthID: mark, KeyHash: mark, Contact: wipedOAuth,
			Roles: u.Roles, Concurrency: u.Concurrency, UsageMultiplier: u.UsageMultiplier,
		}
	})
}
