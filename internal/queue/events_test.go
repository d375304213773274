package queue

import (
	"math"
	"slices"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
	"horde/internal/waiting"
)

// followed follows a request and returns a function that waits for news of it.
func (n *node) followed(t testing.TB, id string) (until func(what string, ok func(News) bool)) {
	t.Helper()
	w := waiting.NewWatch()
	found, stop, err := n.Follow(t.Context(), []string{id}, w)
	if err != nil || !slices.Equal(found, []string{id}) {
		t.Fatalf("follow %s: found %q, %v", id, found, err)
	}
	t.Cleanup(stop)
	return func(what string, ok func(News) bool) {
		t.Helper()
		for !ok(n.News(id)) {
			select {
			case <-w.Woken():
			case <-time.After(long):
				t.Fatalf("%s: not heard, the last was %+v", what, n.News(id))
			}
		}
	}
}

// TestAFollowerHearsOfAllItsRequests: one follower hears of all its requests, of whatever kind and
// whichever node took them in, and of nothing else.
func TestAFollowerHearsOfAllItsRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		a, b := all[0], all[len(all)-1]
		p := a.person(t, true, 1000)
		image, text, other := a.accept(t, ask(p, 1)), a.acceptText(t, askText(p, 1, "a/model")), a.accept(t, ask(p, 1))
		unknown := horde.NewID()

		w := waiting.NewWatch()
		found, stop, err := b.Follow(t.Context(), []string{image, unknown, text}, w)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		if want := []string{image, text}; !slices.Equal(found, want) {
			t.Errorf("found %q, want %q", found, want)
		}
		if !b.News(unknown).Gone {
			t.Error("there is news of a request that does not exist")
		}

		for _, id := range []string{other, image} {
			if _, err := b.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.CancelText(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		var heard []string
		for deadline := time.After(long); len(heard) < 2; {
			select {
			case <-w.Woken():
				for _, id := range w.Changed() {
					if !slices.Contains(heard, id) {
						heard = append(heard, id)
					}
				}
			case <-deadline:
				t.Fatalf("heard only of %q", heard)
			}
		}
		if slices.Contains(heard, other) {
			t.Error("heard of a request that it does not follow")
		}
		if n := b.News(image); !n.Cancelled || !n.Ended {
			t.Errorf("after the cancel: %+v", n)
		}

		stop()
		for _, x := range b.indexes() {
			for _, id := range x.Keys() {
				if x.Requests.Followed(id) > 0 {
					t.Errorf("%s is still followed", id)
				}
			}
		}
	})
}

// TestCancelIsNotTheEnd: a cancelled request has ended when its last job has, though
// it is done, as the contract has it, as soon as half of them are there.
func TestCancelIsNotTheEnd(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	id := n.accept(t, ask(p, 3))
	first, second := n.take(t, p, pop("one")), n.take(t, p, pop("two"))
	if first == nil || second == nil {
		t.Fatal("no jobs")
	}

	if _, err := n.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}

	if got := n.News(id); got.Ended || !got.Cancelled || got.Check.Processing != 2 || got.Check.Waiting != 0 {
		t.Errorf("after the cancel: %+v", got)
	}

	if _, err := n.submit(p.Key, *first.ID, "ok"); err != nil {
		t.Fatal(err)
	}

	if got := n.News(id); got.Ended || len(got.Running) != 1 || got.Running[0].Job != *second.ID ||
		got.Running[0].WorkerName != "two" || !slices.Equal(got.Delivered, []string{*first.ID}) {
		t.Errorf("with one of two delivered: %+v", got)
	}
	if busy := n.Busy(); len(busy) != 1 || !busy[n.Fleet.ByName("two").ID] {
		t.Errorf("workers with a job in hand: %v", busy)
	}

	if _, err := n.submit(p.Key, *second.ID, "ok"); err != nil {
		t.Fatal(err)
	}

	if got := n.News(id); !got.Ended || got.Check.Finished != 2 {
		t.Errorf("with both delivered: %+v", got)
	}
}

