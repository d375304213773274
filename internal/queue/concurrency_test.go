package queue

import (
	"context"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store/storetest"
)

// TestConcurrencyAtOnce: however many calls come at one moment, at one node or at
// two, a user never has more jobs waiting than the concurrency, the anonymous one of
// each model; and what was refused leaves no trace.
func TestConcurrencyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, newClock())
		meet(t, all)
		n := all[0]
		const most = 20
		concurrency := func(id int64) {
			db.Exec("UPDATE users SET concurrency = $1 WHERE id = $2", most, id)
			for _, n := range all {
				n.Accounts.Forget(id)
			}
		}
		concurrency(0)
		nobody := person{key: api.AnonymousKey}
		for _, tt := range []struct {
			name   string
			jobs   int // of each request
			groups int // that have a limit of their own
			accept func(p person) func(n *node, group int) error
		}{
			{"images", 1, 1, func(p person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.Accept(context.Background(), ask(p, 1)); return err }
			}},
			{"images, several of a request", 3, 1, func(p person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.Accept(context.Background(), ask(p, 3)); return err }
			}},
			{"text", 1, 1, func(p person) func(*node, int) error {
				return func(n *node, _ int) error { _, err := n.AcceptText(context.Background(), askText(p, 1)); return err }
			}},
			{"anonymous images, by model", 1, 2, func(person) func(*node, int) error {
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
					if err != nil && horde.CodeOf(err) != "TooManyPrompts" {
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
				for i := range 60 * tt.groups {
					wg.Go(func() { try(all[i%len(all)], (i/len(all))%tt.groups) })
				}
				wg.Wait()
				want := most / tt.jobs * tt.jobs
				for group, jobs := range taken {
					if jobs != want {
						t.Errorf("%d jobs wait, want %d of at most %d", jobs, want, most)
					}
					if what := eventually(n.differs); what != "" {
						t.Fatal(what)
					}
					if try(n, group) {
						t.Error("one more was taken after all")
					}
				}
				for _, n := range all {
					if what := eventually(n.differs); what != "" {
						t.Error(what)
					}
					for _, x := range n.indexes() {
						x.mu.Lock()
						for id, h := range x.holders {
							if h.coming != 0 {
								t.Errorf("%d requests of user %d are still to come", h.coming, id)
							}
						}
						x.mu.Unlock()
					}
				}
			})
		}
	})
}
