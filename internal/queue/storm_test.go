package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// storm is many goroutines that use one queue, on two nodes where there can be
// two, as clients and workers do.
type storm struct {
	t      *rapid.T
	nodes  []*node
	people []hordetest.Person

	mu       sync.Mutex
	requests []string
	running  []assignedJob
	claimed  map[string]bool
	problems []string
}

type assignedJob struct {
	id    string
	owner hordetest.Person
}

func (s *storm) complain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// step is one thing that a client, a worker or a node does.
type step struct {
	what string
	node int
	a, b int // what they mean depends on what
}

var stormSteps = []string{"accept", "accept", "accept", "pop", "pop", "pop", "pop", "pop", "ok", "ok", "ok", "ok",
	"twice", "censored",
	"faulted", "faulted", "cancel", "check", "sweep", "late"}

// TestEveryJobIsSettledOnceInAStorm runs random mixes of everything at once. At the end no job was given
// to two workers, each finished job was paid once, the accounting of every request
// holds, and the index of every node equals the database.
func TestEveryJobIsSettledOnceInAStorm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		rapid.Check(t, func(rt *rapid.T) {
			s := &storm{t: rt, nodes: all, claimed: map[string]bool{}}
			for i := range 6 {
				s.people = append(s.people, all[0].person(rt, i == 0, int64(40*i)))
			}

			plan := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
				return step{rapid.SampledFrom(stormSteps).Draw(t, "what"), rapid.IntRange(0, len(all)-1).Draw(t, "node"),
					rapid.IntRange(0, 99).Draw(t, "a"), rapid.IntRange(0, 99).Draw(t, "b")}
			}), 5, 40), 4, 12).Draw(rt, "plan")

			var wg sync.WaitGroup
			for _, steps := range plan {
				wg.Go(func() {
					for _, st := range steps {
						s.do(st)
					}
				})
			}

			wg.Wait()
			for _, p := range s.problems {
				rt.Error(p)
			}

			s.check(db)
		})
	})
}

func (s *storm) do(st step) {
	n := s.nodes[st.node]
	switch st.what {
	case "accept":
		s.accept(n, st)
	case "pop":
		s.pop(n, st)
	case "ok", "censored", "faulted":
		if j, ok := s.pick(st.a, true); ok {
			s.submit(n, j, st.what)
		}

	case "twice": // a worker that repeats itself, at another node where there is one
		if j, ok := s.pick(st.a, true); ok {
			var wg sync.WaitGroup
			for i := range 3 {
				wg.Go(func() { s.submit(s.nodes[(st.node+i)%len(s.nodes)], j, "ok") })
			}
			wg.Wait()
		}

	case "cancel", "check":
		s.mu.Lock()
		id := ""
		if len(s.requests) > 0 {
			id = s.requests[st.a%len(s.requests)]
		}
		s.mu.Unlock()
		s.look(n, id, st.what)

	case "sweep":
		if err := n.Sweep(context.Background()); err != nil {
			s.complain("sweep: %v", err)
		}

	case "late":
		n.clock.Advance(time.Duration(st.b) * 4 * time.Second) // 150 s is the least that a job is given
	}
}

func (s *storm) accept(n *node, st step) {
	a := ask(s.people[st.a%len(s.people)], 1+st.b%5)
	switch st.b % 4 {
	case 0:
		*a.Body.Models = []string{}
	case 1:
		*a.Body.Models = []string{"Deliberate", "Dreamshaper"}
	}
	a.Body.SlowWorkers = ptr(st.b%7 != 0) // else kudos are held
	answer, err := n.Accept(context.Background(), a)
	switch code := horde.CodeOf(err); {
	case err == nil:
		s.mu.Lock()
		s.requests = append(s.requests, answer.Accepted.ID)
		s.mu.Unlock()
	case code != horde.TooManyPrompts && code != horde.KudosUpfront:
		s.complain("accept: %v", err)
	}
}

