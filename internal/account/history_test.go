package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// event posts one event in a unit of its own, a second after the one before.
func (w *world) event(
	id, reason, request, job string, about kudos.About, users []horde.UserID, do func(*kudos.Entry) error,
) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	err := w.s.Write(w.t.Context(), store.Unit{Accounts: users, Do: func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, id, reason, request, job)
		e.About(about)
		return errors.Join(do(e), e.Commit())
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) history(u *User, before string, limit int) *api.KudosHistory {
	w.t.Helper()
	h, err := w.History(w.t.Context(), u.ID, before, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

const secretRequest = "11111111-2222-7333-8444-555555555555"

// The story of a request, told to who paid, to the worker's owner and to the
// owner of the style.
func TestTheHistoryTellsEachPartyItsPart(t *testing.T) {
	each(t, func(w *world) {
		payer, owner, stylist := w.user("payer", 0, 100), w.user("owner", 0, 100), w.user("stylist", 0, 100)
		key, err := w.CreateSharedKey(t.Context(), payer, SharedKeyChange{})
		if err != nil {
			t.Fatal(err)
		}

		w.write(owner.ID, func(tx *store.Tx) error {
			return tx.InsertWorker(store.Worker{ID: "wid", Kind: "image", UserID: owner.ID, Name: "brush", Settings: "{}"})
		})

		w.event("accept:"+secretRequest, "request accepted", secretRequest, "", kudos.About{Key: key.ID, Style: "noir"},
			[]horde.UserID{payer.ID, stylist.ID}, func(e *kudos.Entry) error {
				return errors.Join(e.Charge(payer.ID, 800, kudos.TaxParts(800, 1)...), e.Bonus(stylist.ID, 200, kudos.StyleBonus))
			})

		w.event("deliver:job", "picture delivered", secretRequest, "job",
			kudos.About{Key: key.ID, Worker: "wid", Model: "SDXL"}, []horde.UserID{payer.ID, owner.ID},
			func(e *kudos.Entry) error {
				return errors.Join(e.Charge(payer.ID, 4298, kudos.Part{Kind: kudos.Image, Amount: 4198}),
					e.Reward(owner.ID, kudos.Earning{Amount: 4198}))
			})

		h := w.history(payer, "", 50)
		if len(h.Movements) != 2 {
			t.Fatalf("%+v", h)
		}

		m := h.Movements[0]
		want := api.KudosMovement{
			Kind: "request", At: m.At, Text: "Request " + secretRequest + ": accepted, 1 delivery", Amount: -50.98,
			Balance: 49.02,
			Request: secretRequest, SharedKey: key.ID,
			Parts: []api.KudosPart{{What: "picture", Amount: -41.98}, {What: "burn", Amount: -1}, {What: "tax", Amount: -3},
				{What: "extra source pictures", Amount: -5}},
			Movements: []api.KudosMovement{
				{Kind: "request", At: m.At, Text: `Image delivered, SDXL by worker "brush", by your shared key ` + key.ID,
					Amount: -42.98, Balance: 49.02,
					Request: secretRequest, Job: "job", WorkerID: "wid", WorkerName: "brush", Model: "SDXL", SharedKey: key.ID,
					Parts: []api.KudosPart{{What: "picture", Amount: -41.98}, {What: "burn", Amount: -1}}},
				{Kind: "request", At: "2026-11-24T12:00:01.000000Z",
					Text:   `Request accepted: its tax and extra source images, with the style "noir", by your shared key ` + key.ID,
					Amount: -8, Balance: 92, Request: secretRequest, SharedKey: key.ID,
					Parts: []api.KudosPart{{What: "tax", Amount: -3}, {What: "extra source pictures", Amount: -5}}},
			},
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Error(diff)
		}

		for u, text := range map[*User]string{
			owner:   `Image delivered, SDXL by your worker "brush"; 20.99 kept back until you are trusted`,
			stylist: `Your style "noir" was used`,
		} {
			h := w.history(u, "", 50)
			all, _ := json.Marshal(h)
			if h.Movements[0].Text != text {
				t.Errorf("%s: %s", u.Alias(), all)
			}

			// Knowing a request or a shared key is the right to use it.
			for _, secret := range []string{secretRequest, key.ID} {
				if strings.Contains(string(all), secret) {
					t.Errorf("%s is told %s: %s", u.Alias(), secret, all)
				}
			}
		}

		if m := w.history(owner, "", 1).Movements[0]; m.Amount != 20.99 || m.Balance != 120.99 || m.Evaluating != 20.99 ||
			m.EvaluatingKudos != 20.99 {
			t.Errorf("%+v", m)
		}
	})
}

// A charge that is forgiven whole, and one that the user's own worker earned again,
// leave the balance as it was: the history tells of both.
func TestTheHistoryTellsOfWhatCancelsOut(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("u", 0, 25)
		w.event("deliver:1", "picture delivered", "r1", "1", kudos.About{}, []horde.UserID{u.ID},
			func(e *kudos.Entry) error { return e.Charge(u.ID, 1000) })
		w.event("deliver:2", "picture delivered", "r2", "2", kudos.About{}, []horde.UserID{u.ID}, func(e *kudos.Entry) error {
			return errors.Join(e.Reward(u.ID, kudos.Earning{Amount: 1000, Trusted: true}), e.Charge(u.ID, 1000))
		})
		h := w.history(u, "", 50)
		for i, want := range []string{
			"Image delivered by a worker that is gone, which is your own and earned",
			"Image delivered by a worker that is gone; 10.00 of it forgiven, since no balance stays below what every account " +
				"keeps",
		} {
			if m := h.Movements[i]; m.Text != want || m.Amount != 0 || m.Balance != 25 {
				t.Errorf("%+v, want %q", m, want)
			}
		}
		if audit, err := w.s.Audit(t.Context()); err != nil || len(audit.Unbalanced) > 0 {
			t.Errorf("%+v %v", audit, err)
		}
	})
}

