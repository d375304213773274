package settle_test

import (
	"errors"
	"slices"
	"testing"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// When work is given up for good (generation §5.8, generation §3.3; decision 48).
func TestWhenWorkIsGivenUpForGood(t *testing.T) {
	byWorkers := func(pops ...int) map[string][]string { // so many pops of each
		blamed := map[string][]string{}
		for i, n := range pops {
			for range n {
				blamed[string(rune('a'+i))] = append(blamed[string(rune('a'+i))], horde.NewID())
			}
		}
		return blamed
	}

	for _, tt := range []struct {
		name    string
		rules   *settle.Rules
		tries   settle.Tries
		another bool
		spent   bool
	}{
		{name: "never tried", rules: settle.Images},
		{name: "three workers failed", rules: settle.Images, tries: settle.Tries{Blamed: byWorkers(1, 1, 1), Failures: 3},
			another: true, spent: true},
		{name: "three workers failed on a form", rules: settle.Forms,
			tries: settle.Tries{Blamed: byWorkers(1, 1, 1), Failures: 3}, another: true, spent: true},
		{name: "three failures of one worker, another is left", rules: settle.Images,
			tries: settle.Tries{Blamed: byWorkers(3), Failures: 3}, another: true},
		{name: "three failures of one worker, nobody is left", rules: settle.Images,
			tries: settle.Tries{Blamed: byWorkers(3), Failures: 3}, spent: true},
		{name: "three jobs of one pop, nobody is left", rules: settle.Texts,
			tries: settle.Tries{Blamed: byWorkers(1), Failures: 3}, spent: true},
		{name: "two failures, nobody is left", rules: settle.Images, tries: settle.Tries{Blamed: byWorkers(2), Failures: 2}},
		{name: "a form has one try more", rules: settle.Forms, tries: settle.Tries{Blamed: byWorkers(3), Failures: 3}},
		{name: "four failures on a form, nobody is left", rules: settle.Forms,
			tries: settle.Tries{Blamed: byWorkers(4), Failures: 4}, spent: true},
		{name: "nine failures that were nobody's fault", rules: settle.Images, tries: settle.Tries{Fruitless: 9},
			another: true},
		{name: "ten of them", rules: settle.Images, tries: settle.Tries{Fruitless: 10}, another: true, spent: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			anotherLeft := func(tried map[string][]string) bool {
				if len(tried) != len(tt.tries.Blamed) {
					t.Errorf("asked for others than %v", tried)
				}
				return tt.another
			}
			if got := tt.rules.Spent(tt.tries, anotherLeft); got != tt.spent {
				t.Errorf("spent: %v", got)
			}
		})
	}
}

// abort gives an assignment up that a worker has.
func (h *rig) abort(a settle.Abort) *settle.Abort {
	h.Helper()
	if job, ok := a.Assignment.(*settle.Job); ok {
		job.Result = store.JobResult{State: store.JobFaulted, Excused: a.Excuse != settle.NoExcuse}
		a.Rules, a.Pop = settle.Images, job.Row.Pop
	} else {
		a.Rules, a.Pop = settle.Forms, a.Assignment.(*settle.Form).Row.Pop
	}
	if a.AnotherLeft == nil {
		a.AnotherLeft = func(map[string][]string) bool { return true }
	}
	if err := settle.GiveUp(h.Context(), h.Store, &a); err != nil {
		h.Fatal(err)
	}
	return &a
}

// Work that is given up goes back to the queue, and its hold stays; with the third
// worker that fails it ends, and what was set aside is free. Its failures then count
// against those workers only that have never delivered.
func TestThirdFailureEndsTheWork(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		for _, tt := range []struct {
			name string
			// start takes work in and returns how it is handed out, what it has set aside,
			// and whether it is given up.
			start func() (hand func(*fleet.Worker) settle.Assignment, funds settle.Funds, ended func() bool)
		}{
			{"request", func() (func(*fleet.Worker) settle.Assignment, settle.Funds, func() bool) {
				q := r.request(payer, 1, horde.Whole(20), "")
				return func(w *fleet.Worker) settle.Assignment {
					return r.job(q,
						w)
				}, q.funds, func() bool { return r.state(q).Faulted }
			}},
			{"form", func() (func(*fleet.Worker) settle.Assignment, settle.Funds, func() bool) {
				f := r.forms(payer, 1)[0]
				row := func() store.Form {
					row, err := r.Form(r.Context(), f.Row.ID)
					if err != nil {
						r.Fatal(err)
					}
					return row
				}
				hand := func(w *fleet.Worker) settle.Assignment {
					assignment := &settle.Form{Row: row()}
					r.hand(assignment, w)
					return assignment
				}
				return hand, fundsOf(f, payer), func() bool { return row().State == store.FormFaulted }
			}},
		} {
			r.run(tt.name, func(r *rig) {
				hand, funds, ended := tt.start()
				held := r.account(payer).Held
				workers := []*fleet.Worker{r.worker(owner, horde.KindImage, 1), r.worker(owner, horde.KindImage),
					r.worker(owner, horde.KindImage, 1)}
				var before []string
				for i, w := range workers {
					if ended() || r.account(payer).Held != held {
						r.Fatalf("ended %v after %d failures, %s held of %s", ended(), i, r.account(payer).Held, held)
					}
					r.abort(settle.Abort{Assignment: hand(w), Funds: funds, Worker: w, Before: before})
					before = append(before, w.ID)
				}

				if !ended() || r.account(payer).Held != 0 {
					r.Errorf("ended %v after three workers failed, %s held", ended(), r.account(payer).Held)
				}
				for i, w := range workers {
					n := r.workerRow(w).Totals
					if forgiven := i != 1; n.Uncompleted != 1 || forgiven != (len(n.FailedPops) == 0) {
						r.Errorf("worker %d has %+v", i, n)
					}
				}
			})
		}
		r.sound()
	})
}

