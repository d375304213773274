package account

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// worlds are the nodes of a test: one on SQLite, two on PostgreSQL.
func worlds(t *testing.T, db *storetest.DB) []*world {
	t.Helper()
	w := newWorld(t, db)
	all := []*world{w}
	if db.Engine == storetest.Postgres {
		s := db.Open(func(o *store.Options) { o.Clock = w.config.Clock })
		a, err := New(context.Background(), s, w.config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &world{Accounts: a, t: t, s: s, now: w.now})
	}
	return all
}

// TestOneOfManyTransfersFits: of 100 gifts of 60 at once from an account of 100, of
// which 75 are above the floor, one is given.
func TestOneOfManyTransfersFits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		all := worlds(t, db)
		w := all[0]
		a := w.user("a", 0, 100)
		var targets []*User
		for i := range 5 {
			targets = append(targets, w.user(fmt.Sprint("t", i), 0, 100))
		}

		var given, poor atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				err := all[i%len(all)].Transfer(context.Background(), a, Gift{Target: targets[i%5].Alias(), Amount: 60})
				switch {
				case err == nil:
					given.Add(1)
				case horde.CodeOf(err) == horde.KudosTransferNotEnough:
					poor.Add(1)
				default:
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if given.Load() != 1 || poor.Load() != 99 || w.balance(a) != 40 {
			t.Errorf("%d given, %d refused, %v left", given.Load(), poor.Load(), w.balance(a))
		}

		w.sound()
	})
}

// TestTransfersNeitherMakeNorLoseKudos: gifts between few accounts, to their shared keys too, many
// sent twice under one key. What all have together stays the same, nobody falls
// below the floor, and each account has what the gifts that succeeded say.
func TestTransfersNeitherMakeNorLoseKudos(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		all := worlds(t, db)
		w := all[0]
		var users []*User

		targets := map[string]int{} // name → place in users
		var names []string
		for i := range 6 {
			u := w.user(fmt.Sprint("u", i), 0, 200)
			key, err := w.CreateSharedKey(t.Context(), u, SharedKeyChange{})
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, u)
			for _, name := range []string{u.Alias(), key.ID} {
				targets[name] = i
				names = append(names, name)
			}
		}

		var moved [6]atomic.Int64
		var wg sync.WaitGroup
		for g := range 12 {
			wg.Go(func() {
				for n := range 20 {
					from, name := rand.IntN(len(users)), names[rand.IntN(len(names))]
					gift := Gift{Target: name, Amount: 1 + rand.Int64N(120)}
					times := 1
					if rand.IntN(2) == 0 {
						gift.Key, times = fmt.Sprint(g, "/", n), 3
					}

					var done atomic.Int64
					var tries sync.WaitGroup
					for i := range times {
						tries.Go(func() {
							err := all[(g+i)%len(all)].Transfer(context.Background(), users[from], gift)
							switch code := horde.CodeOf(err); {
							case err == nil:
								done.Store(1)
							case code == horde.TooFastKudosTransfers || code == horde.KudosTransferNotEnough ||
								code == horde.KudosTransferToSelf:
							default:
								t.Error(err)
							}
						})
					}

					tries.Wait()
					moved[from].Add(-gift.Amount * done.Load())
					moved[targets[name]].Add(gift.Amount * done.Load())
				}
			})
		}

		wg.Wait()
		var sum float64
		for i, u := range users {
			has := w.balance(u)
			sum += has
			if want := 200 + float64(moved[i].Load()); has != want || has < 25 {
				t.Errorf("%s has %v, want %v", u.Alias(), has, want)
			}
		}

		if sum != 1200 {
			t.Errorf("%v kudos in all, want 1200", sum)
		}

		w.sound()
	})
}