// TestProgressTellsItsTime: reports carry how long the job has taken and what a step
// takes, without what came before the first one; the time to wait goes by them.
func TestProgressTellsItsTime(t *testing.T) {
	t.Parallel()
	c := hordetest.NewClock()
	n := newNode(t, storetest.On(t, storetest.SQLite), c)
	p := n.person(t, true, 1000)
	id := n.accept(t, ask(p, 2))
	batch := pop("one")
	batch.Amount = ptr(2)
	job := n.take(t, p, batch)
	if job == nil || len(job.IDs) != 2 {
		t.Fatalf("no batch of two: %+v", job)
	}
	report := func(job string, after time.Duration, step int) api.JobProgress {
		t.Helper()
		c.Advance(after)
		if err := n.Progress(t.Context(), p.Key, job, api.Progress{Step: step, Steps: 10}); err != nil {
			t.Fatal(err)
		}
		for _, r := range n.News(id).Progress {
			if r.Job == job {
				return r.JobProgress
			}
		}
		t.Fatal("the report is not there")
		return api.JobProgress{}
	}

	check := func(what string, r api.JobProgress, elapsed, each float64) {
		t.Helper()
		if math.Abs(r.Elapsed-elapsed) > 1e-6 || math.Abs(r.StepSeconds-each) > 1e-6 {
			t.Errorf("%s: elapsed %v, a step %v; want %v and %v", what, r.Elapsed, r.StepSeconds, elapsed, each)
		}
	}
	check("before a step is done", report(job.IDs[0], 5*time.Second, 0), 5, 0)
	check("four steps after that", report(job.IDs[0], 8*time.Second, 4), 13, 2)
	check("said again at once", report(job.IDs[0], 0, 4), 13, 2)
	if got := n.News(id).Check.WaitTime; got < 12 {
		t.Errorf("with six steps of 2 s left the wait is %d s", got)
	}
	if _, err := n.submit(p.Key, job.IDs[0], "ok"); err != nil {
		t.Fatal(err)
	}
	check("the second of a batch does not begin with the first", report(job.IDs[1], 3*time.Second, 1), 16, 3)
	check("a first report that is said again", report(job.IDs[1], 0, 1), 16, 3)
	if got := n.News(id).Check.WaitTime; got != 27 {
		t.Errorf("with nine steps of 3 s left the wait is %d s", got)
	}
	c.Advance(7 * time.Second)
	if got := n.News(id).Check.WaitTime; got != 20 {
		t.Errorf("7 s later the wait is %d s", got)
	}
}

// TestAnotherAttemptBeginsAnew: of a job that was given back nothing is left, and the
// next worker's has another id and no steps.
func TestAnotherAttemptBeginsAnew(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	id := n.accept(t, ask(p, 1))
	first := n.take(t, p, pop("one"))
	if err := n.Progress(t.Context(), p.Key, *first.ID, api.Progress{Step: 3, Steps: 4, Preview: "/9j/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.submit(p.Key, *first.ID, "faulted"); err != nil {
		t.Fatal(err)
	}
	if got := n.News(id); len(got.Running) != 0 || len(got.Progress) != 0 || got.Check.Waiting != 1 {
		t.Errorf("after it was given back: %+v", got)
	}
	second := n.take(t, p, pop("two"))
	if second == nil {
		t.Fatal("no second attempt")
	}
	if got := n.News(id); len(got.Running) != 1 || got.Running[0].Job == *first.ID || len(got.Progress) != 0 {
		t.Errorf("with the next worker: %+v", got)
	}
}

// TestAReportBesideTheDeliveryLeavesNothing: a report whose job was looked up before
// its delivery, and that is noted after it, would be streamed until the request goes.
func TestAReportBesideTheDeliveryLeavesNothing(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	id := n.accept(t, ask(p, 2))
	job := n.take(t, p, pop("one"))
	a := n.jobInIndexes(*job.ID)
	if _, err := n.submit(p.Key, *job.ID, "ok"); err != nil {
		t.Fatal(err)
	}

	a.e.home.Lock()
	a.e.reportLocked(a.job, "one", api.Progress{Step: 3, Steps: 4}, horde.MicrosOf(n.clock.Now()))
	a.e.home.Unlock()
	if got := n.News(id); len(got.Progress) != 0 {
		t.Errorf("of a job that is delivered: %+v", got.Progress)
	}
	if err := n.Progress(t.Context(), p.Key, *job.ID,
		api.Progress{Step: 4, Steps: 4}); horde.CodeOf(err) != horde.AbortedGen {
		t.Errorf("a later report: %v", err)
	}
}
