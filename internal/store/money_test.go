package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestHoldsAreKeptAndReleased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		id := user(t, s, "a")
		do(t, s, func(tx *store.Tx) error {
			tx.InsertHolds(store.Hold{ID: "h", UserID: id, Remaining: 500})
			return nil
		})

		remaining := func() (k horde.Kudos, err error) {
			err = s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
				h, err := tx.Hold("h")
				k = h.Remaining
				return err
			}})
			return k, err
		}
		if k, err := remaining(); k != 500 || err != nil {
			t.Errorf("%s, %v", k, err)
		}

		do(t, s, func(tx *store.Tx) error { return tx.SetHold("h", 1) })
		if k, err := remaining(); k != 1 || err != nil {
			t.Errorf("%s, %v", k, err)
		}

		do(t, s, func(tx *store.Tx) error { return tx.SetHold("h", 0) })
		if _, err := remaining(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an empty hold: %v", err)
		}

		do(t, s, func(tx *store.Tx) error {
			tx.InsertHolds(
				store.Hold{ID: "a", UserID: id, Remaining: 1},
				store.Hold{ID: "b", UserID: id, Remaining: 2},
				store.Hold{ID: "c", UserID: id, Remaining: 3},
			)

			dropped, err := tx.DropHolds("c", "h", "a")
			slices.SortFunc(dropped, func(a, b store.Hold) int { return int(a.Remaining - b.Remaining) })
			if diff := cmp.Diff([]store.Hold{{ID: "a", UserID: id, Remaining: 1}, {ID: "c", UserID: id, Remaining: 3}},
				dropped); diff != "" {
				t.Error(diff)
			}

			if again, err := tx.DropHolds("a"); len(again) > 0 || err != nil {
				t.Errorf("a second time: %v %v", again, err)
			}

			return err
		})
	})
}

// TestAUnitReadsItsOwnHolds: what a unit sets aside it may read, change and drop before the
// commit writes it.
func TestAUnitReadsItsOwnHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		id := user(t, s, "a")
		do(t, s, func(tx *store.Tx) error {
			tx.InsertHolds(
				store.Hold{ID: "kept", UserID: id, Remaining: 10},
				store.Hold{ID: "eaten", UserID: id, Remaining: 20},
				store.Hold{ID: "dropped", UserID: id, Remaining: 30},
			)
			if h, err := tx.Hold("kept"); h != (store.Hold{ID: "kept", UserID: id, Remaining: 10}) || err != nil {
				t.Errorf("%+v, %v", h, err)
			}

			dropped, err := tx.DropHolds("dropped")
			if len(dropped) != 1 || dropped[0].Remaining != 30 {
				t.Errorf("dropped %+v", dropped)
			}
			if _, err := tx.Hold("dropped"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("dropped, and still there: %v", err)
			}
			return errors.Join(err, tx.SetHold("kept", 4), tx.SetHold("eaten", 0))
		})

		var left string
		const all = "SELECT id || ' ' || original || ' ' || remaining FROM holds"
		if err := db.Raw().QueryRow(all).Scan(&left); err != nil || left != "kept 10 4" {
			t.Errorf("left %q, %v", left, err)
		}
	})
}

func TestATransferIsBookedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		want := store.Transfer{ID: "t1", Source: 1, Target: 2, Amount: 1050, Created: 7}
		do(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.InsertTransfer(want),
				tx.InsertTransfer(store.Transfer{ID: "t2", Source: 1, Target: 2, Created: 9}))
		})

		do(t, s, func(tx *store.Tx) error {
			got, err := tx.Transfer("t1")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			return err
		})

		if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			_,
				err := tx.Transfer("no")
			return err
		}}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown: %v", err)
		}

		if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.InsertTransfer(want) }}); !errors.Is(err,
			store.ErrDuplicate) {
			t.Errorf("a second time: %v", err)
		}

		if at := must[horde.Micros](t)(s.LastTransfer(ctx, 1, 2)); at != 9 {
			t.Errorf("last at %d", at)
		}

		if at := must[horde.Micros](t)(s.LastTransfer(ctx, 2, 1)); at != 0 {
			t.Errorf("never, but at %d", at)
		}
	})
}

func TestUsersAreListedInEachOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		var ids []horde.UserID
		for i, name := range []string{"a", "b", "c", "d"} {
			id := user(t, s, name)
			ids = append(ids, id)

			write(t, s, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
				err := tx.ChangeAccount(id, func(a *store.Account) { a.Balance, a.Escrow = horde.Kudos(i%3), horde.Kudos(10*i) })
				u, e := tx.User(id)
				u.Roles = int64(1 << i)
				if i != 2 {
					u.ProxyPasskey = name
				}
				return errors.Join(err, e, tx.UpdateUser(u))
			}})
		}

		page := func(order, without string, limit, offset int) (found []horde.UserID) {
			t.Helper()
			for _, h := range must[[]store.Holder](t)(s.ListUsers(ctx, order, without, limit, offset)) {
				if h.Account.UserID != h.User.ID || h.User.Username == "" {
					t.Errorf("%+v", h)
				}
				found = append(found, h.User.ID)
			}
			return found
		}

		for name, tt := range map[string]struct{ got, want []horde.UserID }{
			"by age":      {page(store.ByAge, "<none>", 9, 0), ids},
			"by balance":  {page(store.ByBalance, "<none>", 9, 0), []horde.UserID{ids[2], ids[1], ids[0], ids[3]}},
			"second page": {page(store.ByBalance, "<none>", 2, 2), []horde.UserID{ids[0], ids[3]}},
			"without":     {page(store.ByAge, "oauth-b", 9, 0), []horde.UserID{ids[0], ids[2], ids[3]}},
			"escrow":      {must[[]horde.UserID](t)(s.EscrowAbove(ctx, 10)), ids[2:]},
			"of a role":   {must[[]horde.UserID](t)(s.EscrowOf(ctx, 1<<3|1<<7)), ids[3:]},
		} {
			if !slices.Equal(tt.got, tt.want) {
				t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
			}
		}

		var keys []string
		for _, u := range must[[]store.User](t)(s.Passkeys(ctx, 1|2|4, 2)) {
			keys = append(keys, u.ProxyPasskey)
		}

		if !slices.Equal(keys, []string{"a"}) {
			t.Errorf("passkeys %v", keys)
		}

		some := must[[]*store.Account](t)(s.Accounts(ctx, append(ids, 999)))
		if len(some) != len(ids) {
			t.Errorf("%d accounts", len(some))
		}
	})
}

// TestRunningJobsOfABatchCount counts what other units of the same batch have only buffered.
func TestRunningJobsOfABatchCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		do(t, s, func(tx *store.Tx) error {
			tx.InsertJob(store.Job{ID: "a", RequestID: "q"})
			tx.InsertJob(store.Job{ID: "b", RequestID: "q", Decoy: true})
			tx.InsertJob(store.Job{ID: "c", RequestID: "other"})
			tx.InsertJob(store.Job{ID: "d", RequestID: "q"})
			return nil
		})
		do(t, s, func(tx *store.Tx) error { return tx.EndJob("d", store.JobResult{State: store.JobDone}) })
		do(t, s, func(tx *store.Tx) error {
			tx.InsertJob(store.Job{ID: "e", RequestID: "q"})
			tx.InsertJob(store.Job{ID: "f", RequestID: "q", Decoy: true})
			tx.InsertJob(store.Job{ID: "g", RequestID: "other"})
			n, err := tx.Running("q")
			if n != 2 {
				t.Errorf("%d jobs run, want a and e", n)
			}
			return err
		})
	})
}

func TestEmptyRequestsAreFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := db.Open(storetest.Clock(c.Now))
		waiting, idle, old := request(c.Micros(), 3), request(c.Micros(), 2), request(c.Micros(), 1)
		idle.Waiting, old.Expires = 0, c.Micros()
		for _, q := range []store.Request{waiting, idle, old} {
			insert(t, s, q)
		}
		do(t, s, func(tx *store.Tx) error {
			got, err := tx.EmptyRequests()
			if len(got) != 1 || got[0].ID != waiting.ID || got[0].Waiting != 0 || got[0].Version != 2 {
				t.Errorf("%+v", got)
			}
			return err
		})
	})
}

func TestOnlyIdleWorkersAreDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		do(t, s, func(tx *store.Tx) error {
			tx.InsertJob(store.Job{ID: "j", WorkerID: "busy"})
			return errors.Join(tx.InsertWorker(store.Worker{ID: "busy", Name: "busy", Settings: "{}"}),
				tx.InsertWorker(store.Worker{ID: "idle", Name: "idle", Settings: "{}"}))
		})
		for id, want := range map[string]error{"busy": store.ErrLost, "no": store.ErrLost, "idle": nil} {
			if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteWorker(id) }}); !errors.Is(err,
				want) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if all := must[[]*store.Worker](t)(s.WorkersSince(ctx, 0, 10)); len(all) != 1 || all[0].ID != "busy" {
			t.Errorf("%d workers left", len(all))
		}
	})
}
