package settle_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// anonymous is the account of those who have none.
func (h *rig) anonymous() *account.User {
	h.Helper()
	u := &account.User{ID: horde.AnonymousID, Username: "Anonymous", OAuthID: "anon"}
	h.write(nil, func(tx *store.Tx) error {
		_, err := tx.InsertUser(store.User{ID: u.ID, OAuthID: u.OAuthID, KeyHash: "0"}, int64(horde.Whole(-50)))
		return err
	})
	return u
}

// poor makes a user who has nothing above the floor.
func (h *rig) poor() *account.User {
	h.Helper()
	u := h.user(0)
	h.write([]horde.UserID{u.ID}, func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "poor:"+u.OAuthID, "test", "", "")
		if err := e.SetBalance(u.ID, floor); err != nil {
			return err
		}
		return e.Commit()
	})
	return u
}

// earn has a worker deliver an image for a payer; charge is what it costs.
func (h *rig) earn(
	payer, owner *account.User, worker string, charge horde.Kudos, bounds kudos.UnpaidBounds,
) *settle.Delivery {
	h.Helper()
	q := h.request(payer, 1, 0, "")
	row := &store.Job{
		ID: horde.NewID(), RequestID: q.id, WorkerID: worker, Model: "m",
		Started: horde.Micros(h.now.Load()), TTL: 150_000_000,
	}
	row.Pop = row.ID
	h.write(nil, func(tx *store.Tx) error {
		if _, err := tx.Claim(q.id, 1, 0); err != nil {
			return err
		}
		tx.InsertJob(*row)
		return nil
	})

	d := &settle.Delivery{
		Rules:      settle.Images,
		Assignment: &settle.Job{Row: row, Result: store.JobResult{State: store.JobDone}},
		Funds:      q.funds,
		Worker:     worker,
		Owner:      owner,
		At:         horde.Micros(h.now.Load()),
		Expires:    horde.Micros(h.now.Load()) + horde.MicrosIn(20*time.Minute),
		Charge:     charge,
		Earned:     horde.Whole(8),
		Unpaid:     bounds,
	}
	if err := settle.Deliver(context.Background(), h.Store, d); err != nil {
		h.Error(err)
	}
	return d
}

// What nobody pays for earns as much as its owner's account, and the address of its
// workers, may earn a day; what somebody pays for earns whatever it is worth.
func TestUnpaidWorkIsBounded(t *testing.T) {
	each(t, func(r *rig) {
		anonymous, full := r.anonymous(), horde.Whole(9)

		for _, tt := range []struct {
			name   string
			payer  func() *account.User
			charge horde.Kudos
			by     kudos.UnpaidBounds
			want   []horde.Kudos // forgone of deliveries that are worth 8 each
		}{
			{"anonymous, by account", func() *account.User { return anonymous }, full,
				kudos.UnpaidBounds{Account: horde.Whole(20)}, []horde.Kudos{0, 0, 400, 800}},
			{"anonymous, by address", func() *account.User { return anonymous }, full,
				kudos.UnpaidBounds{Account: horde.Whole(99), Address: horde.Whole(10), From: "by address"},
				[]horde.Kudos{0, 600, 800}},
			{"the account has nothing", r.poor, full,
				kudos.UnpaidBounds{Address: horde.Whole(10), From: "poor"}, []horde.Kudos{0, 600}},
			{"censored: the charge is less than the reward", func() *account.User { return r.user(0) }, horde.Whole(1),
				kudos.UnpaidBounds{Account: horde.Whole(10)}, []horde.Kudos{0, 400, 700, 700}},
			{"paid for", func() *account.User { return r.user(0) }, full,
				kudos.UnpaidBounds{Account: 1, Address: 1, From: "paid"}, []horde.Kudos{0, 0}},
			{"no bounds", func() *account.User { return anonymous }, full, kudos.UnpaidBounds{}, []horde.Kudos{0, 0, 0}},
		} {
			r.run(tt.name, func(r *rig) {
				payer, owner := tt.payer(), r.user(0)
				w := r.worker(owner, horde.KindImage)

				var forgone horde.Kudos
				for i, want := range tt.want {
					d := r.earn(payer, owner, w.ID, tt.charge, tt.by)
					if d.Forgone != want {
						r.Errorf("of delivery %d %s were forgone, want %s", i+1, d.Forgone, want)
					}
					if told := d.Told(8.5); want > 0 && told != (horde.Whole(8)-want).Float() || want == 0 && told != 8.5 {
						r.Errorf("the worker is told that it earned %v", told)
					}
					forgone += want
				}

				earned := horde.Whole(8)*horde.Kudos(len(tt.want)) - forgone
				if a := r.account(owner); a.Balance-rich+a.Escrow != earned || a.Balance-rich < a.Escrow {
					r.Errorf("the owner has got %s and %s in escrow, want %s", a.Balance-rich, a.Escrow, earned)
				}
				n := r.workerRow(w).Totals
				if n.Kudos != earned || n.Generated != earned || n.Fulfilments != int64(len(tt.want)) {
					r.Errorf("the worker's totals are %+v, want %s", n, earned)
				}
				if team, err := r.Team(r.Context(), w.Team); err != nil || team.Totals.Kudos != earned {
					r.Errorf("the team has %+v, %v", team.Totals, err)
				}
			})
		}
		r.sound()
	})
}

