package queue

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// TestNothingStaysHeld: however a request ends, nothing of it stays held, and what its
// requester has left is what was charged for.
func TestNothingStaysHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		owner := n.person(t, true, 0)

		sweep := func(t *testing.T) {
			t.Helper()
			if err := n.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		submit := func(t *testing.T, state string) {
			t.Helper()
			job := n.take(t, owner, pop(t.Name()))
			if job == nil {
				t.Fatal("no job")
			}
			c.Advance(20 * time.Millisecond) // fast enough for who wants fast workers
			if _, err := n.submit(owner.Key, *job.ID, state); err != nil {
				t.Fatal(err)
			}
		}

		for _, tt := range []struct {
			name string
			end  func(t *testing.T, id string)
			paid int // images; -1: one for which only the burn is charged
		}{
			{"delivered", func(t *testing.T, _ string) { submit(t, "ok"); submit(t, "ok") }, 2},
			{"censored", func(t *testing.T, id string) { submit(t, "censored"); n.Cancel(t.Context(), id) }, -1},
			{"cancelled", func(t *testing.T, id string) { n.Cancel(t.Context(), id) }, 0},
			{"cancelled half way", func(t *testing.T, id string) { submit(t, "ok"); n.Cancel(t.Context(), id) }, 1},
			{"cancelled under way, then faulted", func(t *testing.T, id string) {
				job := n.take(t, owner, pop(t.Name()))
				n.Cancel(t.Context(), id)
				if _, err := n.submit(owner.Key, *job.ID, "faulted"); err != nil {
					t.Fatal(err)
				}
			}, 0},
			{"faulted", func(t *testing.T, _ string) {
				for range 3 {
					submit(t, "faulted")
				}
			}, 0},
			{"out of time", func(t *testing.T, _ string) {
				for range 3 {
					if n.take(t, owner, pop(t.Name())) == nil {
						t.Fatal("no job")
					}
					c.Advance(3 * time.Minute)
					sweep(t)
				}
			}, 0},
			{"expired", func(t *testing.T, _ string) { c.Advance(21 * time.Minute); sweep(t) }, 0},
			{"expired half way", func(t *testing.T, _ string) { submit(t, "ok"); c.Advance(21 * time.Minute); sweep(t) }, 1},
			{"expired with a job under way", func(t *testing.T, _ string) {
				n.take(t, owner, pop(t.Name()))
				c.Advance(2 * time.Hour)
				sweep(t)
			}, 0},
			{"expired while nobody ran", func(t *testing.T, _ string) {
				c.Advance(2 * time.Hour)
				if err := n.Reload(t.Context()); err != nil { // what a start does
					t.Fatal(err)
				}
				sweep(t)
			}, 0},
		} {
			t.Run(tt.name, func(t *testing.T) {
				p := n.person(t, false, 1000)
				a := ask(p, 2)
				a.Body.SlowWorkers = ptr(false)
				id := n.accept(t, a)
				dry := a
				dry.Body.DryRun = ptr(true)
				answer, err := n.Accept(t.Context(), dry)
				if err != nil {
					t.Fatal(err)
				}

				each := (horde.KudosOf(float64(answer.DryRun.Kudos)) - horde.Whole(3)) / 2
				if held(t, n, p) != 2*each {
					t.Fatalf("%s are held, want %s", held(t, n, p), 2*each)
				}

				tt.end(t, id)
				want := horde.Whole(1000-3) - horde.Kudos(tt.paid)*each
				if tt.paid < 0 {
					want = horde.Whole(1000-3) - horde.KudosOf(1.2)
				}

				if m := n.money(t, p); m.Held != 0 || m.Balance != want {
					t.Errorf("held %s, balance %s, want %s", m.Held, m.Balance, want)
				}

				c.Advance(3 * time.Hour)
				sweep(t)
				if what := settled(db, n); what != "" {
					t.Error(what)
				}
			})
		}
	})
}

