package queue

import (
	"slices"

	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/store"
)

func newIndex(k *kind, p *partials) *index {
	return &index{
		Index:    live.NewIndex[*entry, *entry](k.counters),
		kind:     k,
		partials: p,
		claims:   map[string]*claim{},
	}
}

// applyLocked takes a state that the database returned, unless a newer one is known.
func (x *index) applyLocked(e *entry, s store.RequestState) {
	if s.Version <= e.state.Version || !x.Requests.Has(e) { // or it was removed meanwhile
		return
	}
	e.state = s
	x.Requests.Changed(e)
	x.Queue.Update(&e.item, itemState(s))
}

// endJobLocked takes the end of a job.
func (x *index) endJobLocked(end store.JobEnd) {
	e := x.Requests.Part(end.ID)
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
	x.Lock()
	defer x.Unlock()
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
	x.Lock()
	defer x.Unlock()
	return x.releaseLocked(pop)
}

// setJobLocked adds a job to its request or takes its newer state.
func (x *index) setJobLocked(e *entry, j store.Job) {
	if !x.Requests.Has(e) { // it was removed meanwhile
		return
	}

	if len(j.Result) > maxKept {
		if e.long == nil {
			e.long = map[string]int{}
		}
		e.long[j.ID] = len(j.Result)
		j.Result = ""
	}

	i := slices.IndexFunc(e.jobs, func(old *store.Job) bool { return old.ID == j.ID })
	switch {
	case i < 0:
		e.jobs = append(e.jobs, &j)
		x.Requests.SetPart(j.ID, e)
		if j.Decoy {
			if e.item.DecoyWorkers == nil {
				e.item.DecoyWorkers = map[string]bool{}
			}
			e.item.DecoyWorkers[j.WorkerID], e.rivals = true, kinds.Rivals{}
		}
	case e.jobs[i].State == store.JobRunning && j.State != store.JobRunning:
		e.jobs[i] = &j
		e.noteBusy(j.WorkerID, j.Finished)
	}

	if j.State != store.JobRunning {
		delete(e.reports, j.ID)
		x.partials.forgetJob(e.Key(), j.ID)
	}
	if j.State == store.JobFaulted && !j.Decoy && !j.Excused && !e.failed[j.WorkerID] {
		e.blame(j.WorkerID)
	}
	x.Requests.Changed(e) // what is done takes nothing of the bounds
}
