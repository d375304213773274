package queue

import (
	"context"
	"slices"

	"horde/api"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/requests"
	"horde/internal/store"
)

// assigned is a job and everything it belongs to.
type assigned struct {
	e      *entry
	job    *store.Job
	worker *fleet.Worker
}

// submission is what a worker has for a job.
type submission struct {
	id         string // of the job
	generation string
	state      string
	seed       int64
	metadata   []api.GenMetadatum
}

// assignedTo finds a job by id where find looks, in the database too: another node may
// have handed it out, or its request is over.
func (q *Queue) assignedTo(ctx context.Context, id string, find func(id string) assigned) (assigned, error) {
	a, err := live.FindPart(ctx, q.Refresh, id, find, func(ctx context.Context, id string) (string, error) {
		j, err := q.Store.Job(ctx, id)
		return j.RequestID, err
	})
	if err != nil {
		return assigned{}, err
	}
	if a.job == nil {
		return assigned{}, requests.NoSuchWork(id)
	}

	a.worker, err = q.WorkerOf(ctx, a.job.WorkerID)
	return a, err
}

// jobInIndexes finds a job of whatever kind.
func (q *Queue) jobInIndexes(id string) (a assigned) {
	for _, x := range q.indexes() {
		if a = q.jobInIndex(x, id); a.job != nil {
			return a
		}
	}
	return a
}

// jobInIndex finds a job of a live request.
func (q *Queue) jobInIndex(x *index, id string) (a assigned) {
	x.Lock()
	defer x.Unlock()

	e := x.Requests.Part(id)
	if e == nil || e.state.Expires <= q.Clock.Micros() {
		return a
	}
	i := slices.IndexFunc(e.jobs, func(j *store.Job) bool { return j.ID == id })
	return assigned{e: e, job: e.jobs[i]}
}

// ended is the answer for a job that is over. Workers look for the words
// "already submitted" and "Please check your worker speed".
func ended(a assigned, faulted bool) error {
	switch {
	case a.job.State == store.JobDone && a.worker.Maintenance, a.job.State == store.JobFaulted && faulted:
		return nil
	case a.job.State == store.JobDone:
		return requests.AlreadySubmitted(a.job.ID)
	}
	return horde.Errorf(horde.AbortedGen,
		"Processing Generation with ID %s took too long to process and has been aborted! "+
			"Please check your worker speed.", a.job.ID)
}

// lost answers a submit that came second, after reading who was first.
func (q *Queue) lost(ctx context.Context, a assigned, faulted bool) error {
	if err := q.Refresh(ctx, []string{a.e.row.ID}); err != nil {
		return err
	}
	again := q.jobInIndex(a.e.home, a.job.ID)
	if again.job == nil {
		return requests.NoSuchWork(a.job.ID)
	}
	again.worker = a.worker

	// The index is behind; the database is not.
	if again.job.State == store.JobRunning {
		again.job = &store.Job{ID: a.job.ID, JobResult: store.JobResult{State: store.JobDone}}
	}
	return ended(again, faulted)
}
