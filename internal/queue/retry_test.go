package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// craft is one kind of work as the tests of tries use it: workers go by their names
// and belong to one owner.
type craft struct {
	name  string
	ask   func(*shop, errand) string
	offer func(*shop, string) *fleet.Offer
	pop   func(*shop, *fleet.Offer) ([]string, []api.WorkerMessage)
	end   func(s *shop, job, state string) error
	check func(*shop, string) (api.Check, error)
}

// errand is what a request of the tests asks for.
type errand struct {
	jobs    int // 0: 1
	workers []string
	not     bool // workers are those that must not
}

var crafts = []craft{
	{
		name: "image",
		ask: func(s *shop, o errand) string {
			a := ask(s.asker, max(1, o.jobs))
			a.Body.Workers, a.Body.WorkerBlacklist = o.workers, &o.not
			return s.accept(s.T, a)
		},
		offer: func(s *shop, name string) *fleet.Offer {
			p := pop(name)
			p.Amount, p.RequireUpfrontKudos = ptr(4), ptr(strings.HasPrefix(name, "dear"))
			return s.node.offer(s.T, s.owner, p)
		},
		pop: func(s *shop, o *fleet.Offer) ([]string, []api.WorkerMessage) {
			job, err := s.Pop(context.Background(), o, 0)
			if err != nil {
				s.Fatal(err)
			}
			return job.IDs, job.Messages
		},
		end:   func(s *shop, job, state string) error { _, err := s.submit(s.owner.Key, job, state); return err },
		check: func(s *shop, id string) (api.Check, error) { return s.Check(s.Context(), id) },
	},
	{
		name: "text",
		ask: func(s *shop, o errand) string {
			a := askText(s.asker, max(1, o.jobs), "a/model")
			a.Body.Workers, a.Body.WorkerBlacklist = o.workers, &o.not
			return s.acceptText(s.T, a)
		},
		offer: func(s *shop, name string) *fleet.Offer {
			p := scribe(name)
			p.Amount = ptr(4)
			o, err := s.Fleet.CheckInText(s.Context(), s.owner.User, p, "10.0.0.1")
			if err != nil {
				s.Fatal(err)
			}
			return o
		},
		pop: func(s *shop, o *fleet.Offer) ([]string, []api.WorkerMessage) {
			job, err := s.PopText(context.Background(), o, 0)
			if err != nil {
				s.Fatal(err)
			}
			return job.IDs, job.Messages
		},
		end: func(s *shop, job, state string) error {
			_, err := s.SubmitText(context.Background(), s.owner.Key, api.TextSubmit{ID: job, Generation: "x", State: state})
			return err
		},
		check: func(s *shop, id string) (api.Check, error) {
			st, err := s.TextStatus(s.Context(), id)
			return st.Check, err
		},
	},
}

// shop is a node, a requester and an owner of workers.
type shop struct {
	*testing.T
	*node
	craft
	asker, owner hordetest.Person
}

// eachCraft runs a test of each kind of work on each database.
func eachCraft(t *testing.T, test func(s *shop)) {
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		for _, c := range crafts {
			t.Run(c.name, func(t *testing.T) {
				s := &shop{T: t, node: n, craft: c, asker: n.person(t, false, 1000), owner: n.person(t, true, 0)}
				test(s)
				if what := n.differs() + settled(db, n) + balanced(n); what != "" {
					t.Error(what)
				}
				s.close()
			})
		}
	})
}

// close lets everything expire and dismisses the workers, so that the next test finds
// nothing.
func (shop *shop) close() {
	shop.Helper()
	shop.clock.Advance(2 * time.Hour)
	if err := shop.Sweep(shop.Context()); err != nil {
		shop.Fatal(err)
	}
	for _, w := range shop.Fleet.Owned(shop.owner.ID) {
		if err := shop.Fleet.Delete(context.Background(), shop.owner.User, w); err != nil {
			shop.Fatal(err)
		}
	}
}

func (shop *shop) request(o ...errand) string {
	shop.Helper()
	return shop.craft.ask(shop, append(o, errand{})[0])
}

// here lets workers check in, without taking anything.
func (shop *shop) here(names ...string) {
	shop.Helper()
	for _, name := range names {
		shop.craft.offer(shop, name)
	}
}