// The next day everything can be earned again, and a node that starts knows what was
// earned today.
func TestWhatIsEarnedUnpaidBeginsAnewEachDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		r := open(t, db)
		payer, owner := r.anonymous(), r.user(0)
		w := r.worker(owner, horde.KindImage)
		bound := kudos.UnpaidBounds{Account: horde.Whole(12), Address: horde.Whole(10), From: "there"}
		want := func(when string, forgone horde.Kudos) {
			t.Helper()
			if d := r.earn(payer, owner, w.ID, horde.Whole(9), bound); d.Forgone != forgone {
				t.Errorf("%s: %s were forgone, want %s", when, d.Forgone, forgone)
			}
		}

		want("first", 0)
		r.Close()
		r = open(t, db)
		want("after a restart", horde.Whole(6))
		want("then", horde.Whole(8))

		r.now.Add(int64(24 * time.Hour / time.Microsecond))
		want("on the next day", 0)
		r.sound()
	})
}

// Several nodes that deliver at once, for many accounts at one address, give out what
// may be earned there to the hundredth.
func TestUnpaidWorkIsBoundedOverAllNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := []*rig{open(t, db)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, open(t, db))
		}
		payer := nodes[0].anonymous()
		poor := nodes[0].poor()
		bound := kudos.UnpaidBounds{Account: horde.Whole(30), Address: horde.Whole(100), From: "there"}

		var owners []*account.User
		var workers []string
		for range 6 {
			owners = append(owners, nodes[0].user(0))
			workers = append(workers, nodes[0].worker(owners[len(owners)-1], horde.KindImage).ID)
		}

		var wg sync.WaitGroup
		for i := range 48 {
			wg.Go(func() {
				who := payer
				if i%4 == 0 {
					who = poor
				}
				nodes[i%len(nodes)].earn(who, owners[i/8], workers[i/8], horde.Whole(9), bound)
			})
		}
		wg.Wait()

		var sum horde.Kudos
		for _, o := range owners {
			a := nodes[0].account(o)
			got := a.Balance - rich + a.Escrow
			if got > bound.Account || a.Unpaid.Amount != got {
				t.Errorf("an account has earned %s of %s, and %s are counted", got, bound.Account, a.Unpaid.Amount)
			}
			sum += got
		}
		if sum != bound.Address {
			t.Errorf("%s were earned at the address, want %s", sum, bound.Address)
		}
		nodes[0].sound()
	})
}

// A form that is cancelled in a worker's hands, and the bonus for a style, are bounded
// like deliveries.
func TestUnpaidCancelsAndStyleBonusesAreBounded(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner, stylist := r.anonymous(), r.user(0), r.user(account.Trusted)
		w := r.worker(owner, horde.KindAlchemy)
		form := r.forms(payer, 1, w)[0]
		d := &settle.Delivery{
			Rules: settle.Forms, Assignment: form, Funds: fundsOf(form, payer), Worker: w.ID, Owner: owner,
			Charge: formCharge, Earned: formReward, Unpaid: kudos.UnpaidBounds{Address: 30, From: "there"},
		}
		cancelled := settle.CancelledForm{Form: form, Funds: d.Funds, InHand: d}
		all := []settle.CancelledForm{cancelled}
		if err := settle.CancelForms(r.Context(), r.Store, form.Row.RequestID, all); err != nil {
			r.Fatal(err)
		}
		if n := r.workerRow(w).Totals; d.Forgone != formReward-30 || n.Kudos != 30 || n.Interrogated != 30 {
			r.Errorf("%s were forgone, and the worker has %+v", d.Forgone, n)
		}

		for i, want := range []horde.Kudos{200, 300, 300} {
			a := settle.Acceptance{
				Rules: settle.Images, Request: horde.NewID(), Payer: payer.ID, Tax: tax, Style: "s",
				Unpaid: kudos.UnpaidBounds{Account: 300},
				Bonus: func(_ *store.Tx, e *kudos.Entry) error {
					return e.Bonus(stylist.ID, horde.Whole(2), kudos.StyleBonus)
				},
			}
			r.write([]horde.UserID{payer.ID, stylist.ID}, func(tx *store.Tx) error { _, err := a.Apply(tx); return err })
			if got := r.account(stylist); got.Balance-rich != want || got.Totals.Styled != want {
				r.Errorf("after use %d the style's owner has got %s, want %s", i+1, got.Balance-rich, want)
			}
		}
		r.sound()
	})
}
