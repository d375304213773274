package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// paidThrough is what the ledger says that a user paid for requests made with a
// shared key.
func paidThrough(t interface{ Fatal(...any) }, db *storetest.DB, owner hordetest.Person, key string) (sum horde.Kudos) {
	raw := db.Raw()
	defer raw.Close()
	rows, err := raw.Query("SELECT detail FROM ledger_events WHERE substr(id, 1, 7) IN ('accept:', 'deliver')")
	if err != nil {
		t.Fatal(err)
	}

	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}

		d, err := kudos.ReadDetail(text)
		if err != nil {
			t.Fatal(err)
		}

		for _, m := range d.Moves {
			if d.Key == key && m.User == owner.ID && m.Kind != kudos.StyleUsed && m.Kind != kudos.Rewarded {
				sum -= m.Amount
			}
		}
	}

	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}

	return sum
}

// keyAsk is a request by a shared key whose price stays below what needs kudos
// upfront.
func keyAsk(key string, n int) ImageRequest {
	a := ask(hordetest.Person{Key: key}, n)
	a.Body.Params.Width, a.Body.Params.Height, a.Body.Params.Steps = ptr(960), ptr(1024), ptr(30)
	return a
}

func (n *node) dryRun(t testing.TB, a ImageRequest) horde.Kudos {
	t.Helper()
	a.Body.DryRun = ptr(true)
	answer, err := n.Accept(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return horde.KudosOf(float64(answer.DryRun.Kudos))
}

// deliverAll delivers everything that waits, as dear as it can be.
func deliverAll(t testing.TB, n *node, worker hordetest.Person) {
	t.Helper()
	for job := n.take(t, worker, pop("painter")); job != nil; job = n.take(t, worker, pop("painter")) {
		for _, id := range job.IDs {
			if _, err := n.submit(worker.Key, id, "ok"); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := scribe("writer", longModel)
	p.MaxLength = ptr(1024)
	for job := n.takeText(t, worker, p); job.ID != nil; job = n.takeText(t, worker, p) {
		for _, id := range job.IDs {
			if _, err := n.SubmitText(context.Background(), worker.Key,
				api.TextSubmit{ID: id, Generation: strings.Repeat("x", 4*1024)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// longModel is a model of known size.
const longModel = "KoboldAI/LLaMA2-13B-Tiefighter"

// keySound tells what of a shared key does not add up: what is set aside is the sum
// of its holds and at most its budget, and what it says was spent is what its owner
// paid.
func keySound(t interface{ Fatal(...any) }, db *storetest.DB, n *node, owner hordetest.Person, key string) string {
	a, err := n.Store.Audit(context.Background())
	if err != nil || !a.Sound() {
		return fmt.Sprintf("ledger: %+v, %v", a, err)
	}
	k, err := n.Accounts.SharedKey(context.Background(), key)
	if err != nil {
		return err.Error()
	}
	if k.Limited() && (k.Held > k.Budget || k.Budget < 0) {
		return fmt.Sprintf("%v are set aside of a budget of %v", k.Held, k.Budget)
	}
	if paid := paidThrough(t, db, owner, key); paid != k.Utilized {
		return fmt.Sprintf("utilized is %v, and its owner paid %v", k.Utilized, paid)
	}
	return ""
}

// TestABudgetPaysForWhatWasTaken: of many requests at once on one key as many are taken as
// its budget pays in full, on one node and on two; what they then cost is what was
// set aside, and nothing is left over.
func TestABudgetPaysForWhatWasTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		all := nodes(t, db, c)
		n := all[0]
		worker := n.person(t, true, 0)

		images := func(t *testing.T, owner hordetest.Person, key string) (func(*node) error, kinds.Price) {
			cost := n.dryRun(t, keyAsk(key, 1))
			return func(n *node) error {
				_, err := n.Accept(context.Background(), keyAsk(key, 1))
				return err
			}, kinds.Price{Needed: cost, Most: cost}
		}

		for _, tt := range []struct {
			name string
			make func(t *testing.T, owner hordetest.Person, key string) (accept func(*node) error, cost kinds.Price)
		}{
			{"images", images},
			{"images by a style", func(t *testing.T, owner hordetest.Person, key string) (func(*node) error, kinds.Price) {
				_, cost := images(t, owner, key)
				in := api.StyleInput{Name: ptr("Paid"), Models: &[]string{catalog.Sketch}, SharedKey: key,
					Params: map[string]any{"steps": int64(30), "width": int64(960), "height": int64(1024)}}
				id, _, err := n.Styles.Create(t.Context(), horde.KindImage, in, owner.Key)
				if err != nil {
					t.Fatal(err)
				}

				guest := n.person(t, false, 100)
				return func(n *node) error {
					_, err := n.Accept(context.Background(),
						ImageRequest{From: From{Key: guest.Key}, Body: api.ImageRequest{Prompt: "a red fox", Style: id}})
					return err
				}, cost
			}},
			{"texts", func(t *testing.T, owner hordetest.Person, key string) (func(*node) error, kinds.Price) {
				a := askText(hordetest.Person{Key: key}, 1, longModel)
				a.Body.Params.MaxLength = ptr(50)
				order := kudos.TextOrder{MaxLength: 50, MaxContext: 1024, N: 1, PromptChars: len(a.Body.Prompt)}
				return func(n *node) error { _, err := n.AcceptText(context.Background(), a); return err },
					kinds.Price{Needed: order.Upfront(13), Most: order.MaxCost(13)}
			}},
			{"long texts", func(t *testing.T, owner hordetest.Person, key string) (func(*node) error, kinds.Price) {
				a := askText(hordetest.Person{Key: key}, 3, longModel)
				a.Body.Prompt = strings.Repeat("once upon a time ", 400)
				a.Body.Params.MaxLength = ptr(512)
				order := kudos.TextOrder{MaxLength: 512, MaxContext: 1024, N: 3, PromptChars: len(a.Body.Prompt)}
				return func(n *node) error { _, err := n.AcceptText(context.Background(), a); return err },
					kinds.Price{Needed: order.Upfront(13), Most: order.MaxCost(13)}
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				owner := n.person(t, true, 100_000)
				db.Exec("UPDATE users SET concurrency = 1000 WHERE id = $1", owner.ID) // what is to limit is the key
				key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(100_000))})
				for _, n := range all {
					n.Accounts.Forget(owner.ID)
				}

				accept, cost := tt.make(t, owner, key)
				// Enough for three, and not for a fourth.
				budget := 3*cost.Most + max(0, cost.Needed-cost.Most) + cost.Most/2
				n.setKey(t, owner, key, budget)
				want := int64(0)
				for left := budget; left >= cost.Budgeted(); left -= cost.Most {
					want++
				}

				var taken atomic.Int64
				var wg sync.WaitGroup
				for i := range 24 {
					wg.Go(func() {
						switch err := accept(all[i%len(all)]); {
						case err == nil:
							taken.Add(1)
						case horde.CodeOf(err) != horde.SharedKeyInsufficientKudos:
							t.Error(err)
						}
					})
				}

				wg.Wait()
				if taken.Load() != want || want < 3 {
					t.Errorf("%d were taken, want %d", taken.Load(), want)
				}

				if what := keySound(t, db, n, owner, key); what != "" {
					t.Error(what)
				}

				if what := hordetest.Eventually(n.differs); what != "" {
					t.Fatal(what)
				}

				deliverAll(t, n, worker)
				k := n.keyNow(t, key)
				if k.Utilized != horde.Kudos(want)*cost.Most || k.Budget != budget-k.Utilized || k.Held != 0 {
					t.Errorf("at the end %v are spent, %v left and %v set aside; %d cost %v each", k.Utilized, k.Budget, k.Held,
						want, cost.Most)
				}

				if what := keySound(t, db, n, owner, key); what != "" {
					t.Error(what)
				}
			})
		}
	})
}

// setKey sets a budget to the hundredth.
func (n *node) setKey(t testing.TB, owner hordetest.Person, key string, budget horde.Kudos) {
	t.Helper()
	err := n.Store.Write(t.Context(), store.Unit{Accounts: []horde.UserID{owner.ID}, Do: func(tx *store.Tx) error {
		k, err := tx.SharedKey(key)
		if err != nil {
			return err
		}
		return tx.SetKeySums(key, budget, k.Held, 0)
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingOfASharedKeyStaysHeld: however a request ends, nothing of the key stays set
// aside, and its budget fell by what was charged.
func TestNothingOfASharedKeyStaysHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)

		worker := n.person(t, true, 0)
		take := func(t *testing.T) *api.ImageJob {
			t.Helper()
			job := n.take(t, worker, pop(t.Name()))
			if job == nil {
				t.Fatal("no job")
			}
			return job
		}

		submit := func(t *testing.T, state string) {
			t.Helper()
			if _, err := n.submit(worker.Key, *take(t).ID, state); err != nil {
				t.Fatal(err)
			}
		}

		sweep := func(t *testing.T) {
			t.Helper()
			if err := n.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		type keyed struct {
			owner   hordetest.Person
			key, id string
		}

		for _, tt := range []struct {
			name string
			end  func(t *testing.T, k keyed)
			paid int // images; -1: one for which only the burn is charged
		}{
			{"delivered", func(t *testing.T, k keyed) { submit(t, "ok"); submit(t, "ok") }, 2},
			{"censored", func(t *testing.T, k keyed) { submit(t, "censored"); n.Cancel(t.Context(), k.id) }, -1},
			{"cancelled", func(t *testing.T, k keyed) { n.Cancel(t.Context(), k.id) }, 0},
			{"cancelled half way", func(t *testing.T, k keyed) { submit(t, "ok"); n.Cancel(t.Context(), k.id) }, 1},
			{"cancelled under way, then delivered", func(t *testing.T, k keyed) {
				job := take(t)
				n.Cancel(t.Context(), k.id)
				if n.keyNow(t, k.key).Held == 0 {
					t.Error("nothing is set aside for the job that runs")
				}
				if _, err := n.submit(worker.Key, *job.ID, "ok"); err != nil {
					t.Fatal(err)
				}
			}, 1},
			{"cancelled under way, then faulted", func(t *testing.T, k keyed) {
				job := take(t)
				n.Cancel(t.Context(), k.id)
				if _, err := n.submit(worker.Key, *job.ID, "faulted"); err != nil {
					t.Fatal(err)
				}
			}, 0},
			{"faulted", func(t *testing.T, _ keyed) {
				for i := range 3 {
					c.Advance(time.Minute)
					job := n.take(t, n.person(t, true, 0), pop(fmt.Sprint(t.Name(), i)))
					if job == nil {
						t.Fatal("no job")
					}
					a := n.jobInIndexes(*job.ID)
					a.worker = n.Fleet.Worker(a.job.WorkerID)
					if err := n.fault(t.Context(), a, settle.NoExcuse); err != nil {
						t.Fatal(err)
					}
				}
			}, 0},
			{"expired", func(t *testing.T, _ keyed) { c.Advance(21 * time.Minute); sweep(t) }, 0},
			{"expired half way", func(t *testing.T, _ keyed) { submit(t, "ok"); c.Advance(21 * time.Minute); sweep(t) }, 1},
			{"expired with a job under way", func(t *testing.T, _ keyed) { take(t); c.Advance(2 * time.Hour); sweep(t) }, 0},
			{"expired while nobody ran", func(t *testing.T, _ keyed) {
				c.Advance(2 * time.Hour)
				if err := n.Reload(t.Context()); err != nil { // what a start does
					t.Fatal(err)
				}
				sweep(t)
			}, 0},
			{"emptied by maintenance", func(t *testing.T, _ keyed) {
				if err := n.EmptyAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}, 0},
			{"emptied by maintenance before it was heard of", func(t *testing.T, k keyed) {
				n.images.Lock()
				n.images.RemoveLocked(n.images.Requests.Get(k.id))
				n.images.Unlock()
				if err := n.EmptyAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}, 0},
		} {
			t.Run(tt.name, func(t *testing.T) {
				owner := n.person(t, false, 1000)
				key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(500))})
				cost := n.dryRun(t, keyAsk(key, 2))
				id := n.accept(t, keyAsk(key, 2))
				if k := n.keyNow(t, key); k.Held != cost-horde.Whole(3) || k.Budget != horde.Whole(500-3) {
					t.Fatalf("of a price of %v, %v are set aside of %v", cost, k.Held, k.Budget)
				}

				tt.end(t, keyed{owner, key, id})
				want := horde.Whole(3) + horde.Kudos(tt.paid)*(cost-horde.Whole(3))/2
				if tt.paid < 0 {
					want = horde.Whole(3 + 1)
				}

				if k := n.keyNow(t, key); k.Held != 0 || k.Utilized != want || k.Budget != horde.Whole(500)-want {
					t.Errorf("%v are set aside, %v spent and %v left; want %v spent", k.Held, k.Utilized, k.Budget, want)
				}

				if what := keySound(t, db, n, owner, key); what != "" {
					t.Error(what)
				}

				c.Advance(3 * time.Hour)
				sweep(t)
			})
		}
	})
}

