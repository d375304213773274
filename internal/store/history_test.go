package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// post writes an event at the time of the store's clock that gives a user some
// kudos to spend and some into escrow.
func post(user horde.UserID, id string, spendable, kept horde.Kudos) store.Unit {
	return store.Unit{Accounts: []horde.UserID{user}, Do: func(tx *store.Tx) error {
		err := tx.ChangeAccount(user, func(a *store.Account) { a.Balance, a.Escrow = a.Balance+spendable, a.Escrow+kept })
		e := store.Event{ID: id, Reason: "r " + id, RequestID: "q", JobID: "j", Detail: "{}"}
		for name, n := range map[string]horde.Kudos{fmt.Sprint("user:", user): spendable, fmt.Sprint("escrow:", user): kept,
			"mint": -spendable - kept} {
			if n != 0 {
				e.Postings = append(e.Postings, store.Posting{Account: name, Amount: n})
			}
		}
		return errors.Join(err, tx.Post(e))
	}}
}

// TestPagesOfAHistoryFindEachMovementOnce pages through movements of which many have one time, and finds
// each once, in one order, whatever the size of the pages.
func TestPagesOfAHistoryFindEachMovementOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		id, other := user(t, s, "a"), user(t, s, "b")

		var want []store.Movement
		for i, m := range []struct {
			wait            int64
			spendable, kept horde.Kudos
		}{{0, 100, 0}, {0, 5, 5}, {0, 0, 7}, {0, -3, 0}, {0, 0, 2}, {1, 0, 1}, {1, 9, 1}, {0, 4, 0}, {3, 0, 8}, {1, -1, -1}} {
			c.Advance(time.Duration(m.wait) * time.Second)
			event := fmt.Sprintf("e%02d", i)
			write(t, s, post(id, event, m.spendable, m.kept))
			write(t, s, post(other, "other "+event, 1, 1))
			want = append(want, store.Movement{Event: store.Event{ID: event, Reason: "r " + event, RequestID: "q", JobID: "j",
				Detail: "{}"},
				At: c.Micros(), Balance: m.spendable, Escrow: m.kept})
		}

		slices.Reverse(want)
		rapid.Check(t, func(t *rapid.T) {
			var got []store.Movement
			var from store.Place
			for {
				limit := rapid.IntRange(1, 11).Draw(t, "limit")
				acc, page, err := s.History(ctx, id, from, limit)
				if err != nil || acc.Balance != 114 || acc.Escrow != 23 {
					t.Fatalf("%+v %v", acc, err)
				}

				got = append(got, page...)
				if len(page) < limit {
					break
				}

				last := page[len(page)-1].At
				if last != from.At {
					from = store.Place{At: last}
				}

				for _, m := range page {
					if m.At == last {
						from.Skip++
					}
				}
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		})

		if _, _, err := s.History(ctx, 99, store.Place{}, 1); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
	})
}

func TestPostingsOfOlderProgramsAreDated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		id := user(t, s, "a")
		write(t, s, post(id, "old", 100, 5))
		db.Exec("UPDATE ledger_postings SET at = -1")
		c.Advance(time.Second)
		write(t, s, post(id, "new", 1, 0))
		if _, found, err := s.History(ctx, id, store.Place{}, 9); err != nil || len(found) != 1 {
			t.Errorf("before: %+v %v", found, err)
		}

		for _, want := range []int64{3, 0} {
			do(t, s, func(tx *store.Tx) error {
				n, err := tx.DatePostings()
				if n != want {
					t.Errorf("%d postings were dated, want %d", n, want)
				}
				return err
			})
		}

		_, found, err := s.History(ctx, id, store.Place{}, 9)
		if err != nil || len(found) != 2 || found[1].Event.ID != "old" || found[1].Balance != 100 || found[1].Escrow != 5 {
			t.Errorf("after: %+v %v", found, err)
		}
	})
}

func TestAReaderCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		id := user(t, s, "a")
		write(t, s, post(id, "e", 100, 5))
		r := must[*store.Store](t)(store.OpenReader(t.Context(), db.Options()))
		defer r.Close()
		if a := must[store.Audit](t)(r.Audit(t.Context())); !a.Sound() || a.Postings != 3 {
			t.Errorf("%+v", a)
		}

		if _, found, err := r.History(t.Context(), id, store.Place{}, 5); err != nil || len(found) != 1 {
			t.Errorf("%+v %v", found, err)
		}

		if v := must[int64](t)(r.Schema(t.Context())); v < 43 {
			t.Errorf("schema %d", v)
		}

		n := must[store.Names](t)(r.Names(t.Context(), []horde.UserID{id, 99}, []string{"gone"}, nil))
		if len(n.Users) != 1 || n.Users[id] == "" || len(n.Workers) != 0 {
			t.Errorf("%+v", n)
		}

		if err := r.Write(t.Context(), post(id, "f", 1, 0)); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("wrote: %v", err)
		}

		write(t, s, post(id, "g", 1, 0))
		if a := must[store.Audit](t)(r.Audit(t.Context())); !a.Sound() || a.Postings != 5 {
			t.Errorf("later: %+v", a)
		}
	})
}
