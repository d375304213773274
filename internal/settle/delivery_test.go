package settle_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// deliver delivers an assignment at a price of 10 kudos for work that earns 8.
func (h *rig) deliver(d settle.Delivery) (*settle.Delivery, error) {
	d.At = horde.Micros(h.now.Load())
	d.Expires = d.At + horde.MicrosIn(20*time.Minute)
	d.Charge, d.Worth, d.Earned = horde.Whole(10), horde.Whole(9), horde.Whole(8)
	d.Model, d.Speed = "m", 1.5
	d.Work = settle.Work{Units: 40, Usage: 8, Contribution: 4}
	return &d, settle.Deliver(context.Background(), h.Store, &d)
}

// A delivery moves the same kudos whatever its kind; what it counts for differs as
// the rules of the kind say.
func TestADeliveryMovesTheSameKudosForEveryKind(t *testing.T) {
	each(t, func(r *rig) {
		for _, tt := range []struct {
			name          string
			rules         *settle.Rules
			role          account.Role
			spendable     horde.Kudos // of the reward
			countedByTeam int64
		}{
			{"image", settle.Images, account.Trusted, horde.Whole(8), 1},
			{"image, the owner is not trusted", settle.Images, 0, horde.Whole(4), 1},
			{"text", settle.Texts, account.Trusted, horde.Whole(8), 0},
			{"text, the owner is not trusted", settle.Texts, 0, horde.Whole(4), 0},
			{"form", settle.Forms, account.Trusted, horde.Whole(8), 0},
			{"form, the owner is not trusted", settle.Forms, 0, horde.Whole(4), 0},
		} {
			r.run(tt.name, func(r *rig) {
				payer, owner := r.user(0), r.user(tt.role)
				w := r.worker(owner, horde.KindImage)
				d := settle.Delivery{Rules: tt.rules, Worker: w.ID, Owner: owner}
				if tt.rules == settle.Forms {
					form := r.forms(payer, 1, w)[0]
					d.Assignment, d.Funds = form, fundsOf(form, payer)
				} else {
					job := r.job(r.request(payer, 1, 0, ""), w)
					job.Result = store.JobResult{State: store.JobDone}
					d.Assignment, d.Funds = job, settle.Funds{Payer: payer.ID}
				}
				before, place := r.account(payer), tt.rules.Place
				if _, err := r.deliver(d); err != nil {
					r.Fatal(err)
				}

				a := r.account(payer)
				if paid := before.Balance - a.Balance; paid != horde.Whole(10) || a.Held != 0 {
					r.Errorf("the payer paid %s, %s are held", paid, a.Held)
				}
				if a.Totals.Requests[place]-before.Totals.Requests[place] != 1 || a.Totals.Usage[place] != 8 {
					r.Errorf("the payer's records are %+v", a.Totals)
				}

				o := r.account(owner)
				if got := o.Balance - rich; got != tt.spendable || o.Escrow != horde.Whole(8)-tt.spendable {
					r.Errorf("the owner can spend %s, %s are kept back", got, o.Escrow)
				}
				if o.Totals.Fulfilments[place] != 1 || o.Totals.Contribution[place] != 4 {
					r.Errorf("the owner's records are %+v", o.Totals)
				}

				n := r.workerRow(w).Totals
				if n.Kudos != horde.Whole(8) || *tt.rules.Earnings(&n) != horde.Whole(8) || n.WorkUnits != 40 ||
					n.Fulfilments != 1 ||
					!slices.Equal(n.Speeds, []float64{1.5}) {
					r.Errorf("the worker's totals are %+v", n)
				}
				team, err := r.Team(r.Context(), w.Team)
				if err != nil || team.Totals.Fulfilments != tt.countedByTeam {
					r.Errorf("the team has %+v, %v", team.Totals, err)
				}
			})
		}
		r.sound()
	})
}

// An assignment ends once: of deliveries and aborts at one moment one is carried out, and
// nothing of the others.
func TestAnAssignmentEndsOnce(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		w := r.worker(owner, horde.KindImage)
		job := r.job(r.request(payer, 1, horde.Whole(20), ""), w)
		funds := settle.Funds{Payer: payer.ID, Hold: settle.HoldOfRequest(job.Row.RequestID)}

		var delivered, aborted atomic.Int64
		var wg sync.WaitGroup
		for i := range 24 {
			assignment := &settle.Job{Row: job.Row}
			wg.Go(func() {
				var err error
				if i%2 == 0 {
					assignment.Result.State = store.JobDone
					if _, err = r.deliver(settle.Delivery{Rules: settle.Images, Assignment: assignment, Funds: funds, Worker: w.ID,
						Owner: owner}); err == nil {
						delivered.Add(1)
					}
				} else {
					assignment.Result.State = store.JobFaulted
					abort := settle.Abort{Rules: settle.Images, Assignment: assignment, Funds: funds, Worker: w, Pop: job.Row.Pop}
					if err = settle.GiveUp(context.Background(), r.Store, &abort); err == nil {
						aborted.Add(1)
					}
				}
				if err != nil && !errors.Is(err, store.ErrLost) {
					r.Error(err)
				}
			})
		}
		wg.Wait()

		if delivered.Load()+aborted.Load() != 1 {
			r.Fatalf("%d deliveries and %d aborts", delivered.Load(), aborted.Load())
		}
		paid := delivered.Load() * int64(horde.Whole(10))
		if a := r.account(payer); a.Balance != rich-tax-horde.Kudos(paid) {
			r.Errorf("%d were delivered, and the payer has %s", delivered.Load(), a.Balance)
		}
		if n := r.workerRow(w).Totals; n.Fulfilments != delivered.Load() || n.Uncompleted != aborted.Load() {
			r.Errorf("the worker's totals are %+v", n)
		}
		r.sound()
	})
}

