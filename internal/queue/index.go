package queue

import (
	"slices"

	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/store"
)

func newIndex(k *kind) *index {
	return &index{kind: k, requests: live.NewTable[*entry, *entry](), queue: match.NewIndex(k.counters)}
}

// ids are those of all requests in the index.
func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests.Keys()
}

// addLocked takes a new live request into the index.
func (x *index) addLocked(e *entry) {
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

// applyLocked takes a state that the database returned, unless a newer one is known.
func (x *index) applyLocked(e *entry, s store.RequestState) {
	if s.Version <= e.state.Version || !x.requests.Has(e) { // or it was removed meanwhile
		return
	}
	e.state = s
	x.requests.Changed(e)
	x.queue.Update(&e.item, itemState(s))
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
		if j.Fake {
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
	if j.State == store.JobFaulted && !j.Fake && !j.Excused && !e.failed[j.WorkerID] {
		e.blame(j.WorkerID)
	}
	x.requests.Note(e.Key())
}
