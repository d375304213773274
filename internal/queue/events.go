package queue

import (
	"cmp"
	"context"
	"slices"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/requests"
	"horde/internal/store"
	"horde/internal/waiting"
)

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
		return requests.ErrForeignWork
	}
	if p.Step < 0 || p.Steps < 1 || p.Step > p.Steps || p.Steps > 10000 {
		return horde.Errorf(horde.BadRequest, "A report needs 0 ≤ step ≤ steps ≤ 10000.")
	}
	if p.Preview != "" && !isPreview(p.Preview) {
		return horde.Errorf(horde.BadRequest, "A preview is a JPEG, PNG or WebP of at most 64 KiB, in base64.")
	}
	p.Text = printable(p.Text)

	x := a.e.home
	x.Lock()
	defer x.Unlock()
	if a.e.state.Faulted && a.e.isRunning(a.job.ID) {
		return horde.Errorf(horde.RequestExpired, "The request of this job was given up.")
	}
	if !a.e.reportLocked(a.job, a.worker.Name, p, q.Clock.Micros()) {
		return horde.Errorf(horde.AbortedGen, "This job is over. Please check your worker speed.")
	}
	if x.Requests.Followed(a.e.Key()) > 0 {
		q.partials.put(a.e.User(), a.e.Key(), a.job.ID, p)
	}
	x.Requests.Note(a.e.Key())
	return nil
}

// isRunning reports, under the lock of the index, whether a worker has the job now.
func (e *entry) isRunning(job string) bool {
	return slices.ContainsFunc(e.jobs, func(j *store.Job) bool { return j.ID == job && j.State == store.JobRunning })
}

// reportLocked notes a worker's report under the lock of the index, with the time
// that the job has taken so far. It notes none of a job that has ended since j was
// looked up: nobody would take the report away again. What the report shows of the
// result is not part of it (partials).
func (e *entry) reportLocked(j *store.Job, worker string, p api.Progress, now horde.Micros) (noted bool) {
	if !e.isRunning(j.ID) {
		return false
	}
	r, known := e.reports[j.ID]
	if !known || p.Step < r.firstStep { // the worker began the job again
		r = report{begun: max(j.Started, e.heard[j.WorkerID]), firstAt: now, firstStep: p.Step}
	}
	p.Text, p.Preview = "", ""
	r.JobProgress = api.JobProgress{Job: j.ID, WorkerName: worker, Progress: p, Elapsed: inSeconds(now - j.Started)}
	r.at = now
	e.home.revision++
	r.revision = e.home.revision

	// Between reports only steps were made. Before the first one the worker may
	// have loaded a model, or have made another image of the same batch.
	switch steps := p.Step - r.firstStep; {
	case steps > 0:
		r.StepSeconds = inSeconds((now - r.firstAt) / horde.Micros(steps))
	case p.Step > 0:
		r.StepSeconds = inSeconds((r.firstAt - r.begun) / horde.Micros(p.Step))
	}
	if e.reports == nil {
		e.reports = map[string]report{}
	}
	e.reports[j.ID] = r
	e.noteBusy(j.WorkerID, now)
	return true
}

// inSeconds is a time in microseconds as seconds, to the millisecond.
func inSeconds(micros horde.Micros) float64 { return float64(max(0, micros)/1000) / 1000 }

// News is how far a request is, for one who follows it.
type News struct {
	Kind      horde.Kind // image, text
	Check     api.Check
	Cancelled bool
	Running   []api.RunningJob // in the order of handing out
	Delivered []string         // ids of the jobs whose results are there
	Progress  []JobReport      // of those that report it
	Gone      bool             // the request has expired, or there was none
	// Ended: nothing will change any more. A cancelled or faulted request is done
	// before that, while workers have jobs of it in hand: those still arrive.
	Ended bool
}

// JobReport is the last report of a running job. Each has another Revision.
type JobReport struct {
	api.JobProgress
	Revision uint64
}

// Follow has w told of every change of those live requests that there are among
// ids, until stop is called. It returns the ids that it found. Knowing the id of a
// request is the right to follow it.
func (q *Queue) Follow(ctx context.Context, ids []string, w *waiting.Watch) (found []string, stop func(), err error) {
	found, unfollow, err := live.Follow(ctx, q.Refresh, ids, w, q.Clock.Micros, q.images.Index, q.texts.Index)
	if err != nil {
		return nil, nil, err
	}

	return found, func() {
		unfollow()
		q.forgetPartials(found)
	}, nil
}

// forgetPartials forgets what is shown of those requests that nobody follows.
func (q *Queue) forgetPartials(ids []string) {
	followed := map[string]bool{}
	for _, x := range q.indexes() {
		x.Lock()
		for _, id := range ids {
			followed[id] = followed[id] || x.Requests.Followed(id) > 0
		}
		x.Unlock()
	}

	for _, id := range ids {
		if !followed[id] {
			q.partials.forget(id)
		}
	}
}

// News tells how far a request is that is followed, from memory: Gone when there is none.
func (q *Queue) News(id string) News {
	if e := q.known(id); e != nil {
		return q.news(e)
	}
	return News{Gone: true}
}

func (q *Queue) news(e *entry) News {
	x := e.home
	x.Lock()
	defer x.Unlock()
	n := News{
		Kind:      x.kind.name,
		Check:     q.checkLocked(e),
		Cancelled: e.state.Cancelled,
		Running:   []api.RunningJob{},
		Delivered: []string{},
	}
	n.Ended = n.Check.Done && n.Check.Processing == 0

	for _, j := range e.jobs {
		switch {
		case inProgress(j) > 0:
			running := api.RunningJob{Job: j.ID}
			if w := q.Fleet.Worker(j.WorkerID); w != nil { // whoever has a job in hand is in memory
				running.WorkerName = w.Name
			}
			n.Running = append(n.Running, running)
		case j.State == store.JobDone && !j.Decoy:
			n.Delivered = append(n.Delivered, j.ID)
		}
	}

	for _, r := range e.reports {
		p := r.JobProgress
		p.Text, p.Preview = q.partials.of(e.Key(), p.Job)
		n.Progress = append(n.Progress, JobReport{JobProgress: p, Revision: r.revision})
	}
	slices.SortFunc(n.Progress, func(a, b JobReport) int { return cmp.Compare(a.Job, b.Job) })
	return n
}