// TestADeletedKeyKeepsItsPromises: what a worker has is delivered and charged as it
// was promised; nothing of the key is left behind.
func TestADeletedKeyKeepsItsPromises(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		worker := n.person(t, true, 0)
		for _, tt := range []struct {
			name   string
			budget int64
			ask    func(*ImageRequest)
			paid   func(cost horde.Kudos) horde.Kudos
		}{
			{"covered", 500, func(*ImageRequest) {}, func(cost horde.Kudos) horde.Kudos { return cost }},
			{"not covered", 0, func(a *ImageRequest) { a.Body.AllowDowngrade = ptr(true) },
				func(horde.Kudos) horde.Kudos { return 0 }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				owner := n.person(t, false, 1000)
				key := n.key(t, owner, account.SharedKeyChange{Kudos: &tt.budget})
				a := keyAsk(key, 1)
				tt.ask(&a)
				cost := n.dryRun(t, a)
				n.accept(t, a)
				job := n.take(t, worker, pop("w"))
				if job == nil {
					t.Fatal("no job")
				}

				if err := n.Accounts.DeleteSharedKey(t.Context(), owner.User, n.keyNow(t, key)); err != nil {
					t.Fatal(err)
				}

				if err := n.DropKey(t.Context(), owner.ID, key); err != nil {
					t.Fatal(err)
				}

				if _, err := n.submit(worker.Key, *job.ID, "ok"); err != nil {
					t.Fatal(err)
				}

				if got, want := horde.Whole(1000)-n.money(t, owner).Balance, tt.paid(cost); got != want {
					t.Errorf("the owner paid %v, want %v", got, want)
				}

				if what := settled(db, n); what != "" {
					t.Error(what)
				}
			})
		}
	})
}

