package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/match"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// long is a wait that only a missing wake-up lets end.
const long = 5 * time.Minute

// waiting starts a pop that waits, and returns once it does.
func (n *node) waiting(t *testing.T, owner hordetest.Person, p api.ImagePop, d time.Duration) <-chan *api.ImageJob {
	t.Helper()
	o := n.offer(t, owner, p)
	done := make(chan *api.ImageJob, 1)
	ctx, cancel := context.WithCancel(context.Background())

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		job, err := n.Pop(ctx, o, d)
		if err != nil {
			t.Error(err)
		}
		done <- job
	}()

	t.Cleanup(func() { cancel(); <-ended })
	if what := hordetest.Eventually(func() string {
		if slices.ContainsFunc(n.images.Requests.Waiters.Waiting(),
			func(w *match.Worker) bool { return w.ID == o.Worker.ID }) {
			return ""
		}
		return "the pop does not wait"
	}); what != "" && len(done) == 0 {
		t.Fatal(what)
	}

	return done
}

func served(t *testing.T, what string, job <-chan *api.ImageJob) *api.ImageJob {
	t.Helper()
	select {
	case j := <-job:
		if j == nil || j.ID == nil {
			t.Fatalf("%s: woken without a job", what)
		}
		return j
	case <-time.After(long):
		t.Fatalf("%s: not woken", what)
		return nil
	}
}

func TestAWaitingPopIsWoken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		all := nodes(t, db, c)
		a, b := all[0], all[len(all)-1]
		p, owner, second := a.person(t, true, 1000), a.person(t, true, 0), a.person(t, true, 0)

		job := b.waiting(t, owner, pop("one"), long)
		id := a.accept(t, ask(p, 1))
		got := served(t, "a request", job)

		job = b.waiting(t, second, pop("two"), long)
		if _, err := a.submit(owner.Key, *got.ID, "faulted"); err != nil {
			t.Fatal(err)
		}
		served(t, "a reported fault", job)

		job = a.waiting(t, owner, pop("one"), long)
		c.Advance(10 * time.Minute)
		if err := b.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		got = served(t, "a job that took too long", job)
		if _, err := b.submit(owner.Key, *got.ID, "ok"); err != nil {
			t.Fatal(err)
		}
		if what := hordetest.Eventually(func() string {
			if check, err := b.Check(t.Context(), id); err != nil || !check.Done || check.Restarted != 2 {
				return "not done with two restarts"
			}
			return ""
		}); what != "" {
			t.Error(what)
		}
	})
}

// TestAWaitingPopSleepsOn: requests that it cannot serve do not wake a pop.
func TestAWaitingPopSleepsOn(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p, owner := n.person(t, true, 1000), n.person(t, false, 0)
	offer := pop("one")
	offer.NSFW, offer.MaxPixels = ptr(false), ptr(4096)
	job := n.waiting(t, owner, offer, 500*time.Millisecond)

	waiting := n.images.Requests.Waiters.Waiting()[0]
	for _, change := range []func(*ImageRequest){
		func(a *ImageRequest) { a.Body.Models = &[]string{"Deliberate"} },
		func(a *ImageRequest) { a.Body.NSFW = ptr(true) },
		func(a *ImageRequest) { a.Body.Params.Width = ptr(128) },
		func(a *ImageRequest) { a.Body.TrustedWorkers = ptr(true) },
	} {
		a := ask(p, 1)
		a.Body.NSFW = ptr(false)
		change(&a)
		e := n.images.Requests.Get(n.accept(t, a))
		if waiting.Wakes(&e.item) {
			t.Errorf("woken by %+v", a.Body)
		}
	}

	if j := <-job; j.ID != nil || j.Skipped["models"] != 1 || j.Skipped["nsfw"] != 1 || j.Skipped["untrusted"] != 1 ||
		j.Skipped["max_pixels"] != 1 {
		t.Errorf("at the end of its time: %+v", j)
	}

	if left := n.images.Requests.Waiters.Waiting(); len(left) != 0 {
		t.Errorf("%d pops still wait", len(left))
	}
}

func TestAWaitingPopEndsWithItsClient(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	o := n.offer(t, n.person(t, true, 0), pop("one"))
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan string, 1)
	go func() {
		defer cancel()
		waited <- hordetest.Eventually(func() string {
			if len(n.images.Requests.Waiters.Waiting()) == 0 {
				return "the pop does not wait"
			}
			return ""
		})
	}()
	start := time.Now()
	if job, err := n.Pop(ctx, o, long); err != nil || job.ID != nil || time.Since(start) > long/2 {
		t.Errorf("%+v, %v after %v", job, err, time.Since(start))
	}
	if what := <-waited; what != "" {
		t.Error(what)
	}
}

// TestOneRequestWakesManyPops: one request wakes many and serves as many as it has jobs.
func TestOneRequestWakesManyPops(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	jobs := make(chan *api.ImageJob, 8)
	for range 8 {
		owner := n.person(t, true, 0)
		job := n.waiting(t, owner, pop(horde.NewID()), long)
		go func() { jobs <- <-job }()
	}
	n.accept(t, ask(p, 3))
	n.accept(t, ask(p, 2))

	got := map[string]bool{}
	for range 5 {
		if j := <-jobs; j.ID != nil {
			got[*j.ID] = true
		}
	}
	if len(got) != 5 {
		t.Errorf("%d of 5 jobs found a worker", len(got))
	}
	if waiting := len(n.images.Requests.Waiters.Waiting()); waiting != 3 {
		t.Errorf("%d pops wait for more, want 3", waiting)
	}
}

func TestAFollowerHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		a, b := all[0], all[len(all)-1]
		p := a.person(t, true, 1000)
		id := a.accept(t, ask(p, 1))
		until := b.followed(t, id)
		until("it waits", func(n News) bool { return n.Check.Waiting == 1 })
		job := a.take(t, p, pop("one"))
		until("a claim", func(n News) bool { return n.Check.Processing == 1 })
		if err := b.Progress(t.Context(), p.Key, *job.ID, api.Progress{Step: 2, Steps: 4}); err != nil {
			t.Fatal(err)
		}
		until("a report", func(n News) bool { return len(n.Progress) == 1 && n.Progress[0].Step == 2 })
		if _, err := a.submit(p.Key, *job.ID, "ok"); err != nil {
			t.Fatal(err)
		}
		until("the end", func(n News) bool { return n.Ended && n.Check.Done && len(n.Progress)+len(n.Running) == 0 })
	})
}

// A worker that is put into maintenance while its pop waits gets its owner's
// requests alone.
func TestAWaitingPopGoesIntoMaintenance(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, owner := n.person(t, true, 1000), n.person(t, true, 1000)
	job := n.waiting(t, owner, pop("one"), long)
	err := n.Store.Write(t.Context(),
		store.Unit{Workers: []string{n.Fleet.ByName("one").ID}, Do: func(tx *store.Tx) error {
			_, err := tx.ChangeWorker(n.Fleet.ByName("one").ID, func(w *store.Worker) { w.Maintenance = true })
			return err
		}})
	if err != nil {
		t.Fatal(err)
	}
	others := n.accept(t, ask(alice, 1))
	own := n.accept(t, ask(owner, 1))
	got := served(t, "its owner's request", job)
	row, err := n.Store.Job(t.Context(), *got.ID)
	if err != nil || row.RequestID != own {
		t.Errorf("it got %s of %s, not %s: %v", row.ID, row.RequestID, own, err)
	}
	if c, err := n.Check(t.Context(), others); err != nil || c.Waiting != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
