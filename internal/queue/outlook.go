package queue

import (
	"math"
	"time"

	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/match"
)

const (
	// verdictLife is for how long a verdict on the possible workers is used. A request that
	// was found impossible is looked at afresh each time.
	verdictLife = horde.Micros(time.Second / time.Microsecond)

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
	if !kinds.MayPopFor(w, e.row.UserID, q.Clock.Micros()) {
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
	a := e.home.Queue.Ahead(&e.item, p.workers)

	speed := p.speed
	if p.threads == 0 {
		speed = e.home.kind.unservedSpeed
	}
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
		speed := e.home.kind.unknownSpeed
		if w := q.Fleet.Worker(j.WorkerID); w != nil {
			speed = w.Speed()
		}
		left := float64(e.work.WorkUnits())/speed - (now - j.Started).Seconds()

		// Where the worker reports its steps, they tell better than what it did before.
		if r, reported := e.reports[j.ID]; reported {
			if seconds, known := r.Left(); known {
				left = seconds - (now - r.at).Seconds()
			}
		}
		longest = max(longest, left)
	}
	return longest
}
