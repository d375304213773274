package queue

import (
	"context"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// TestConcurrencyHoldsAtOnce: however many calls come at one moment, at one node or at
// two, a user never has more jobs waiting than the concurrency, the anonymous one of
// each model; and what was refused leaves no trace.
func TestConcurrencyHoldsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		n := all[0]

		const most = 30
		concurrency := func(id horde.UserID) {
			db.Exec("UPDATE users SET concurrency = $1 WHERE id = $2", most, id)
			for _, n := range all {
				n.Accounts.Forget(id)
			}
		}

		concurrency(0)
		nobody := hordetest.Person{Key: api.AnonymousKey}
		for _, tt := range []struct {
			name   string
			jobs   int // of each request
			groups int // that have a limit of their own
			accept func(p hordetest.Person) func(n *node, group int) error
		}{
			{"images", 1, 1, func(p hordetest.Person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.Accept(context.Background(), ask(p, 1)); return err }
			}},
			{"images, several of a request", 3, 1, func(p hordetest.Person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.Accept(context.Background(), ask(p, 3)); return err }
			}},
			{"images, as many of a request as there may be", 20, 1, func(p hordetest.Person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.Accept(context.Background(), ask(p, 20)); return err }
			}},
			{"text", 1, 1, func(p hordetest.Person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.AcceptText(context.Background(), askText(p, 1)); return err }
			}},
			{"anonymous images, by model", 1, 2, func(hordetest.Person) func(*node, int) error {
				return func(n *node, group int) error {
					_, err := n.Accept(context.Background(), ask(nobody, 1, []string{"Deliberate", "Dreamshaper"}[group]))
					return err
				}
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				p := n.person(t, false, 10_000)
				concurrency(p.ID)
				accept := tt.accept(p)
				taken := make([]int, tt.groups)

				var mu sync.Mutex
				try := func(n *node, group int) bool {
					err := accept(n, group)
					if err != nil && horde.CodeOf(err) != horde.TooManyPrompts {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						taken[group] += tt.jobs
					}
					return err == nil
				}

				var wg sync.WaitGroup
				for i := range 100 * tt.groups {
					wg.Go(func() { try(all[i%len(all)], (i/len(all))%tt.groups) })
				}

				wg.Wait()
				want := most / tt.jobs * tt.jobs
				for group, jobs := range taken {
					if jobs != want {
						t.Errorf("%d jobs wait, want %d of at most %d", jobs, want, most)
					}
					if what := hordetest.Eventually(n.differs); what != "" {
						t.Fatal(what)
					}
					if try(n, group) {
						t.Error("one more was taken after all")
					}
				}

				for _, n := range all {
					if what := hordetest.Eventually(n.differs); what != "" {
						t.Error(what)
					}
					for _, x := range n.indexes() {
						x.Lock()
						if n := x.Requests.Tally().Reserved; n != 0 {
							t.Errorf("%d requests are still to come", n)
						}
						x.Unlock()
					}
				}
			})
		}
	})
}

// TestConcurrencyHoldsOnANodeThatStarts: a node that serves before it has looked at the
// news of the others counts what they took, and they count what it took.
func TestConcurrencyHoldsOnANodeThatStarts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		all := []*node{newNode(t, db, c)}
		all[0].follow(t)

		if db.Engine == storetest.Postgres {
			all = append(all, newNode(t, db, c))
			if err := all[1].Store.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		const most = 20
		nobody, p := hordetest.Person{Key: api.AnonymousKey}, all[0].person(t, false, 10_000)
		db.Exec("UPDATE users SET concurrency = $1", most)
		for _, n := range all {
			n.Accounts.Forget()
		}

		for _, tt := range []struct {
			name string
			take func(*node) error
		}{
			{"images", func(n *node) error { _, err := n.Accept(context.Background(), ask(p, 1)); return err }},
			{"text", func(n *node) error { _, err := n.AcceptText(context.Background(), askText(p, 1)); return err }},
			{"anonymous images, by model", func(n *node) error {
				_, err := n.Accept(context.Background(), ask(nobody, 1, "Deliberate"))
				return err
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				taken := 0
				for i := range 3 * most {
					switch err := tt.take(all[i%len(all)]); {
					case err == nil:
						taken++
					case horde.CodeOf(err) != horde.TooManyPrompts:
						t.Fatal(err)
					}
				}

				if taken != most {
					t.Errorf("%d were taken, of at most %d", taken, most)
				}
			})
		}
	})
}

// TestRolledBackPlacesKeepNobodyOut: two requests whose transaction was rolled back
// run again, when there is room for one of them only: one is taken.
func TestRolledBackPlacesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		p := n.person(t, false, 10_000)
		x := n.images
		var entries []*entry

		commits := make([]func() error, 2)
		for i := range commits {
			a := ask(p, 1)
			r, terms, err := n.imageAsk(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}

			w, err := n.weigh(t.Context(), x, r, terms, a.From)
			if err != nil {
				t.Fatal(err)
			}

			e, err := n.newRequest(t.Context(), x, r, terms.user, a.From, w.cost)
			if err != nil {
				t.Fatal(err)
			}

			entries = append(entries, e)
			commits[i] = func() error {
				terms.user.Concurrency = 1
				return n.commit(t.Context(), e, terms, w)
			}
		}

		for _, e := range entries { // the run that was rolled back
			x.KeepPlace(e)
		}

		taken := 0
		for _, commit := range commits {
			switch err := commit(); {
			case err == nil:
				taken++
			case horde.CodeOf(err) != horde.TooManyPrompts:
				t.Error(err)
			}
		}

		if taken != 1 {
			t.Errorf("%d of two requests for one place were taken", taken)
		}

		if what := n.differs(); what != "" {
			t.Error(what)
		}
	})
}
