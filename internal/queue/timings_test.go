package queue

import (
	"context"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func (n *node) timings(t testing.TB) (all []store.Timing) {
	t.Helper()
	if err := n.Store.Timings(context.Background(),
		func(v store.Timing) error { all = append(all, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Finished images leave what they asked for and how long they took, and nothing
// that leads to who asked.
func TestTimingsTellNothingOfTheRequester(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)

		alice, owner := n.person(t, true, 1000), n.person(t, true, 0)
		paint := func(edit func(*api.ImageRequest), state string) {
			t.Helper()
			a := ask(alice, 1)
			edit(&a.Body)
			n.accept(t, a)
			p := pop("w")
			p.Amount = ptr(4)
			job := n.take(t, owner, p)
			c.Advance(2500 * time.Millisecond)

			for _, id := range job.IDs {
				if _, err := n.submit(owner.Key, id, state); err != nil {
					t.Fatal(err)
				}
			}
		}

		paint(func(*api.ImageRequest) {}, "ok")
		if got := n.timings(t); len(got) != 0 {
			t.Fatalf("recorded although it is off: %+v", got)
		}

		n.Timings = true
		paint(func(b *api.ImageRequest) {
			b.Prompt = "somebody's secret"
			b.Params.PostProcessing = []string{"GFPGAN"}
			b.Params.Loras = []api.Lora{{Name: "secret style"}}
		}, "ok")

		paint(func(b *api.ImageRequest) { b.Params.N = ptr(3) }, "ok")
		paint(func(*api.ImageRequest) {}, "censored")
		paint(func(*api.ImageRequest) {}, "faulted")
		got := n.timings(t)
		if len(got) != 4 {
			t.Fatalf("%d timings, want one and a batch of three: %+v", len(got), got)
		}

		batches := map[int]int{}
		for _, v := range got {
			batches[v.Batch]++
			if horde.Micros(v.Hour) != c.Micros()/hour || v.Micros != 2_500_000 || v.Machine != got[0].Machine ||
				v.Baseline != catalog.SD1 {
				t.Errorf("%+v", v)
			}

			f, err := kudos.ParseFeatures(v.Features)
			if err != nil || f.Width != 64 || f.Steps != 4 || f.Sampler != "k_euler_a" || !f.Karras ||
				(v.Batch == 1) != (f.Loras == 1) {
				t.Errorf("%+v, %v", f, err)
			}

			for _, private := range []string{"secret", alice.Key, owner.Key, "fox"} {
				if strings.Contains(v.Features+v.Machine, private) {
					t.Errorf("%q is in %+v", private, v)
				}
			}
		}

		if batches[1] != 1 || batches[3] != 3 {
			t.Errorf("batches %v", batches)
		}

		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}

// However busy the horde, only a sample is recorded.
func TestTimingsAreBounded(t *testing.T) {
	t.Parallel()
	var s sampler
	now := hordetest.NewClock().Micros()
	count := func(from horde.Micros, step int64, n int) (taken int) {
		for i := range int64(n) {
			if s.allow(from + horde.Micros(i*step)) {
				taken++
			}
		}
		return taken
	}
	if got := count(now, 0, 10_000); got != timingBurst {
		t.Errorf("%d at once, want %d", got, timingBurst)
	}
	if got := count(now, 1000, 10_000); got < 10*timingRate-1 || got > 10*timingRate+1 {
		t.Errorf("%d in ten seconds, want %d", got, 10*timingRate)
	}
	if got := count(now-3600_000_000, 0, 100); got != 0 {
		t.Errorf("%d from a clock that runs back", got)
	}
	if got := count(now+3600_000_000, 0, 10_000); got != timingBurst {
		t.Errorf("%d after an hour, want %d", got, timingBurst)
	}
}