// TestALoweredBudgetKeepsItsPromises: a budget that its owner lowers below what is
// set aside keeps nothing but that; what was promised is still charged and counted,
// though the budget is 0. What others give is there for new requests at once.
func TestALoweredBudgetKeepsItsPromises(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		n := newNode(t, db, hordetest.NewClock())
		owner, friend, worker := n.person(t, false, 1000), n.person(t, false, 1000), n.person(t, true, 0)
		key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(-1))})
		cost := n.dryRun(t, keyAsk(key, 1))
		for range 2 {
			n.accept(t, keyAsk(key, 1))
		}

		set := func(whole int64) {
			t.Helper()
			k, err := n.Accounts.ModifySharedKey(ctx, owner.User, n.keyNow(t, key), account.SharedKeyChange{Kudos: &whole})
			if err != nil || k.Details().Kudos != whole {
				t.Fatalf("%+v, %v", k, err)
			}
			if what := keySound(t, db, n, owner, key); what != "" {
				t.Error(what)
			}
		}

		set(10)
		if k := n.keyNow(t, key); k.Held != horde.Whole(10) {
			t.Errorf("%v are set aside of 10", k.Held)
		}

		_, err := n.Accept(ctx, keyAsk(key, 1))
		wantCode(t, "all of it is set aside", err, horde.SharedKeyInsufficientKudos)
		if !strings.Contains(err.Error(), "0.00 left") ||
			!strings.Contains(err.Error(), "10.00 that are set aside for its open requests") {
			t.Errorf("the refusal is %q", err)
		}

		set(0)
		_, err = n.Accept(ctx, keyAsk(key, 1))
		wantCode(t, "empty", err, horde.SharedKeyEmpty)
		if err := n.Accounts.Transfer(ctx, friend.User, account.Gift{Target: key, Amount: int64(cost/100) + 1}); err != nil {
			t.Fatal(err)
		}

		n.accept(t, keyAsk(key, 1))
		_, err = n.Accept(ctx, keyAsk(key, 1))
		wantCode(t, "spent again", err, horde.SharedKeyInsufficientKudos)
		deliverAll(t, n, worker)
		k := n.keyNow(t, key)
		if k.Utilized != 3*cost || k.Held != 0 || k.Budget != 0 {
			t.Errorf("three of %v: %v spent, %v set aside, %v left", cost, k.Utilized, k.Held, k.Budget)
		}

		if what := keySound(t, db, n, owner, key); what != "" {
			t.Error(what)
		}
	})
}

