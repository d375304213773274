package alchemy

import (
	"testing"
	"time"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/store"
	"horde/internal/waiting"
)

// What is said of an alchemy request that is over is the same while it is in memory and
// when it has left it; and it can still be cancelled, followed and removed.
func TestFinishedRequestsLeaveMemory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", true)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
		job := n.pop(n.offer(walter, "w"))
		form := job.Forms[0].ID
		made := api.AlchemySubmit{ID: form, Result: map[string]any{"caption": "a fox"}}
		if _, err := n.submit(walter, made); err != nil {
			t.Fatal(err)
		}
		before := n.state(id)

		read, err := n.Store.AlchemyRequests(t.Context(), []string{id})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := n.Store.FormsOf(t.Context(), []string{id})
		if err != nil {
			t.Fatal(err)
		}
		parts[0].State, parts[0].Version = store.FormRunning, parts[0].Version-1 // as it was before

		gone := func() {
			t.Helper()
			for range 2 {
				n.clock.Advance(10 * time.Second)
				n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
			}
			if n.known(id) {
				t.Error("it is still in memory")
			}
		}
		gone()
		if outdated := n.source().Take(n.Join(read, parts), []string{id}); len(outdated) != 1 || n.known(id) {
			t.Errorf("an old state came back, outdated are %v", outdated)
		}
		if after := n.state(id); after != before {
			t.Errorf("in memory %s, now %s", before, after)
		}
		gone()
		if _, err := n.submit(walter, made); horde.CodeOf(err) != horde.DuplicateGen {
			t.Errorf("delivered again: %v", err)
		}
		gone()
		if may, err := n.Uploads(t.Context(), form); may != blob.CreateOnly || err != nil {
			t.Errorf("uploads for a form that is done: %v, %v", may, err)
		}
		if s, err := n.Cancel(t.Context(), id); short(s) != before || err != nil {
			t.Errorf("cancelled: %s, %v", short(s), err)
		}

		gone()
		w := waiting.NewWatch()
		found, stop, err := n.Follow(t.Context(), []string{id}, w)
		if news := n.News(id); err != nil || len(found) != 1 || !news.Ended || news.Gone {
			t.Errorf("followed: %v, %+v, %v", found, news, err)
		}
		stop()
		gone()
		n.clock.Advance(kinds.RequestLife)
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := n.state(id); got != string(horde.RequestNotFound) {
			t.Errorf("expired: %s", got)
		}
	})
}

// known reports whether a request is in memory.
func (n *node) known(id string) bool { return n.index.Known(id, n.clock.Micros()) != nil }