func (s *storm) pop(n *node, st step) {
	owner := s.people[st.a%3]
	models := [][]string{nil, {"Deliberate"}, {"Deliberate", "Dreamshaper", "horde_sketch"}}[st.b%3]
	p := pop(fmt.Sprint("worker of ", owner.ID, st.b%2), models...)
	p.Amount = ptr(1 + st.b%4)
	p.RequireUpfrontKudos = ptr(st.b%5 == 0)
	o, err := n.Fleet.CheckInImage(context.Background(), owner.User, p, "10.0.0.1")
	if err != nil {
		s.complain("check in: %v", err)
		return
	}

	job, err := n.Pop(context.Background(), o, time.Duration(st.b%3)*time.Millisecond)
	if err != nil {
		if horde.CodeOf(err) != horde.WorkerMaintenance {
			s.complain("pop: %v", err)
		}
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	for _, id := range job.IDs {
		if s.claimed[id] {
			s.problems = append(s.problems, "job "+id+" was given out twice")
		}
		s.claimed[id] = true
		s.running = append(s.running, assignedJob{id, owner})
	}
}

func (s *storm) pick(i int, remove bool) (assignedJob, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.running) == 0 {
		return assignedJob{}, false
	}
	i %= len(s.running)
	j := s.running[i]
	if remove {
		s.running = append(s.running[:i], s.running[i+1:]...)
	}
	return j, true
}

func (s *storm) submit(n *node, j assignedJob, state string) {
	_, err := n.submit(j.owner.Key, j.id, state)
	switch horde.CodeOf(err) {
	case horde.DuplicateGen, horde.AbortedGen, horde.InvalidJobID:
	default:
		if err != nil {
			s.complain("submit %s: %v", state, err)
		}
	}
}

func (s *storm) look(n *node, id, what string) {
	if id == "" {
		return
	}
	var err error
	var c api.Check
	if what == "cancel" {
		var st api.ImageStatus
		st, err = n.Cancel(context.Background(), id)
		c = st.Check
	} else {
		c, err = n.Check(context.Background(), id)
	}
	if err != nil {
		if horde.CodeOf(err) != horde.RequestNotFound {
			s.complain("%s: %v", what, err)
		}
		return
	}
	if c.Waiting < 0 || c.Processing < 0 || c.Finished < 0 || c.Waiting+c.Processing+c.Finished > 5+2 {
		s.complain("%s: %+v", what, c)
	}
}

// check looks at the quiet horde after a storm, then lets it come to its end.
func (s *storm) check(db *storetest.DB) {
	fatal := func(what, details string) {
		if details != "" {
			s.t.Fatalf("%s: %s", what, details)
		}
	}

	n := s.nodes[0]
	fatal("accounting", balanced(n))
	fatal("settlement", settled(db, n))

	for i, n := range s.nodes {
		fatal(fmt.Sprint("index of node ", i), hordetest.Eventually(n.differs))
		again, err := New(context.Background(), n.Config)
		if err != nil {
			s.t.Fatal(err)
		}
		fatal("index after a start", (&node{Queue: again, clock: n.clock}).differs())
	}

	for _, j := range s.running {
		s.submit(s.nodes[rand.IntN(len(s.nodes))], j, "ok")
	}

	if len(s.problems) > 0 {
		s.t.Fatal(s.problems)
	}

	fatal("accounting after the last submit", balanced(n))
	fatal("settlement after the last submit", settled(db, n))
	fatal("holds", s.holds())
	n.clock.Advance(2 * time.Hour)

	var wg sync.WaitGroup
	for _, n := range s.nodes {
		wg.Go(func() {
			if err := n.Sweep(context.Background()); err != nil {
				s.complain("last sweep: %v", err)
			}
		})
	}

	wg.Wait()
	for i, n := range s.nodes {
		fatal(fmt.Sprint("index of node ", i, " at the end"), hordetest.Eventually(func() string {
			if k := len(n.images.Keys()); k > 0 {
				return fmt.Sprint(k, " requests left")
			}
			return n.differs()
		}))
	}

	fatal("settlement at the end", settled(db, n))
	if len(s.problems) > 0 {
		s.t.Fatal(s.problems)
	}
}

// holds tells which hold belongs to a request of which nothing more will be
// charged.
func (s *storm) holds() string {
	db, err := readTruth(s.nodes[0])
	if err != nil {
		return err.Error()
	}
	for id, row := range db.requests {
		running := 0
		for _, j := range db.jobs[id] {
			if j.State == store.JobRunning && !j.Decoy {
				running++
			}
		}
		if running > 0 || row.Waiting > 0 && !row.Faulted {
			continue
		}
		err := s.nodes[0].Store.Write(context.Background(), store.Unit{Do: func(tx *store.Tx) error {
			_, err := tx.Hold(settle.HoldOfRequest(id))
			return err
		}})
		if err == nil {
			return fmt.Sprintf("kudos are still held for request %s, of which nothing is left: %+v", id, row.RequestState)
		}
	}
	return ""
}
