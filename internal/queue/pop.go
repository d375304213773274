package queue

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/store"
)

// DefaultMaintenance is what a worker in maintenance hears when its owner left
// no words. Workers look for "maintenance mode" in it.
const DefaultMaintenance = "This worker has been put into maintenance mode by its owner"

// claim is jobs that one pop took of one request.
type claim struct {
	e     *entry
	model string
	n     int
	left  int // jobs waiting before this pop
	fake  bool
}

// handout is what a pop brought: jobs of a claim, or why there are none.
type handout struct {
	claim *claim
	jobs  []store.Job
	why   map[string]int
}

// pop hands out jobs to a worker that has checked in, waiting for at most wait
// when there is nothing (0: not at all). A worker in maintenance that gets
// nothing is told so by an error.
func (q *Queue) pop(ctx context.Context, x *index, o *fleet.Offer, wait time.Duration) (*view, handout, error) {
	v := q.viewNow(x, o)
	var h handout
	looked := false
	err := x.waiters.Try(ctx, wait, v, func() (found bool, err error) {
		if looked { // it may have been paused or put into maintenance meanwhile
			fresh := *o
			if fresh.Worker = q.Fleet.Worker(o.Worker.ID); fresh.Worker == nil {
				return true, nil // or deleted
			}
			v = q.viewNow(x, &fresh)
		}
		looked = true
		h, err = q.tryPop(ctx, x, v, o)
		return h.claim != nil, err
	})
	if err == nil && h.claim == nil {
		err = maintenanceOf(v.worker)
	}
	return v, h, err
}

// viewNow is the view of a worker that pops.
func (q *Queue) viewNow(x *index, o *fleet.Offer) *view {
	v := viewOf(x.kind, o, q.Catalog.Snapshot())
	v.matched = q.Modes().MatchedTargeting
	v.yields = func(e *entry) bool { return q.yields(v, e) }
	return v
}

// maintenanceOf is what a worker in maintenance hears.
func maintenanceOf(w *fleet.Worker) error {
	if !w.Maintenance {
		return nil
	}
	text := w.MaintenanceMsg
	if text == "" {
		text = DefaultMaintenance
	}
	return horde.Errorf(horde.WorkerMaintenance, "%s", text)
}

// tryPop takes the first request that fits, going on to the next when another
// node was faster.
func (q *Queue) tryPop(ctx context.Context, x *index, v *view, o *fleet.Offer) (handout, error) {
	v.balances = nil // they may have changed while it waited
	for {
		c, why := q.match(x, v, o.Amount)
		if len(v.unknown) > 0 {
			if err := q.lookUp(ctx, v); err != nil {
				return handout{}, err
			}
			continue
		}
		if c == nil {
			return handout{why: why}, nil
		}
		jobs, err := q.take1(c, v)
		if errors.Is(err, store.ErrLost) {
			if err := q.Refresh(ctx, []string{c.e.row.ID}); err != nil {
				return handout{}, err
			}
			continue
		}
		if err != nil {
			return handout{}, err
		}
		return handout{claim: c, jobs: jobs}, nil
	}
}

// lookUp reads the balances that the walk missed.
func (q *Queue) lookUp(ctx context.Context, v *view) error {
	found, err := q.Store.Accounts(ctx, slices.Collect(maps.Keys(v.unknown)))
	if err != nil {
		return err
	}
	if v.balances == nil {
		v.balances = map[int64]*store.Account{}
	}
	for id := range v.unknown {
		v.balances[id] = &store.Account{UserID: id} // of somebody who is gone
	}
	for _, a := range found {
		v.balances[a.UserID] = a
	}
	v.unknown = nil
	return nil
}

// match finds the first request for the worker and reserves its jobs in the
// index; nil when there is none, with what the walk refused by reason, or when it
// came to balances that have to be looked up before it can tell.
func (q *Queue) match(x *index, v *view, amount int) (*claim, map[string]int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := q.Clock().UnixMicro()
	var e *entry
	why := map[string]int{}
	if !v.worker.Suspended(now) {
		e, why = x.first(v, now)
	}
	if len(v.unknown) > 0 {
		return nil, nil
	}
	if e == nil {
		x.skipped(v, why)
		return nil, why
	}
	c := &claim{e: e, left: e.available(now), model: chooseModel(e.models(), v)}
	c.fake = v.worker.Paused && e.row.UserID != v.owner
	c.n = e.work.batch(v, c.model, amount, c.left)
	if !c.fake {
		e.reserved += c.n
	}
	return c, nil
}

// chooseModel picks the model that all jobs of a batch share: a random one
// of those that both name, or of the worker's when the request names none.
func chooseModel(wanted []string, v *view) string {
	if len(wanted) == 0 {
		return v.list[rand.IntN(len(v.list))]
	}
	var both []string
	for _, m := range wanted {
		if _, ok := v.models[m]; ok {
			both = append(both, m)
		}
	}
	return both[rand.IntN(len(both))]
}

// take1 commits a claim: the request gives up the jobs and the jobs exist, or
// neither. ErrLost: the request had fewer by now.
func (q *Queue) take1(c *claim, v *view) ([]store.Job, error) {
	e := c.e
	seed := e.work.seed(c.left)
	now := q.Clock().UnixMicro()
	ttl := e.work.ttl(v)
	jobs := make([]store.Job, c.n)
	for i := range jobs {
		jobs[i] = store.Job{ID: horde.NewID(), RequestID: e.row.ID, WorkerID: v.worker.ID, Model: c.model,
			Seed: seed, Fake: c.fake, Started: now, TTL: ttl.Microseconds()}
		jobs[i].JobResult.Seed, jobs[i].Pop = seed, jobs[0].ID
	}
	life := requestLife
	if v.settings.ExtraSlow {
		life = extraSlowLife
	}
	var state store.RequestState
	k, expires := c.n, now+life.Microseconds()
	if c.fake { // takes nothing, but the request has to be there, and the other nodes to hear of it
		k, expires = 0, 0
	}
	claim := store.ClaimOf(e.row.ID, k, expires, now)
	err := q.Store.Write(store.Unit{Key: e.row.ID, First: []store.Asked{claim}, Do: func(tx *store.Tx) (err error) {
		if state, err = claim.Answer(tx); err != nil {
			return err
		}
		for _, j := range jobs {
			tx.InsertJob(j)
		}
		return nil
	}})
	x := e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	if !c.fake {
		e.reserved -= c.n
	}
	if err != nil {
		return nil, err
	}
	x.apply(e, state)
	for _, j := range jobs {
		x.setJob(e, j)
	}
	return jobs, nil
}

const (
	extraSlowLife = 60 * time.Minute
	leastTTL      = 150 * time.Second
)