// take pops for a worker.
func (shop *shop) takes(name string) []string {
	shop.Helper()
	jobs, _ := shop.craft.pop(shop, shop.craft.offer(shop, name))
	return jobs
}

func (shop *shop) gets(name string) []string {
	shop.Helper()
	jobs := shop.takes(name)
	if len(jobs) == 0 {
		shop.Fatalf("%s got nothing", name)
	}
	return jobs
}

func (shop *shop) getsNothing(name, because string) {
	shop.Helper()
	if jobs := shop.takes(name); len(jobs) > 0 {
		shop.Errorf("%s got a job, though %s", name, because)
	}
}

func (shop *shop) ends(state string, jobs ...string) {
	shop.Helper()
	for _, job := range jobs {
		if err := shop.craft.end(shop, job, state); err != nil {
			shop.Error(err)
		}
	}
}

// fails lets a worker take jobs and give all of them up.
func (shop *shop) fails(name string) {
	shop.Helper()
	shop.ends("faulted", shop.gets(name)...)
}

// proves lets a worker deliver something.
func (shop *shop) proves(name string) {
	shop.Helper()
	shop.request()
	shop.ends("ok", shop.gets(name)...)
}

// is demands where a request stands.
func (shop *shop) is(id string, faulted bool, waiting int) {
	shop.Helper()
	c, err := shop.craft.check(shop, id)
	if err != nil || c.Faulted != faulted || c.Waiting != waiting || c.Done != faulted {
		shop.Errorf("faulted %v, %d waiting wanted: %+v, %v", faulted, waiting, c, err)
	}
}

// worker is the newest snapshot of a worker.
func (shop *shop) worker(name string) *fleet.Worker { return shop.Fleet.ByName(name) }

func (shop *shop) set(name string, change api.ModifyWorker) {
	shop.Helper()
	if _, err := shop.Fleet.Modify(shop.Context(), shop.owner.User, shop.worker(name), change); err != nil {
		shop.Fatal(err)
	}
}

// A request does not go back to a worker that faulted or timed out on it while
// another one could serve it; nor to a worker that stands worse than another.
func TestFailedRequestIsLeftToOthers(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		for _, tt := range []struct {
			name string
			play func()
		}{
			{"reported", func() {
				s.here("bad", "good")
				s.request()
				s.fails("bad")
				s.getsNothing("bad", "it has failed and another is there")
				s.ends("ok", s.gets("good")...)
			}},
			{"out of time", func() {
				s.here("bad")
				s.request()
				s.gets("bad")
				s.clock.Advance(10 * time.Minute)
				s.here("good")
				if err := s.Sweep(s.Context()); err != nil {
					s.Fatal(err)
				}
				s.getsNothing("bad", "it has failed and another is there")
				s.ends("ok", s.gets("good")...)
			}},
			{"the other goes away", func() {
				s.here("bad", "good")
				s.request()
				s.fails("bad")
				s.getsNothing("bad", "it has failed and another is there")
				s.clock.Advance(301 * time.Second)
				s.ends("ok", s.gets("bad")...)
			}},
			{"the other goes into maintenance", func() {
				s.here("bad", "good")
				s.request()
				s.fails("bad")
				s.getsNothing("bad", "it has failed and another is there")
				s.set("good", api.ModifyWorker{Maintenance: ptr(true)})
				s.ends("ok", s.gets("bad")...)
				s.set("good", api.ModifyWorker{Maintenance: ptr(false)})
			}},
			{"aimed at one worker", func() {
				s.here("bad", "good")
				s.request(errand{workers: []string{s.worker("bad").ID}})
				s.fails("bad")
				s.ends("ok", s.gets("bad")...)
			}},
			{"the other is excluded", func() {
				s.here("bad", "good")
				s.request(errand{workers: []string{s.worker("good").ID}, not: true})
				s.fails("bad")
				s.ends("ok", s.gets("bad")...)
			}},
			{"the best first", func() {
				s.here("bad", "good")
				s.proves("good")
				s.here("new")
				s.request()
				s.fails("bad")
				s.getsNothing("new", "one is there that has delivered")
				s.ends("ok", s.gets("good")...)
			}},
			{"first tries are anybody's", func() {
				s.here("bad")
				s.proves("good")
				s.request()
				s.fails("bad")
				s.request()
				s.ends("ok", s.gets("bad")...)
				s.ends("ok", s.gets("good")...)
			}},
			{"nobody better is left", func() {
				s.here("bad", "worse", "good")
				s.proves("good")
				s.request()
				s.fails("bad")
				s.fails("good")
				s.ends("ok", s.gets("worse")...)
			}},
		} {
			s.Run(tt.name, func(t *testing.T) {
				outer := s.T
				s.T = t
				defer func() { s.T = outer }()
				tt.play()
				s.close()
			})
		}
	})
}

