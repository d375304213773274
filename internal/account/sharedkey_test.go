package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

func ptr[T any](v T) *T { return &v }

// key makes a shared key.
func (w *world) key(owner *User, c SharedKeyChange) *SharedKey {
	w.t.Helper()
	k, err := w.CreateSharedKey(w.t.Context(), owner, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// keyNow is a shared key as it is now.
func (w *world) keyNow(id string) *SharedKey {
	w.t.Helper()
	k, err := w.SharedKey(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func TestAUserHasSoManySharedKeys(t *testing.T) {
	each(t, func(w *world) {
		for name, c := range map[string]struct {
			roles Role
			most  int
		}{"plain": {0, 3}, "trusted": {Trusted, 10}, "teacher": {Trusted | Education, 10}} {
			u := w.user(name, c.roles, 100)
			for range c.most {
				w.key(u, SharedKeyChange{})
			}

			_, err := w.CreateSharedKey(t.Context(), u, SharedKeyChange{})
			wantCode(t, name, err, horde.Forbidden)
			ids, err := w.DeleteSharedKeys(context.Background(), u.ID)
			if err != nil || len(ids) != c.most {
				t.Errorf("%s: deleted %d keys, %v", name, len(ids), err)
			}

			w.key(u, SharedKeyChange{})
		}

		if n := w.user("school", Education, 0).keyAllowance(); n != 1000 {
			t.Errorf("a school has %d keys", n)
		}

		anon, err := w.ByID(context.Background(), horde.AnonymousID)
		if err != nil {
			t.Fatal(err)
		}

		_, err = w.CreateSharedKey(t.Context(), anon, SharedKeyChange{})
		wantCode(t, "anonymous", err, horde.AnonForbidden)
	})
}

func TestAUserHasSoManySharedKeysInAStorm(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("alice", 0, 100)
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { _, _ = w.CreateSharedKey(t.Context(), u, SharedKeyChange{}) })
		}
		wg.Wait()
		if ids, err := w.s.SharedKeysOf(context.Background(), u.ID); err != nil || len(ids) != 3 {
			t.Errorf("%d keys, %v", len(ids), err)
		}
	})
}

func TestASharedKeyIsMadeChangedAndDeleted(t *testing.T) {
	each(t, func(w *world) {
		alice, bob := w.user("alice", 0, 100), w.user("bob", Moderator|Trusted, 100)
		d := w.key(alice, SharedKeyChange{}).Details()
		if d.Kudos != 5000 || d.Expiry != "" || d.Name != "" || d.Utilized != 0 || d.MaxImagePixels != -1 ||
			d.MaxImageSteps != -1 ||
			d.MaxTextTokens != -1 || d.Username != alice.Alias() {
			t.Errorf("defaults: %+v", d)
		}

		k := w.key(alice, SharedKeyChange{Kudos: ptr(int64(70)), Expiry: ptr(int64(2)), Name: ptr("club"),
			MaxPixels: ptr(int64(4096))})
		if k.Expires != horde.MicrosOf(w.now.Add(48*time.Hour)) || w.keyNow(strings.ToUpper(k.ID)).Name != "club" {
			t.Errorf("made: %+v", k)
		}

		for days, never := range map[int64]bool{0: true, -1: true, -2: false} {
			if e := w.key(w.user("u"+time.Duration(days).String(), 0, 0),
				SharedKeyChange{Expiry: &days}).Expires; (e == 0) != never {
				t.Errorf("expiry %d: %d", days, e)
			}
		}

		_, err := w.ModifySharedKey(t.Context(), bob, k, SharedKeyChange{Kudos: ptr(int64(1))})
		wantCode(t, "a moderator", err, horde.Forbidden)
		_, err = w.ModifySharedKey(t.Context(), alice, k, SharedKeyChange{})
		wantCode(t, "nothing", err, horde.NoSharedKeyModSelected)
		if k, err = w.ModifySharedKey(t.Context(), alice, k, SharedKeyChange{Expiry: ptr(int64(0))}); err != nil ||
			!w.Expired(k) || k.Budget != 7000 || k.MaxPixels != 4096 {
			t.Errorf("expired now: %+v, %v", k, err)
		}

		if k, err = w.ModifySharedKey(t.Context(), alice, k,
			SharedKeyChange{Expiry: ptr(int64(-1)), Kudos: ptr(int64(-1))}); err != nil || k.Expires != 0 ||
			k.Budget != store.Unlimited {
			t.Errorf("for ever: %+v, %v", k, err)
		}

		wantCode(t, "delete another's", w.DeleteSharedKey(t.Context(), bob, k), horde.Forbidden)
		wantCode(t, "delete", w.DeleteSharedKey(t.Context(), alice, k), "")
		for _, id := range []string{k.ID, "nonsense", "", "00000000-0000-4000-8000-000000000000"} {
			_, err = w.SharedKey(context.Background(), id)
			wantCode(t, id, err, horde.InvalidAPIKey)
		}
	})
}