// Nobody is blamed for what the server or the requester made of it.
func TestExcusedFailuresBlameNobody(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		for _, tt := range []struct {
			name   string
			excuse settle.Excuse
			cancel bool
			ends   bool
		}{
			{name: "our blob store", excuse: settle.OurStore},
			{name: "our outage", excuse: settle.OurOutage},
			{name: "the source image is gone", excuse: settle.SourceGone, ends: true},
			{name: "cancelled meanwhile", cancel: true},
		} {
			r.run(tt.name, func(r *rig) {
				w := r.worker(owner, horde.KindImage)
				q := r.request(payer, 1, horde.Whole(20), "")
				job := r.job(q, w)
				if tt.cancel {
					if err := settle.Cancel(r.Context(), r.Store, q.id, q.funds); err != nil {
						r.Fatal(err)
					}
					if held := r.account(payer).Held; held == 0 {
						r.Errorf("nothing is held for what the worker has")
					}
				}
				r.abort(settle.Abort{Assignment: job, Funds: q.funds, Worker: w, Excuse: tt.excuse})

				if n := r.workerRow(w).Totals; n.Uncompleted != 0 || len(n.FailedPops) != 0 {
					r.Errorf("the worker has %+v", n)
				}
				if s := r.state(q); s.Faulted != tt.ends || s.Waiting == 1 == tt.cancel {
					r.Errorf("the request is %+v", s)
				}
				if held := r.account(payer).Held; (held == 0) != (tt.ends || tt.cancel) {
					r.Errorf("%s are held", held)
				}
				if err := settle.Release(r.Context(), r.Store, q.id, q.funds); err != nil {
					r.Fatal(err)
				}
				r.remove(q)
			})
		}
		r.sound()
	})
}

// remove lets a request expire.
func (h *rig) remove(q *request) {
	h.Helper()
	e := settle.Expiry{
		Request: q.id,
		Payer:   q.funds.Payer,
		Delete:  (*store.Tx).DeleteRequest,
		At:      h.state(q).Expires,
		Holds:   []string{settle.HoldOfRequest(q.id)},
		OnKey:   q.funds.Key != nil,
	}
	if err := settle.Remove(h.Context(), h.Store, e); err != nil {
		h.Fatal(err)
	}
	if err := settle.Remove(h.Context(), h.Store, e); !errors.Is(err, store.ErrLost) {
		h.Errorf("removed twice: %v", err)
	}
}

// Too many aborts within an hour put a worker into maintenance, and its owner, unless
// trusted, under suspicion. Those of decoys count too, but fail no request.
func TestAbortsAreCounted(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(0)
		q, w := r.request(payer, 1, 0, ""), r.worker(owner, horde.KindImage)
		for i := range 21 {
			job := &settle.Job{Row: &store.Job{ID: horde.NewID(), RequestID: q.id, WorkerID: w.ID, Decoy: true,
				Started: horde.Micros(r.now.Load()), TTL: 1}}
			r.write(nil, func(tx *store.Tx) error { tx.InsertJob(*job.Row); return nil })
			if a := r.abort(settle.Abort{Assignment: job, Worker: w}); a.Suspected != (i == 20) {
				r.Fatalf("suspected with abort %d: %v", i+1, a.Suspected)
			}
		}
		row := r.workerRow(w)
		if !row.Maintenance || len(row.Totals.FailedPops) != 0 ||
			!slices.Equal(row.Totals.Suspicions, []int{account.SuspicionAborts}) {
			r.Errorf("the worker is %+v", row)
		}
		if s := r.state(q); s.Faults != 0 || s.Waiting != 1 {
			r.Errorf("the request is %+v", s)
		}
	})
}