// Charges are paid from what was set aside. What is left of it is free when nothing
// more can be charged, and not before.
func TestHoldIsFreedAtTheEnd(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		w := r.worker(owner, horde.KindImage)
		q := r.request(payer, 2, horde.Whole(30), "")
		if a := r.account(payer); a.Held != horde.Whole(30)-tax {
			r.Fatalf("%s are held", a.Held)
		}
		for i, held := range []horde.Kudos{horde.Whole(30) - tax - horde.Whole(10), 0} {
			job := r.job(q, w)
			job.Result.State = store.JobDone
			if _, err := r.deliver(settle.Delivery{Rules: settle.Images, Assignment: job, Funds: q.funds, Worker: w.ID,
				Owner: owner}); err != nil {
				r.Fatal(err)
			}
			if a := r.account(payer); a.Held != held {
				r.Errorf("after delivery %d %s are held, want %s", i+1, a.Held, held)
			}
		}
		r.sound()
	})
}

// The owner of a shared key pays what was promised when the request was taken; what
// the budget does not cover is forgiven, and the worker gets all the same.
func TestTheOwnerOfASharedKeyPaysWhatWasPromised(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		w := r.worker(owner, horde.KindImage)
		key := store.SharedKey{ID: horde.NewID(), UserID: payer.ID, Budget: horde.Whole(7), MaxPixels: -1, MaxSteps: -1,
			MaxTokens: -1}
		r.write([]horde.UserID{payer.ID}, func(tx *store.Tx) error { return tx.InsertSharedKey(key) })

		q := r.request(payer, 1, horde.Whole(30), key.ID)
		job := r.job(q, w)
		job.Result.State = store.JobDone
		if _, err := r.deliver(settle.Delivery{Rules: settle.Images, Assignment: job, Funds: q.funds, Worker: w.ID,
			Owner: owner}); err != nil {
			r.Fatal(err)
		}

		if a := r.account(payer); a.Balance != rich-horde.Whole(7) || a.Held != 0 {
			r.Errorf("the key's owner has %s, and %s are held", a.Balance, a.Held)
		}
		if o := r.account(owner); o.Balance != rich+horde.Whole(8) {
			r.Errorf("the worker's owner has %s", o.Balance)
		}
		k, err := r.SharedKey(r.Context(), key.ID)
		if err != nil || k.Budget != 0 || k.Held != 0 || k.Utilized != horde.Whole(7) {
			r.Errorf("the key is %+v, %v", k, err)
		}
		r.sound()
	})
}

// A speed that no hardware reaches makes worker and owner suspicious.
func TestTooFastIsSuspicious(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(0)
		w := r.worker(owner, horde.KindText)
		job := r.job(r.request(payer, 1, 0, ""), w)
		job.Result.State = store.JobDone
		d := settle.Delivery{Rules: settle.Texts, Assignment: job, Funds: settle.Funds{Payer: payer.ID}, Worker: w.ID,
			Owner: owner, Suspicions: 2}
		if _, err := r.deliver(d); err != nil {
			r.Fatal(err)
		}
		twice := []int{account.SuspicionTooFast, account.SuspicionTooFast}
		if got := r.workerRow(w).Totals.Suspicions; !slices.Equal(got, twice) {
			r.Errorf("the worker's suspicions are %v", got)
		}
		u, err := r.User(r.Context(), owner.ID)
		if err != nil || u.Suspicions != "[5,5]" {
			r.Errorf("the owner's suspicions are %s, %v", u.Suspicions, err)
		}
	})
}

func TestDecoyMovesNothing(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		q, w := r.request(payer, 1, 0, ""), r.worker(owner, horde.KindImage)
		job := &store.Job{ID: horde.NewID(), RequestID: q.id, WorkerID: w.ID, Decoy: true,
			Started: horde.Micros(r.now.Load()), TTL: 1}
		r.write(nil, func(tx *store.Tx) error { tx.InsertJob(*job); return nil })

		if err := settle.EndDecoy(r.Context(), r.Store,
			&settle.Job{Row: job, Result: store.JobResult{State: store.JobDone}}); err != nil {
			r.Fatal(err)
		}
		if a, o := r.account(payer), r.account(owner); a.Balance != rich-tax || o.Balance != rich {
			r.Errorf("payer and owner have %s and %s", a.Balance, o.Balance)
		}
		if s := r.state(q); s.Waiting != 1 || s.Consumed != tax {
			r.Errorf("the request is %+v", s)
		}
	})
}
