package alchemy

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestOpenFormsAreBoundedAtOnce: however many calls come at one moment, at one node or at
// two, a user never has more forms open than ten for each job of the concurrency.
func TestOpenFormsAreBoundedAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
		}

		for _, n := range nodes {
			n.follow()
		}

		p := nodes[0].person("alice", false)
		db.Exec("UPDATE users SET concurrency = 1 WHERE id = $1", p.ID)
		for _, n := range nodes {
			n.Accounts.Forget(p.ID)
		}

		ask := Request{Key: p.Key, Body: api.AlchemyRequest{Forms: forms("caption", "nsfw"), SourceImage: inline(64, 64)}}
		var taken atomic.Int64

		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				_, err := nodes[i%len(nodes)].Accept(context.Background(), ask)
				if err == nil {
					taken.Add(2)
				} else if horde.CodeOf(err) != horde.TooManyPrompts {
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if taken.Load() != formsPerJob {
			t.Errorf("%d forms are open, of at most %d", taken.Load(), formsPerJob)
		}

		for _, n := range nodes {
			n.index.Lock()
			if coming := n.index.Requests.Tally().Reserved; coming != 0 {
				t.Errorf("%d requests are still to come", coming)
			}
			n.index.Unlock()
		}
	})
}

// TestOpenFormsAreBoundedOnANodeThatStarts: a node that serves before it has looked at the
// news of the others counts what they took, and they count what it took.
func TestOpenFormsAreBoundedOnANodeThatStarts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		nodes[0].follow()

		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
			if err := nodes[1].Store.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		p := nodes[0].person("alice", false)
		db.Exec("UPDATE users SET concurrency = 1 WHERE id = $1", p.ID)
		for _, n := range nodes {
			n.Accounts.Forget(p.ID)
		}

		ask := Request{Key: p.Key, Body: api.AlchemyRequest{Forms: forms("caption", "nsfw"), SourceImage: inline(64, 64)}}
		taken := 0
		for i := range 2 * formsPerJob {
			_, err := nodes[i%len(nodes)].Accept(t.Context(), ask)
			if err == nil {
				taken += 2
			} else if horde.CodeOf(err) != horde.TooManyPrompts {
				t.Fatal(err)
			}
		}

		if taken != formsPerJob {
			t.Errorf("%d forms are open, of at most %d", taken, formsPerJob)
		}
	})
}

// follow does what a running node does with the news of others.
func (n *node) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	begun := make(chan struct{})
	var once sync.Once
	n.Store.Follow(func(_ context.Context, c *store.Changes) error {
		if c.Missed { // with that a watch begins
			once.Do(func() { close(begun) })
		}
		return nil
	})
	wg.Go(func() { n.Store.Watch(ctx) })
	n.t.Cleanup(func() { cancel(); wg.Wait() })
	if n.Store.Shared() {
		<-begun
	}
}

// TestFormsOfAllAreBounded: however many accounts ask at one moment, no more forms are
// open than the bound of all, nor more bytes of settings than those of an account.
func TestFormsOfAllAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		n.follow()
		n.Bounds = admission.Bounds{Jobs: 10, AccountBytes: 1000}
		ask := func(p hordetest.Person, payload string) error {
			f := api.AlchemyForm{Name: "caption"}
			if payload != "" {
				f.Payload = map[string]string{"words": payload}
			}
			_, err := n.Accept(context.Background(), Request{Key: p.Key, Body: api.AlchemyRequest{
				Forms:       []api.AlchemyForm{f},
				SourceImage: inline(64, 64),
			}})
			return err
		}

		long := n.person("long", false)
		if err := ask(long, strings.Repeat("x", 600)); err != nil {
			t.Fatal(err)
		}
		if err := ask(long, strings.Repeat("x", 600)); horde.CodeOf(err) != horde.TooManyPrompts {
			t.Errorf("more bytes than an account may have: %v", err)
		}

		people := []hordetest.Person{n.person("alice", false), n.person("bob", false), n.person("carol", false)}
		var taken atomic.Int64
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				switch err := ask(people[i%len(people)], ""); {
				case err == nil:
					taken.Add(1)
				case horde.CodeOf(err) != horde.ServerBusy:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 9 {
			t.Errorf("%d forms are open beside one, of at most 10", taken.Load())
		}
	})
}
