package alchemy

import (
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	kind "horde/internal/kinds/form"
	"horde/internal/store/storetest"
)

// troupe is some alchemists of one owner, by name.
type troupe struct {
	*testing.T
	*node
	asker, owner hordetest.Person
}

func newTroupe(t *testing.T, n *node) *troupe {
	return &troupe{T: t, node: n, asker: n.person("alice", false), owner: n.person("walter", true)}
}

func (s *troupe) request(names ...string) string {
	s.Helper()
	if len(names) == 0 {
		names = []string{"caption"}
	}
	return s.ask(s.asker, api.AlchemyRequest{Forms: forms(names...)})
}

func (s *troupe) here(names ...string) {
	s.Helper()
	for _, name := range names {
		s.offer(s.owner, name)
	}
}

func (s *troupe) takes(name string) (ids []string) {
	s.Helper()
	for _, f := range s.pop(s.offer(s.owner, name, amount(4))).Forms {
		ids = append(ids, f.ID)
	}
	return ids
}

func (s *troupe) gets(name string) []string {
	s.Helper()
	ids := s.takes(name)
	if len(ids) == 0 {
		s.Fatalf("%s got nothing", name)
	}
	return ids
}

func (s *troupe) getsNothing(name, because string) {
	s.Helper()
	if ids := s.takes(name); len(ids) > 0 {
		s.Errorf("%s got a form, though %s", name, because)
	}
}

func (s *troupe) fails(name string) {
	s.Helper()
	for _, id := range s.gets(name) {
		if _, err := s.submit(s.owner, api.AlchemySubmit{ID: id, State: "faulted"}); err != nil {
			s.Error(err)
		}
	}
}

func (s *troupe) delivers(ids ...string) {
	s.Helper()
	for _, id := range ids {
		if _, err := s.submit(s.owner, api.AlchemySubmit{ID: id, Result: map[string]any{"caption": "x"}}); err != nil {
			s.Error(err)
		}
	}
}

func (s *troupe) is(id, want string) {
	s.Helper()
	if got := s.state(id); got != want {
		s.Errorf("%s, want %s", got, want)
	}
}

func (s *troupe) set(name string, change api.ModifyWorker) {
	s.Helper()
	if _, err := s.Fleet.Modify(s.Context(), s.owner.User, s.Fleet.ByName(name), change); err != nil {
		s.Fatal(err)
	}
}

// A form does not go back to a worker that faulted or timed out on it while another
// one could fill it in, nor to one that stands worse than another.
func TestFailedFormIsLeftToOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		play func(s *troupe)
	}{
		{"reported", func(s *troupe) {
			s.here("bad", "good")
			s.request()
			s.fails("bad")
			s.getsNothing("bad", "it has failed and another is there")
			s.delivers(s.gets("good")...)
		}},
		{"out of time", func(s *troupe) {
			s.request()
			s.gets("bad")
			s.clock.Advance(kind.TTL + time.Second)
			s.here("good")
			s.sweep()
			s.getsNothing("bad", "it has failed and another is there")
			s.delivers(s.gets("good")...)
		}},
		{"the other does not offer it", func(s *troupe) {
			s.offer(s.owner, "other", func(p *api.AlchemyPop) { p.Forms = []string{"nsfw"} })
			s.request()
			s.fails("bad")
			s.delivers(s.gets("bad")...)
		}},
		{"the other goes away", func(s *troupe) {
			s.here("good")
			s.request()
			s.fails("bad")
			s.clock.Advance(301 * time.Second)
			s.delivers(s.gets("bad")...)
		}},
		{"the other goes into maintenance", func(s *troupe) {
			s.here("good")
			s.request()
			s.fails("bad")
			s.getsNothing("bad", "it has failed and another is there")
			s.set("good", api.ModifyWorker{Maintenance: new(true)})
			s.delivers(s.gets("bad")...)
		}},
		{"the best first", func(s *troupe) {
			s.request()
			s.delivers(s.gets("good")...)
			s.here("new")
			s.request()
			s.fails("bad")
			s.getsNothing("new", "one is there that has delivered")
			s.delivers(s.gets("good")...)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) { tt.play(newTroupe(t, n)); n.sound() })
		})
	}
}

// Tries count by workers: the third that fails ends a form. It pauses none of those
// that have delivered before.
func TestThreeWorkersEndAForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		s := newTroupe(t, n)
		names := []string{"a", "b", "c"}
		for _, name := range names {
			s.request()
			s.delivers(s.gets(name)...)
		}

		s.here("d")
		for range 6 {
			id := s.request()
			s.fails("a")
			s.is(id, "waiting caption:waiting")
			s.getsNothing("a", "three others are there")
			s.fails("b")
			s.is(id, "waiting caption:waiting")
			s.fails("c")
			s.is(id, "faulted caption:faulted")
			s.getsNothing("d", "the form was given up")
		}

		for _, name := range names {
			if w := s.Fleet.ByName(name); len(w.Totals.FailedPops) > 0 || w.Totals.Uncompleted != 6 {
				t.Errorf("%s: %+v", name, w.Totals)
			}
		}

		n.sound()
	})
}

