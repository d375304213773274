package settle_test

import (
	"errors"
	"testing"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// Forms that are cancelled free what was set aside for them. One in a worker's hands
// is paid like a delivery, but says nothing of its speed (generation §3.2).
func TestCancelledFormsFreeWhatWasSetAside(t *testing.T) {
	each(t, func(r *rig) {
		payer, owner := r.user(0), r.user(account.Trusted)
		w := r.worker(owner, horde.KindAlchemy)
		forms := r.forms(payer, 3, w)
		var all []settle.CancelledForm
		for i, f := range forms {
			c := settle.CancelledForm{Form: f, Funds: fundsOf(f, payer)}
			if i == 0 {
				c.InHand = &settle.Delivery{Rules: settle.Forms, Assignment: f, Funds: c.Funds, Worker: w.ID, Owner: owner,
					Charge: formCharge, Worth: formReward, Earned: formReward, Speed: 7}
			}
			all = append(all, c)
		}
		if held := r.account(payer).Held; held != 3*formCharge {
			r.Fatalf("%s are held", held)
		}

		if err := settle.CancelForms(r.Context(), r.Store, forms[0].Row.RequestID, all); err != nil {
			r.Fatal(err)
		}
		if a := r.account(payer); a.Held != 0 || a.Balance != rich-formCharge || a.Totals.Requests[store.FormPlace] != 1 {
			r.Errorf("the payer has %+v", a)
		}
		if o := r.account(owner); o.Balance != rich+formReward {
			r.Errorf("the owner has %s", o.Balance)
		}
		if n := r.workerRow(w).Totals; n.Interrogated != formReward || n.Fulfilments != 1 || len(n.Speeds) != 0 {
			r.Errorf("the worker has %+v", n)
		}
		if err := settle.CancelForms(r.Context(), r.Store, forms[0].Row.RequestID, all); !errors.Is(err, store.ErrLost) {
			r.Errorf("cancelled twice: %v", err)
		}
		r.sound()
	})
}
