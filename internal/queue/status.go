package queue

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/match"
	"horde/internal/settle"
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
	a := api.Check{Finished: c.finished, Processing: c.processing, Restarted: c.restarted, Waiting: e.waiting(c),
		Done: e.done(c), Faulted: e.state.Faulted, Kudos: api.Float(e.state.Consumed.Float())}
	if c.processing > 0 {
		a.IsPossible = true
	} else {
		a.IsPossible = !e.state.Faulted && q.possibleLocked(e).possible
	}
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
			complete = complete && !e.long[j.ID]
		}
	}
	return q.checkLocked(e), done, complete
}

// workerName is the name of a worker that may be gone.
func (q *Queue) workerName(id string) string {
	if w := q.Fleet.Worker(id); w != nil {
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

// cancel ends a request: nothing more is handed out, what workers have already
// is still delivered, paid and charged (generation §1.12).
func (q *Queue) cancel(ctx context.Context, e *entry) error {
	err := settle.Cancel(ctx, q.Store, e.row.ID, e.funds())
	if errors.Is(err, store.ErrLost) { // it expired just now
		return nil
	}
	if err == nil {
		q.dropIdleSources(ctx, e)
	}
	return err
}

const (
	// verdictLife is how long a verdict on the possible workers is used for
	// position and time. That a request is possible is always looked at afresh.
	verdictLife = 1_000_000 // microseconds

	// maxJudges bounds by how many workers a place in the queue is judged.
	maxJudges = 16
)

// possibleLocked finds the workers that could serve a request (generation §5.5). Extra slow ones
// make it possible, but will not serve it unless it lets them.
func (q *Queue) possibleLocked(e *entry) possibility {
	now := q.Clock.Micros()
	if e.verdict.possible && now-e.verdictAt < verdictLife {
		return e.verdict
	}

	// What has failed is left to whoever stands better, if there is anybody.
	known := q.Catalog.Snapshot()
	rivals := kinds.Rivals{Best: kinds.Nobody}
	if len(e.failed) > 0 {
		rivals = q.rivalsLocked(e)
	}

	var p possibility
	q.Fleet.Online(e.home.kind.name, func(w *fleet.Worker) bool {
		could := q.couldServe(w, e, known)
		if could == nil {
			return true
		}
		p.possible = true

		leftToOthers := rivals.Best < kinds.StandingOf(w, e.failed)
		if leftToOthers || could.Skills.Lacking(e.item.Features) != 0 {
			return true
		}
		p.threads += w.Settings.Threads
		p.speed += w.Speed() * float64(w.Settings.Threads)
		if len(p.workers) < maxJudges {
			p.workers = append(p.workers, could)
		}
		return true
	})

	e.verdict, e.verdictAt = p, now
	return p
}

// canBeServedLocked reports whether any worker could serve a request.
func (q *Queue) canBeServedLocked(e *entry) (could bool) {
	known := q.Catalog.Snapshot()
	q.Fleet.Online(e.home.kind.name, func(w *fleet.Worker) bool {
		could = q.couldServe(w, e, known) != nil
		return !could
	})
	return could
}

// couldServe is what decides over a worker that could serve a request, nil when it
// could not.
func (q *Queue) couldServe(w *fleet.Worker, e *entry, known *catalog.Snapshot) *match.Worker {
	if w.Suspended(q.Clock.Micros()) || (w.Maintenance || w.Paused) && e.row.UserID != w.UserID {
		return nil
	}
	kind := e.home.kind
	if could := kind.possible(kinds.LastSeen(w, known)); could.CouldGet(&e.item, kind.patience) {
		return could
	}
	return nil
}

// outlookLocked is the place in the queue and the seconds to wait, by what the
// possible workers will serve before (decision 24). Both are 0 only when
// nothing waits.
func (q *Queue) outlookLocked(e *entry, waiting int) (position, seconds int) {
	running := q.remainingLocked(e)
	if waiting == 0 || e.state.Faulted {
		return 0, int(math.Ceil(running))
	}
	p := q.possibleLocked(e)
	speed := p.speed
	if p.threads == 0 {
		speed = e.home.kind.slow
	}
	a := e.home.Queue.Ahead(&e.item, p.workers)
	if jobs := a.Jobs + waiting; p.threads > jobs { // not all threads can help
		speed *= float64(jobs) / float64(p.threads)
	}
	units := a.Units + float64(waiting)*float64(e.work.WorkUnits())
	return a.Items + 1, max(1, int(math.Round(units/max(1, speed)+running)))
}

// remainingLocked is the seconds until the last running job of a request should be
// done.
func (q *Queue) remainingLocked(e *entry) float64 {
	longest := 0.0
	now := q.Clock.Micros()
	for _, j := range e.jobs {
		if inProgress(j) == 0 {
			continue
		}
		speed := e.home.kind.fresh
		if w := q.Fleet.Worker(j.WorkerID); w != nil {
			speed = w.Speed()
		}
		left := float64(e.work.WorkUnits())/speed - float64(now-j.Started)/1e6

		// Where the worker reports its steps, they tell better than what it did before.
		if r, reported := e.reports[j.ID]; reported {
			if seconds, known := r.Left(); known {
				left = seconds - float64(now-r.at)/1e6
			}
		}
		longest = max(longest, left)
	}
	return longest
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
		if !e.state.Faulted {
			ids = append(ids, e.row.ID)
		}
	}
	ids = append(ids, x.Requests.Ended.Of(user)...)
	slices.Sort(ids) // ids begin with the time
	return ids
}
