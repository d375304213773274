package account

import (
	"context"
	"errors"

	"horde/internal/horde"
	"horde/internal/store"
)

// revokedKey begins what is stored for a key that was revoked; an id follows. It is the
// hash of no key.
const revokedKey = "<revoked>"

// KeyHolder is a caller together with the API key that the call carried.
type KeyHolder struct {
	*User
	Key string
}

// RenewKey gives a user a new API key: the old one is nobody's from then on. Users renew
// their own key, administrators anybody's. Of several calls with one key that renew or
// revoke it, one succeeds: ErrUnknownKey for the others.
func (a *Accounts) RenewKey(ctx context.Context, caller KeyHolder, user horde.UserID) (key string, err error) {
	if caller.ID != user && !a.Admin(caller.User) {
		return "", horde.Errorf(horde.NotAdmin,
			"Only the user and the administrators of this horde can renew the key of an account.")
	}

	key = horde.NewAPIKey()
	if err := a.rekey(ctx, caller, "key renewed", user, a.hash(key)); err != nil {
		return "", err
	}
	return key, nil
}

// RevokeKey takes a user's API key, which is nobody's from then on; an administrator can
// renew it. Moderators may, but not that of an administrator.
func (a *Accounts) RevokeKey(ctx context.Context, caller KeyHolder, user horde.UserID) error {
	if caller.ID != user && !caller.Is(Moderator) && !a.Admin(caller.User) {
		return horde.Errorf(horde.NotModerator,
			"Only the user and the moderators of this horde can revoke the key of an account.")
	}
	if err := a.RefuseAbove(caller.User, user); err != nil {
		return err
	}
	return a.rekey(ctx, caller, "key revoked", user, revokedKey+horde.NewID())
}

// rekey stores the hash of a user's new key.
func (a *Accounts) rekey(ctx context.Context, caller KeyHolder, action string, user horde.UserID, hash string) error {
	if user == horde.AnonymousID {
		return horde.Errorf(horde.AnonForbidden, "The key of the anonymous account is everybody's.")
	}

	act := Act{By: caller.User, Action: action}
	err := a.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		row, err := living(tx, user)
		if err != nil {
			return err
		}

		// The caller's key may have been replaced since it was looked up.
		if caller.ID == user && row.KeyHash != a.hash(caller.Key) {
			return ErrUnknownKey
		}

		row.KeyHash, act.Target = hash, fromRow(row).Alias()
		return tx.UpdateUser(row)
	}})
	if errors.Is(err, store.ErrNotFound) {
		return errUserNotFound(user)
	}
	if err != nil {
		return err
	}
	return a.RecordOver(ctx, user, act)
}