// TestWhatABudgetDoesNotCoverIsDowngraded: a request that the budget does not cover and that may be
// downgraded waits behind all others, is made small enough to need nothing upfront,
// and costs its owner what the budget has. The rest is forgiven; its worker is paid
// in full.
func TestWhatABudgetDoesNotCoverIsDowngraded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner, worker := n.person(t, false, 10_000), n.person(t, true, 0)
		key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(2))})
		patient := keyAsk(key, 1)
		patient.Body.AllowDowngrade = ptr(true)
		dear := dearAsk(hordetest.Person{Key: key})
		dear.Body.AllowDowngrade = ptr(true)

		for range 3 {
			id := n.accept(t, patient)
			if r := n.record(t, id); *r.Promised > horde.Whole(2) {
				t.Errorf("%v are promised of a budget of 2", *r.Promised)
			}
		}

		small := n.record(t, n.accept(t, dear))
		if small.Held || small.Image.Pixels() > 1024*1024 {
			t.Errorf("%+v needs kudos upfront that its key does not have", small.Image)
		}

		if what := keySound(t, db, n, owner, key); what != "" {
			t.Error(what)
		}

		deliverAll(t, n, worker)
		var reckoned horde.Kudos // with, where ratings give back a part of what was paid
		live, err := n.Store.LiveRequests(t.Context(), 0)
		if err != nil || len(live) != 4 {
			t.Fatal(len(live), err)
		}

		for _, r := range live {
			o, err := n.Outcome(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			reckoned += o.Consumed
			if r.Priority != lowestPriority {
				t.Errorf("priority %d", r.Priority)
			}
		}

		if reckoned > horde.Whole(2) {
			t.Errorf("ratings reckon with %v", reckoned)
		}

		if k := n.keyNow(t, key); k.Utilized != horde.Whole(2) || k.Budget != 0 || k.Held != 0 {
			t.Errorf("%v spent, %v left, %v set aside", k.Utilized, k.Budget, k.Held)
		}

		if paid := horde.Whole(10_000) - n.money(t, owner).Balance; paid != horde.Whole(2) {
			t.Errorf("the owner of a budget of 2 paid %v", paid)
		}

		if earned := n.money(t, worker).Balance; earned < horde.Whole(50) {
			t.Errorf("the worker earned %v", earned)
		}

		if what := keySound(t, db, n, owner, key); what != "" {
			t.Error(what)
		}
	})
}