func TestOnlyAGoodKeySpends(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		alice := w.user("alice", 0, 100)
		empty := w.key(alice, SharedKeyChange{Kudos: ptr(int64(0))})
		old := w.key(alice, SharedKeyChange{Expiry: ptr(int64(-2))})

		good := w.key(alice, SharedKeyChange{})
		for _, c := range []struct {
			what, key string
			downgrade bool
			code      horde.Code
		}{
			{"empty", empty.ID, false, horde.SharedKeyEmpty}, {"empty but patient", empty.ID, true, ""},
			{"expired", old.ID, true, horde.SharedKeyExpired}, {"good", good.ID, false, ""},
			{"unknown", "00000000-0000-4000-8000-000000000000", false, horde.InvalidAPIKey},
			{"no key", "", false, horde.InvalidAPIKey},
		} {
			t.Run(c.what, func(t *testing.T) {
				u, k, err := w.Spender(ctx, Credential{Key: c.key, Downgrade: c.downgrade})
				wantCode(t, c.what, err, c.code)
				if err == nil && (u.ID != alice.ID || k == nil || k.ID != c.key) {
					t.Errorf("%s: %+v, %+v", c.what, u, k)
				}
			})
		}

		v := store.Style{ID: horde.NewID(), Kind: "image", UserID: alice.ID, Name: "x", Prompt: "{p}{np}", Params: "{}",
			Tags: "[]", Models: "[]",
			Examples: "[]", SharedKey: good.ID}

		w.write(alice.ID, func(tx *store.Tx) error { return tx.InsertStyle(v, nil, nil) })
		_, _, err := w.Spender(ctx, Credential{Key: good.ID, Downgrade: true})
		wantCode(t, "of a style", err, horde.SharedKeyAssignedStyles)
		wantCode(t, "delete one that a style uses", w.DeleteSharedKey(ctx, alice, good), "")
		if v, err = w.s.Style(ctx, v.ID); err != nil || v.SharedKey != "" {
			t.Errorf("the style still has %q, %v", v.SharedKey, err)
		}
	})
}

func TestAGiftToASharedKeyRaisesItsBudget(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		alice, bob := w.user("alice", 0, 100), w.user("bob", 0, 100)
		k, free := w.key(alice, SharedKeyChange{Kudos: ptr(int64(0))}), w.key(alice, SharedKeyChange{Kudos: ptr(int64(-1))})
		old := w.key(alice, SharedKeyChange{Expiry: ptr(int64(-2))})
		gift := Gift{Target: k.ID, Amount: 30, Key: "once"}
		for range 2 {
			wantCode(t, "gift", w.Transfer(ctx, bob, gift), "")
		}
		gift.Target = alice.Alias()
		wantCode(t, "same key, the owner", w.Transfer(ctx, bob, gift), horde.IdempotencyKeyConflict)
		wantCode(t, "unlimited", w.Transfer(ctx, bob, Gift{Target: free.ID, Amount: 5}), "")
		wantCode(t, "own", w.Transfer(ctx, alice, Gift{Target: k.ID, Amount: 5}), horde.KudosTransferToSelf)
		wantCode(t, "expired", w.Transfer(ctx, bob, Gift{Target: old.ID, Amount: 5}), horde.SharedKeyExpired)
		if k = w.keyNow(k.ID); k.Budget != 3000 || w.keyNow(free.ID).Budget != store.Unlimited {
			t.Errorf("budgets %v, %v", k.Budget, w.keyNow(free.ID).Budget)
		}
		if a, b := w.balance(alice), w.balance(bob); a != 135 || b != 65 {
			t.Errorf("alice has %v, bob %v", a, b)
		}
		w.sound()
	})
}

