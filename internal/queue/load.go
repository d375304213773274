package queue

import (
	"time"

	"horde/internal/admission"
	"horde/internal/horde"
)

// loadLife is for how long the load of a kind is taken as it was counted (generation §5.9), so
// that what a request needs upfront does not change with every request beside it.
const loadLife = time.Minute

// load is how busy the horde is with a kind of work.
func (q *Queue) load(x *index) admission.Load {
	now := q.Clock.Micros()
	if c := x.load.Load(); c != nil && now-c.at < horde.MicrosIn(loadLife) {
		return c.Load
	}

	jobs, _ := x.queued()
	_, threads := q.Fleet.Count(x.kind.name)
	c := &counted{admission.Load{QueuedRequests: jobs, Threads: threads}, now}
	x.load.Store(c)
	return c.Load
}

// Size is how many requests of each kind are in memory, those that have just ended among
// them, and how many jobs of them.
func (q *Queue) Size(yield func(kind string, requests, jobs int)) {
	for _, x := range q.indexes() {
		requests, jobs := x.Size()
		yield(string(x.kind.name), requests, jobs)
	}
}

// Waiting is how many jobs of each kind wait.
func (q *Queue) Waiting(yield func(kind string, jobs int)) {
	for _, x := range q.indexes() {
		x.Lock()
		jobs := x.Requests.Total().Jobs
		x.Unlock()
		yield(string(x.kind.name), jobs)
	}
}

// BytesByUser adds how many bytes the requests of each user take that are not done to a sum.
func (q *Queue) BytesByUser(sum map[horde.UserID]int64) {
	for _, x := range q.indexes() {
		x.BytesByUser(sum)
	}
}

// Busy returns the workers that have a job in hand, by id.
func (q *Queue) Busy() map[string]bool {
	busy := map[string]bool{}
	for _, x := range q.indexes() {
		x.noteWorkers(busy)
	}
	return busy
}

// noteWorkers adds the workers that have a job of the index in hand.
func (x *index) noteWorkers(busy map[string]bool) {
	x.Lock()
	defer x.Unlock()

	for e := range x.Requests.All() {
		for _, j := range e.jobs {
			if inProgress(j) > 0 {
				busy[j.WorkerID] = true
			}
		}
	}
}

// queued is the jobs waiting and in progress (decision 23), and how many
// work units wait, from counters.
func (x *index) queued() (jobs int, units float64) {
	x.Lock()
	defer x.Unlock()

	all := x.Requests.Total()
	return all.Running + all.Jobs, float64(all.Units)
}
