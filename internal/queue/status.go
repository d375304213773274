package queue

import (
	"context"
	"encoding/json"
	"slices"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Check answers how far a request is, from memory.
func (q *Queue) Check(ctx context.Context, id string) (api.Check, error) {
	e, err := q.find(ctx, q.images, id, "Check")
	if err != nil {
		return api.Check{}, err
	}
	e.home.Lock()
	defer e.home.Unlock()
	return q.checkLocked(e), nil
}

// checkLocked is Check under the lock of the index (generation §1.10).
func (q *Queue) checkLocked(e *entry) api.Check {
	c := e.counts()
	a := api.Check{
		Finished:   c.finished,
		Processing: c.processing,
		Restarted:  c.restarted,
		Waiting:    e.waiting(c),
		Done:       e.done(c),
		Faulted:    e.state.Faulted,
		Kudos:      api.Float(e.state.Consumed.Float()),
	}
	a.IsPossible = c.processing > 0 || !e.state.Faulted && q.possibleLocked(e).possible
	a.QueuePosition, a.WaitTime = q.outlookLocked(e, a.Waiting)
	return a
}

// waiting is the jobs of a request that are still to be handed out: none of one
// that was given up.
func (e *entry) waiting(c counts) int {
	if e.state.Faulted {
		return 0
	}
	return max(0, min(e.state.Waiting, e.state.Jobs-c.processing-c.finished))
}

// progressOf is the check of a request and its finished jobs, in the order that
// they were handed out.
func (q *Queue) progressOf(ctx context.Context, e *entry) (c api.Check, done []*store.Job, err error) {
	c, done, complete := q.progressInMemory(e)
	if complete {
		return c, done, nil
	}

	rows, err := q.Store.JobsOf(ctx, []string{e.row.ID})
	if err != nil {
		return c, nil, err
	}
	for i, j := range done {
		if n := slices.IndexFunc(rows, func(row store.Job) bool { return row.ID == j.ID }); n >= 0 {
			done[i] = &rows[n]
		}
	}
	return c, done, nil
}

// progressInMemory is progressOf, not complete where results are too long for memory.
func (q *Queue) progressInMemory(e *entry) (c api.Check, done []*store.Job, complete bool) {
	e.home.Lock()
	defer e.home.Unlock()
	complete = true
	for _, j := range e.jobs {
		if j.State == store.JobDone && !j.Decoy {
			done = append(done, j)
			complete = complete && e.long[j.ID] == 0
		}
	}
	return q.checkLocked(e), done, complete
}

// workerName is the name of a worker that may be gone.
func (q *Queue) workerName(ctx context.Context, id string) string {
	w, err := q.WorkerOf(ctx, id)
	switch {
	case err != nil:
		q.Log.Error("worker of a job", "worker", id, "error", err)
	case w != nil:
		return w.Name
	}
	return ""
}

// metadataOf is what a worker remarked about its result.
func (q *Queue) metadataOf(j *store.Job) []api.GenMetadatum {
	list := []api.GenMetadatum{}
	if j.Metadata != "" {
		if err := json.Unmarshal([]byte(j.Metadata), &list); err != nil {
			q.Log.Error("metadata", "job", j.ID, "error", err)
		}
	}
	return list
}

// Owner returns the id of the user that a live request of any kind belongs to.
func (q *Queue) Owner(ctx context.Context, id string) (horde.UserID, error) {
	e, err := q.findAny(ctx, id)
	if err != nil {
		return 0, err
	}
	return e.row.UserID, nil
}

// Active returns the ids of a user's live requests that were not given up, by
// kind, oldest first; finished ones are among them until they expire.
func (q *Queue) Active(user horde.UserID) api.ActiveGenerations {
	return api.ActiveGenerations{Image: q.images.active(user), Text: q.texts.active(user)}
}

func (x *index) active(user horde.UserID) (ids []string) {
	x.Lock()
	defer x.Unlock()
	for e := range x.Requests.Of(user) {
		if e.Listed() {
			ids = append(ids, e.row.ID)
		}
	}
	ids = append(ids, x.Requests.Ended.Of(user)...)
	slices.Sort(ids) // ids begin with the time
	return ids
}
