package settle_test

import (
	"errors"
	"testing"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
)

func TestAnAcceptanceSetsAsideAndCharges(t *testing.T) {
	each(t, func(r *rig) {
		style := func(owner *account.User) func(*store.Tx, *kudos.Entry) error {
			return func(_ *store.Tx, e *kudos.Entry) error { return e.Bonus(owner.ID, horde.Whole(2), kudos.StyleBonus) }
		}
		for _, tt := range []struct {
			name       string
			acceptance settle.Acceptance
			held, paid horde.Kudos
			requests   int64 // that the payer's records count
			err        error
		}{
			{name: "tax alone", acceptance: settle.Acceptance{Rules: settle.Images, Tax: tax}, paid: tax, requests: 1},
			{name: "text", acceptance: settle.Acceptance{Rules: settle.Texts, Tax: 100}, paid: 100, requests: 1},
			{name: "upfront", acceptance: settle.Acceptance{Rules: settle.Images, Tax: tax, Needed: horde.Whole(50)},
				held: horde.Whole(50) - tax, paid: tax, requests: 1},
			{name: "all that can be spent",
				acceptance: settle.Acceptance{Rules: settle.Images, Tax: tax, Needed: rich - floor}, held: rich - floor - tax,
				paid: tax, requests: 1},
			{name: "more than that", acceptance: settle.Acceptance{Rules: settle.Images, Tax: tax, Needed: rich - floor + 1},
				err: kudos.ErrInsufficient},
			{name: "forms", acceptance: settle.Acceptance{Rules: settle.Forms,
				Wishes: []kudos.OptionalHold{{ID: "a", Amount: 300}, {ID: "b", Amount: 500}}}, held: 800},
			{name: "forms that cost more than is there",
				acceptance: settle.Acceptance{Rules: settle.Forms, Wishes: []kudos.OptionalHold{{ID: "c", Amount: rich}}},
				held:       rich - floor},
			{name: "no forms", acceptance: settle.Acceptance{Rules: settle.Forms}},
		} {
			r.run(tt.name, func(r *rig) {
				payer, owner := r.user(0), r.user(0)
				a := tt.acceptance
				a.Request, a.Payer = horde.NewID(), payer.ID
				if a.Tax > 0 {
					a.TaxParts = kudos.TaxParts(a.Tax, 0)
					a.Style, a.Bonus = "s", style(owner)
				}
				err := r.Write(t.Context(), store.Unit{Accounts: []horde.UserID{payer.ID, owner.ID}, Do: func(tx *store.Tx) error {
					tx.InsertRequest(store.Request{ID: a.Request, UserID: payer.ID, Body: "{}"})
					_, err := a.Apply(tx)
					return err
				}})
				if !errors.Is(err, tt.err) {
					r.Errorf("%v, want %v", err, tt.err)
				}

				got, bonus := r.account(payer), r.account(owner).Balance-rich
				if got.Held != tt.held || rich-got.Balance != tt.paid || got.Totals.Requests[a.Rules.Place] != tt.requests {
					r.Errorf("%s held, %s paid, records %+v", got.Held, rich-got.Balance, got.Totals)
				}
				if (bonus == horde.Whole(2)) != (tt.requests == 1) {
					r.Errorf("the style's owner got %s", bonus)
				}
			})
		}
		r.sound()
	})
}
