package queue

import (
	"context"
	"maps"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// maxPreview bounds the picture in a progress report, in bytes of base64.
const maxPreview = 64 << 10 * 4 / 3

// Progress takes a worker's report from inside a job. AbortedGen or
// RequestExpired tell the worker that nobody waits for the job any more.
func (q *Queue) Progress(ctx context.Context, key, job string, p api.Progress) error {
	a, err := q.assignedTo(ctx, job, q.jobInIndexes)
	if err != nil {
		return err
	}
	user, err := q.Accounts.ByKey(ctx, key)
	if err != nil {
		return err
	}
	if a.worker == nil || a.worker.UserID != user.ID {
		return errForeignJob
	}
	if p.Step < 0 || p.Steps < 1 || p.Step > p.Steps || p.Steps > 10000 || len(p.Preview) > maxPreview {
		return horde.Errorf("BadRequest", "A report needs 0 ≤ step ≤ steps ≤ 10000 and a preview of at most 64 KiB.")
	}
	if a.job.State != store.JobRunning {
		return horde.Errorf("AbortedGen", "This job is over. Please check your worker speed.")
	}
	x := a.e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	if a.e.state.Faulted {
		return horde.Errorf("RequestExpired", "The request of this job was given up.")
	}
	if a.e.progress == nil {
		a.e.progress = map[string]api.JobProgress{}
	}
	a.e.progress[job] = api.JobProgress{Job: job, WorkerName: a.worker.Name, Progress: p}
	a.e.wake()
	return nil
}

// News is what a watcher of a request hears.
type News struct {
	Check    api.Check
	Progress []api.JobProgress
	Gone     bool // the request has expired
}

// Watch calls tell with the news of a request: at once, then after each change,
// until ctx ends, tell returns false, or the request is done or gone.
func (q *Queue) Watch(ctx context.Context, id string, tell func(News) bool, idle <-chan struct{}) error {
	e, err := q.findAny(ctx, id)
	if err != nil {
		return err
	}
	wake := make(chan struct{}, 1)
	x := e.home
	x.mu.Lock()
	if e.watchers == nil {
		e.watchers = map[chan struct{}]bool{}
	}
	e.watchers[wake] = true
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		delete(e.watchers, wake)
		x.mu.Unlock()
	}()
	for {
		n := q.news(e)
		if !tell(n) || n.Gone || n.Check.Done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-idle:
		}
	}
}

func (q *Queue) news(e *entry) News {
	x := e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	n := News{Check: q.check1(e), Gone: x.entries[e.row.ID] != e}
	for _, p := range maps.All(e.progress) {
		n.Progress = append(n.Progress, p)
	}
	return n
}