// TestRequestsOfTheVersionBeforeAreChargedInFull: requests that a node of the version before took
// have nothing set aside. They are charged and counted in full; what that takes
// from others' holds is no more set aside, though it stays promised. Holds that
// such a node leaves behind are freed by the sweep.
func TestRequestsOfTheVersionBeforeAreChargedInFull(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		owner, worker := n.person(t, false, 1000), n.person(t, true, 0)
		key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(1000))})
		cost := n.dryRun(t, keyAsk(key, 1))
		n.setKey(t, owner, key, cost+horde.Whole(5))
		old := n.accept(t, keyAsk(key, 1))
		promised := fmt.Sprintf(`,"promised":%d`, int64(cost))
		db.Exec("DELETE FROM key_holds")
		db.Exec("UPDATE shared_keys SET held = 0")
		if db.Exec("UPDATE requests SET body = replace(body, $1, '')", promised) != 1 || n.keyNow(t, key).Held != 0 {
			t.Fatal("the request is none of before")
		}
		n.takeRead(nil, []string{old})
		if err := n.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := n.record(t, old); r.Promised != nil {
			t.Fatalf("promised %v", *r.Promised)
		}
		fresh := n.accept(t, ask(hordetest.Person{Key: key}, 1)) // small
		if n.record(t, fresh).Promised == nil || n.keyNow(t, key).Held == 0 {
			t.Fatal("nothing is set aside for the new one")
		}
		small := *n.record(t, fresh).Promised
		deliverAll(t, n, worker)
		k := n.keyNow(t, key)
		if k.Utilized != cost+small || k.Held != 0 {
			t.Errorf("%v spent, want %v and %v; %v set aside", k.Utilized, cost, small, k.Held)
		}
		if what := keySound(t, db, n, owner, key); what != "" {
			t.Error(what)
		}

		// The node of before removes a request and spends of the key.
		n.setKey(t, owner, key, horde.Whole(500))
		gone, open := n.accept(t, keyAsk(key, 1)), n.accept(t, keyAsk(key, 1))
		db.Exec("DELETE FROM requests WHERE id = $1", gone)
		db.Exec("UPDATE shared_keys SET budget = 700 WHERE id = $1", key)
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if k := n.keyNow(t, key); k.Held != horde.Whole(7) {
			t.Errorf("%v are set aside of 7", k.Held)
		}
		if a, err := n.Store.Audit(t.Context()); err != nil || !a.Sound() {
			t.Errorf("%+v, %v", a, err)
		}
		if _, err := n.Cancel(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if k := n.keyNow(t, key); k.Held != 0 {
			t.Errorf("%v are set aside", k.Held)
		}
	})
}

