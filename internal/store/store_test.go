package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// write runs a unit that has to be accepted.
func write(t testing.TB, s *store.Store, u store.Unit) {
	t.Helper()
	if err := s.Write(t.Context(), u); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// do is write without locked rows.
func do(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	write(t, s, store.Unit{Do: f})
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// user makes a user and returns the id.
func user(t testing.TB, s *store.Store, name string) (id horde.UserID) {
	t.Helper()
	do(t, s, func(tx *store.Tx) (err error) {
		id, err = tx.InsertUser(store.User{ID: -1, Username: name, OAuthID: "oauth-" + name, KeyHash: "key-" + name,
			Created: tx.Now}, 2500)
		return err
	})
	return id
}

func request(now horde.Micros, n int) store.Request {
	return store.Request{ID: horde.NewID(), Kind: "image", UserID: 1, Created: now, Priority: 7, Body: `{"a": 1}`,
		RequestState: store.RequestState{Jobs: n, Waiting: n, Expires: now + 1_000_000, Version: 1}}
}

func insert(t testing.TB, s *store.Store, q store.Request) store.Request {
	t.Helper()
	do(t, s, func(tx *store.Tx) error { tx.InsertRequest(q); return nil })
	return q
}

func TestUsersAreFoundByEachOfTheirNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		row := store.User{ID: 0, Username: "Anonymous", OAuthID: "anon", KeyHash: "k0", Created: 5, Roles: 3,
			Concurrency: 500, WorkerInvited: 2,
			PublicWorkers: true, UsageMultiplier: 1500, Contact: "é", AdminComment: "x", Suspicions: "[5]"}

		do(t, s, func(tx *store.Tx) error {
			id, err := tx.InsertUser(row, -5000)
			if id != 0 {
				t.Errorf("id %d, want 0", id)
			}
			return err
		})

		if id := user(t, s, "first"); id != 1 {
			t.Errorf("the first registered user has id %d", id)
		}

		if id := user(t, s, "second"); id != 2 {
			t.Errorf("the second registered user has id %d", id)
		}

		for name, read := range map[string]func() (store.User, error){
			"User":        func() (store.User, error) { return s.User(ctx, 0) },
			"UserByKey":   func() (store.User, error) { return s.UserByKey(ctx, "k0") },
			"UserByOAuth": func() (store.User, error) { return s.UserByOAuth(ctx, "anon") },
		} {
			got, err := read()
			if diff := cmp.Diff(row, got); diff != "" || err != nil {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}

		if _, err := s.User(ctx, 99); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown user: %v", err)
		}

		for name, u := range map[string]store.User{
			"oauth id": {ID: -1, OAuthID: "anon", KeyHash: "new"},
			"key":      {ID: -1, OAuthID: "new", KeyHash: "k0"},
			"id":       {ID: 1, OAuthID: "new", KeyHash: "new"},
		} {
			err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { _, err := tx.InsertUser(u, 0); return err }})
			if !errors.Is(err, store.ErrDuplicate) {
				t.Errorf("taken %s: %v", name, err)
			}
		}

		do(t, s, func(tx *store.Tx) error {
			u, err := tx.User(0)
			u.Username, u.KeyHash, u.Roles, u.Concurrency, u.WorkerInvited, u.PublicWorkers = "N", "k1", 8, 1, 0, false
			u.UsageMultiplier, u.Contact, u.AdminComment, u.Suspicions = 1, "", "", ""
			row = u
			return errors.Join(err, tx.UpdateUser(u))
		})

		if diff := cmp.Diff(row, must[store.User](t)(s.User(ctx, 0))); diff != "" {
			t.Error(diff)
		}

		if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			_,
				err := tx.User(99)
			return err
		}}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown user in a transaction: %v", err)
		}

		a := must[*store.Account](t)(s.Account(ctx, 0))
		if a.Lowest != -5000 || a.Balance != 0 {
			t.Errorf("account of a new user: %+v", a)
		}
	})
}

func TestASettingIsInitialisedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		if v := must[string](t)(s.Setting(ctx, "a")); v != "" {
			t.Errorf("unset: %q", v)
		}
		for _, v := range []string{"1", "2"} {
			do(t, s, func(tx *store.Tx) error {
				got, err := tx.InitSetting("a", v)
				if got != "1" {
					t.Errorf("InitSetting returned %q", got)
				}
				return err
			})
		}
		do(t, s, func(tx *store.Tx) error { return tx.SetSetting("a", "3") })
		if v := must[string](t)(s.Setting(ctx, "a")); v != "3" {
			t.Errorf("set: %q", v)
		}
	})
}

func TestAccountsAreReadManyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		ids := make([]horde.UserID, 70) // more than two groups of placeholders
		for i := range ids {
			ids[i] = user(t, s, fmt.Sprint(i))
		}

		totals := store.Totals{Accumulated: 5, Usage: store.PerKind{1, 2, 3}, Awarded: -4}
		write(t, s, store.Unit{Accounts: ids, Do: func(tx *store.Tx) error {
			for _, id := range ids {
				err := tx.ChangeAccount(id, func(a *store.Account) {
					a.Balance, a.Escrow, a.Held, a.LastActive, a.Totals = horde.Kudos(id), 2, 3, 4, totals
				})
				if err != nil {
					return err
				}
			}
			return nil
		}})

		for _, id := range ids {
			want := &store.Account{UserID: id, Balance: horde.Kudos(id), Escrow: 2, Held: 3, Lowest: 2500, LastActive: 4,
				Totals: totals}
			if diff := cmp.Diff(want, must[*store.Account](t)(s.Account(ctx, id))); diff != "" {
				t.Fatal(diff)
			}
		}

		if _, err := s.Account(ctx, 999); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown account: %v", err)
		}

		err := s.Write(ctx, store.Unit{Accounts: []horde.UserID{999},
			Do: func(tx *store.Tx) error { _, err := tx.Account(999); return err }})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown account in a transaction: %v", err)
		}
	})
}

func TestLiveRequestsAreRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		old, young := request(c.Micros(), 3), request(c.Micros()+1, 1)
		young.Expires += 5
		young.Faulted, young.Cancelled, young.Faults, young.Consumed = true, true, 2, 345
		insert(t, s, young)
		insert(t, s, old)
		live := must[[]store.Request](t)(s.LiveRequests(ctx, c.Micros()))
		if diff := cmp.Diff([]store.Request{old, young}, live); diff != "" {
			t.Error(diff)
		}

		if live := must[[]store.Request](t)(s.LiveRequests(ctx, old.Expires)); len(live) != 1 || live[0].ID != young.ID {
			t.Errorf("live at the moment one expires: %v", live)
		}

		some := must[[]store.Request](t)(s.Requests(ctx, []string{old.ID, horde.NewID()}))
		if diff := cmp.Diff([]store.Request{old}, some); diff != "" {
			t.Error(diff)
		}

		if gone := must[[]store.Request](t)(s.Expired(ctx, old.Expires, 10)); len(gone) != 1 || gone[0].ID != old.ID {
			t.Errorf("expired: %v", gone)
		}

		if gone := must[[]store.Request](t)(s.Expired(ctx, young.Expires, 1)); len(gone) != 1 {
			t.Errorf("expired with a limit of 1: %v", gone)
		}

		err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { tx.InsertRequest(old); return nil }})
		if !errors.Is(err, store.ErrDuplicate) {
			t.Errorf("same id: %v", err)
		}
	})
}

