package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// bound gives all nodes of a test the same bounds.
func bound(all []*node, b admission.Bounds) {
	for _, n := range all {
		n.Bounds = b
	}
}

// takeAtOnce makes as many calls at one moment, at all nodes in turn, and returns how
// many were taken. Others must be refused with a code.
func takeAtOnce(t *testing.T, all []*node, calls int, refusal horde.Code, accept func(n *node, i int) error) int {
	t.Helper()
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			switch err := accept(all[i%len(all)], i); {
			case err == nil:
				taken.Add(1)
			case horde.CodeOf(err) != refusal:
				t.Error(err)
			}
		})
	}
	wg.Wait()

	for _, n := range all {
		if what := hordetest.Eventually(n.differs); what != "" {
			t.Error(what)
		}
	}
	return int(taken.Load())
}

// TestAnonymousJobsAreBoundedOverAllModels: whatever models strangers name, and at
// whatever node, no more than their bound wait at a time; accounts are not in their way.
func TestAnonymousJobsAreBoundedOverAllModels(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		bound(all, admission.Bounds{AnonymousJobs: 30})
		nobody, p := hordetest.Person{Key: api.AnonymousKey}, all[0].person(t, false, 10_000)
		for _, tt := range []struct {
			name   string
			accept func(p hordetest.Person, n *node, i int) error
		}{
			{"images", func(p hordetest.Person, n *node, i int) error {
				_, err := n.Accept(context.Background(), ask(p, 3, fmt.Sprint("invented ", i)))
				return err
			}},
			{"texts", func(p hordetest.Person, n *node, i int) error {
				_, err := n.AcceptText(context.Background(), askText(p, 3, fmt.Sprint("invented ", i)))
				return err
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				taken := takeAtOnce(t, all, 60, horde.TooManyPrompts, func(n *node, i int) error {
					return tt.accept(nobody, n, i)
				})
				if taken != 10 {
					t.Errorf("%d requests of 3 jobs were taken, of at most 30 jobs", taken)
				}
				if err := tt.accept(p, all[0], 0); err != nil {
					t.Errorf("an account is refused: %v", err)
				}
			})
		}
	})
}

// TestBytesOfAnAccountAreBounded: requests that are not done take no more than they may,
// and make room when they are.
func TestBytesOfAnAccountAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		n := all[0]
		bound(all, admission.Bounds{AccountBytes: 100_000})
		p, other := n.person(t, true, 10_000), n.person(t, false, 10_000)
		long := ask(p, 1)
		long.Body.Prompt = strings.Repeat("fox ", 5000) // 20,000 bytes; with what belongs to it less than 25,000

		taken := takeAtOnce(t, all, 20, horde.TooManyPrompts, func(n *node, _ int) error {
			_, err := n.Accept(context.Background(), long)
			return err
		})
		if taken != 4 {
			t.Errorf("%d requests of 20,000 bytes were taken, of at most 100,000", taken)
		}
		long.From.Key = other.Key
		n.accept(t, long)
		long.From.Key = p.Key

		// What a worker has counts still.
		job := n.take(t, p, pop("one"))
		if job == nil {
			t.Fatal("no job")
		}
		if _, err := n.Accept(t.Context(), long); horde.CodeOf(err) != horde.TooManyPrompts {
			t.Errorf("while a job of the account is worked on: %v", err)
		}
		if _, err := n.submit(p.Key, *job.ID, "ok"); err != nil {
			t.Fatal(err)
		}
		n.accept(t, long)
	})
}

// TestTheWholeQueueIsBounded: accounts that are each within their limits do not pass the
// bound together. On one node it is exact; of two, each may take in what both commit at
// the same moment.
func TestTheWholeQueueIsBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		bound(all, admission.Bounds{Jobs: 40})
		var people []hordetest.Person
		for range 8 {
			people = append(people, all[0].person(t, false, 10_000))
		}

		accept := func(n *node, i int) error {
			_, err := n.Accept(context.Background(), ask(people[i%len(people)], 2))
			return err
		}
		taken := takeAtOnce(t, all[:1], 80, horde.ServerBusy, accept)
		if taken != 20 {
			t.Errorf("%d requests of 2 jobs were taken, of at most 40 jobs", taken)
		}
		for i, n := range all {
			if err := accept(n, i); horde.CodeOf(err) != horde.ServerBusy {
				t.Errorf("node %d takes more: %v", i, err)
			}
		}

		// A price is told all the same.
		dry := ask(people[0], 2)
		dry.Body.DryRun = ptr(true)
		if _, err := all[0].Accept(t.Context(), dry); err != nil {
			t.Errorf("a dry run: %v", err)
		}
	})
}

// TestNodesThatDoNotHearOfEachOtherHoldTheBounds: what another node has committed counts
// before this one has heard of it.
func TestNodesThatDoNotHearOfEachOtherHoldTheBounds(t *testing.T) {
	t.Parallel()
	a, b := deaf(t)
	for _, n := range []*node{a, b} {
		n.Bounds = admission.Bounds{Jobs: 10, AnonymousJobs: 4}
		if err := n.Store.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	nobody, p := hordetest.Person{Key: api.AnonymousKey}, a.person(t, false, 10_000)

	a.accept(t, ask(nobody, 3, "invented 1"))
	if _, err := b.Accept(t.Context(), ask(nobody, 2, "invented 2")); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("an anonymous request too many: %v", err)
	}
	b.accept(t, ask(p, 7))
	if _, err := a.Accept(t.Context(), ask(p, 1)); horde.CodeOf(err) != horde.ServerBusy {
		t.Errorf("a request too many: %v", err)
	}
}