// TestNobodyPaysMoreThanTheBudget: where no model is named, one that is dearer
// than all that there were may serve. Its owner pays what the budget has, and no
// more.
func TestNobodyPaysMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner, worker := n.person(t, false, 10_000), n.person(t, true, 0)
		key := n.key(t, owner, account.SharedKeyChange{Kudos: ptr(int64(60))})
		n.take(t, worker, pop("cheap", catalog.Sketch)) // the only one there is
		a := keyAsk(key, 1)
		a.Body.Models = &[]string{}
		cost := n.dryRun(t, a)
		n.accept(t, a)
		job := n.take(t, worker, pop("dear", "SDXL 1.0"))
		if job == nil {
			t.Fatal("no job")
		}

		if _, err := n.submit(worker.Key, *job.ID, "ok"); err != nil {
			t.Fatal(err)
		}

		k := n.keyNow(t, key)
		if k.Utilized <= cost || k.Utilized > horde.Whole(60) || k.Budget != horde.Whole(60)-k.Utilized || k.Held != 0 {
			t.Errorf("of 60, where %v were foreseen: %v spent, %v left, %v set aside", cost, k.Utilized, k.Budget, k.Held)
		}

		if what := keySound(t, db, n, owner, key); what != "" {
			t.Error(what)
		}
	})
}
