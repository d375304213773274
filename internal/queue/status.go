package queue

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/store"
)

// Check answers how far a request is, from memory.
func (q *Queue) Check(ctx context.Context, id string) (api.Check, error) {
	e, err := q.find(ctx, id, "Check")
	if err != nil {
		return api.Check{}, err
	}
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.check1(e), nil
}

// check1 is Check under the lock of the index (§1.10).
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

// waiting is the jobs of a request that are still to be handed out.
func (e *entry) waiting(c counts) int {
	return max(0, min(e.state.Waiting, e.state.Jobs-c.processing-c.finished))
}

// Status answers how far a request is, with its pictures.
func (q *Queue) Status(ctx context.Context, id string) (api.ImageStatus, error) {
	e, err := q.find(ctx, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	return q.status(ctx, e), nil
}

func (q *Queue) status(ctx context.Context, e *entry) api.ImageStatus {
	q.index.mu.Lock()
	s := api.ImageStatus{Check: q.check1(e), Shared: e.record.Image.Shared, Generations: []api.Generation{}}
	jobs := append([]*store.Job(nil), e.jobs...)
	q.index.mu.Unlock()
	for _, j := range jobs {
		if j.State == store.JobDone && !j.Fake {
			s.Generations = append(s.Generations, q.generation(ctx, e, j))
		}
	}
	return s
}

// generation is one finished picture as its requester sees it (§1.11).
func (q *Queue) generation(ctx context.Context, e *entry, j *store.Job) api.Generation {
	g := api.Generation{Img: j.Result, Seed: strconv.FormatInt(j.Seed, 10), ID: j.ID, Censored: j.Censored,
		GenMetadata: []api.GenMetadatum{}, WorkerID: j.WorkerID, Model: j.Model, State: "ok"}
	if w := q.Fleet.Worker(j.WorkerID); w != nil {
		g.WorkerName = w.Name
	}
	if j.Metadata != "" {
		if err := json.Unmarshal([]byte(j.Metadata), &g.GenMetadata); err != nil {
			q.Log.Error("metadata", "job", j.ID, "error", err)
		}
	}
	if j.Result == uploaded {
		g.Img = q.pictureOf(ctx, resultName(j.ID), e.record.Image.R2)
	}
	return g
}

// missing stands for a picture that was never uploaded or is gone.
const missing = "N/A"

func (q *Queue) pictureOf(ctx context.Context, name string, byLink bool) string {
	if !byLink {
		if text := q.inline(ctx, name); text != "" {
			return text
		}
		return missing
	}
	if ok, err := q.Blobs.Exists(ctx, name); err != nil {
		q.Log.Warn("look for picture", "name", name, "error", err)
	} else if !ok {
		return missing
	}
	return q.Blobs.SignGet(name, blob.LinkTTL)
}

// Cancel ends a request: nothing more is handed out, what workers have already
// is still delivered, paid and charged (§1.12). The answer is the status from
// before.
func (q *Queue) Cancel(ctx context.Context, id string) (api.ImageStatus, error) {
	e, err := q.find(ctx, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	before := q.status(ctx, e)
	var state store.RequestState
	err = q.Store.Write(store.Unit{Key: id, Accounts: e.payers(), Do: func(tx *store.Tx) (err error) {
		if state, err = tx.Cancel(id); err != nil {
			return err
		}
		return e.releaseIfOver(tx, state)
	}})
	if errors.Is(err, store.ErrLost) { // it expired just now
		return before, nil
	}
	if err != nil {
		return api.ImageStatus{}, err
	}
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	q.index.apply(e, state)
	return before, nil
}

// possibility is what the workers that could serve a request make of it.
type possibility struct {
	possible bool
	models   []string // that these workers serve
	speed    float64  // of all their threads together, things per second
	threads  int
}

// verdictLife is how long a verdict on the possible workers is used for position
// and time. That a request is possible is always looked at afresh.
const verdictLife = 1_000_000 // microseconds

// possible finds the workers that could serve a request (§5.5).
func (q *Queue) possible(e *entry) possibility {
	now := q.Clock().UnixMicro()
	if e.verdict.possible && now-e.verdictAt < verdictLife {
		return e.verdict
	}
	known := q.Catalog.Snapshot()
	var p possibility
	served := map[string]bool{}
	q.Fleet.Online(fleet.Image, func(w *fleet.Worker) bool {
		if !q.couldServe(w, e, known) {
			return true
		}
		p.possible = true
		p.threads += w.Settings.Threads
		p.speed += w.Speed() * float64(w.Settings.Threads)
		for _, m := range w.Settings.Models {
			if !served[m] {
				served[m] = true
				p.models = append(p.models, m)
			}
		}
		return true
	})
	e.verdict, e.verdictAt = p, now
	return p
}

func (q *Queue) couldServe(w *fleet.Worker, e *entry, known *catalog.Snapshot) bool {
	own := e.row.UserID == w.UserID
	if (w.Maintenance || w.Paused) && !own {
		return false
	}
	v := viewOfStored(w, known)
	return v.serves(e.record.Image.Models) && v.lacking(&e.feat) == 0 && v.refuses(e) == ""
}

// outlook is the place in the queue and the seconds to wait, by what the
// possible workers will serve before (decisions #24). Both are 0 only when
// nothing waits.
func (q *Queue) outlook(e *entry, waiting int) (position, seconds int) {
	running := q.remaining(e)
	if waiting == 0 || e.state.Faulted {
		return 0, int(math.Ceil(running))
	}
	p := q.possible(e)
	models := p.models
	if !p.possible {
		models = e.record.Image.Models
	}
	ahead, things := q.index.ahead(e, append([]string{anyModel}, models...))
	things += float64(waiting) * float64(e.record.Image.Things())
	speed := p.speed
	if !p.possible {
		speed = slowLimit
	}
	if jobs := ahead + waiting; p.threads > jobs && jobs > 0 { // not all threads can help
		speed *= float64(jobs) / float64(p.threads)
	}
	return ahead + 1, max(1, int(math.Round(things/max(1, speed)+running)))
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
		speed := float64(freshSpeed)
		if w := q.Fleet.Worker(j.WorkerID); w != nil {
			speed = w.Speed()
		}
		longest = max(longest, float64(e.record.Image.Things())/speed-float64(now-j.Started)/1e6)
	}
	return longest
}

const freshSpeed = 1_000_000

// exactly is how many requests of a line are looked at one by one; beyond, their
// work is estimated from the number.
const exactly = 64

// ahead counts the jobs, and their things, that stand before a request on the
// shelves of the models.
func (x *index) ahead(e *entry, models []string) (jobs int, things float64) {
	seen := map[string]bool{}
	for _, m := range models {
		if seen[m] {
			continue
		}
		seen[m] = true
		for _, l := range x.models[m] {
			j, t := l.before(e)
			jobs, things = jobs+j, things+t
		}
	}
	return jobs, things
}

// before counts what stands before e in a line.
func (l *line) before(e *entry) (jobs int, things float64) {
	n := l.rank(e)
	looked := 0
	l.Scan(func(o *entry) bool {
		if looked == n || looked == exactly {
			return false
		}
		looked++
		jobs += o.state.Waiting
		things += float64(o.state.Waiting) * float64(o.record.Image.Things())
		return true
	})
	if looked > 0 && n > looked {
		scale := float64(n) / float64(looked)
		jobs, things = int(float64(jobs)*scale), things*scale
	}
	return jobs, things
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

// Owner returns the id of the user that a live request belongs to.
func (q *Queue) Owner(ctx context.Context, id string) (int64, error) {
	e, err := q.find(ctx, id, "Status")
	if err != nil {
		return 0, err
	}
	return e.row.UserID, nil
}

// Active returns the ids of a user's live requests that were not given up,
// oldest first; finished ones are among them until they expire.
func (q *Queue) Active(user int64) []string {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	var ids []string
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

// Inline is the picture of a generation in base64, for clients that cannot use
// its link.
func (q *Queue) Inline(ctx context.Context, g api.Generation) string {
	return q.pictureOf(ctx, resultName(g.ID), false)
}