func TestAKeysHolderSeesItsOwnerAsStrangersDo(t *testing.T) {
	each(t, func(w *world) {
		alice := w.user("alice", 0, 100)
		for name, want := range map[string]string{"": " (Shared Key)", "club": " (Shared Key: club)"} {
			d, err := w.KeyHolder(context.Background(), w.key(alice, SharedKeyChange{Name: &name}))
			if err != nil || d.Username != alice.Alias()+want || d.SharedKeyIDs != nil || d.WorkerIDs != nil {
				t.Errorf("%+v, %v", d, err)
			}
		}
		if d, err := w.Details(context.Background(), alice, Own); err != nil || len(d.SharedKeyIDs) != 2 {
			t.Errorf("own keys: %v, %v", d.SharedKeyIDs, err)
		}
	})
}

func TestKeysOfAWipedUserOpenNothing(t *testing.T) {
	each(t, func(w *world) {
		alice := w.user("alice", 0, 100)
		k := w.key(alice, SharedKeyChange{})
		if err := w.Wipe(t.Context(), alice.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.Spender(context.Background(), Credential{Key: k.ID})
		wantCode(t, "wiped", err, horde.InvalidAPIKey)
	})
}

// TestABudgetIsPlainArithmetic compares what becomes of a budget with plain arithmetic,
// whatever is opened, charged, freed, given and set in whatever order: what is set
// aside is the sum of the holds and never more than the budget, and utilized is
// what the owner was to pay, at a budget of 0 too.
func TestABudgetIsPlainArithmetic(t *testing.T) {
	each(t, func(w *world) {
		alice := w.user("alice", 0, 100)
		rapid.Check(t, func(t *rapid.T) {
			start := rapid.SampledFrom([]int64{-1, 0, 1, 123, 5000}).Draw(t, "budget")
			k := w.key(alice, SharedKeyChange{Kudos: &start})
			defer func() { wantCode(w.t, "delete", w.DeleteSharedKey(t.Context(), alice, k), "") }()
			m := budgetModel{budget: k.Budget, open: map[string]*budgetUse{}}
			for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
				m.step(t, w, alice, k, i)
				m.check(t, w, k.ID)
			}
		})
	})
}

// budgetModel is a shared key in plain arithmetic.
type budgetModel struct {
	budget, utilized horde.Kudos
	open             map[string]*budgetUse
	order            []string
}

type budgetUse struct{ promised, consumed horde.Kudos }

