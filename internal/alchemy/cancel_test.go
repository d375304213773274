package alchemy

import (
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	kind "horde/internal/kinds/form"
	"horde/internal/settle"
)

func TestWhatIsInHandIsPaidAtTheCancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter, wanda := n.person("alice", false), n.person("walter", false), n.person("wanda", true)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw", "interrogation", "palette")})
		a := n.pop(n.offer(walter, "a")).Forms[0].ID
		b := n.pop(n.offer(wanda, "b")).Forms[0].ID
		c := n.pop(n.offer(wanda, "c")).Forms[0].ID
		if _, err := n.submit(walter, api.AlchemySubmit{ID: a, Result: map[string]any{"caption": "x"}}); err != nil {
			t.Fatal(err)
		}

		for range 2 {
			s, err := n.Cancel(t.Context(), id)
			if got := short(s); err != nil ||
				got != `partial caption:done={"caption":"x"} nsfw:cancelled interrogation:cancelled palette:cancelled` {
				t.Errorf("%s %v", got, err)
			}
		}

		for _, form := range []string{b, c} {
			if _, err := n.submit(wanda,
				api.AlchemySubmit{ID: form, Result: map[string]any{"x": 1}}); horde.CodeOf(err) != horde.DuplicateGen {
				t.Errorf("delivered after the cancel: %v", err)
			}
		}

		n.clock.Advance(kind.TTL + time.Second)
		n.sweep()
		if n.balance(alice) != 1000-3-3-5 || n.balance(wanda) != 1004 || n.balance(walter) != 1000.5 {
			t.Errorf("alice %v, wanda %v, walter %v", n.balance(alice), n.balance(wanda), n.balance(walter))
		}

		if w := n.Fleet.ByName("c"); w.Totals.Kudos != horde.Whole(3) || w.Totals.Fulfilments != 1 ||
			w.Totals.Uncompleted != 0 {
			t.Errorf("worker %+v", w.Totals)
		}

		if _, err := n.Cancel(t.Context(), horde.NewID()); horde.CodeOf(err) != horde.RequestNotFound {
			t.Error(err)
		}

		n.sound()
	})
}

// Whatever is not done is cancelled, a form that was given up too (generation §3.2).
func TestWhatIsNotDoneIsCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
		for range settle.Forms.MaxFailures {
			if _, err := n.submit(walter,
				api.AlchemySubmit{ID: n.pop(n.offer(walter, "w")).Forms[0].ID, State: "faulted"}); err != nil {
				t.Fatal(err)
			}
		}
		if got := n.state(id); got != "faulted caption:faulted" {
			t.Fatal(got)
		}
		if s, err := n.Cancel(t.Context(), id); err != nil || short(s) != "partial caption:cancelled" {
			t.Errorf("%s %v", short(s), err)
		}
		if n.balance(alice) != 1000 {
			t.Errorf("it cost %v", 1000-n.balance(alice))
		}
		n.sound()
	})
}