// TestNothingStaysHeldOfTexts is TestNothingStaysHeld for texts, whose hold is an estimate (generation §2.4).
func TestNothingStaysHeldOfTexts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)

		owner := n.person(t, true, 0)
		submit := func(t *testing.T, text, state string) horde.Kudos {
			t.Helper()
			c.Advance(time.Minute)
			p := scribe(t.Name())
			p.MaxLength = ptr(1024)
			job := n.takeText(t, owner, p)
			if job.ID == nil {
				t.Fatal("no job")
			}

			c.Advance(time.Minute)
			reward, err := n.SubmitText(t.Context(), owner.Key, api.TextSubmit{ID: *job.ID, Generation: text, State: state})
			if err != nil {
				t.Fatal(err)
			}

			return horde.KudosOf(reward + 1)
		}

		long := strings.Repeat("x", 4*800)
		for _, tt := range []struct {
			name string
			end  func(t *testing.T, id string) (paid horde.Kudos)
		}{
			{"delivered", func(t *testing.T, _ string) horde.Kudos { return submit(t, long, "ok") + submit(t, "x", "ok") }},
			{"censored, then cancelled", func(t *testing.T, id string) horde.Kudos {
				submit(t, long, "censored")
				n.CancelText(t.Context(), id)
				return horde.Whole(1)
			}},
			{"cancelled", func(t *testing.T, id string) horde.Kudos { n.CancelText(t.Context(), id); return 0 }},
			{"faulted", func(t *testing.T, _ string) horde.Kudos {
				for range 3 {
					submit(t, "", "faulted")
				}
				return 0
			}},
			{"expired", func(t *testing.T, _ string) horde.Kudos { c.Advance(21 * time.Minute); return 0 }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				p := n.person(t, false, 1000)
				c.Advance(6 * time.Minute) // so that the workers of other rows are gone
				a := askText(p, 2, "a/model")
				a.Body.Params.MaxLength = ptr(800) // of 1 billion parameters, as nothing is known of it
				id := n.acceptText(t, a)
				if want := 2*horde.KudosOf(800.0/21) - horde.Whole(1); held(t, n, p) != want {
					t.Fatalf("%s are held, want %s", held(t, n, p), want)
				}

				paid := tt.end(t, id)
				if err := n.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}

				if m, want := n.money(t, p), horde.Whole(1000-1)-paid; m.Held != 0 || m.Balance != want {
					t.Errorf("held %s, balance %s, want %s", m.Held, m.Balance, want)
				}

				if what := settled(db, n); what != "" {
					t.Error(what)
				}
			})
		}
	})
}

// TestOneOfManyRequestsIsPaidFor: of 100 requests at once that each need more than half of
// what an account has above its floor, one is taken.
func TestOneOfManyRequestsIsPaidFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		n := all[0]
		p := n.person(t, false, 10_000)
		dry := dearAsk(p)
		dry.Body.DryRun = ptr(true)
		answer, err := n.Accept(t.Context(), dry)
		if err != nil {
			t.Fatal(err)
		}

		price := horde.KudosOf(float64(answer.DryRun.Kudos))
		before := horde.Whole(25) + price + price/4 // 60 of the 75 that 100 can spend
		n.setBalance(t, p, before)
		var taken, poor atomic.Int64

		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch _, err := all[i%len(all)].Accept(context.Background(), dearAsk(p)); {
				case err == nil:
					taken.Add(1)
				case horde.CodeOf(err) == horde.KudosUpfront:
					poor.Add(1)
				default:
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if taken.Load() != 1 || poor.Load() != 99 {
			t.Errorf("%d were taken, %d refused", taken.Load(), poor.Load())
		}

		if m := n.money(t, p); m.Held != price-horde.Whole(3) || m.Balance != before-horde.Whole(3) {
			t.Errorf("held %s, balance %s", m.Held, m.Balance)
		}

		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}