// Tries count by workers: the third that fails ends the request, however many jobs
// each of them gave up. Nothing waits then.
func TestThreeWorkersEndARequest(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		s.here("a", "b", "c", "d")
		id := s.request(errand{jobs: 4})
		s.fails("a")
		s.is(id, false, 4)
		s.getsNothing("a", "three others are there")
		s.fails("b")
		s.is(id, false, 4)
		s.fails("c")
		s.is(id, true, 0)
		s.getsNothing("d", "the request was given up")
		for _, name := range []string{"a", "b", "c"} {
			if w := s.worker(name); len(w.Totals.FailedPops) != 1 || w.Totals.Uncompleted != 4 {
				s.Errorf("%s: four jobs of one pop are %d failures in a row, %d uncompleted", name, len(w.Totals.FailedPops),
					w.Totals.Uncompleted)
			}
		}
	})
}

// Where no other worker could serve a request, the third fault ends it.
func TestOneWorkerHasThreeTries(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		s.here("one", "elsewhere")
		id := s.request()
		s.fails("one")
		s.set("elsewhere", api.ModifyWorker{Maintenance: ptr(true)})
		s.fails("one")
		s.is(id, false, 1)
		s.fails("one")
		s.is(id, true, 0)
	})
}

// Several jobs of a request that one pop gave up are one try while another worker
// could serve it. Where nobody else is left the third of them ends it, as recorded.
func TestOnePopIsOneTryWhileOthersAreThere(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		s.here("one", "two")
		id := s.request(errand{jobs: 4})
		s.fails("one")
		s.is(id, false, 4)
		s.set("two", api.ModifyWorker{Maintenance: ptr(true)})
		jobs := s.gets("one")
		s.ends("faulted", jobs[0])
		s.is(id, true, 0)
		s.ends("faulted", jobs[1:]...)
	})
}

func TestOnePopEndsARequestOfTheLastWorker(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		s.here("one")
		id := s.request(errand{jobs: 4})
		jobs := s.gets("one")
		s.ends("faulted", jobs[:2]...)
		s.is(id, false, 2)
		s.ends("faulted", jobs[2])
		s.is(id, true, 0)
		s.ends("faulted", jobs[3])
	})
}

// Restarting one node excuses nobody while another one serves: its late jobs are
// their workers' failures.
func TestLateJobsAreNotExcusedWhileAnotherNodeServed(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	for _, craft := range crafts {
		t.Run(craft.name, func(t *testing.T) {
			c := hordetest.NewClock()
			here := newNode(t, db, c)
			if err := here.Store.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}

			s := &shop{T: t, node: here, craft: craft, asker: here.person(t, false, 1000), owner: here.person(t, true, 0)}
			s.here("w", "other")
			s.request()
			s.gets("w")
			c.Advance(time.Hour / 4)
			restarted := newNode(t, db, c)
			c.Advance(time.Second)
			if err := here.Store.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}

			if err := restarted.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}

			if w := restarted.Fleet.ByName("w"); len(w.Totals.FailedPops) != 1 || w.Totals.Uncompleted != 1 {
				t.Errorf("%d failures in a row, %d uncompleted", len(w.Totals.FailedPops), w.Totals.Uncompleted)
			}

			s.node = restarted
			s.close()
		})
	}
}

