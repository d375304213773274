package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// together lets units enter while the writer is busy, so that they share one
// transaction, and returns their errors.
func together(t testing.TB, s *store.Store, units ...store.Unit) []error {
	t.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup

	var once sync.Once
	wg.Go(func() {
		if err := s.Write(t.Context(), store.Unit{Do: func(*store.Tx) error {
			once.Do(func() { close(busy) })
			<-release
			return nil
		}}); err != nil {
			t.Errorf("the unit in front: %v", err)
		}
	})

	<-busy
	results := make([]error, len(units))
	for i, u := range units {
		wg.Go(func() { results[i] = s.Write(t.Context(), u) })
	}

	for s.Waiting() < len(units) {
		time.Sleep(time.Millisecond)
	}

	close(release)
	wg.Wait()
	return results
}

func add(id horde.UserID, n horde.Kudos) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		return tx.ChangeAccount(id, func(a *store.Account) { a.Balance += n })
	}
}

var errRefused = errors.New("refused")

// TestRefusedUnitLeavesNothing: a unit that returns an error undoes what it
// buffered, and the others of its batch are committed.
func TestRefusedUnitLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a, b := user(t, s, "a"), user(t, s, "b")
		do(t, s, func(tx *store.Tx) error { return tx.InsertWorker(store.Worker{ID: "w", Name: "w", Settings: "{}"}) })

		trace := func(tx *store.Tx, mark string) error {
			tx.InsertJob(store.Job{ID: mark})
			tx.Deliver(store.Delivery{JobID: mark, At: 1})
			_, err := tx.ChangeWorker("w", func(w *store.Worker) {
				w.Info += mark
				w.Totals.Speeds = append(w.Totals.Speeds, 1)
			})
			return errors.Join(err, tx.Post(store.Event{ID: mark,
				Postings: []store.Posting{{Account: mark, Amount: 1}, {Account: "mint", Amount: -1}}}))
		}

		var units []store.Unit
		for i := range 20 {
			units = append(units, store.Unit{Key: fmt.Sprint(i), Accounts: []horde.UserID{a, b}, Workers: []string{"w"},
				Do: func(tx *store.Tx) error {
					mark := string(rune('a' + i))
					if err := errors.Join(add(a, 1)(tx), add(b, 2)(tx), trace(tx, mark)); err != nil {
						return err
					}
					if i%2 == 1 {
						return errRefused
					}
					return nil
				}})
		}

		for i, err := range together(t, s, units...) {
			if (i%2 == 1) != errors.Is(err, errRefused) {
				t.Errorf("unit %d: %v", i, err)
			}
		}

		if got := must[*store.Account](t)(s.Account(ctx, a)).Balance; got != 10 {
			t.Errorf("balance %d, want that of the ten accepted units", got)
		}

		w := must[*store.Worker](t)(s.WorkerByName(ctx, "w"))
		if len(w.Info) != 10 || len(w.Totals.Speeds) != 10 || strings.ContainsAny(w.Info, "bdfhjlnprt") {
			t.Errorf("worker has traces %q and %d samples", w.Info, len(w.Totals.Speeds))
		}

		for i := range 20 {
			mark := string(rune('a' + i))
			_, jobErr := s.Job(ctx, mark)
			var posted bool
			_ = s.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) { posted, err = tx.Posted(mark); return err }})
			if (jobErr == nil) != (i%2 == 0) || posted != (i%2 == 0) {
				t.Errorf("unit %d: job %v, posted %v", i, jobErr, posted)
			}
		}

		if n := len(must[[]store.Delivery](t)(s.Deliveries(ctx, 0, math.MaxInt64))); n != 10 {
			t.Errorf("%d deliveries, want 10", n)
		}

		audit := must[store.Audit](t)(s.Audit(ctx))
		if audit.Events != 10 || audit.Sum != 0 || len(audit.Unbalanced) != 0 {
			t.Errorf("ledger: %+v", audit)
		}
	})
}