func TestEveryMovementHasItsWords(t *testing.T) {
	each(t, func(w *world) {
		root := w.user("root", Moderator|Trusted, 0)
		alice, bob := w.user("alice", 0, 100), w.user("bob", 0, 100)
		key, err := w.CreateSharedKey(t.Context(), bob, SharedKeyChange{Name: new("club")})
		if err != nil {
			t.Fatal(err)
		}

		later := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
			w.now = w.now.Add(2 * time.Minute)
		}

		five, monthly, yes := 5.0, int64(7), true
		ctx := t.Context()
		later(w.Transfer(ctx, alice, Gift{Target: bob.Alias(), Amount: 10}))
		later(w.Transfer(ctx, alice, Gift{Target: key.ID, Amount: 10}))
		later(w.Award(ctx, root, bob.Alias(), 3))
		later(w.Award(ctx, root, bob.Alias(), -2))
		_, err = w.Modify(ctx, root, bob.ID, api.ModifyUser{Kudos: &five, MonthlyKudos: &monthly})
		later(err)
		w.event("uptime:w:1", "uptime", "", "", kudos.About{Worker: "gone"}, []horde.UserID{bob.ID},
			func(e *kudos.Entry) error { return e.Escrow(bob.ID, 5000) })
		later(nil)
		_, err = w.Modify(ctx, root, bob.ID, api.ModifyUser{Trusted: &yes})
		later(err)

		w.event("form:f", "form delivered", "req", "f", kudos.About{Model: "caption", Censored: true},
			[]horde.UserID{bob.ID}, func(e *kudos.Entry) error {
				return errors.Join(e.Charge(bob.ID, 300, kudos.Part{Kind: kudos.Form, Amount: 100}),
					e.Reward(bob.ID, kudos.Earning{Amount: 100, Trusted: true}))
			})

		w.event("deliver:old", "picture delivered", "req2", "old", kudos.About{}, []horde.UserID{bob.ID},
			func(e *kudos.Entry) error {
				return e.Charge(bob.ID, 1_000_000)
			})

		w.event("something:new", "a new thing", "", "", kudos.About{}, []horde.UserID{bob.ID},
			func(e *kudos.Entry) error { return e.Bonus(bob.ID, 1, kudos.Awarded) })
		poor := w.user("poor", 0, 0)
		w.event("accept:poor", "accepted", "req3", "", kudos.About{}, []horde.UserID{poor.ID}, func(e *kudos.Entry) error {
			return e.Charge(poor.ID, 300, kudos.Part{Kind: kudos.Tax, Amount: 300})
		})

		lifted := w.history(poor, "", 1).Movements[0]
		if lifted.Amount != 25 ||
			!strings.HasSuffix(lifted.Text, "; 28.00 given on top, since no balance stays below what every account keeps") {
			t.Errorf("%+v", lifted)
		}

		var told []string
		for _, m := range w.history(bob, "", 50).Movements {
			told = append(told, fmt.Sprintf("%s %.2f: %s", m.Kind, m.Amount, m.Text))
		}

		want := []string{
			`other 0.01: A new thing`,
			`request -156.00: Image delivered by a worker that is gone; 9844.00 of it forgiven, since no balance stays below what every account keeps`,
			`request -2.00: Form delivered (censored), caption by a worker that is gone, which is your own and earned`,
			`admin 50.00: Changed by root#1: you became trusted, so what was kept back can be spent`,
			`uptime 0.00: Uptime of your worker that is gone; 50.00 kept back until you are trusted`,
			`admin 12.00: Changed by root#1: monthly kudos raised`,
			`award -2.00: Award taken back by root#1`,
			`award 3.00: Awarded by root#1`,
			`transfer 10.00: Received from alice#2 for your shared key "club"`,
			`transfer 10.00: Received from alice#2`,
		}
		if diff := cmp.Diff(want, told[:len(want)]); diff != "" {
			t.Error(diff)
		}

		if m := w.history(alice, "", 2).Movements; m[1].Text != "Given to bob#3" ||
			m[0].Text != "Given to bob#3 for a shared key" || m[0].SharedKey != "" {
			t.Errorf("%+v", m)
		}

		if parts := w.history(bob, "",
			50).Movements[5].Parts; cmp.Diff([]api.KudosPart{{What: "adjustment", Amount: 5}, {What: "allowance", Amount: 7}},
			parts) != "" {
			t.Errorf("%+v", parts)
		}
	})
}