// A worker that has failed at five pops in a row gets no jobs for ten minutes, and
// is told so. A delivery ends the row; a failure after the pause is one more.
func TestFailingWorkerIsSuspended(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		paused := func() bool {
			s.Helper()
			jobs, messages := s.craft.pop(s, s.craft.offer(s, "bad"))
			told := slices.ContainsFunc(messages, func(m api.WorkerMessage) bool {
				return strings.Contains(m.Message, "paused until") && m.Expiry != "" && m.ID != ""
			})
			if told != s.worker("bad").Suspended(s.clock.Micros()) {
				s.Errorf("told: %v, though suspended: %v", told, !told)
			}
			s.ends("faulted", jobs...)
			return len(jobs) == 0
		}
		s.here("bad", "good")
		for i := range 4 {
			s.request()
			if paused() {
				s.Fatalf("paused after %d failures", i)
			}
			s.ends("ok", s.gets("good")...)
		}
		s.request()
		s.ends("ok", s.gets("bad")...)
		for i := range 5 {
			s.request(errand{jobs: 2})
			if paused() {
				s.Fatalf("paused after %d failures since it delivered", i)
			}
			s.ends("ok", s.gets("good")...)
		}
		id := s.request()
		if !paused() {
			s.Error("it got a job after five failures")
		}
		if c, err := s.craft.check(s, id); err != nil || !c.IsPossible {
			s.Errorf("with the good one: %+v, %v", c, err)
		}
		s.set("good", api.ModifyWorker{Maintenance: ptr(true)})
		s.clock.Advance(2 * time.Second) // a verdict on the workers is used for one
		if c, err := s.craft.check(s, id); err != nil || c.IsPossible {
			s.Errorf("nobody else is there: %+v, %v", c, err)
		}
		s.clock.Advance(10*time.Minute - 3*time.Second)
		if !paused() {
			s.Error("it got a job within ten minutes")
		}
		s.clock.Advance(2 * time.Second)
		if paused() {
			s.Error("it is paused after ten minutes")
		}
		if !paused() {
			s.Error("a failure right after the pause pauses again")
		}

		// Its owner says that it is well.
		s.set("bad", api.ModifyWorker{Maintenance: ptr(false)})
		s.ends("ok", s.gets("bad")...)
		if w := s.worker("bad"); len(w.Totals.FailedPops) != 0 || w.Totals.SuspendedUntil != 0 {
			s.Errorf("%+v", w.Totals)
		}
	})
}

// A pause outlives the server, and other nodes know of it.
func TestSuspensionIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		s := &shop{T: t, node: n, craft: crafts[0], asker: n.person(t, false, 1000), owner: n.person(t, true, 0)}
		s.here("bad")
		for range 5 {
			s.request()
			s.fails("bad")
		}
		n.Store.Close()
		again := *s
		again.node = newNode(t, db, c)
		again.request()
		again.getsNothing("bad", "it was paused before the restart")
		c.Advance(10 * time.Minute)
		again.gets("bad")
	})
}

// What the requester or the server itself made of a job is not its worker's failure.
func TestHonestFailuresBlameNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		s := &shop{T: t, node: n, craft: crafts[0], asker: n.person(t, false, 1000), owner: n.person(t, true, 0)}
		blameless := func(what string) {
			t.Helper()
			if w := s.worker("w"); len(w.Totals.FailedPops) != 0 || w.Totals.Uncompleted != 0 {
				t.Errorf("%s: %d failures in a row, %d uncompleted", what, len(w.Totals.FailedPops), w.Totals.Uncompleted)
			}
		}
		s.here("w", "other")

		id := s.request()
		jobs := s.gets("w")
		if _, err := n.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.ends("faulted", jobs...)
		blameless("cancelled")

		// No worker can make anything of a source image that is gone.
		a := ask(s.asker, 1)
		a.Body.SourceImage = dotted
		id = n.accept(t, a)
		jobs = s.gets("w")
		if err := n.Blobs.Delete(t.Context(), id+"_src.webp"); err != nil {
			t.Fatal(err)
		}
		s.ends("faulted", jobs...)
		blameless("the source image is gone")
		s.is(id, true, 0)

		// The server was down when the time was over.
		id = s.request()
		s.gets("w")
		c.Advance(time.Hour / 4)
		n.Store.Close()
		back := *s
		back.node = newNode(t, db, c)
		if err := back.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = &back
		blameless("the server was down")
		s.is(id, false, 1)
		s.ends("ok", s.gets("w")...) // it did not fail on it
		if what := settled(db, s.node) + s.differs(); what != "" {
			t.Error(what)
		}
	})
}

