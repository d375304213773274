package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// What workers at an address earn is bounded exactly, by however many nodes at once,
// whether their units have declared the address or not.
func TestUnpaidAtAnAddressIsExact(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := []*store.Store{db.Open()}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, db.Open(), db.Open())
		}

		const bound, calls = horde.Kudos(70), 60
		var earned atomic.Int64
		var wg sync.WaitGroup
		for i := range calls * len(nodes) {
			wg.Go(func() {
				var got horde.Kudos
				u := store.Unit{Key: horde.NewID(), Do: func(tx *store.Tx) error {
					before, err := tx.UnpaidAt("a")
					if err != nil {
						return err
					}
					if got = min(3, bound-before.On(store.DayOf(tx.Now))); got > 0 {
						tx.AddUnpaidAt("a", got)
					}
					return nil
				}}
				if i/len(nodes)%3 > 0 {
					u.Unpaid = []string{"b", "a"}
				}
				if err := nodes[i%len(nodes)].Write(t.Context(), u); err != nil {
					t.Error(err)
				}
				earned.Add(int64(got))
			})
		}
		wg.Wait()

		if earned.Load() != int64(bound) {
			t.Errorf("%d were earned, want %d", earned.Load(), bound)
		}
		write(t, nodes[0], store.Unit{Do: func(tx *store.Tx) error {
			if u, err := tx.UnpaidAt("a"); err != nil || u.Amount != bound {
				t.Errorf("%+v, %v", u, err)
			}
			return nil
		}})
	})
}

// A day begins at 0:00 UTC with nothing, on all nodes once it begins on one; rows of
// days before are pruned, and a unit that is refused counts nothing.
func TestUnpaidByTheDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := db.Open(storetest.Clock(c.Now))
		want := func(what string, want horde.Kudos) {
			t.Helper()
			write(t, s, store.Unit{Unpaid: []string{"a"}, Do: func(tx *store.Tx) error {
				u, err := tx.UnpaidAt("a")
				if got := u.On(store.DayOf(tx.Now)); err != nil || got != want {
					t.Errorf("%s: %s were earned today, want %s; %v", what, got, want, err)
				}
				return nil
			}})
		}
		earn := func(n horde.Kudos, refusal error) {
			t.Helper()
			earning := store.Unit{Key: "1", Unpaid: []string{"a"}, Do: func(tx *store.Tx) error {
				if _, err := tx.UnpaidAt("a"); err != nil {
					return err
				}
				tx.AddUnpaidAt("a", n)
				return refusal
			}}
			for i, err := range together(t, s, earning, store.Unit{Key: "2", Do: func(*store.Tx) error { return nil }}) {
				if i == 0 && err != refusal || i == 1 && err != nil {
					t.Errorf("unit %d: %v", i, err)
				}
			}
		}
		prune := func() { t.Helper(); do(t, s, (*store.Tx).PruneUnpaid) }

		want("at first", 0)
		earn(5, nil)
		earn(7, errRefused)
		prune()
		want("after a delivery and one that was refused", 5)

		c.Advance(12 * time.Hour)
		want("after midnight", 0)
		earn(2, nil)
		c.Advance(-time.Hour)
		earn(1, nil)
		want("on a node whose clock is behind", 3)

		c.Advance(48 * time.Hour)
		prune()
		if n := db.Exec("DELETE FROM unpaid_addresses"); n != 0 {
			t.Errorf("%d rows of yesterday are there", n)
		}
	})
}