// TestARequestChangesOnlyFromTheStateItIsIn goes through every conditional update of a request.
func TestARequestChangesOnlyFromTheStateItIsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := db.Open(storetest.Clock(c.Now))

		now := c.Micros()
		for _, tt := range []struct {
			name   string
			before func(*store.RequestState)
			do     func(*store.Tx, string) (store.RequestState, error)
			want   func(*store.RequestState)
			lost   bool
		}{
			{"claim some", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 2, now+9_000_000) },
				func(s *store.RequestState) { s.Waiting, s.Expires = 1, now+9_000_000 }, false},
			{"claim all, expiry is later", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 3, now+1) },
				func(s *store.RequestState) { s.Waiting = 0 }, false},
			{"claim too many", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 4, now) }, nil, true},
			{"claim of a faulted one", func(s *store.RequestState) { s.Faulted = true },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 1, now) }, nil, true},
			{"claim of a cancelled one", func(s *store.RequestState) { s.Cancelled = true },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 1, now) }, nil, true},
			{"claim of an expired one", func(s *store.RequestState) { s.Expires = now },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 1, now+5) }, nil, true},
			{"claim of nothing", func(s *store.RequestState) { s.Waiting = 0 },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Claim(id, 1, now) }, nil, true},
			{"charge", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Charge(id, 450, now+7_000_000) },
				func(s *store.RequestState) { s.Consumed, s.Expires = 450, now+7_000_000 }, false},
			{"charge, expiry is later", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Charge(id, 450, now) },
				func(s *store.RequestState) { s.Consumed = 450 }, false},
			{"requeue", func(s *store.RequestState) { s.Waiting = 1 },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Requeue(id) },
				func(s *store.RequestState) { s.Waiting, s.Faults = 2, 1 }, false},
			{"requeue of one that was given up", func(s *store.RequestState) { s.Waiting, s.Faults, s.Faulted = 1, 3, true },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Requeue(id) },
				func(s *store.RequestState) { s.Waiting, s.Faults = 2, 4 }, false},
			{"give up", func(s *store.RequestState) { s.Waiting, s.Faults = 1, 3 },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.GiveUp(id) },
				func(s *store.RequestState) { s.Faulted = true }, false},
			{"requeue of a cancelled one", func(s *store.RequestState) { s.Waiting, s.Cancelled = 0, true },
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Requeue(id) },
				func(s *store.RequestState) { s.Waiting, s.Faults = 0, 1 }, false},
			{"cancel", nil,
				func(tx *store.Tx, id string) (store.RequestState, error) { return tx.Cancel(id) },
				func(s *store.RequestState) { s.Waiting, s.Jobs, s.Cancelled = 0, 0, true }, false},
		} {
			t.Run(tt.name, func(t *testing.T) {
				q := request(now, 3)
				if tt.before != nil {
					tt.before(&q.RequestState)
				}

				insert(t, s, q)
				var got store.RequestState
				err := s.Write(t.Context(),
					store.Unit{Key: q.ID, Do: func(tx *store.Tx) (err error) { got, err = tt.do(tx, q.ID); return err }})

				want := q.RequestState
				if tt.lost {
					if !errors.Is(err, store.ErrLost) {
						t.Errorf("%s: %v, want ErrLost", tt.name, err)
					}
				} else {
					tt.want(&want)
					want.Version++
					if diff := cmp.Diff(want, got); diff != "" || err != nil {
						t.Errorf("%s: %v %s", tt.name, err, diff)
					}
				}

				stored := must[[]store.Request](t)(s.Requests(t.Context(), []string{q.ID}))[0].RequestState
				if diff := cmp.Diff(want, stored); diff != "" {
					t.Errorf("%s, stored: %s", tt.name, diff)
				}
			})
		}

		for name, f := range map[string]func(*store.Tx) error{
			"claim":   func(tx *store.Tx) error { _, err := tx.Claim("no", 1, now); return err },
			"charge":  func(tx *store.Tx) error { _, err := tx.Charge("no", 1, now); return err },
			"requeue": func(tx *store.Tx) error { _, err := tx.Requeue("no"); return err },
			"cancel":  func(tx *store.Tx) error { _, err := tx.Cancel("no"); return err },
			"delete":  func(tx *store.Tx) error { return tx.DeleteRequest("no", now) },
			"end job": func(tx *store.Tx) error { return tx.EndJob("no", store.JobResult{}) },
		} {
			if err := s.Write(t.Context(), store.Unit{Do: f}); !errors.Is(err, store.ErrLost) {
				t.Errorf("%s of an unknown id: %v, want ErrLost", name, err)
			}
		}
	})
}

func TestARequestIsDeletedAfterItsTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		q := insert(t, s, request(c.Micros(), 1))
		do(t, s, func(tx *store.Tx) error { tx.InsertJob(store.Job{ID: "j", RequestID: q.ID}); return nil })
		err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteRequest(q.ID, q.Expires-1) }})
		if !errors.Is(err, store.ErrLost) {
			t.Errorf("deleted before its time: %v", err)
		}
		if _, err := s.Job(ctx, "j"); err != nil {
			t.Error(err)
		}
		do(t, s, func(tx *store.Tx) error { return tx.DeleteRequest(q.ID, q.Expires) })
		if _, err := s.Job(ctx, "j"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a job outlived its request: %v", err)
		}
	})
}

// TestAJobOfTheSameUnitGoesWithItsRequest: what a pop hands out of a request goes with
// it, also where both are one transaction and the job is not inserted yet.
func TestAJobOfTheSameUnitGoesWithItsRequest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		gone, kept := insert(t, s, request(c.Micros(), 1)), insert(t, s, request(c.Micros(), 1))

		do(t, s, func(tx *store.Tx) error {
			tx.InsertJob(store.Job{ID: "gone", RequestID: gone.ID})
			tx.InsertJob(store.Job{ID: "kept", RequestID: kept.ID})
			return tx.DeleteRequest(gone.ID, gone.Expires)
		})

		if _, err := s.Job(ctx, "gone"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a job outlived its request: %v", err)
		}
		if _, err := s.Job(ctx, "kept"); err != nil {
			t.Errorf("a job of another request: %v", err)
		}
	})
}

func TestAJobChangesOnlyFromTheStateItIsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx := db.Open(storetest.Clock(c.Now)), t.Context()
		now := c.Micros()
		q := insert(t, s, request(now, 3))
		gone := request(now, 1)
		gone.Expires = now
		insert(t, s, gone)

		var want []store.Job
		for i := range 40 { // more than a group of inserted rows
			want = append(want, store.Job{ID: fmt.Sprintf("j%02d", i), RequestID: q.ID, WorkerID: "w", Model: "m",
				Seed:  1<<32 - 1,
				Decoy: i%2 == 1, Started: now + horde.Micros(i/2), TTL: 1000, JobResult: store.JobResult{Seed: 1<<32 - 1}})
		}

		do(t, s, func(tx *store.Tx) error {
			for _, j := range slices.Backward(want) {
				tx.InsertJob(j)
			}
			tx.InsertJob(store.Job{ID: "x", RequestID: gone.ID, Started: now, TTL: 1000})
			return nil
		})

		if diff := cmp.Diff(want, must[[]store.Job](t)(s.JobsOf(ctx, []string{q.ID, "no"}))); diff != "" {
			t.Error(diff)
		}

		if diff := cmp.Diff(want, must[[]store.Job](t)(s.OpenJobs(ctx, now))); diff != "" {
			t.Error(diff)
		}

		result := store.JobResult{State: store.JobDone, Seed: -1, Censored: true, Result: "R2", Metadata: "[]"}
		do(t, s, func(tx *store.Tx) error { return tx.EndJob("j00", result) })
		j := must[store.Job](t)(s.Job(ctx, "j00"))
		result.Finished = now
		want[0].JobResult = result
		want[0].Seed = -1
		if diff := cmp.Diff(want[0], j); diff != "" {
			t.Error(diff)
		}

		err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			return tx.EndJob("j00", store.JobResult{State: store.JobFaulted})
		}})
		if !errors.Is(err, store.ErrLost) {
			t.Errorf("a job ended twice: %v", err)
		}

		var late []string
		for _, j := range must[[]store.Job](t)(s.Overdue(ctx, now+1000+2, 100)) {
			late = append(late, j.ID)
		}

		// Those of an expired request are left to its removal: else a sweep that can
		// do nothing about them would meet them again and again.
		slices.Sort(late)
		if diff := cmp.Diff([]string{"j01", "j02", "j03"}, late); diff != "" {
			t.Error(diff)
		}

		if late := must[[]store.Job](t)(s.Overdue(ctx, now+2000, 2)); len(late) != 2 {
			t.Errorf("overdue with a limit of 2: %d", len(late))
		}
	})
}

func TestDeliveriesAreReadInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		want := []store.Delivery{
			{JobID: "a", At: 10, Kind: "image", Model: "m", WorkUnits: 5, Micros: 6},
			{JobID: "b", At: 20, Kind: "text", Model: "n", WorkUnits: 1 << 40, Micros: 7},
		}
		do(t, s, func(tx *store.Tx) error { tx.Deliver(want[1]); tx.Deliver(want[0]); return nil })
		if diff := cmp.Diff(want, must[[]store.Delivery](t)(s.Deliveries(ctx, 9, math.MaxInt64))); diff != "" {
			t.Error(diff)
		}
		do(t, s, func(tx *store.Tx) error { return tx.PruneDeliveries(20) })
		if diff := cmp.Diff(want[1:], must[[]store.Delivery](t)(s.Deliveries(ctx, 0, math.MaxInt64))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWorkersAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		w := store.Worker{ID: "w1", Kind: "image", UserID: 3, Name: "Tower", Created: 5, LastCheckIn: 6, Addr: "10.0.0.1",
			Info: "i", Maintenance: true,
			MaintenanceMsg: "m", Paused: true, Settings: `{"a":1}`,
			Totals: store.WorkerTotals{Kudos: 5, Speeds: []float64{1, 2.5}, Suspicions: []int{5}}}

		other := store.Worker{ID: "w0", Kind: "text", Name: "Attic", Created: 5, Settings: "{}"}
		do(t, s, func(tx *store.Tx) error { return errors.Join(tx.InsertWorker(w), tx.InsertWorker(other)) })
		if diff := cmp.Diff([]*store.Worker{&w, &other}, must[[]*store.Worker](t)(s.WorkersSince(ctx, 0, 10))); diff != "" {
			t.Error(diff)
		}

		if some := must[[]*store.Worker](t)(s.WorkersSince(ctx, 6, 10)); len(some) != 1 || some[0].ID != "w1" {
			t.Errorf("since the first one's check-in: %v", some)
		}
		if some := must[[]*store.Worker](t)(s.WorkersSince(ctx, 0, 1)); len(some) != 1 || some[0].ID != "w1" {
			t.Errorf("one: %v", some)
		}
		if diff := cmp.Diff(&w, must[*store.Worker](t)(s.Worker(ctx, "w1"))); diff != "" {
			t.Error(diff)
		}

		if diff := cmp.Diff([]*store.Worker{&w}, must[[]*store.Worker](t)(s.Workers(ctx, []string{"w1", "no"}))); diff != "" {
			t.Error(diff)
		}

		if diff := cmp.Diff(&w, must[*store.Worker](t)(s.WorkerByName(ctx, "Tower"))); diff != "" {
			t.Error(diff)
		}

		if _, err := s.WorkerByName(ctx, "tower"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("name in another case: %v", err)
		}

		twin := w
		twin.ID = "w2"
		if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.InsertWorker(twin) }}); !errors.Is(err,
			store.ErrDuplicate) {
			t.Errorf("taken name: %v", err)
		}

		write(t, s, store.Unit{Workers: []string{"w1"}, Do: func(tx *store.Tx) error {
			got, err := tx.ChangeWorker("w1", func(w *store.Worker) {
				w.Name, w.LastCheckIn, w.Addr, w.Info, w.Maintenance, w.MaintenanceMsg, w.Paused = "T", 7, "a", "b", false, "",
					false
				w.Settings, w.Totals = "{}", store.WorkerTotals{Fulfilments: 1}
			})
			w = got
			return err
		}})

		if diff := cmp.Diff(&w, must[*store.Worker](t)(s.WorkerByName(ctx, "T"))); diff != "" {
			t.Error(diff)
		}

		err := s.Write(ctx, store.Unit{Workers: []string{"no"}, Do: func(tx *store.Tx) error {
			_, err := tx.ChangeWorker("no", func(*store.Worker) {})
			return err
		}})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown worker: %v", err)
		}
	})
}

func TestALeaseIsHeldUntilItEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := db.Open(storetest.Clock(c.Now))
		take := func(s *store.Store) error {
			return s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.Lease("sweep", tx.Now+1_000_000) }})
		}
		if err := errors.Join(take(s), take(s)); err != nil {
			t.Fatalf("take and renew: %v", err)
		}

		if db.Engine == storetest.SQLite {
			s.Close()
		}

		other := db.Open(storetest.Clock(c.Now))
		if err := take(other); !errors.Is(err, store.ErrLost) {
			t.Errorf("taken from a living node: %v", err)
		}

		c.Advance(time.Second + time.Microsecond)
		if err := take(other); err != nil {
			t.Errorf("after it ran out: %v", err)
		}

		if db.Engine == storetest.Postgres {
			if err := take(s); !errors.Is(err, store.ErrLost) {
				t.Errorf("the node that slept: %v", err)
			}
		}
	})
}

func TestOneOfManyNodesGetsALease(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	var holders atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		s := db.Open()
		for range 4 {
			wg.Go(func() {
				err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.Lease("sweep", tx.Now+1e9) }})
				if err == nil {
					holders.Add(1)
				} else if !errors.Is(err, store.ErrLost) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := holders.Load(); n != 4 { // the four calls of one node
		t.Errorf("%d calls hold the lease, want the 4 of one node", n)
	}
}

func TestAFolderHasOneProcess(t *testing.T) {
	db := storetest.On(t, storetest.SQLite)
	s := db.Open()
	_, err := store.Open(t.Context(), db.Options())
	if err == nil || !strings.Contains(err.Error(), "another horde is running") {
		t.Errorf("second server on one folder: %v", err)
	}
	s.Close()
	db.Open()
}

func TestAFolderMayHaveAnyName(t *testing.T) {
	for _, name := range []string{"with space", "50%41", "what?", "a#b"} {
		o := store.Options{Folder: filepath.Join(t.TempDir(), name)}
		s := must[*store.Store](t)(store.Open(t.Context(), o))
		user(t, s, "x")
		s.Close()
		found := must[[]string](t)(filepath.Glob(filepath.Join(o.Folder, "horde.db")))
		if len(found) != 1 {
			t.Errorf("folder %q: no horde.db in it", name)
		}
	}
}

func TestAnErrorOfOpeningHidesThePassword(t *testing.T) {
	for name, o := range map[string]store.Options{
		"no URL":     {URL: "postgres://%zz"},
		"no server":  {URL: "postgres://u:p@127.0.0.1:1/x?sslmode=disable"},
		"no folder":  {Folder: "/proc/nowhere/horde"},
		"not a path": {Folder: "a\x00b"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			s, err := store.Open(ctx, o)
			cancel()
			if err == nil {
				s.Close()
				t.Errorf("%s: no error", name)
			} else if strings.Contains(err.Error(), "u:p") {
				t.Errorf("%s: the error shows the password: %v", name, err)
			}
		})
	}
}

func TestADatabaseIsMigratedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if db.Engine == storetest.Postgres {
			return // the databases of tests are copies of a template: see below
		}
		s := db.Open()
		id := user(t, s, "kept")
		s.Close()
		if _, err := db.Open().User(t.Context(), id); err != nil {
			t.Errorf("opened a second time: %v", err)
		}
	})

	t.Run("two nodes at once", func(t *testing.T) {
		url := storetest.EmptyPostgresURL(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), store.Options{URL: url})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.LiveRequests(t.Context(), 0); err != nil {
					t.Error(err)
				}
				s.Close()
			})
		}

		wg.Wait()
	})
}

func TestAStoreTellsOfItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if !horde.IsID(s.Node()) {
			t.Errorf("node %q", s.Node())
		}
		if s.Shared() != (db.Engine == storetest.Postgres) {
			t.Errorf("shared: %v", s.Shared())
		}
	})
}
