package account

import (
	"errors"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store/storetest"
)

// A key that was renewed or revoked is nobody's from then on, and only those who may take a
// key from somebody.
func TestKeysAreRenewedAndRevoked(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.t.Context()
		root, mod := w.user("root", 0, 0), w.user("mod", Moderator, 0)
		bob := w.user("bob", 0, 0)
		alice, old, err := w.Create(ctx, NewUser{Username: "alice"})
		if err != nil {
			w.t.Fatal(err)
		}
		if u, err := w.ByKey(ctx, old); err != nil || u.ID != alice.ID { // it is cached now
			w.t.Fatalf("the first key: %v", err)
		}

		key, err := w.RenewKey(ctx, KeyHolder{alice, old}, alice.ID)
		if err != nil || key == old {
			w.t.Fatalf("renew: %v", err)
		}
		w.isNobodys(old)
		w.isOf(key, alice)

		for _, c := range []struct {
			rule   string
			caller *User
			target horde.UserID
			renew  horde.Code
			revoke horde.Code
		}{
			{"others take no key", bob, alice.ID, horde.NotAdmin, horde.NotModerator},
			{"the anonymous key is everybody's", root, horde.AnonymousID, horde.AnonForbidden, horde.AnonForbidden},
			{"nobody's key", root, 99, horde.UserNotFound, horde.UserNotFound},
			{"a moderator takes no administrator's", mod, root.ID, horde.NotAdmin, horde.NotAdmin},
		} {
			w.t.Run(c.rule, func(t *testing.T) {
				_, err := w.RenewKey(ctx, KeyHolder{User: c.caller}, c.target)
				wantCode(t, "renew", err, c.renew)
				wantCode(t, "revoke", w.RevokeKey(ctx, KeyHolder{User: c.caller}, c.target), c.revoke)
			})
		}
		w.isOf(key, alice)
		w.isOf(api.AnonymousKey, w.again(&User{ID: horde.AnonymousID}))

		wantCode(w.t, "revoke", w.RevokeKey(ctx, KeyHolder{User: mod}, alice.ID), "")
		w.isNobodys(key)
		_, err = w.RenewKey(ctx, KeyHolder{User: mod}, alice.ID)
		wantCode(w.t, "a moderator renews none", err, horde.NotAdmin)

		again, err := w.RenewKey(ctx, KeyHolder{User: root}, alice.ID)
		wantCode(w.t, "an administrator gives a new one", err, "")
		w.isOf(again, alice)

		w.wantActs("key renewed root#1 alice#4", "key revoked mod#2 alice#4")
	})
}

// Of many calls at once that renew or revoke one key with it, on all nodes, one succeeds; the
// others are told that the key is nobody's, and no key is handed out that does not work.
func TestOneOfManyRenewalsOfAKeyWins(t *testing.T) {
	t.Parallel()
	const calls = 8
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		all, ctx := worlds(t, db), t.Context()
		w := all[0]
		alice, old, err := w.Create(ctx, NewUser{Username: "alice"})
		if err != nil {
			t.Fatal(err)
		}

		keys, errs := make([]string, calls), make([]error, calls)
		var wg sync.WaitGroup
		for i := range calls {
			wg.Go(func() { keys[i], errs[i] = all[i%len(all)].RenewKey(ctx, KeyHolder{alice, old}, alice.ID) })
		}
		wg.Wait()

		won := -1
		for i, err := range errs {
			switch {
			case err == nil && won >= 0:
				t.Errorf("calls %d and %d both won", won, i)
			case err == nil:
				won = i
			case !errors.Is(err, ErrUnknownKey) || keys[i] != "":
				t.Errorf("call %d: key %q, %v", i, keys[i], err)
			}
		}
		if won < 0 {
			t.Fatal("no call won")
		}
		w.isOf(keys[won], alice)
		w.isNobodys(old)

		// A key that was replaced does not revoke the one that replaced it.
		wantCode(t, "revoke", w.RevokeKey(ctx, KeyHolder{alice, old}, alice.ID), horde.InvalidAPIKey)
		w.isOf(keys[won], alice)
	})
}

func (w *world) isOf(key string, u *User) {
	w.t.Helper()
	if got, err := w.ByKey(w.t.Context(), key); err != nil || got.ID != u.ID {
		w.t.Errorf("the key of %s: %+v, %v", u.Alias(), got, err)
	}
}

func (w *world) isNobodys(key string) {
	w.t.Helper()
	if u, err := w.ByKey(w.t.Context(), key); !errors.Is(err, ErrUnknownKey) {
		w.t.Errorf("the key still works: %+v, %v", u, err)
	}
}
