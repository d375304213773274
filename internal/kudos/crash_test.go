package kudos_test

import (
	"errors"
	"fmt"
	"testing"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

var errCrash = errors.New("crash")

// TestADeliveryThatBreaksOffIsSettledOnce settles a delivery that breaks off after each of its
// steps, on a store that is opened again each time as after a crash, and once
// after its commit. Before that nothing of it may show; then it is settled once,
// however often it is tried again.
func TestADeliveryThatBreaksOffIsSettledOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		payer, owner, stylist := newUser(t, s, floor, 20000), newUser(t, s, floor, 10000), newUser(t, s, floor, 10000)
		const price = horde.Kudos(4298)
		err := s.Write(t.Context(),
			store.Unit{Accounts: []horde.UserID{payer},
				Do: func(tx *store.Tx) error { return kudos.Hold(tx, "hold:r", payer, price) }})
		if err != nil {
			t.Fatal(err)
		}

		steps := func(tx *store.Tx, e *kudos.Entry) []func() error {
			return []func() error{
				func() error { return e.Charge(payer, price, kudos.Part{Kind: kudos.Image, Amount: 4198}) },
				func() error { return kudos.ConsumeHold(tx, "hold:r", price-1) },
				func() error { return kudos.ReleaseHolds(tx, "hold:r") },
				func() error { return e.Reward(owner, kudos.Earning{Amount: 4198}) },
				func() error { return e.Bonus(stylist, 200, kudos.StyleBonus) },
				e.Commit,
			}
		}

		settle := func(breakOff int) error {
			return s.Write(t.Context(),
				store.Unit{Accounts: []horde.UserID{payer, owner, stylist}, Do: func(tx *store.Tx) error {
					all := steps(tx, kudos.NewEntry(tx, "deliver:j", "picture delivered", "r", "j"))
					for i, step := range all {
						if i == breakOff {
							return errCrash
						}
						if err := step(); err != nil {
							return err
						}
					}

					if breakOff == len(all) {
						return errCrash
					}

					return nil
				}})
		}

		check := func(when string, balances [3]horde.Kudos, escrow, held horde.Kudos) {
			t.Helper()
			for i, id := range []horde.UserID{payer, owner, stylist} {
				if a := account(t, s, id); a.Balance != balances[i] {
					t.Errorf("%s: user %d has %s, want %s", when, id, a.Balance, balances[i])
				}
			}
			if a, b := account(t, s, owner), account(t, s, payer); a.Escrow != escrow || b.Held != held {
				t.Errorf("%s: escrow %s, held %s", when, a.Escrow, b.Held)
			}
			sound(t, s)
		}

		again := func() {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = db.Open()
		}

		for i := range 1 + len(steps(nil, nil)) {
			if err := settle(i); !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", i, err)
			}
			again()
			check(fmt.Sprint("broken off before step ", i), [3]horde.Kudos{20000, 10000, 10000}, 0, price)
		}

		if err := settle(-1); err != nil {
			t.Fatal(err)
		}

		for range 3 { // the crash came before the answer: it is tried again
			again()
			check("settled", [3]horde.Kudos{20000 - price, 12099, 10200}, 2099, 0)
			if err := settle(-1); !errors.Is(err, store.ErrDuplicate) {
				t.Errorf("settled again: %v", err)
			}
		}
	})
}