func (m *budgetModel) step(t *rapid.T, w *world, alice *User, k *SharedKey, i int) {
	amount := horde.Kudos(rapid.Int64Range(1, 200_00).Draw(t, "amount"))
	what := rapid.SampledFrom([]string{"open", "open", "charge", "charge", "charge", "free", "give", "set",
		"unlimited"}).Draw(t, "what")
	id := ""
	if len(m.order) > 0 {
		id = m.order[rapid.IntRange(0, len(m.order)-1).Draw(t, "which")]
	}

	limited := m.budget != store.Unlimited
	switch {
	case what == "open":
		id = fmt.Sprint(k.ID, "-", i)
		tax := min(amount, 300)

		var o kudos.KeyReservation
		w.write(alice.ID, func(tx *store.Tx) error {
			now, err := tx.SharedKey(k.ID)
			if err == nil {
				o, err = kudos.ReserveOnKey(tx, &now, id, amount, tax)
			}
			return err
		})

		if !limited && (o.Promised != amount || o.Paid != tax) || o.Promised > amount || o.Paid > o.Promised {
			t.Fatalf("of %v and a tax of %v are promised %v, paid %v", amount, tax, o.Promised, o.Paid)
		}

		m.open[id] = &budgetUse{o.Promised, tax}
		m.order = append(m.order, id)
		m.pay(o.Paid)

	case what == "charge" && id != "":
		u := m.open[id]
		var paid horde.Kudos
		w.write(alice.ID, func(tx *store.Tx) (err error) {
			paid, err = kudos.ChargeKey(tx, kudos.KeyUse{Key: k.ID, Request: id, Promised: &u.promised, Consumed: u.consumed},
				amount)
			return err
		})

		if left := max(0, u.promised-u.consumed); paid < min(amount, left) || !limited && paid != amount || limited &&
			paid > max(left, m.budget) {
			t.Fatalf("of %v, promised %v more, %v was paid from %v", amount, left, paid, m.budget)
		}

		u.consumed += amount
		m.pay(paid)

	case what == "free" && id != "":
		w.write(alice.ID, func(tx *store.Tx) error { return kudos.ReleaseKeyHold(tx, id) })
		delete(m.open, id)
		m.order = slices.DeleteFunc(m.order, func(o string) bool { return o == id })

	case what == "give":
		w.write(alice.ID, func(tx *store.Tx) error { return tx.TopUpSharedKey(k.ID, amount) })
		if limited {
			m.budget += amount
		}

	case what == "set" || what == "unlimited":
		whole := int64(amount / 100)
		if what == "unlimited" {
			whole = -1
		}
		if _, err := w.ModifySharedKey(t.Context(), alice, k, SharedKeyChange{Kudos: &whole}); err != nil {
			t.Fatal(err)
		}
		m.budget = horde.Whole(whole)
	}
}

func (m *budgetModel) pay(amount horde.Kudos) {
	m.utilized += amount
	if m.budget != store.Unlimited {
		m.budget = max(0, m.budget-amount)
	}
}

func (m *budgetModel) check(t *rapid.T, w *world, key string) {
	now := w.keyNow(key)
	if now.Budget != m.budget || now.Utilized != m.utilized {
		t.Fatalf("budget %v, want %v; utilized %v, want %v", now.Budget, m.budget, now.Utilized, m.utilized)
	}
	var held horde.Kudos
	w.write(now.UserID, func(tx *store.Tx) error {
		holds, err := tx.KeyHoldsOf(key)
		for _, h := range holds {
			held += h.Remaining
			if u := m.open[h.RequestID]; h.Remaining <= 0 || u == nil || h.Remaining > u.promised-u.consumed {
				t.Errorf("hold %+v of %+v", h, u)
			}
		}
		return err
	})
	if held != now.Held || now.Limited() && held > now.Budget {
		t.Fatalf("the holds are %v, the key says %v of %v", held, now.Held, now.Budget)
	}
}

func TestChangesOfSharedKeysAreBounded(t *testing.T) {
	big := int64(1 << 60)
	long := strings.Repeat("ä", 256)
	c := SharedKeyChange{Kudos: &big, Expiry: &big, Name: &long, MaxPixels: &big, MaxSteps: &big, MaxTokens: &big}
	if wrong := c.Check(); len(wrong) != 6 {
		t.Errorf("%v", wrong)
	}
	short := strings.Repeat("ä", 255)
	c = SharedKeyChange{Kudos: ptr(int64(-1)), Name: &short}
	if wrong := c.Check(); len(wrong) != 0 {
		t.Errorf("%v", wrong)
	}
	for days, year := range map[int64]string{100_000: " 2300 ", maxKeyDays: " 3943 ", -maxKeyDays: " 0110 "} {
		now := horde.MicrosOf(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		var k SharedKey
		k.Owner = &User{}
		c := SharedKeyChange{Expiry: &days}
		c.apply(&k.SharedKey, now)
		if wrong := c.Check(); len(wrong) != 0 || !strings.Contains(k.Details().Expiry, year) ||
			(k.Expires > now) != (days > 0) {
			t.Errorf("%d days: %v, %s", days, wrong, k.Details().Expiry)
		}
	}
}
