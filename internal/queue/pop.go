package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/match"
	"horde/internal/settle"
	"horde/internal/store"
)

// claim is jobs that one pop took of one request.
type claim struct {
	e     *entry
	model string
	n     int
	left  int // jobs waiting before this pop
	decoy bool
	first bool // no worker has had a job of it
}

// handout is what a pop brought: jobs of a claim, or why there are none.
type handout struct {
	worker *fleet.Worker // as it was when the jobs were handed out
	claim  *claim
	jobs   []store.Job
	why    map[string]int
}

// popper is a worker that pops, as the fleet knows it and as it is matched.
type popper struct {
	worker *fleet.Worker
	facts  *match.Worker
	known  *catalog.Snapshot
	amount int       // jobs that it takes at most
	look   match.Pop // of the try that is on
}

func newPopper(k *kind, o *fleet.Offer, known *catalog.Snapshot) *popper {
	facts := k.popping(kinds.Seen{
		Worker:       o.Worker,
		Models:       o.ModelList,
		OwnerTrusted: o.Owner.Is(account.Trusted),
		Known:        known,
	})
	facts.Offered, facts.Friends, facts.RequireFunds = o.Models, o.PriorityUsers, o.RequireKudos
	return &popper{worker: o.Worker, facts: facts, known: known, amount: o.Amount}
}

// pickup is what the worker brings to jobs of a claim.
func (p *popper) pickup(c *claim) kinds.Pickup {
	return kinds.Pickup{Settings: &p.worker.Settings, Known: p.known, Model: c.model, Amount: p.amount, Left: c.left}
}

// pop hands out jobs to a worker that has checked in, waiting for at most wait
// when there is nothing (0: not at all). A worker in maintenance that gets
// nothing is told so by an error.
func (q *Queue) pop(ctx context.Context, x *index, o *fleet.Offer, wait time.Duration) (h handout, err error) {
	p := newPopper(x.kind, o, q.Catalog.Snapshot())
	looked := false
	err = x.requests.Waiters.Try(ctx, wait, p.facts, func() (found bool, err error) {
		if looked { // it may have been paused or put into maintenance meanwhile
			fresh := *o
			if fresh.Worker = q.Fleet.Worker(o.Worker.ID); fresh.Worker == nil {
				return true, nil // or deleted
			}
			p = newPopper(x.kind, &fresh, q.Catalog.Snapshot())
		}
		looked = true
		h, err = q.tryPop(ctx, x, p)
		return h.claim != nil, err
	})
	if err == nil && h.claim == nil {
		err = kinds.MaintenanceError(p.worker)
	}
	h.worker = p.worker
	return h, err
}