// The balances of a history go from 0 to the present one, page by page, and
// nothing is told twice or left out.
func TestTheHistoryAddsUp(t *testing.T) {
	each(t, func(w *world) {
		u, other := w.user("u", 0, 500), w.user("other", 0, 500)
		for i := range 60 {
			if rand.IntN(3) > 0 {
				w.now = w.now.Add(-time.Second) // several events of one moment
			}
			request := fmt.Sprint("r", rand.IntN(8))
			w.event(fmt.Sprint("deliver:", i), "picture delivered", request, fmt.Sprint(i), kudos.About{},
				[]horde.UserID{u.ID, other.ID}, func(e *kudos.Entry) error {
					return errors.Join(e.Charge(u.ID, horde.Kudos(rand.Int64N(3000))), e.Reward(other.ID, kudos.Earning{Amount: 100}),
						e.Reward(u.ID, kudos.Earning{Amount: horde.Kudos(rand.Int64N(3000)), Trusted: rand.IntN(2) == 0}))
				})
		}

		acc, err := w.s.Account(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}

		balance, escrow, seen := acc.Balance.Float(), acc.Escrow.Float(), 0
		for before, first := "", true; first || before != ""; first = false {
			h := w.history(u, before, 1+rand.IntN(9))
			var flat []api.KudosMovement
			for _, m := range h.Movements {
				if len(m.Movements) == 0 {
					m.Movements = []api.KudosMovement{m}
				}

				var amount float64
				for _, part := range m.Movements {
					amount += float64(part.Amount)
				}

				if horde.Round2(amount) != float64(m.Amount) {
					t.Errorf("%v in all, but %+v", amount, m)
				}

				flat = append(flat, m.Movements...)
			}

			// Requests stand together; in the order of the ledger again, each
			// movement leads to the balance of the next.
			left := flat
			for len(left) > 0 {
				i := 0
				for i < len(left) && (float64(left[i].Balance) != balance || float64(left[i].EvaluatingKudos) != escrow) {
					i++
				}
				if i == len(left) {
					t.Fatalf("no movement leads to %v and %v: %+v", balance, escrow, left)
				}
				balance, escrow = horde.Round2(balance-float64(left[i].Amount)), horde.Round2(escrow-float64(left[i].Evaluating))
				left = append(left[:i:i], left[i+1:]...)
				seen++
			}

			before = h.Next
		}

		if balance != 0 || escrow != 0 || seen < 50 {
			t.Errorf("%d movements lead back to %v and %v", seen, balance, escrow)
		}
	})
}

