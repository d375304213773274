package queue

import (
	"math"
	"slices"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/dice"
	"horde/internal/hordetest"
	"horde/internal/kinds/image"
	"horde/internal/match"
	"horde/internal/store/storetest"
)

// aheadOf is what stands before a request that one of the workers will serve, by
// a look at every request.
func aheadOf(x *index, e *entry, workers []*match.Worker) (all match.Ahead) {
	for o := range x.Requests.All() {
		if !o.item.Queued() || !match.Before(&o.item, &e.item) {
			continue
		}
		for _, w := range workers {
			list := o.record.common.Workers
			if w.Serves(o.models()) && w.Skills.Lacking(o.item.Features) == 0 &&
				(len(list) == 0 || slices.Contains(list, w.ID)) {
				all.Items++
				all.Jobs += o.state.Waiting
				all.Units += float64(o.state.Waiting) * float64(o.work.WorkUnits())
				break
			}
		}
	}
	return all
}

// A place in the queue counts each request once that the possible workers will
// serve before, whatever models it names and whomever it is for (decision 24).
func TestAPlaceCountsEachRequestOnce(t *testing.T) {
	t.Parallel()
	known := referenceOfFacts(t)
	dice.Throw(t, 2000, func() struct{} { return struct{}{} },
		func(c dice.Chance, _ struct{}) { placeInTheQueue(c, known) })
}

func placeInTheQueue(c dice.Chance, known *catalog.Snapshot) {
	x := newIndex(images, newPartials())
	base := &wish{ask: api.ImageRequest{Prompt: "a hill", NSFW: ptr(false), Params: &api.ImageParams{Steps: ptr(4)}}}

	var all []*wish
	for i := range 1 + c.N(12) {
		r := randomWish(c, base)
		if r.ask.WorkerBlacklist = nil; dice.Once(c, 4) {
			r.ask.Workers = []string{"w0", "w1"}
		}
		if r.settle(c, x, known, i); r.e == nil {
			return
		}
		all = append(all, r)
	}

	var workers []*match.Worker
	for i := range 1 + c.N(3) {
		w := randomVisitor(c)
		w.talents = talentsByAgent[w.agent]
		o := w.offer()
		o.Worker.ID = []string{"w0", "w1", "w2"}[i]
		facts := images.factsOf(o.Worker, o, known)
		facts.Offered = nil // as of a worker that is not popping
		workers = append(workers, facts)
	}

	e := all[c.N(len(all))].e
	if got, want := x.Queue.Ahead(&e.item, workers), aheadOf(x, e, workers); got != want {
		c.Failf("%+v stand before %s, want %+v", got, e.row.ID, want)
	}
}

// Without a worker that could serve it, a request stands behind those that ask for
// one of its models.
func TestAPlaceWithoutWorkersIsBehindRivals(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	rich, poor := n.person(t, true, 1000), n.person(t, true, 30)
	n.accept(t, ask(rich, 3, "Deliberate", "Dreamshaper"))
	n.accept(t, ask(rich, 1, "Dreamshaper"))
	n.accept(t, ask(rich, 1, "AbsoluteReality"))
	id := n.accept(t, ask(poor, 2, "Dreamshaper", "Deliberate"))
	c, err := n.Check(t.Context(), id)
	if err != nil || c.IsPossible || c.QueuePosition != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	a := ask(poor, 1)
	units := (&admission.Image{Width: *a.Body.Params.Width, Height: *a.Body.Params.Height,
		AccurateSteps: *a.Body.Params.Steps}).WorkUnits()
	if want := int(math.Round(6 * float64(units) / image.Fast)); c.WaitTime != max(1, want) {
		t.Errorf("%d s, want %d s", c.WaitTime, want)
	}
}

// An extra slow worker makes a request possible, though it will not get it: that
// rule is no part of the verdict (generation §5.5).
func TestExtraSlowIsPossible(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person(t, true, 1000), n.person(t, true, 30)
	p := pop("slow", "Deliberate")
	p.ExtraSlowWorker = ptr(true)
	if job := n.take(t, walter, p); job != nil {
		t.Fatal("there is nothing yet")
	}
	answer, err := n.Accept(t.Context(), ask(alice, 1, "Deliberate"))
	if err != nil || answer.Accepted.Message != "" {
		t.Fatalf("%+v, %v", answer.Accepted, err)
	}
	if job := n.take(t, walter, p); job != nil {
		t.Error("an extra slow worker got what does not want one")
	}
	c, err := n.Check(t.Context(), answer.Accepted.ID)
	if err != nil || !c.IsPossible || c.QueuePosition != 1 || c.WaitTime < 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// A worker whose pops are refused makes nothing possible, not even its owner's requests.
func TestAFlaggedOwnersWorkerMakesNothingPossible(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person(t, true, 1000), n.person(t, true, 1000)
	if job := n.take(t, walter, pop("dreamer", "Deliberate")); job != nil {
		t.Fatal("there is nothing yet")
	}

	ids := []string{n.accept(t, ask(alice, 1, "Deliberate")), n.accept(t, ask(walter, 1, "Deliberate"))}
	possible := func(want bool) {
		t.Helper()
		n.clock.Advance(2 * time.Second) // what was found before is out of date
		for _, id := range ids {
			if c, err := n.Check(t.Context(), id); err != nil || c.IsPossible != want {
				t.Errorf("possible %v, want %v; %v", c.IsPossible, want, err)
			}
		}
	}

	possible(true)
	n.become(t, walter, account.Flagged)
	possible(false)

	answer, err := n.Accept(t.Context(), ask(alice, 1, "Deliberate"))
	if err != nil || answer.Accepted.Message == "" {
		t.Errorf("the requester does not hear that no worker is there: %+v, %v", answer.Accepted, err)
	}
}
