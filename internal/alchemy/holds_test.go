package alchemy

import (
	"errors"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// What a form will cost, the extra burn with it, is set aside while it waits or is
// in a worker's hands, and freed by whatever ends it (generation §6.13, §9).
func TestWhatAFormCostsIsSetAside(t *testing.T) {
	t.Parallel()
	quick := false
	both := []string{"caption", "interrogation"} // 3 and 5 kudos
	each(t, func(t *testing.T, n *node) {
		worker := n.person("worker", false)
		ask := func(p hordetest.Person) string { return n.ask(p, api.AlchemyRequest{Forms: forms(both...)}) }
		name := "" // of the worker: each row has its own, for one that only fails is paused
		take := func() string { return n.pop(n.offer(worker, name)).Forms[0].ID }

		end := func(s api.AlchemySubmit) {
			if s.State == "" {
				s.Result = map[string]any{"caption": "x"}
			}
			if _, err := n.submit(worker, s); err != nil {
				t.Fatal(err)
			}
		}

		cancel := func(id string) {
			if _, err := n.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}

		for _, tt := range []struct {
			name       string
			do         func(p hordetest.Person)
			held, paid float64
		}{
			{"accepted", func(p hordetest.Person) { ask(p) }, 8, 0},
			{"without slow workers", func(p hordetest.Person) {
				n.ask(p,
					api.AlchemyRequest{Forms: forms(both...), SlowWorkers: &quick})
			}, 6, 0},
			{"popped", func(p hordetest.Person) { ask(p); take() }, 8, 0},
			{"delivered", func(p hordetest.Person) { ask(p); end(api.AlchemySubmit{ID: take()}) }, 5, 3},
			{"all delivered", func(p hordetest.Person) {
				ask(p)
				end(api.AlchemySubmit{ID: take()})
				end(api.AlchemySubmit{ID: take()})
			}, 0, 8},
			{"given up", func(p hordetest.Person) { ask(p); end(api.AlchemySubmit{ID: take(), State: "faulted"}) }, 8, 0},
			{"faulted", func(p hordetest.Person) {
				ask(p)
				for range settle.Forms.MaxFailures {
					end(api.AlchemySubmit{ID: take(), State: "faulted"})
				}
			}, 5, 0},
			{"out of time", func(p hordetest.Person) {
				ask(p)
				for range settle.Forms.MaxFailures {
					take()
					n.clock.Advance(kind.TTL + time.Second)
					n.sweep()
				}
			}, 5, 0},
			{"cancelled", func(p hordetest.Person) { cancel(ask(p)) }, 0, 0},
			{"cancelled in hand", func(p hordetest.Person) { id := ask(p); take(); cancel(id) }, 0, 3},
			{"cancelled between", func(p hordetest.Person) {
				id := ask(p)
				end(api.AlchemySubmit{ID: take()})
				cancel(id)
				cancel(id)
			}, 0, 3},
			{"expired", func(p hordetest.Person) {
				ask(p)
				end(api.AlchemySubmit{ID: take()})
				n.clock.Advance(kinds.RequestLife)
				n.sweep()
			}, 0, 3},
			{"no forms", func(p hordetest.Person) { n.ask(p, api.AlchemyRequest{}) }, 0, 0},
		} {
			p := n.person(tt.name, false)
			name = tt.name
			tt.do(p)
			if a := n.account(p); a.Held.Float() != tt.held || a.Balance.Float() != 1000-tt.paid {
				t.Errorf("%s: %s held, %s left; want %v held, %v paid", tt.name, a.Held, a.Balance, tt.held, tt.paid)
			}

			n.sound()
			n.clock.Advance(kinds.RequestLife)
			n.sweep()
			if a := n.account(p); a.Held != 0 {
				t.Errorf("%s: %s held after all is over", tt.name, a.Held)
			}
		}

		n.sound()
	})
}

// Nobody is refused for having less than the forms cost: what is there is held, in
// the order of the forms, and what is held cannot be spent elsewhere.
func TestNobodyIsRefusedFormsForLackOfKudos(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		worker, p := n.person("worker", false), n.person("poor", false)
		floor := n.account(p).Lowest
		n.setBalance(p, floor+horde.Whole(4))
		id := n.ask(p, api.AlchemyRequest{Forms: forms("caption", "interrogation", "nsfw")})
		if a := n.account(p); a.Held != horde.Whole(4) {
			t.Errorf("%s held", a.Held)
		}

		err := n.Store.Write(t.Context(),
			store.Unit{Accounts: []horde.UserID{p.ID}, Do: func(tx *store.Tx) error { return kudos.Hold(tx, "other", p.ID, 1) }})
		if !errors.Is(err, kudos.ErrInsufficient) {
			t.Errorf("held twice: %v", err)
		}

		job := n.pop(n.offer(worker, "w", amount(9)))
		for i, held := range []int64{1, 0, 0} {
			if _, err := n.submit(worker, api.AlchemySubmit{ID: job.Forms[i].ID, Result: map[string]any{"x": 1}}); err != nil {
				t.Fatal(err)
			}
			if a := n.account(p); a.Held != horde.Whole(held) {
				t.Errorf("after form %d: %s held, want %d", i, a.Held, held)
			}
		}

		if a := n.account(p); a.Balance != floor || n.state(id) == "" {
			t.Errorf("%s left, the floor is %s", a.Balance, floor)
		}

		n.ask(p, api.AlchemyRequest{Forms: forms("caption")})
		if a := n.account(p); a.Held != 0 {
			t.Errorf("%s held of nothing", a.Held)
		}

		n.sound()
	})
}

func (n *node) setBalance(p hordetest.Person, k horde.Kudos) {
	n.t.Helper()
	err := n.Store.Write(n.t.Context(), store.Unit{Accounts: []horde.UserID{p.ID}, Do: func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "set:"+p.Key, "test", "", "")
		if err := e.SetBalance(p.ID, k); err != nil {
			return err
		}
		return e.Commit()
	}})
	if err != nil {
		n.t.Fatal(err)
	}
}

// Holds outlive the node that made them, and another one frees them.
func TestHoldsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		p, worker := n.person("p", false), n.person("worker", false)
		n.ask(p, api.AlchemyRequest{Forms: forms("caption", "interrogation", "nsfw", "palette")})
		n.Store.Close()
		n = newNode(t, db, c)
		if _, err := n.submit(worker,
			api.AlchemySubmit{ID: n.pop(n.offer(worker, "w")).Forms[0].ID, Result: map[string]any{"x": 1}}); err != nil {
			t.Fatal(err)
		}
		if a := n.account(p); a.Held != horde.Whole(5+3+3) {
			t.Errorf("%s held", a.Held)
		}
		n.clock.Advance(kinds.RequestLife)
		n.sweep()
		if a := n.account(p); a.Held != 0 {
			t.Errorf("%s held for a request that expired", a.Held)
		}
		n.sound()
	})
}
