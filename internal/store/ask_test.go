package store_test

import (
	"errors"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestClaimsAskedFirstTakeEachJobOnce: claims that are asked first take each job once, whether a batch has one
// unit for a request or many, and whether the unit is refused afterwards.
func TestClaimsAskedFirstTakeEachJobOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := user(t, s, "a")
		now := horde.MicrosOf(time.Now())
		requests := []store.Request{request(now, 1), request(now, 3), request(now, 5)}
		for i := range requests {
			requests[i].Expires = now + horde.MicrosIn(time.Hour)
			insert(t, s, requests[i])
		}

		claim := func(q store.Request, refuse bool) store.Unit {
			ask := store.ClaimOf(q.ID, 1, 0, now)
			return store.Unit{Key: q.ID, Accounts: []horde.UserID{a}, First: []store.Asked{ask}, Do: func(tx *store.Tx) error {
				if refuse { // without a look at the answer
					return errRefused
				}
				if _, err := ask.Answer(tx); err != nil {
					return err
				}
				tx.InsertJob(store.Job{ID: horde.NewID(), RequestID: q.ID})
				return add(a, 1)(tx)
			}}
		}

		var units []store.Unit
		refused := 0
		for i := range 24 {
			units = append(units, claim(requests[i%3], i%4 == 3))
		}

		taken, lost := 0, 0
		for _, err := range together(t, s, units...) {
			switch {
			case err == nil:
				taken++
			case errors.Is(err, store.ErrLost):
				lost++
			case errors.Is(err, errRefused):
				refused++
			default:
				t.Error(err)
			}
		}

		if taken != 9 || refused != 6 || lost != 9 {
			t.Errorf("%d taken, %d lost, %d refused; want 9, 9 and 6", taken, lost, refused)
		}

		ids := []string{requests[0].ID, requests[1].ID, requests[2].ID}
		for _, q := range must[[]store.Request](t)(s.Requests(ctx, ids)) {
			if q.Waiting != 0 {
				t.Errorf("%d of %d jobs wait", q.Waiting, q.Jobs)
			}
		}

		if jobs := must[[]store.Job](t)(s.JobsOf(ctx, ids)); len(jobs) != 9 {
			t.Errorf("%d jobs, want 9", len(jobs))
		}

		if balance := must[*store.Account](t)(s.Account(ctx, a)).Balance; balance != 9 {
			t.Errorf("balance %d, want 9", balance)
		}
	})
}

// TestAsksGoAheadOfTheirUnits: the asks of a whole batch go ahead of its units; a unit
// refused after a change leaves nothing of it.
func TestAsksGoAheadOfTheirUnits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		now := horde.MicrosOf(time.Now())
		var units []store.Unit

		var ids []string
		for i := range 20 {
			q := request(now, 1)
			q.Expires = now + horde.MicrosIn(time.Hour)
			insert(t, s, q)
			ids = append(ids, q.ID)
			do(t, s, func(tx *store.Tx) error {
				tx.InsertJob(store.Job{ID: "job of " + q.ID, RequestID: q.ID})
				return nil
			})

			end, charge := store.EndOf("job of "+q.ID, store.JobResult{State: store.JobDone, Seed: 5}, now),
				store.ChargeOf(q.ID, 150, 0)
			units = append(units, store.Unit{Key: q.ID, First: []store.Asked{end, charge}, Do: func(tx *store.Tx) error {
				if i%5 == 2 {
					return errRefused
				}

				if _, err := end.Answer(tx); err != nil {
					return err
				}

				state, err := charge.Answer(tx)
				if err == nil && state.Consumed != 150 {
					t.Errorf("consumed %d", state.Consumed)
				}

				return err
			}})
		}

		for i, err := range together(t, s, units...) {
			if errors.Is(err, errRefused) != (i%5 == 2) {
				t.Errorf("unit %d: %v", i, err)
			}
		}

		for i, id := range ids {
			q := must[[]store.Request](t)(s.Requests(ctx, []string{id}))[0]
			j := must[store.Job](t)(s.Job(ctx, "job of "+id))
			if refused := i%5 == 2; refused != (q.Consumed == 0) || refused != (j.State == store.JobRunning) {
				t.Errorf("request %d: consumed %d, job %d", i, q.Consumed, j.State)
			}
		}

		for i, err := range together(t, s, units...) { // a second time: those that were done are lost
			if i%5 != 2 && !errors.Is(err, store.ErrLost) {
				t.Errorf("unit %d again: %v", i, err)
			}
		}

		for i, q := range must[[]store.Request](t)(s.Requests(ctx, ids)) {
			if q.Consumed > 150 {
				t.Errorf("request %d was charged twice", i)
			}
		}
	})
}
