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
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// popper is a pop: what the worker is matched by, and what it gets.
type popper struct {
	q      *Queue
	x      *index
	offer  *fleet.Offer
	worker *fleet.Worker // as it was met last
	facts  *match.Worker
	known  *catalog.Snapshot
	look   match.Pop // of the try that is on

	claim   *claim         // what was found; nil: nothing
	jobs    []store.Job    // of the claim, once it is committed
	skipped map[string]int // what the worker was withheld from
}

// pop hands out jobs to a worker that has checked in, waiting for at most wait
// when there is nothing (0: not at all).
func (q *Queue) pop(ctx context.Context, x *index, o *fleet.Offer, wait time.Duration) (*popper, error) {
	p := &popper{q: q, x: x, offer: o}
	_, err := requests.Pop(ctx, &x.Requests.Waiters, q.Fleet, o.Worker, wait, p)
	return p, err
}

// Meet begins a look through the queue on behalf of a worker.
func (p *popper) Meet(w *fleet.Worker) *match.Worker { return p.meet(w, p.q.Catalog.Snapshot()) }

func (p *popper) meet(w *fleet.Worker, known *catalog.Snapshot) *match.Worker {
	p.worker, p.known = w, known
	p.facts = p.x.kind.factsOf(w, p.offer, known)
	p.look = match.Pop{Worker: p.facts, Want: 1, MatchedTargeting: p.q.Modes().MatchedTargeting, Yields: p.yieldsLocked}
	return p.facts
}

// factsOf is what decides over what a worker gets for an offer.
func (k *kind) factsOf(w *fleet.Worker, o *fleet.Offer, known *catalog.Snapshot) *match.Worker {
	facts := k.popping(kinds.Seen{Worker: w, Models: o.ModelList, OwnerTrusted: o.Owner.Is(account.Trusted), Known: known})
	facts.Offered, facts.Friends, facts.RequireFunds = o.Models, o.PriorityUsers, o.RequireKudos
	return facts
}

// Match finds the first request for the worker, looking up funds where it has to.
func (p *popper) Match(ctx context.Context) (found bool, err error) {
	for {
		result := p.match()
		if len(result.NeedsFunds) == 0 {
			p.skipped = result.Skipped
			return p.claim != nil, nil
		}
		if err := p.q.lookUpFunds(ctx, &p.look, result.NeedsFunds); err != nil {
			return false, err
		}
	}
}

// match finds the first request for the worker and reserves its jobs in the index. There
// is no claim when it finds none, or when there are funds that have to be looked up before
// it can tell.
func (p *popper) match() match.Result {
	x := p.x
	x.Lock()
	defer x.Unlock()

	p.claim = nil
	p.look.Now = p.q.Clock.Micros()
	result := x.Queue.Find(&p.look)
	if len(result.Found) == 0 {
		return result
	}

	// Reserve as many jobs as the worker takes at once. A decoy takes none away.
	e := x.Requests.Get(result.Found[0].ID)
	c := &claim{e: e, left: e.item.Available(p.look.Now), model: chooseModel(e.models(), p.facts)}
	c.decoy = p.worker.Paused && e.row.UserID != p.worker.UserID
	c.n = e.work.Batch(p.pickup(c))
	if !c.decoy {
		e.item.Reserved += c.n
	}

	c.first = !c.decoy && c.left == e.state.Jobs && e.counts() == counts{}
	p.claim = c
	return result
}

// pickup is what the worker brings to jobs of a claim.
func (p *popper) pickup(c *claim) kinds.Pickup {
	return kinds.Pickup{
		Settings: &p.worker.Settings,
		Known:    p.known,
		Model:    c.model,
		Amount:   p.offer.Amount,
		Left:     c.left,
	}
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

// Claim commits what was found: the request gives up the jobs and the jobs exist, or
// neither. Where the request had fewer by now, it is read again.
func (p *popper) Claim(ctx context.Context) (got bool, err error) {
	q, x, e := p.q, p.x, p.claim.e
	now := q.Clock.Micros()
	p.jobs = newJobs(p.claim, p, now)

	// The reservation is given back with the news of the commit (takeOwn), or below.
	id := p.jobs[0].PopID()
	x.reserve(id, p.claim)
	err = settle.ClaimJobs(ctx, q.Store, p.jobs, now+horde.MicrosIn(lifeWith(p.worker)))

	// What was committed has given its reservation back itself. Who lost reads the
	// request again, which offers it.
	lost := errors.Is(err, store.ErrLost)
	if x.release(id) && !lost {
		x.Requests.Offer(e)
	}
	if lost {
		return false, q.Refresh(ctx, []string{e.row.ID})
	}
	if err != nil {
		return false, err
	}
	if p.claim.first {
		q.FirstPop(x.kind.name, (now - e.row.Created).Duration())
	}
	return true, nil
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
		jobs[i].JobResult.Seed = seed
		jobs[i].Pop = jobs[0].ID // the first job names the pop
	}
	return jobs
}

// extraSlowLife is kinds.RequestLife from when an extra slow worker has got jobs.
const extraSlowLife = 60 * time.Minute

// lifeWith is how long a request lives from when a worker has got jobs of it.
func lifeWith(w *fleet.Worker) time.Duration {
	if w.Settings.ExtraSlow {
		return extraSlowLife
	}
	return kinds.RequestLife
}

// yieldsLocked reports whether the worker has to leave a request that has failed to
// others: to whoever has not failed on it if it has, else to whoever stands better.
// First tries are anybody's.
func (p *popper) yieldsLocked(it *match.Item) bool {
	e := p.x.Requests.Get(it.ID)
	if len(e.failed) == 0 {
		return false
	}
	rivals := p.q.rivalsLocked(e)
	own := kinds.StandingOf(p.q.Fleet.Latest(p.worker), e.failed)
	return rivals.Best < own || rivals.AskFunds < own && !p.look.LacksFunds(it)
}
