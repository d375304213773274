package queue

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"horde/internal/match"
	"horde/internal/store"
	"horde/internal/waiting"
)

// index holds the live requests of one kind as this node knows them. All of it
// but kind, waiters and load, the entries' moving fields included, is guarded by mu;
// nothing under mu waits for the database.
type index struct {
	kind    *kind
	waiters waiting.Room[*match.Worker] // pops
	load    atomic.Pointer[counted]
	mu      sync.Mutex
	entries map[string]*entry
	jobs    map[string]*entry // by job id
	queue   *match.Index      // what waits
	holders map[int64]*holder // by user
	coming  map[string]*entry // requests that are being committed, by id
	running int               // jobs in progress, fake ones not counted
	backlog int64             // things of all waiting jobs
}

// holder is what one user has in the queue.
type holder struct {
	entries map[*entry]bool
	coming  int            // requests that are being committed
	waiting int            // jobs, those of requests that are coming too
	byModel map[string]int // jobs of requests that name the model
}

func newIndex(k *kind) *index {
	return &index{
		kind:    k,
		queue:   match.NewIndex(k.counters),
		entries: map[string]*entry{},
		jobs:    map[string]*entry{},
		holders: map[int64]*holder{},
		coming:  map[string]*entry{},
	}
}

// ids are those of all requests in the index.
func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.entries))
}

// bump adds n to the count of a key, and drops one of which nothing is left.
func bump[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// add takes a new live request into the index.
func (x *index) add(e *entry) {
	x.leavePlaceLocked(e.row.ID) // else it would count twice
	x.entries[e.row.ID] = e
	x.holder(e.row.UserID).entries[e] = true
	x.count(e, 1)
	x.queue.Update(&e.item, itemState(e.state))
}

// remove forgets a request.
func (x *index) remove(e *entry) {
	if x.entries[e.row.ID] != e {
		return
	}
	delete(x.entries, e.row.ID)
	for _, j := range e.jobs {
		delete(x.jobs, j.ID)
		x.running -= inProgress(j)
	}
	x.queue.Remove(&e.item)
	x.count(e, -1)
	delete(x.holders[e.row.UserID].entries, e)
	x.tidyHolder(e.row.UserID)
	e.wake()
}

// holder is what a user has, made when there was nothing.
func (x *index) holder(user int64) *holder {
	h := x.holders[user]
	if h == nil {
		h = &holder{entries: map[*entry]bool{}, byModel: map[string]int{}}
		x.holders[user] = h
	}
	return h
}

func (x *index) tidyHolder(user int64) {
	if h := x.holders[user]; len(h.entries) == 0 && h.coming == 0 {
		delete(x.holders, user)
	}
}

// countedWaiting is what a request counts against its owner's concurrency.
func (e *entry) countedWaiting() int {
	if e.state.Faulted {
		return 0
	}
	return e.state.Waiting
}

// count adds what a request has waiting to the sums, or takes it off (sign −1).
func (x *index) count(e *entry, sign int) {
	n := sign * e.countedWaiting()
	x.backlog += int64(n) * e.work.WorkUnits()
	x.holders[e.row.UserID].count(e, n)
}

// count adds n jobs of a request to what its user has waiting.
func (h *holder) count(e *entry, n int) {
	h.waiting += n
	for _, m := range e.models() {
		bump(h.byModel, m, n)
	}
}

// apply takes a state that the database returned, unless a newer one is known.
func (x *index) apply(e *entry, s store.RequestState) {
	if s.Version <= e.state.Version || x.entries[e.row.ID] != e { // or it was removed meanwhile
		return
	}
	x.count(e, -1)
	e.state = s
	x.count(e, 1)
	x.queue.Update(&e.item, itemState(s))
	e.wake()
}

// setJob adds a job to its request or takes its newer state.
func (x *index) setJob(e *entry, j store.Job) {
	if x.entries[e.row.ID] != e { // it was removed meanwhile
		return
	}
	i := slices.IndexFunc(e.jobs, func(old *store.Job) bool { return old.ID == j.ID })
	switch {
	case i < 0:
		e.jobs = append(e.jobs, &j)
		x.running += inProgress(&j)
		x.jobs[j.ID] = e
		if j.Fake {
			if e.item.DecoyWorkers == nil {
				e.item.DecoyWorkers = map[string]bool{}
			}
			e.item.DecoyWorkers[j.WorkerID], e.untried = true, untried{}
		}
	case e.jobs[i].State == store.JobRunning && j.State != store.JobRunning:
		x.running -= inProgress(e.jobs[i])
		e.jobs[i] = &j
		e.hear(j.WorkerID, j.Finished)
	}
	if j.State != store.JobRunning {
		delete(e.reports, j.ID)
	}
	if j.State == store.JobFaulted && !j.Fake && !j.Excused && !e.failed[j.WorkerID] {
		e.blame(j.WorkerID)
	}
	e.wake()
}

// blame notes that a worker has failed on a request.
func (e *entry) blame(worker string) {
	failed := maps.Clone(e.failed)
	if failed == nil {
		failed = map[string]bool{}
	}
	failed[worker] = true
	e.failed, e.untried, e.verdict = failed, untried{}, possibility{}
}

func inProgress(j *store.Job) int {
	if j.State == store.JobRunning && !j.Fake {
		return 1
	}
	return 0
}

// offer wakes the pops that new or requeued requests may be for. It asks only what
// never changes of a request, so it needs no lock on the index.
func (x *index) offer(entries ...*entry) {
	x.waiters.Offer(func(w *match.Worker) bool {
		return slices.ContainsFunc(entries, func(e *entry) bool { return w.Wakes(&e.item) })
	})
}

// wake tells those who follow a request that something changed.
func (e *entry) wake() { e.watches.Note(e.row.ID) }
