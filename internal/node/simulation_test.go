package node

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// How a worker of the simulation goes about its jobs.
const (
	honest    = "honest"
	faulting  = "faults at once"
	hanging   = "hangs"           // it takes a job and is not heard of until its time is over
	devouring = "answers nothing" // it takes job after job and delivers none
)

// simulated is a worker of the simulation.
type simulated struct {
	party
	name, way string
	job       string        // in hand
	ready     time.Duration // when it acts again
	told      bool          // that it is paused
}

// simulation is a fleet under load, in which time goes by in strides.
type simulation struct {
	*testing.T
	trade
	n       *Node
	clock   *hordetest.Clock
	begun   time.Time
	dice    *rand.Rand
	askers  []party
	workers []*simulated
	open    map[string]bool // requests
	asked   int
	done    int
	faulted int
}

const (
	simulatedRequests = 150
	stride            = 10 * time.Second
	longest           = 40 * time.Minute // until all requests have to be at an end
)

func (s *simulation) now() time.Duration { return s.clock.Now().Sub(s.begun) }

// ask brings in requests of several users.
func (s *simulation) ask(k int) {
	for ; k > 0 && s.asked < simulatedRequests; k-- {
		var accepted struct{ ID string }
		who := s.askers[s.asked%len(s.askers)]
		if w := s.n.call(s.T, "POST", "/api/v2/"+s.asks, who.key, s.order, &accepted); w.Code != 202 {
			s.Fatalf("%d %s", w.Code, w.Body)
		}
		s.open[accepted.ID] = true
		s.asked++
	}
}

// pop asks for a job; "" when there is none.
func (s *simulation) pop(w *simulated) string {
	var job struct {
		ID       string
		Forms    []struct{ ID string }
		Messages []api.WorkerMessage
	}
	r := s.n.call(s.T, "POST", "/api/v2/"+s.pops, w.key, fmt.Sprintf(s.offer, w.name), nil)
	switch {
	case r.Code == 403 && strings.Contains(r.Body.String(), "WorkerMaintenance"): // for too many aborts
		return ""
	case r.Code != 200:
		s.Fatalf("%s: %d %s", w.name, r.Code, r.Body)
	}
	if err := json.Unmarshal(r.Body.Bytes(), &job); err != nil {
		s.Fatal(err)
	}
	for _, m := range job.Messages {
		w.told = w.told || strings.Contains(m.Message, "paused")
	}
	if len(job.Forms) > 0 {
		return job.Forms[0].ID
	}
	return job.ID
}

func (s *simulation) submit(w *simulated, members string) {
	r := s.n.call(s.T, "POST", "/api/v2/"+s.submits, w.key, fmt.Sprintf(`{"id":%q,%s}`, w.job, members), nil)
	if r.Code != 200 {
		s.Errorf("%s: %d %s", w.name, r.Code, r.Body)
	}
	w.job = ""
}

// act is what a worker does in one stride.
func (s *simulation) act(w *simulated) {
	if s.now() < w.ready {
		return
	}

	switch w.way {
	case honest:
		if w.job != "" {
			s.submit(w, s.result)
		}
		if w.job = s.pop(w); w.job != "" {
			w.ready = s.now() + time.Duration(5+s.dice.IntN(20))*time.Second
		}

	case faulting:
		for range 4 { // quicker than any honest one
			if w.job = s.pop(w); w.job != "" {
				s.submit(w, `"generation":"","result":{},"seed":-1,"state":"faulted"`)
			}
		}

	case hanging:
		if s.pop(w) != "" {
			w.ready = s.now() + s.ttl + time.Minute
		}

	case devouring:
		s.pop(w)
	}
}

// look counts the requests that are at an end.
func (s *simulation) look() {
	for id := range s.open {
		var st struct {
			api.Check
			State string
		}
		if w := s.n.call(s.T, "GET", "/api/v2/"+s.told+id, "", "", &st); w.Code != 200 {
			s.Errorf("a request is gone: %d %s", w.Code, w.Body)
			delete(s.open, id)
			continue
		}
		switch {
		case st.Faulted || st.State == "faulted":
			s.faulted++
			if st.Waiting != 0 {
				s.Errorf("of a request that was given up %d jobs wait", st.Waiting)
			}
		case st.Finished > 0 || st.State == "done":
			s.done++
		default:
			continue
		}
		delete(s.open, id)
	}
}

func (s *simulation) sweep() {
	if err := s.n.Queue.Sweep(s.Context()); err != nil {
		s.Fatal(err)
	}
	if err := s.n.Alchemy.Sweep(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// run lets requests come in and workers work until all requests are at an end.
func (s *simulation) run() {
	for step := 0; s.now() < longest; step++ {
		s.ask(10)
		s.dice.Shuffle(len(s.workers), func(i, j int) { s.workers[i], s.workers[j] = s.workers[j], s.workers[i] })
		for _, w := range s.workers {
			s.act(w)
		}
		if step%6 == 5 {
			s.sweep()
			s.look()
			if s.asked == simulatedRequests && len(s.open) == 0 {
				return
			}
		}
		s.clock.Advance(stride)
	}
}

// TestFleetWithBrokenWorkers: with one worker in ten broken, at least 99.5 % of all
// requests are delivered, and none is given up that an honest worker could have
// served. Broken workers are paused and told so.
func TestFleetWithBrokenWorkers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n, clock := clockedNode(t, db)
		for _, kind := range trades {
			t.Run(kind.name, func(t *testing.T) {
				d := newDeal(t, n, clock, kind)
				s := &simulation{T: t, trade: d.trade, n: n, clock: clock, begun: clock.Now(), dice: rand.New(rand.NewPCG(10, 3)),
					open: map[string]bool{}}
				for i := range 6 {
					s.askers = append(s.askers, d.person(fmt.Sprint(kind.name, " asker ", i), 10_000))
				}
				for i := range 30 {
					way := honest
					if i%10 == 0 {
						way = []string{faulting, hanging, devouring}[i/10]
					}
					s.workers = append(s.workers, &simulated{party: d.person(fmt.Sprint(kind.name, " owner ", i), 0),
						name: fmt.Sprint(kind.name, " ", i), way: way})
				}
				s.run()

				t.Logf("%d of %d delivered, %d given up, in %v", s.done, s.asked, s.faulted, s.now())
				if float64(s.done) < 0.995*float64(simulatedRequests) || s.faulted > 0 {
					t.Errorf("%d of %d requests were delivered, %d given up, %d are open after %v", s.done, s.asked,
						s.faulted, len(s.open), s.now())
				}
				for _, w := range s.workers {
					if (w.way == faulting || w.way == devouring) && !w.told {
						t.Errorf("the worker that %s was not told that it is paused", w.way)
					}
					if w.way == honest && w.told {
						t.Errorf("%s was paused", w.name)
					}
				}
				if a, err := n.Store.Audit(t.Context()); err != nil || !a.Sound() {
					t.Errorf("the ledger: %+v, %v", a, err)
				}
			})
		}
	})
}