func TestAHistoryIsForItsUserAndModerators(t *testing.T) {
	each(t, func(w *world) {
		alice, bob, mod := w.user("alice", 0, 100), w.user("bob", 0, 100), w.user("mod", Moderator, 100)
		anon := w.again(&User{ID: horde.AnonymousID})
		for _, c := range []struct {
			name   string
			caller *User
			whom   string
			code   horde.Code
		}{
			{"one's own", alice, "", ""},
			{"one's own by name", alice, alice.Alias(), ""},
			{"another's", alice, bob.Alias(), horde.NotModerator},
			{"one that is not there", alice, "999", horde.NotModerator},
			{"no alias", alice, "bob", horde.UserNotFound},
			{"a moderator", mod, bob.Alias(), ""},
			{"a moderator, by id", mod, "2", ""},
			{"a moderator, nobody", mod, "999", horde.UserNotFound},
			{"anonymous", anon, "", horde.AnonForbidden},
			{"a moderator, anonymous", mod, "0", horde.AnonForbidden},
		} {
			_, err := w.HistoryOf(t.Context(), c.caller, c.whom)
			wantCode(t, c.name, err, c.code)
		}

		for _, before := range []string{"x", "!", "MS4yLjM", "LTEuMC4wLjA", "MS4tMS4wLjA", "MS45OTk5OTk5LjAuMA",
			strings.Repeat("A", 1000)} {
			if _, err := w.History(t.Context(), alice.ID, before, 1); err == nil {
				t.Errorf("before %q was taken", before)
			}
		}

		_, err := w.History(t.Context(), 999, "", 1)
		wantCode(t, "nobody", err, horde.UserNotFound)
	})
}

// FuzzBookmark: whatever is sent as before is refused or leads somewhere.
func FuzzBookmark(f *testing.F) {
	f.Add("")
	f.Add(bookmark{store.Place{At: 5, Skip: 2}, -100, 7}.String())
	f.Add("LTEuMC4wLjA")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := readBookmark(text)
		if err == nil && (b.At < 0 || b.Skip < 0 || b.Skip > maxSkip) {
			t.Errorf("%q: %+v", text, b)
		}
		if again, e := readBookmark(b.String()); err == nil && text != "" && (e != nil || again != b) {
			t.Errorf("%q: %+v, then %+v %v", text, b, again, e)
		}
	})
}

// TestASparedChargeIsTold: what the budget of a shared key did not cover of a
// charge is told, also where that is all of it.
func TestASparedChargeIsTold(t *testing.T) {
	each(t, func(w *world) {
		alice := w.user("alice", 0, 100)
		for i, most := range []horde.Kudos{100, 0} {
			w.event(fmt.Sprint("accept:", i), "request accepted", fmt.Sprint(i), "", kudos.About{Key: "k"},
				[]horde.UserID{alice.ID}, func(e *kudos.Entry) error {
					return e.ChargeAtMost(alice.ID, 300, most, kudos.TaxParts(300, 0)...)
				})
		}

		h := w.history(alice, "", 50)
		if len(h.Movements) != 3 {
			t.Fatalf("%+v", h.Movements)
		}

		for i, want := range []struct {
			amount api.Float
			text   string
		}{{0, "3.00 of it forgiven"}, {-1, "2.00 of it forgiven"}} {
			m := h.Movements[i]
			if len(m.Movements) == 1 {
				m = m.Movements[0]
			}
			if m.Amount != want.amount ||
				!strings.Contains(m.Text, want.text+", since the budget of the shared key did not cover it") {
				t.Errorf("%v: %s", m.Amount, m.Text)
			}
		}

		if got := w.balance(alice); got != 99 {
			t.Errorf("balance %v", got)
		}

		w.sound()
	})
}