// tryPop takes the first request that fits, going on to the next when another
// node was faster.
func (q *Queue) tryPop(ctx context.Context, x *index, p *popper) (handout, error) {
	look := q.newLook(x, p)
	for {
		c, result := q.match(x, p, look)
		if len(result.NeedsFunds) > 0 {
			if err := q.lookUpFunds(ctx, look, result.NeedsFunds); err != nil {
				return handout{}, err
			}
			continue
		}
		if c == nil {
			return handout{why: result.Skipped}, nil
		}

		jobs, err := q.commitClaim(ctx, c, p)
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

// newLook begins a look through the queue on behalf of a worker.
func (q *Queue) newLook(x *index, p *popper) *match.Pop {
	p.look = match.Pop{Worker: p.facts, Want: 1, MatchedTargeting: q.Modes().MatchedTargeting}
	p.look.Yields = func(it *match.Item) bool { return q.yieldsLocked(p.worker, &p.look, x.requests.Get(it.ID)) }
	return &p.look
}

// lookUpFunds reads what users could pay, for a look that needs it.
func (q *Queue) lookUpFunds(ctx context.Context, look *match.Pop, users []horde.UserID) error {
	found, err := q.Store.Accounts(ctx, users)
	if err != nil {
		return err
	}
	if look.Funds == nil {
		look.Funds = map[horde.UserID]horde.Kudos{}
	}
	for _, id := range users {
		look.Funds[id] = 0 // of somebody who is gone
	}
	for _, a := range found {
		look.Funds[a.UserID] = fundsOf(a)
	}
	return nil
}

// fundsOf is what an account could pay.
func fundsOf(a *store.Account) horde.Kudos {
	if a.Balance > 0 {
		return a.Balance - a.Lowest
	}
	return a.Balance
}

// match finds the first request for the worker and reserves its jobs in the index; nil
// when there is none, with what the worker was withheld from, or when there are funds
// that have to be looked up before it can tell.
func (q *Queue) match(x *index, p *popper, look *match.Pop) (*claim, match.Result) {
	x.mu.Lock()
	defer x.mu.Unlock()
	look.Now = horde.MicrosOf(q.Clock())
	result := x.queue.Find(look)
	if len(result.Found) == 0 {
		return nil, result
	}

	e := x.requests.Get(result.Found[0].ID)
	c := &claim{e: e, left: e.item.Available(look.Now), model: chooseModel(e.models(), p.facts)}
	c.decoy = p.worker.Paused && e.row.UserID != p.worker.UserID
	c.first = !c.decoy && c.left == e.state.Jobs && e.counts() == counts{}
	c.n = e.work.Batch(p.pickup(c))
	if !c.decoy {
		e.item.Reserved += c.n
	}
	return c, result
}

// chooseModel picks the model that all jobs of a batch share: a random one
// of those that both name, or of the worker's when the request names none.
func chooseModel(wanted []string, w *match.Worker) string {
	if len(wanted) == 0 {
		return w.Models[rand.IntN(len(w.Models))]
	}
	var both []string
	for _, m := range wanted {
		if _, ok := w.Offered[m]; ok {
			both = append(both, m)
		}
	}
	return both[rand.IntN(len(both))]
}

// commitClaim commits a claim: the request gives up the jobs and the jobs exist, or
// neither. ErrLost: the request had fewer by now.
func (q *Queue) commitClaim(ctx context.Context, c *claim, p *popper) ([]store.Job, error) {
	e := c.e
	now := horde.MicrosOf(q.Clock())
	jobs := newJobs(c, p, now)
	x, id := e.home, jobs[0].PopID()
	x.reserve(id, c)
	err := settle.ClaimJobs(ctx, q.Store, jobs, now+horde.MicrosIn(lifeWith(p.worker)))

	// What was committed has given its reservation back itself. Who lost reads the
	// request again, which offers it.
	if x.release(id) && !errors.Is(err, store.ErrLost) {
		x.requests.Offer(e)
	}
	if err != nil {
		return nil, err
	}
	if c.first {
		q.FirstPop(x.kind.name, (now - e.row.Created).Duration())
	}
	return jobs, nil
}

// newJobs are the rows of a claim's jobs.
func newJobs(c *claim, p *popper, now horde.Micros) []store.Job {
	seed := c.e.work.JobSeed(c.left, rand.Uint32)
	ttl := c.e.work.TTL(p.pickup(c))
	jobs := make([]store.Job, c.n)
	for i := range jobs {
		jobs[i] = store.Job{
			ID:        horde.NewID(),
			RequestID: c.e.row.ID,
			WorkerID:  p.worker.ID,
			Model:     c.model,
			Seed:      seed,
			Decoy:     c.decoy,
			Started:   now,
			TTL:       horde.MicrosIn(ttl),
		}
		jobs[i].JobResult.Seed, jobs[i].Pop = seed, jobs[0].ID
	}
	return jobs
}

// extraSlowLife is requestLife from when an extra slow worker has got jobs.
const extraSlowLife = 60 * time.Minute

// lifeWith is how long a request lives from when a worker has got jobs of it.
func lifeWith(w *fleet.Worker) time.Duration {
	if w.Settings.ExtraSlow {
		return extraSlowLife
	}
	return requestLife
}