// TestALateRefusalLeavesNothing: a unit that is refused after a statement of its own leaves
// nothing either.
func TestALateRefusalLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := user(t, s, "a")
		q := request(horde.MicrosOf(time.Now()), 100)
		q.Expires += 3_600_000_000
		insert(t, s, q)

		late := func(refused bool) store.Unit {
			return store.Unit{Key: q.ID, Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error {
				if _, err := tx.Claim(q.ID, 1, 0); err != nil {
					return err
				}
				if err := add(a, 1)(tx); err != nil {
					return err
				}
				if refused {
					return errRefused
				}
				return nil
			}}
		}

		var units []store.Unit
		for i := range 9 {
			units = append(units, late(i%3 == 0))
		}

		for i, err := range append(together(t, s, units...), s.Write(ctx, late(true))) {
			if errors.Is(err, errRefused) != (i%3 == 0) {
				t.Errorf("unit %d: %v", i, err)
			}
		}

		left := must[[]store.Request](t)(s.Requests(ctx, []string{q.ID}))[0]
		if balance := must[*store.Account](t)(s.Account(ctx, a)).Balance; left.Waiting != 94 || balance != 6 {
			t.Errorf("%d jobs wait and the balance is %d after 6 accepted units of 100 jobs", left.Waiting, balance)
		}
	})
}

// TestABadWriteFailsAlone: when the database refuses a statement of one unit,
// the others of its batch are committed, exactly once.
func TestABadWriteFailsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := user(t, s, "a")
		do(t, s, func(tx *store.Tx) error {
			tx.InsertJob(store.Job{ID: "taken"})
			return tx.Post(store.Event{ID: "taken"})
		})

		bad := []func(*store.Tx) error{
			func(tx *store.Tx) error { tx.InsertJob(store.Job{ID: "taken"}); return nil },
			func(tx *store.Tx) error { return tx.Post(store.Event{ID: "taken"}) },
			func(tx *store.Tx) error {
				tx.InsertHolds(store.Hold{ID: "same", UserID: a, Remaining: 5}) // twice in the same batch
				return nil
			},
			func(tx *store.Tx) error {
				tx.InsertHolds(store.Hold{ID: "same", UserID: a, Remaining: 5})
				return nil
			},
			func(tx *store.Tx) error {
				tx.Deliver(store.Delivery{JobID: "nul\x00", Kind: "k"})
				tx.InsertRequest(store.Request{ID: "taken?", Body: string([]byte{0xff})})
				return nil
			},
		}

		var units []store.Unit
		for i := range 25 {
			units = append(units, store.Unit{Key: fmt.Sprintf("%02d", i), Accounts: []horde.UserID{a},
				Do: func(tx *store.Tx) error {
					if err := add(a, 1)(tx); err != nil {
						return err
					}
					tx.InsertJob(store.Job{ID: fmt.Sprint("job ", i)})
					if i%5 == 0 {
						return bad[i/5](tx)
					}
					return nil
				}})
		}

		var accepted, duplicates int
		for i, err := range together(t, s, units...) {
			_, jobErr := s.Job(ctx, fmt.Sprint("job ", i))
			if (err == nil) != (jobErr == nil) {
				t.Errorf("unit %d: error %v, but its job: %v", i, err, jobErr)
			}
			if i%5 != 0 && err != nil {
				t.Errorf("unit %d suffers for another: %v", i, err)
			}

			if err == nil {
				accepted++
			} else if errors.Is(err, store.ErrDuplicate) {
				duplicates++
			}
		}

		if duplicates != 3 {
			t.Errorf("%d duplicates, want 3", duplicates)
		}

		if got := must[*store.Account](t)(s.Account(ctx, a)).Balance; got != horde.Kudos(accepted) {
			t.Errorf("balance %d after %d accepted units", got, accepted)
		}
	})
}

func TestUnbalancedEventIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
			return tx.Post(store.Event{ID: "e", Postings: []store.Posting{{Account: "a", Amount: 1}}})
		}})
		if err == nil || !strings.Contains(err.Error(), "not to zero") {
			t.Errorf("one-sided event: %v", err)
		}
	})
}

func TestCloseWaitsForWhatWasAccepted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		a := user(t, s, "a")
		var written, refused atomic.Int64
		var wg sync.WaitGroup

		busy := make(chan struct{})
		for range 32 {
			wg.Go(func() {
				for {
					switch err := s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)}); {
					case err == nil:
						if written.Add(1) == 100 {
							close(busy)
						}
					case errors.Is(err, store.ErrClosed):
						refused.Add(1)
						return
					default:
						t.Error(err)
						return
					}
				}
			})
		}

		select {
		case <-busy:
		case <-time.After(20 * time.Second):
			t.Error("no 100 writes in 20 s")
		}

		var closing sync.WaitGroup
		for range 3 {
			closing.Go(func() { s.Close() })
		}

		closing.Wait()
		wg.Wait()
		if refused.Load() != 32 {
			t.Errorf("%d of 32 writers were refused", refused.Load())
		}

		s = db.Open()
		if got := must[*store.Account](t)(s.Account(t.Context(), a)).Balance; got != horde.Kudos(written.Load()) {
			t.Errorf("balance %d after %d acknowledged writes", got, written.Load())
		}
	})
}

func TestConcurrentUnitsLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := []*store.Store{db.Open()}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, db.Open())
		}

		var ids []horde.UserID
		for i := range 8 {
			ids = append(ids, user(t, nodes[0], fmt.Sprint(i)))
		}

		q := request(horde.MicrosOf(time.Now()), 100)
		q.Expires += 3_600_000_000
		insert(t, nodes[0], q)
		var claimed atomic.Int64

		var wg sync.WaitGroup
		for i := range 32 {
			s := nodes[i%len(nodes)]
			wg.Go(func() {
				for range 20 {
					from, to := ids[rand.IntN(len(ids))], ids[rand.IntN(len(ids))]
					k := 1 + rand.IntN(3)

					won := false
					err := s.Write(t.Context(),
						store.Unit{Key: q.ID, Accounts: []horde.UserID{from, to}, Do: func(tx *store.Tx) error {
							won = false
							_, err := tx.Claim(q.ID, k, 0)
							won = err == nil
							if err != nil && !errors.Is(err, store.ErrLost) {
								return err
							}
							return errors.Join(add(from, -5)(tx), add(to, 5)(tx))
						}})
					if err != nil {
						t.Error(err)
					} else if won {
						claimed.Add(int64(k))
					}
				}
			})
		}

		wg.Wait()
		s := nodes[0]
		left := must[[]store.Request](t)(s.Requests(t.Context(), []string{q.ID}))[0]
		if left.Waiting+int(claimed.Load()) != 100 || left.Waiting > 2 {
			t.Errorf("%d jobs claimed, %d left of 100", claimed.Load(), left.Waiting)
		}

		var sum horde.Kudos
		for _, id := range ids {
			sum += must[*store.Account](t)(s.Account(t.Context(), id)).Balance
		}

		if sum != 0 {
			t.Errorf("%s kudos came from nowhere", sum)
		}
	})
}

func TestCancelledReadsHarmNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		now := horde.MicrosOf(time.Now())
		do(t, s, func(tx *store.Tx) error {
			for range 300 {
				tx.InsertRequest(request(now, 1))
			}
			return nil
		})

		stop := time.Now().Add(500 * time.Millisecond)
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for time.Now().Before(stop) {
					if i%2 == 0 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
						_, _ = s.LiveRequests(ctx, now)
						cancel()
						continue
					}
					if all, err := s.LiveRequests(t.Context(), now); err != nil || len(all) != 300 {
						t.Errorf("%d of 300 requests: %v", len(all), err)
						return
					}
				}
			})
		}

		wg.Wait()
	})
}

// TestAcknowledgedWritesOutliveTheirConnections: PostgreSQL ends the connections of a store again and
// again. Every acknowledged write is there once, and the store recovers.
func TestAcknowledgedWritesOutliveTheirConnections(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	s := db.Open()
	a := user(t, s, "a")
	raw := db.Raw()
	var written, failed atomic.Int64
	stop := make(chan struct{})

	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}

				id := fmt.Sprintf("%d/%d", i, n)
				err := s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error {
					tx.InsertJob(store.Job{ID: id})
					return add(a, 1)(tx)
				}})
				if err == nil {
					written.Add(1)
				} else {
					failed.Add(1)
					t.Logf("write: %v", err)
				}
			}
		})
	}

	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.Account(t.Context(), a); err != nil {
				t.Errorf("read: %v", err)
			}
		}
	})

	for range 30 {
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		if _, err := raw.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() " +
			"AND pid <> pg_backend_pid()"); err != nil {
			t.Fatal(err)
		}
	}

	close(stop)
	wg.Wait()
	write(t, s, store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)})
	account := must[*store.Account](t)(s.Account(t.Context(), a))
	var jobs int64
	if err := raw.QueryRow("SELECT count(*) FROM jobs").Scan(&jobs); err != nil {
		t.Fatal(err)
	}

	t.Logf("%d writes acknowledged, %d failed", written.Load(), failed.Load())
	if got := int64(account.Balance) - 1; got < written.Load() || got > written.Load()+failed.Load() || got != jobs {
		t.Errorf("%d acknowledged and %d failed writes, but the balance is %d and there are %d jobs", written.Load(),
			failed.Load(), got, jobs)
	}

	if failed.Load() > 0 {
		t.Errorf("%d writes failed for a lost connection", failed.Load())
	}
}
