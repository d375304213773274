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
	"horde/internal/settle"
	"horde/internal/store"
)

// Check answers how far a request is, from memory.
func (q *Queue) Check(ctx context.Context, id string) (api.Check, error) {
	e, err := q.find(ctx, q.images, id, "Check")
	if err != nil {
		return api.Check{}, err
	}
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	return q.check1(e), nil
}

// check1 is Check under the lock of the index (generation §1.10).
func (q *Queue) check1(e *entry) api.Check {
	c := e.counts()
	a := api.Check{Finished: c.finished, Processing: c.processing, Restarted: c.restarted, Waiting: e.waiting(c),
		Done: e.done(c), Faulted: e.state.Faulted, Kudos: api.Float(e.state.Consumed.Float())}
	if c.processing > 0 {
		a.IsPossible = true
	} else {
		a.IsPossible = !e.state.Faulted && q.possible(e).possible
	}
	a.QueuePosition, a.WaitTime = q.outlook(e, a.Waiting)
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
func (q *Queue) progressOf(e *entry) (c api.Check, done []*store.Job) {
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	for _, j := range e.jobs {
		if j.State == store.JobDone && !j.Fake {
			done = append(done, j)
		}
	}
	return q.check1(e), done
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
	state, err := settle.Cancel(ctx, q.Store, e.row.ID, e.funds())
	if errors.Is(err, store.ErrLost) { // it expired just now
		return nil
	}
	if err != nil {
		return err
	}
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	e.home.apply(e, state)
	return nil
}

// possibility is what the workers that could serve a request make of it.
type possibility struct {
	possible bool
	views    []*view // of those that will, at most maxViews
	speed    float64 // of all their threads together, things per second
	threads  int
}

const (
	// verdictLife is how long a verdict on the possible workers is used for
	// position and time. That a request is possible is always looked at afresh.
	verdictLife = 1_000_000 // microseconds

	// maxViews bounds by how many workers a place in the queue is judged.
	maxViews = 16
)

// possible finds the workers that could serve a request (generation §5.5). Extra slow ones
// make it possible, but will not serve it unless it lets them.
func (q *Queue) possible(e *entry) possibility {
	now := q.Clock().UnixMicro()
	if e.verdict.possible && now-e.verdictAt < verdictLife {
		return e.verdict
	}
	known := q.Catalog.Snapshot()
	u := untried{best: nobody}
	if len(e.failed) > 0 {
		u = q.untriedBy(e)
	}
	var p possibility
	q.Fleet.Online(e.home.kind.name, func(w *fleet.Worker) bool {
		v := q.couldServe(w, e, known)
		if v == nil {
			return true
		}
		p.possible = true
		if v.lacking(e.feat) != 0 || u.best < e.standingOf(w) { // left to others
			return true
		}
		p.threads += w.Settings.Threads
		p.speed += w.Speed() * float64(w.Settings.Threads)
		if len(p.views) < maxViews {
			p.views = append(p.views, v)
		}
		return true
	})
	e.verdict, e.verdictAt = p, now
	return p
}

// couldServe is the view of a worker that could serve a request, nil when it
// could not.
func (q *Queue) couldServe(w *fleet.Worker, e *entry, known *catalog.Snapshot) *view {
	if w.Suspended(q.Clock().UnixMicro()) || (w.Maintenance || w.Paused) && e.row.UserID != w.UserID {
		return nil
	}
	v := viewOfStored(e.home.kind, w, known)
	if !v.serves(e.models()) || v.lacking(e.feat)&^lackPatience != 0 || v.refuses(e, 0) != "" {
		return nil
	}
	return v
}

// outlook is the place in the queue and the seconds to wait, by what the
// possible workers will serve before (decision 24). Both are 0 only when
// nothing waits.
func (q *Queue) outlook(e *entry, waiting int) (position, seconds int) {
	running := q.remaining(e)
	if waiting == 0 || e.state.Faulted {
		return 0, int(math.Ceil(running))
	}
	p := q.possible(e)
	speed := p.speed
	if p.threads == 0 {
		speed = e.home.kind.slow
	}
	a := e.home.ahead(e, p.views)
	if jobs := a.jobs + waiting; p.threads > jobs { // not all threads can help
		speed *= float64(jobs) / float64(p.threads)
	}
	things := a.things + float64(waiting)*float64(e.work.things())
	return a.requests + 1, max(1, int(math.Round(things/max(1, speed)+running)))
}

// remaining is the seconds until the last running job of a request should be
// done.
func (q *Queue) remaining(e *entry) float64 {
	longest := 0.0
	now := q.Clock().UnixMicro()
	for _, j := range e.jobs {
		if inProgress(j) == 0 {
			continue
		}
		speed := e.home.kind.fresh
		if w := q.Fleet.Worker(j.WorkerID); w != nil {
			speed = w.Speed()
		}
		left := float64(e.work.things())/speed - float64(now-j.Started)/1e6

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

// exactly is how many requests of a line are looked at one by one; beyond, their
// work is estimated from the number.
const exactly = 64

// standing is what stands before a request.
type standing struct {
	requests, jobs int
	things         float64
}

func (s *standing) add(o standing) {
	s.requests += o.requests
	s.jobs += o.jobs
	s.things += o.things
}

// ahead counts what stands before a request that these workers will serve; where
// there is none, what asks for the same models.
func (x *index) ahead(e *entry, views []*view) (all standing) {
	if len(views) == 0 {
		for _, m := range shelvesOf(e.models()) {
			for _, l := range x.models[m] {
				all.add(l.before(e, func(o *entry) bool { return m == firstModel(o, e.models()) }))
			}
		}
		return all
	}
	seen := map[string]bool{anyModel: true}
	shelves := []string{anyModel}
	for _, v := range views {
		for _, m := range v.list {
			if !seen[m] {
				seen[m] = true
				shelves = append(shelves, m)
			}
		}
		if l := x.aimed[v.worker.ID]; l != nil {
			all.add(l.before(e, func(o *entry) bool { return v == aimedAt(o, views) }))
		}
	}
	for _, m := range shelves {
		able := offering(views, m)
		for f, l := range x.models[m] {
			if haveFeatures(able, f) {
				all.add(l.before(e, func(o *entry) bool { return m == servedModel(o, views) }))
			}
		}
	}
	return all
}

// offering are the workers that serve a model; for anyModel, requests that name
// none.
func offering(views []*view, model string) (able []*view) {
	for _, v := range views {
		if model == anyModel && v.anyModel || v.worker.Offers(model) {
			able = append(able, v)
		}
	}
	return able
}

func haveFeatures(views []*view, f features) bool {
	return slices.ContainsFunc(views, func(v *view) bool { return v.lacking(f) == 0 })
}

// servedModel is the first model of a request that one of the workers serves: it
// is counted there alone.
func servedModel(o *entry, views []*view) string {
	models := o.models()
	if len(models) < 2 {
		return shelvesOf(models)[0]
	}
	for _, m := range models {
		if haveFeatures(offering(views, m), o.feat) {
			return m
		}
	}
	return anyModel
}

// firstModel is the first model of a request that is among these.
func firstModel(o *entry, among []string) string {
	for _, m := range o.models() {
		if slices.Contains(among, m) {
			return m
		}
	}
	return anyModel
}

// aimedAt is the first of the workers that a request is for and that serves it.
func aimedAt(o *entry, views []*view) *view {
	for _, v := range views {
		if slices.Contains(o.record.common.Workers, v.worker.ID) && v.serves(o.models()) && v.lacking(o.feat) == 0 {
			return v
		}
	}
	return nil
}

// before counts what stands before e in a line, of the requests that count here.
func (l *line) before(e *entry, counts func(*entry) bool) (s standing) {
	n := l.rank(e)
	looked := 0
	l.Scan(func(o *entry) bool {
		if looked == n || looked == exactly {
			return false
		}
		looked++
		if counts(o) {
			s.add(standing{1, o.state.Waiting, float64(o.state.Waiting) * float64(o.work.things())})
		}
		return true
	})
	if looked > 0 && n > looked {
		scale := float64(n) / float64(looked)
		s = standing{int(float64(s.requests) * scale), int(float64(s.jobs) * scale), s.things * scale}
	}
	return s
}

// rank is how many requests of the line stand before e.
func (l *line) rank(e *entry) int {
	low, high := 0, l.Len()
	for low < high {
		mid := (low + high) / 2
		o, _ := l.GetAt(mid)
		if before(o, e) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// Owner returns the id of the user that a live request of any kind belongs to.
func (q *Queue) Owner(ctx context.Context, id string) (int64, error) {
	e, err := q.findAny(ctx, id)
	if err != nil {
		return 0, err
	}
	return e.row.UserID, nil
}

// Active returns the ids of a user's live requests that were not given up, by
// kind, oldest first; finished ones are among them until they expire.
func (q *Queue) Active(user int64) api.ActiveGenerations {
	return api.ActiveGenerations{Image: q.images.active(user), Text: q.texts.active(user)}
}

func (x *index) active(user int64) (ids []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if h := x.holders[user]; h != nil {
		for e := range h.entries {
			if !e.state.Faulted {
				ids = append(ids, e.row.ID)
			}
		}
	}
	slices.Sort(ids) // ids begin with the time
	return ids
}
