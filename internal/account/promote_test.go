package account_test

import (
	"context"
	"testing"
	"time"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestEarnersBecomeTrusted makes those trusted who have earned enough and are old
// enough, once, with all of their escrow.
func TestEarnersBecomeTrusted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := db.Open()
		now := time.Now()
		a, err := account.New(ctx, s, account.Config{KeySecret: "secret", Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}

		earn := func(name string, kept horde.Kudos) *account.User {
			u, _, err := a.Create(ctx, account.NewUser{Username: name, OAuthID: "oauth-" + name})
			if err != nil {
				t.Fatal(err)
			}

			err = s.Write(ctx, store.Unit{Accounts: []horde.UserID{u.ID}, Do: func(tx *store.Tx) error {
				e := kudos.NewEntry(tx, "earned:"+name, "test", "", "")
				if err := e.Escrow(u.ID, kept); err != nil {
					return err
				}
				return e.Commit()
			}})
			if err != nil {
				t.Fatal(err)
			}

			return u
		}

		rich, poor := earn("rich", horde.Whole(101)), earn("poor", horde.Whole(100))
		promote := func(want ...horde.UserID) {
			t.Helper()
			got, err := a.PromoteEarners(ctx, horde.Whole(100))
			if err != nil || len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
				t.Fatalf("promoted %v (%v), wanted %v", got, err, want)
			}
		}

		shady := earn("shady", horde.Whole(500))
		err = s.Write(ctx, store.Unit{Accounts: []horde.UserID{shady.ID, horde.AnonymousID}, Do: func(tx *store.Tx) error {
			for range 5 {
				if err := account.SuspectUser(tx, shady.ID, account.SuspicionAborts); err != nil {
					return err
				}
			}
			e := kudos.NewEntry(tx, "earned:anonymous", "test", "", "")
			if err := e.Escrow(horde.AnonymousID, horde.Whole(500)); err != nil {
				return err
			}
			return e.Commit()
		}})
		if err != nil {
			t.Fatal(err)
		}

		promote() // too young
		now = now.Add(7*24*time.Hour - time.Hour)
		promote() // by an hour
		now = now.Add(time.Hour + time.Second)
		promote(rich.ID)
		promote() // once, and never the suspicious and the anonymous
		if u, err := a.ByID(ctx, shady.ID); err != nil || u.Is(account.Trusted) {
			t.Errorf("a suspicious user is trusted (%v)", err)
		}

		acc, err := s.Account(ctx, rich.ID)
		if err != nil || acc.Escrow != 0 || acc.Balance != horde.Whole(101) {
			t.Errorf("account %+v (%v)", acc, err)
		}

		if u, err := a.ByID(ctx, poor.ID); err != nil || u.Is(account.Trusted) {
			t.Errorf("poor is trusted (%v)", err)
		}

		if audit, err := s.Audit(ctx); err != nil || !audit.Sound() {
			t.Errorf("%+v %v", audit, err)
		}
	})
}

// TestEscrowOfTheTrustedIsFreed: what reaches the escrow of somebody who is trusted already, by a
// delivery that began before, does not stay there. Nobody else's is touched.
func TestEscrowOfTheTrustedIsFreed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := db.Open()
		a, err := account.New(ctx, s, account.Config{KeySecret: "secret"})
		if err != nil {
			t.Fatal(err)
		}

		keep := func(user horde.UserID) {
			t.Helper()
			err := s.Write(ctx, store.Unit{Accounts: []horde.UserID{user}, Do: func(tx *store.Tx) error {
				e := kudos.NewEntry(tx, "earned:"+horde.NewID(), "test", "", "")
				if err := e.Escrow(user, 2162); err != nil {
					return err
				}
				return e.Commit()
			}})
			if err != nil {
				t.Fatal(err)
			}
		}

		has := func(user horde.UserID, balance, escrow horde.Kudos) {
			t.Helper()
			if acc, err := s.Account(ctx, user); err != nil || acc.Balance != balance || acc.Escrow != escrow {
				t.Errorf("user %d: %+v, want %s and %s in escrow (%v)", user, acc, balance, escrow, err)
			}
		}

		thousand := int64(1000)
		test := func(name string, trusted bool) *account.User {
			t.Helper()
			roles := account.Role(0)
			if trusted {
				roles = account.Trusted
			}
			u, _, _, err := a.TestUser(ctx, account.NewUser{Username: name, OAuthID: "oauth-" + name, Roles: roles}, &thousand)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}

		trusted, other := test("trusted", true), test("other", false)
		keep(trusted.ID)
		keep(other.ID)

		for range 2 {
			if err := a.FreeEscrow(ctx); err != nil {
				t.Fatal(err)
			}
			has(trusted.ID, 102162, 0)
			has(other.ID, 100000, 2162)
		}

		test("other", true) // trusted from now on, with the balance that was asked for
		has(other.ID, 100000, 0)
		if audit, err := s.Audit(ctx); err != nil || !audit.Sound() {
			t.Errorf("%+v %v", audit, err)
		}
	})
}
