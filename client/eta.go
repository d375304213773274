package client

import (
	"time"

	"horde/api"
)

// ETA estimates how long a request still takes, from the events of Watch. Once
// steps are reported they decide: the time of a step times the steps left. Before
// that, and for jobs that no worker has yet, the server's own estimate counts. The
// zero ETA knows nothing.
type ETA struct {
	check   *api.Check
	checked time.Time
	jobs    map[string]*jobPace // by job id
}

// jobPace is how fast a running job is. An older server sends no times, so they are
// measured here too.
type jobPace struct {
	first, newest     api.JobProgress
	firstAt, newestAt time.Time
}

// Note takes in an event that arrived at a time.
func (e *ETA) Note(event Event, at time.Time) {
	switch {
	case event.Progress != nil:
		e.step(*event.Progress, at)
	case event.Check != nil:
		e.forget(*event.Check)
		e.check, e.checked = event.Check, at
	case event.End != nil:
		*e = ETA{}
	}
}

func (e *ETA) step(p api.JobProgress, at time.Time) {
	p.Preview = "" // previews are large, and say nothing about time
	job := e.jobs[p.Job]
	if job == nil {
		if e.jobs == nil {
			e.jobs = map[string]*jobPace{}
		}
		job = &jobPace{first: p, firstAt: at}
		e.jobs[p.Job] = job
	}

	job.newest, job.newestAt = p, at
}

// forget drops the jobs that are over. A check has no ids: of a job that was given
// back it says only that there is one, so all start over; of a finished one, the
// job that was furthest is taken for it.
func (e *ETA) forget(now api.Check) {
	before := api.Check{}
	if e.check != nil {
		before = *e.check
	}

	if now.Processing == 0 || now.Restarted > before.Restarted {
		e.jobs = nil
		return
	}

	for range min(len(e.jobs), max(0, now.Finished-before.Finished)) {
		furthest, share := "", -1.0
		for id, job := range e.jobs {
			if s := float64(job.newest.Step) / float64(max(1, job.newest.Steps)); s > share {
				furthest, share = id, s
			}
		}
		delete(e.jobs, furthest)
	}
}

// Left is the estimate as it stands at now. Below 0 the request takes that much
// longer than was expected. known is false while there is nothing to go by.
func (e *ETA) Left(now time.Time) (left time.Duration, known bool) {
	left, known = e.running(now)
	if e.check == nil || known && e.check.Waiting == 0 {
		return left, known
	}
	if e.check.WaitTime <= 0 {
		return left, known
	}

	// Only the server can judge what no worker has yet.
	told := time.Duration(e.check.WaitTime)*time.Second - now.Sub(e.checked)
	if known {
		return max(left, told), true
	}
	return told, true
}

// running is how long the jobs take that workers have. A worker makes the images
// of a batch one after the other, so what it has adds up; workers work side by side.
func (e *ETA) running(now time.Time) (left time.Duration, known bool) {
	var each float64 // seconds of a whole job of the slowest that is known
	byWorker := map[string]float64{}
	for _, job := range e.jobs {
		step := job.stepSeconds()
		if step <= 0 {
			continue
		}

		p := job.newest
		byWorker[p.WorkerName] += step*float64(max(0, p.Steps-p.Step)) - now.Sub(job.newestAt).Seconds()
		each = max(each, step*float64(p.Steps))
	}

	// Jobs of the batch that have no step yet come after those in hand.
	if e.check != nil && len(byWorker) == 1 {
		for name := range byWorker {
			byWorker[name] += each * float64(max(0, e.check.Processing-len(e.jobs)))
		}
	}

	for _, seconds := range byWorker {
		if d := time.Duration(seconds * float64(time.Second)); !known || d > left {
			left, known = d, true
		}
	}
	return left, known
}

// stepSeconds is how long a step takes; 0: not known yet.
func (p *jobPace) stepSeconds() float64 {
	n := p.newest
	switch steps := n.Step - p.first.Step; {
	case n.StepSeconds > 0:
		return n.StepSeconds
	case n.Elapsed > 0 && n.Step > 0:
		return n.Elapsed / float64(n.Step)
	case steps > 0:
		return p.newestAt.Sub(p.firstAt).Seconds() / float64(steps)
	}
	return 0
}