// dotted is an image in base64.
var dotted = func() string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 64, 64))); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}()

// A request that three workers fail on is to blame itself: it pauses none of those
// that have delivered before, however many such requests there are.
func TestImpossibleRequestsPauseNobody(t *testing.T) {
	t.Parallel()
	eachCraft(t, func(s *shop) {
		names := []string{"a", "b", "c"}
		s.here(names...)
		for _, name := range names {
			s.proves(name)
		}
		for i := range 8 {
			id := s.request()
			for _, name := range names {
				s.fails(name)
			}
			s.is(id, true, 0)
			for _, name := range names {
				if w := s.worker(name); len(w.Totals.FailedPops) > 0 || w.Totals.SuspendedUntil > 0 {
					s.Fatalf("%s after %d of them: %+v", name, i+1, w.Totals)
				}
			}
		}
	})
}

// A worker that asks for kudos counts as another one only for who has them.
func TestAFailedRequestThatCannotBePaidHasFewerWorkers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		s := &shop{T: t, node: n, craft: crafts[0], asker: n.person(t, false, 1000), owner: n.person(t, true, 0)}
		s.here("bad", "dear")
		s.request()
		s.fails("bad")
		s.getsNothing("bad", "the other one would be paid")
		s.ends("ok", s.gets("dear")...)

		s.asker = n.person(t, false, 3)
		s.request()
		s.fails("bad")
		s.ends("ok", s.gets("bad")...)
	})
}

// Two nodes that do not hear of each other count the same workers: the third that
// fails ends a request, wherever each of them reported.
func TestTriesCountOnEveryNode(t *testing.T) {
	t.Parallel()
	for _, c := range crafts {
		t.Run(c.name, func(t *testing.T) {
			a, b := deaf(t)
			here := &shop{T: t, node: a, craft: c, asker: a.person(t, false, 1000), owner: a.person(t, true, 0)}
			there := *here
			there.node = b
			here.here("1", "2", "3", "4")
			if err := b.Fleet.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}

			id := here.request()
			here.fails("1")
			if err := b.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}

			there.getsNothing("1", "it has failed at the other node")
			there.fails("2")
			if err := a.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}

			jobs := here.gets("3")
			here.is(id, false, 0)
			there.ends("faulted", jobs...)
			there.is(id, true, 0)
			if err := a.Refresh(t.Context(), []string{id}); err != nil {
				t.Fatal(err)
			}

			here.is(id, true, 0)
			here.getsNothing("4", "the request was given up at the other node")
		})
	}
}

// leaving is a store that has just begun to take nothing, and whose worker hangs up while
// it is asked.
type leaving struct {
	blob.Store
	leave func()
}

func (l leaving) Ready(context.Context) error    { return nil }
func (l leaving) ReadyNow(context.Context) error { l.leave(); return errors.New("full") }

// TestOurOwnOutageBlamesNoWorker: a worker that gives a job up because our store is down
// is not blamed for it, though it hangs up at once.
func TestOurOwnOutageBlamesNoWorker(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, user := n.person(t, false, 1000), n.person(t, true, 1000)
	id := n.accept(t, ask(user, 1))
	job := n.take(t, owner, pop("w"))
	ctx, hangUp := context.WithCancel(t.Context())

	n.Blobs = leaving{n.Blobs, hangUp}
	_, err := n.Submit(ctx, owner.Key, api.ImageSubmit{ID: *job.ID, State: "faulted", Generation: "faulted"})
	if err != nil {
		t.Error(err)
	}

	jobs, err := n.Store.JobsOf(t.Context(), []string{id})
	if err != nil || len(jobs) != 1 || jobs[0].State != store.JobFaulted || !jobs[0].Excused {
		t.Errorf("jobs of the request: %+v, %v", jobs, err)
	}
	if w := n.Fleet.ByName("w"); w.Totals.Uncompleted > 0 {
		t.Errorf("the worker has %d uncompleted jobs", w.Totals.Uncompleted)
	}
}