// An alchemist that has failed at five pops in a row gets no forms for ten minutes,
// and is told so. The forms of one pop are one failure.
func TestFailingAlchemistIsSuspended(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := newTroupe(t, newNode(t, db, c))
		s.here("good")
		for i := range 5 {
			if m := s.Fleet.MessagesFor(s.Fleet.ByName("good").ID); len(m) > 0 {
				t.Fatalf("told: %+v", m)
			}
			s.request("caption", "nsfw", "palette")
			if i > 0 { // what it failed on before is left to others
				s.delivers(s.gets("good")...)
				s.request("caption", "nsfw", "palette")
			}
			s.fails("bad")
			s.delivers(s.gets("good")...)
		}
		s.request()
		s.getsNothing("bad", "it is paused")
		w := s.Fleet.ByName("bad")
		if m := s.Fleet.MessagesFor(w.ID); len(m) != 1 || !strings.Contains(m[0].Message, "paused until") ||
			!w.Suspended(horde.MicrosOf(c.Now())) || w.Standing() != fleet.Failing {
			t.Errorf("told: %+v, %+v", m, w.Totals)
		}

		s.Store.Close()
		s.node = newNode(t, db, c)
		s.getsNothing("bad", "it was paused before the restart")
		c.Advance(10 * time.Minute)
		s.delivers(s.gets("bad")...)
		if w := s.Fleet.ByName("bad"); w.Standing() != fleet.Proven || len(s.Fleet.MessagesFor(w.ID)) > 0 {
			t.Errorf("after a delivery: %+v", w.Totals)
		}
		s.sound()
	})
}

// What the server itself made of a form is not its worker's failure.
func TestHonestFailuresOfFormsBlameNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s := newTroupe(t, newNode(t, db, c))
		blameless := func(what string) {
			t.Helper()
			if w := s.Fleet.ByName("w"); len(w.Totals.FailedPops) != 0 || w.Totals.Uncompleted != 0 {
				t.Errorf("%s: %+v", what, w.Totals)
			}
		}
		id := s.request()
		if err := s.Blobs.Delete(t.Context(), id+".webp"); err != nil {
			t.Fatal(err)
		}
		s.here("other")
		s.fails("w")
		blameless("the source image is gone")
		s.is(id, "faulted caption:faulted")

		id = s.request()
		s.gets("w")
		c.Advance(10 * time.Minute)
		s.Store.Close()
		s.node = newNode(t, db, c)
		s.sweep()
		blameless("the server was down")
		s.is(id, "waiting caption:waiting")
		s.delivers(s.gets("w")...)
		s.sound()
	})
}

// Restarting one node excuses nobody while another one serves: its late forms are
// their workers' failures.
func TestLateFormsAreNotExcusedWhileAnotherNodeServed(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	s := newTroupe(t, newNode(t, db, c))
	if err := s.Store.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.here("w", "other")
	s.request()
	s.gets("w")
	c.Advance(time.Hour / 4)
	restarted := newNode(t, db, c)
	c.Advance(time.Second)
	if err := s.Store.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	restarted.sweep()
	if w := restarted.Fleet.ByName("w"); len(w.Totals.FailedPops) != 1 || w.Totals.Uncompleted != 1 {
		t.Errorf("%d failures in a row, %d uncompleted", len(w.Totals.FailedPops), w.Totals.Uncompleted)
	}
}

// A form that was cancelled on the way is paid, and shows nothing of its worker: one
// that never delivered stays new.
func TestCancelledFormsProveNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		s := newTroupe(t, n)
		s.here("w")
		id := s.request()
		s.gets("w")
		if _, err := n.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w := n.Fleet.ByName("w")
		if w.Totals.Fulfilments != 1 || fleet.HasDelivered(&w.Worker) || w.Standing() != fleet.Untried {
			t.Errorf("after a form that was cancelled: it has delivered: %v, stands %v, %+v", fleet.HasDelivered(&w.Worker),
				w.Standing(), w.Totals)
		}
		s.request()
		s.delivers(s.gets("w")...)
		if w := n.Fleet.ByName("w"); !fleet.HasDelivered(&w.Worker) || w.Standing() != fleet.Proven {
			t.Errorf("after a delivery: stands %v", w.Standing())
		}
	})
}

// Two nodes that do not hear of each other count the same workers.
func TestTriesCountOnEveryNode(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	here := newTroupe(t, newNode(t, db, c))
	there := *here
	there.node = newNode(t, db, c)
	here.here("1", "2", "3", "4")
	if err := there.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	id := here.request()
	here.fails("1")
	if err := there.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	there.getsNothing("1", "it has failed at the other node")
	there.fails("2")
	if err := here.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	here.getsNothing("2", "it has failed at the other node")
	form := here.gets("3")[0]
	if _, err := there.submit(there.owner, api.AlchemySubmit{ID: form, State: "faulted"}); err != nil {
		t.Error(err)
	}

	there.is(id, "faulted caption:faulted")
	if err := here.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	here.is(id, "faulted caption:faulted")
}
