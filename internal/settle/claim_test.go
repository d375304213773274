package settle_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// A job is handed out once: of claims at one moment as many succeed as there are jobs.
// Decoys take none.
func TestAJobIsHandedOutOnce(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		q, w := r.request(payer, 5, 0, ""), r.worker(owner, horde.KindImage)
		claim := func(n int, fake bool) error {
			jobs := make([]store.Job, n)
			for i := range jobs {
				jobs[i] = store.Job{ID: horde.NewID(), RequestID: q.id, WorkerID: w.ID, Decoy: fake,
					Started: horde.Micros(r.now.Load()), TTL: 1}
			}
			err := settle.ClaimJobs(r.Context(), r.Store, jobs, 0)
			return err
		}

		var taken atomic.Int64
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				switch err := claim(2, false); {
				case err == nil:
					taken.Add(2)
				case !errors.Is(err, store.ErrLost):
					r.Error(err)
				}
			})
		}
		wg.Wait()
		if s := r.state(q); taken.Load() != 4 || s.Waiting != 1 {
			r.Errorf("%d of 5 jobs were taken, %d wait", taken.Load(), s.Waiting)
		}

		if err := claim(2, true); err != nil || r.state(q).Waiting != 1 {
			r.Errorf("decoys: %v, %d wait", err, r.state(q).Waiting)
		}
		jobs, err := r.JobsOf(r.Context(), []string{q.id})
		if err != nil || len(jobs) != 6 {
			r.Errorf("%d jobs, %v", len(jobs), err)
		}
	})
}

func TestAFormIsHandedOutOnce(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		first, second := r.worker(owner, horde.KindAlchemy), r.worker(owner, horde.KindAlchemy)

		forms := r.forms(payer, 3)
		claim := func(w *fleet.Worker, forms ...*settle.Form) int {
			c := settle.FormClaim{Worker: w.ID, Pop: horde.NewID(), Forms: forms, At: horde.Micros(r.now.Load()),
				Ends: horde.Micros(r.now.Load() + 1), Expires: 0}
			taken, err := settle.ClaimForms(r.Context(), r.Store, c)
			if err != nil {
				r.Fatal(err)
			}

			for _, f := range taken {
				if f.Progress.State != store.FormRunning || f.Progress.WorkerID != w.ID {
					r.Errorf("%+v", f.Progress)
				}
			}

			return len(taken)
		}
		if n := claim(first, forms[0]); n != 1 {
			r.Errorf("%d of 1 taken", n)
		}

		if n := claim(second, forms...); n != 2 {
			r.Errorf("%d of 3 taken, one is another worker's", n)
		}

		if n := claim(first, forms...); n != 0 {
			r.Errorf("%d taken of none", n)
		}
	})
}
