package queue

import (
	"context"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// deaf opens two nodes that do not hear of each other: their indexes are as old
// as they can be.
func deaf(t testing.TB) (a, b *node) {
	db, c := storetest.On(t, storetest.Postgres), hordetest.NewClock()
	return newNode(t, db, c), newNode(t, db, c)
}

func held(t testing.TB, n *node, p hordetest.Person) horde.Kudos {
	t.Helper()
	a, err := n.Store.Account(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a.Held
}

func TestAHoldEndsWithTheLastDelivery(t *testing.T) {
	t.Parallel()
	a, b := deaf(t)
	p := a.person(t, false, 100)
	q := ask(p, 2)
	q.Body.SlowWorkers = ptr(false)
	id := a.accept(t, q)
	first := a.take(t, p, pop("one"))
	if err := b.Refresh(t.Context(), []string{id}); err != nil {
		t.Fatal(err)
	}

	second := b.take(t, p, pop("two"))
	if first == nil || second == nil {
		t.Fatal("no jobs")
	}

	if _, err := a.submit(p.Key, *first.ID, "ok"); err != nil {
		t.Fatal(err)
	}

	if held(t, a, p) == 0 {
		t.Error("the hold was released while another node has a job of the request")
	}

	if _, err := b.submit(p.Key, *second.ID, "ok"); err != nil {
		t.Fatal(err)
	}

	if k := held(t, a, p); k != 0 {
		t.Errorf("%s are still held after the last delivery", k)
	}
}

// TestAStaleNodeHandsOutNothingThatIsGone: a node whose index is old hands out nothing that is gone, and
// answers for jobs and requests of the other.
func TestAStaleNodeHandsOutNothingThatIsGone(t *testing.T) {
	t.Parallel()
	a, b := deaf(t)
	p, other := a.person(t, true, 1000), a.person(t, true, 1000)
	a.offer(t, other, pop("one"))
	if err := b.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	claimed := a.accept(t, ask(p, 1))
	cancelled := a.accept(t, ask(p, 1))
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	job := a.take(t, other, pop("one"))
	if job == nil {
		t.Fatal("no job")
	}
	if _, err := a.Cancel(t.Context(), cancelled); err != nil {
		t.Fatal(err)
	}
	if job := b.take(t, other, pop("one")); job != nil {
		t.Errorf("a stale node gave out %v", job.IDs)
	}
	// A request that only the other node has heard of.
	fresh := a.accept(t, ask(p, 1))
	if c, err := b.Check(t.Context(), fresh); err != nil || c.Waiting != 1 {
		t.Errorf("check at the other node: %+v, %v", c, err)
	}
	// A job that the other node gave out.
	if reward, err := b.submit(other.Key, *job.ID, "ok"); err != nil || reward == 0 {
		t.Errorf("submit at the other node: %v, %v", reward, err)
	}
	if _, err := a.submit(other.Key, *job.ID, "ok"); horde.CodeOf(err) != horde.DuplicateGen {
		t.Errorf("the same at the first node: %v", err)
	}
	if c, err := a.Check(t.Context(), claimed); err != nil || !c.Done || c.Finished != 1 {
		t.Errorf("the first node has learnt nothing: %+v, %v", c, err)
	}
}

// TestADecoyIsKnownOnEveryNode: a paused worker gets one decoy of a request, not
// one of each node; it leaves nothing when the request ends.
func TestADecoyIsKnownOnEveryNode(t *testing.T) {
	t.Parallel()
	db, c := storetest.On(t, storetest.Postgres), hordetest.NewClock()
	a, b := newNode(t, db, c), newNode(t, db, c)
	a.follow(t)
	b.follow(t)
	p, owner := a.person(t, true, 1000), a.person(t, true, 0)
	id := a.accept(t, ask(p, 1))
	w := a.offer(t, owner, pop("one")).Worker.ID
	pause(t, a, w)

	if what := hordetest.Eventually(func() string {
		if w := b.Fleet.Worker(w); w == nil || !w.Paused {
			return "the other node does not know that the worker is paused"
		}
		return b.differs()
	}); what != "" {
		t.Fatal(what)
	}

	decoy := a.take(t, owner, pop("one"))
	if decoy == nil {
		t.Fatal("a paused worker got nothing")
	}

	if what := hordetest.Eventually(b.differs); what != "" {
		t.Fatal(what)
	}

	if job := b.take(t, owner, pop("one")); job != nil {
		t.Error("a paused worker got a second job of the same request")
	}

	// Its end too: else the other node keeps the request in memory until it expires.
	if _, err := a.submit(owner.Key, *decoy.ID, "ok"); err != nil {
		t.Fatal(err)
	}
	if what := hordetest.Eventually(func() string {
		if job := b.jobInIndexes(*decoy.ID).job; job == nil || job.State != store.JobDone {
			return "the other node does not know that the decoy has ended"
		}
		return ""
	}); what != "" {
		t.Error(what)
	}

	if check, err := a.Check(t.Context(), id); err != nil || check.Waiting != 1 || check.Processing != 0 {
		t.Errorf("the decoy counts: %+v, %v", check, err)
	}

	c.Advance(21 * time.Minute)
	if err := a.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}

	if what := settled(db, a); what != "" {
		t.Error(what)
	}
}

func pause(t testing.TB, n *node, worker string) {
	t.Helper()
	err := n.Store.Write(t.Context(), store.Unit{Workers: []string{worker}, Do: func(tx *store.Tx) error {
		_, err := tx.ChangeWorker(worker, func(w *store.Worker) { w.Paused = true })
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestARequestThatIsGoneHasNoDecoys: a stale node gives no decoy of a request that is
// gone; it would outlive everything.
func TestARequestThatIsGoneHasNoDecoys(t *testing.T) {
	t.Parallel()
	db, c := storetest.On(t, storetest.Postgres), hordetest.NewClock()
	a, b := newNode(t, db, c), newNode(t, db, c)
	p, owner := a.person(t, true, 1000), a.person(t, true, 0)
	id := a.accept(t, ask(p, 1))
	w := b.offer(t, owner, pop("one")).Worker.ID
	pause(t, b, w)
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Store.Write(t.Context(),
		store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteRequest(id, tx.Now+1e12) }}); err != nil {
		t.Fatal(err)
	}
	if job := b.take(t, owner, pop("one")); job != nil {
		t.Error("a decoy of a request that is gone")
	}
	if what := settled(db, a); what != "" {
		t.Error(what)
	}
}

// TestASweepEndsThoughManyJobsAreLate: a sweep comes to an end though there are
// more late jobs than it takes at once and none of them can be given up.
func TestASweepEndsThoughManyJobsAreLate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)

		now := c.Micros()
		err := n.Store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
			for range settle.SweepBatch + 10 {
				q := store.Request{ID: horde.NewID(), Kind: horde.KindImage, Created: now, Body: `{"image":{}}`,
					RequestState: store.RequestState{Jobs: 1, Expires: now + 1, Version: 1}}
				tx.InsertRequest(q)
				tx.InsertJob(store.Job{ID: horde.NewID(), RequestID: q.ID, Started: now, TTL: 1000})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}

		c.Advance(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		if err := n.Sweep(ctx); err != nil {
			t.Fatal(err)
		}

		if what := n.differs(); what != "" {
			t.Error(what)
		}

		if left, err := n.Store.LiveRequests(ctx, 0); err != nil || len(left) > 0 {
			t.Errorf("%d requests left, %v", len(left), err)
		}
	})
}
