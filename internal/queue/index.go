package queue

import (
	"slices"

	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/store"
)

func newIndex(k *kind) *index {
	return &index{
		kind:     k,
		requests: live.NewTable[*entry, *entry](),
		queue:    match.NewIndex(k.counters),
		claims:   map[string]*claim{},
		ended:    live.NewEnded(),
	}
}

// ids are those of the requests in memory.
func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests.Keys()
}

// endedIDs are those of the requests that are over and not in memory.
func (x *index) endedIDs() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended.Keys()
}

// addLocked takes a live request into the index: a new one, or one that is over and
// somebody asks for.
func (x *index) addLocked(e *entry) {
	x.ended.Remove(e.Key())
	x.requests.Add(e)
	x.queue.Update(&e.item, itemState(e.state))
}

// removeLocked forgets a request.
func (x *index) removeLocked(e *entry) {
	if !x.requests.Remove(e) {
		return
	}
	for _, j := range e.jobs {
		x.requests.DropPart(j.ID)
		x.running -= inProgress(j)
	}
	x.queue.Remove(&e.item)
}

// retireLocked takes out of memory what is over.
func (x *index) retireLocked(now horde.Micros) {
	for _, e := range x.requests.Over(now) {
		x.removeLocked(e)
		x.noteEndedLocked(&e.row, e.state.Faulted)
	}
}

// listEnded lists the requests that are over as they were read, in place of those that were
// listed before.
func (x *index) listEnded(before []string, rows []store.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range before {
		x.ended.Remove(id)
	}
	for i := range rows {
		if rows[i].Kind == x.kind.name {
			x.noteEndedLocked(&rows[i], rows[i].Faulted)
		}
	}
}

// noteEndedLocked notes a request that is over and not in memory, for its user's list of live ones.
func (x *index) noteEndedLocked(row *store.Request, faulted bool) {
	if !faulted && x.requests.Get(row.ID) == nil {
		x.ended.Add(row.ID, row.UserID)
	}
}

// applyLocked takes a state that the database returned, unless a newer one is known.
func (x *index) applyLocked(e *entry, s store.RequestState) {
	if s.Version <= e.state.Version || !x.requests.Has(e) { // or it was removed meanwhile
		return
	}
	e.state = s
	x.requests.Changed(e)
	x.queue.Update(&e.item, itemState(s))
}

// endJobLocked takes the end of a job.
func (x *index) endJobLocked(end store.JobEnd) {
	e := x.requests.Part(end.ID)
	if e == nil {
		return
	}
	i := slices.IndexFunc(e.jobs, func(j *store.Job) bool { return j.ID == end.ID })
	j := *e.jobs[i]
	j.JobResult, j.Seed = end.JobResult, end.JobResult.Seed
	x.setJobLocked(e, j)
}

// reserve notes a claim that is being committed, for releaseLocked.
func (x *index) reserve(pop string, c *claim) {
	if c.decoy { // it takes nothing
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claims[pop] = c
}

// releaseLocked gives back what a claim has reserved, and reports whether it had not
// been given back before.
func (x *index) releaseLocked(pop string) bool {
	c := x.claims[pop]
	if c == nil {
		return false
	}
	delete(x.claims, pop)
	c.e.item.Reserved -= c.n
	return true
}

// release is releaseLocked for who does not hold the lock.
func (x *index) release(pop string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.releaseLocked(pop)
}

// setJobLocked adds a job to its request or takes its newer state.
func (x *index) setJobLocked(e *entry, j store.Job) {
	if !x.requests.Has(e) { // it was removed meanwhile
		return
	}

	i := slices.IndexFunc(e.jobs, func(old *store.Job) bool { return old.ID == j.ID })
	switch {
	case i < 0:
		e.jobs = append(e.jobs, &j)
		x.running += inProgress(&j)
		x.requests.SetPart(j.ID, e)
		if j.Decoy {
			if e.item.DecoyWorkers == nil {
				e.item.DecoyWorkers = map[string]bool{}
			}
			e.item.DecoyWorkers[j.WorkerID], e.rivals = true, kinds.Rivals{}
		}
	case e.jobs[i].State == store.JobRunning && j.State != store.JobRunning:
		x.running -= inProgress(e.jobs[i])
		e.jobs[i] = &j
		e.noteBusy(j.WorkerID, j.Finished)
	}

	if j.State != store.JobRunning {
		delete(e.reports, j.ID)
	}
	if j.State == store.JobFaulted && !j.Decoy && !j.Excused && !e.failed[j.WorkerID] {
		e.blame(j.WorkerID)
	}
	x.requests.Changed(e) // what is done takes nothing of the bounds
}
