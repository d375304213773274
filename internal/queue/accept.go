package queue

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/store"
)

// requestLife is how long a request lives without anything happening to it.
const requestLife = 20 * time.Minute

// Ask is one POST /generate/async.
type Ask struct {
	Body        api.ImageRequest
	RawParams   json.RawMessage
	Key         string
	ClientAgent string
	Addr        string
	UnsafeIP    bool
}

// Answer is what a request got: accepted, or only priced when it was a dry run.
type Answer struct {
	Accepted *api.Accepted
	DryRun   *api.DryRun
	// Vouched: the caller is one whose address gets the higher rate limits for a
	// day (§1.4 #15).
	Vouched bool
}

// Accept checks a request in the order of generation rulebook §1.4 and takes it
// into the queue.
func (q *Queue) Accept(ctx context.Context, ask Ask) (Answer, error) {
	r := &admission.Request{Asked: ask.Body, RawParams: ask.RawParams, ClientAgent: ask.ClientAgent, UnsafeIP: ask.UnsafeIP,
		Models: q.Catalog.Snapshot(), Server: q.Modes()}
	if ask.Body.Style != "" {
		r.Style = admission.UnknownStyle
	}
	if err := r.Check(admission.BeforeKey); err != nil {
		return Answer{}, err
	}
	user, err := q.Accounts.ByKey(ctx, ask.Key)
	if err != nil {
		return Answer{}, err
	}
	r.Normalize(callerOf(user), rand.Uint32)
	if err := q.check(r, user); err != nil {
		return Answer{}, err
	}
	load := q.load()
	up := r.Upfront(load)
	quote := q.quote(r)
	if up.Needed && ask.Body.AllowDowngrade != nil && *ask.Body.AllowDowngrade && up.MayDowngrade {
		funds, err := q.funds(ctx, user)
		if err != nil {
			return Answer{}, err
		}
		if funds < quote.Total() {
			r.Downgrade(load)
			quote = q.quote(r)
			up.Needed = false
		}
	}
	if r.Image.DryRun {
		return q.dryRun(ctx, user, up, quote)
	}
	e, err := q.newRequest(ctx, r, user, ask, quote)
	if err != nil {
		return Answer{}, err
	}
	if err := q.commit(ctx, e, user, up, quote); err != nil {
		q.dropSources(ctx, &e.record)
		return Answer{}, err
	}
	return Answer{Accepted: q.accepted(r, e), Vouched: vouched(r)}, nil
}

func vouched(r *admission.Request) bool {
	c := r.Caller
	return (c.Education || c.Trusted || c.Service) && r.Asked.ProxiedAccount == ""
}

func callerOf(u *account.User) admission.Caller {
	return admission.Caller{ID: u.ID, Alias: u.Alias(), Anonymous: u.Anonymous(), Trusted: u.Is(account.Trusted),
		Special: u.Is(account.Special), Service: u.Is(account.Service), Education: u.Is(account.Education),
		Deleted: u.Is(account.Deleted), Flagged: u.Is(account.Flagged), Moderator: u.Is(account.Moderator)}
}

// check runs the rows of §1.4 behind the key, those that need the queue or the
// fleet among them.
func (q *Queue) check(r *admission.Request, user *account.User) error {
	if err := r.Check(admission.AfterKey); err != nil {
		return err
	}
	for _, id := range r.Asked.Workers {
		if q.Fleet.Worker(id) == nil {
			return horde.Errorf("WorkerNotFound", "The worker with id '%s' does not exist. Look it up in GET /api/v2/workers.", clip(id, 64))
		}
	}
	if err := r.Check(admission.Batching); err != nil {
		return err
	}
	if waiting := q.waitingOf(user, r.Image.Models); waiting+r.Image.N > user.Concurrency {
		if user.Anonymous() {
			return horde.Errorf("TooManyPrompts", "Anonymous requests of the models asked for are at their limit (%d waiting). "+
				"Register an account at /register to have a limit of your own.", waiting)
		}
		return horde.Errorf("TooManyPrompts", "You have %d jobs waiting, and may have %d. Wait for some to finish.", waiting, user.Concurrency)
	}
	if err := keepAdult(r); err != nil {
		return err
	}
	return r.Check(admission.Content)
}

// keepAdult rewrites prompts with words of youth for models made for adult
// pictures, and every prompt of a flagged user (§7.5, row 22).
func keepAdult(r *admission.Request) error {
	m := &r.Image
	adultModel := slices.ContainsFunc(m.Models, func(name string) bool {
		known, ok := r.Models.Image(name)
		return ok && known.NSFW
	})
	if !r.Caller.Flagged && !(adultModel && moderation.Youthful(m.Prompt, m.Models)) {
		return nil
	}
	if m.Prompt = moderation.Adult(m.Prompt, m.Models); m.Prompt == "" {
		return horde.Errorf("CorruptPrompt", "To keep this horde safe, the models asked for do not take this prompt. Please change it.")
	}
	return nil
}

// waitingOf counts what a user has waiting against the concurrency (§5.6): the
// anonymous user by the models asked for.
func (q *Queue) waitingOf(user *account.User, models []string) int {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.holders[user.ID]
	switch {
	case h == nil:
		return 0
	case !user.Anonymous() || len(models) == 0:
		return h.waiting
	}
	n := 0
	for _, m := range models {
		n += h.byModel[m]
	}
	return n
}

func (q *Queue) load() admission.Load {
	_, threads := q.Fleet.Count(fleet.Image)
	return admission.Load{QueuedRequests: q.index.queued(), Threads: threads}
}

// queued is the jobs waiting and in progress, from counters.
func (x *index) queued() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.running
	for _, h := range x.holders {
		n += h.waiting
	}
	return n
}

// quote prices a request; one that names no model, by the dearest that live
// workers offer (decisions #6).
func (q *Queue) quote(r *admission.Request) kudos.Quote {
	baselines := r.Image.Baselines(r.Models)
	if len(baselines) == 0 {
		seen := map[string]bool{}
		q.Fleet.Online(fleet.Image, func(w *fleet.Worker) bool {
			for _, m := range w.Settings.Models {
				if b := r.Models.Baseline(m); !seen[b] {
					seen[b] = true
					baselines = append(baselines, b)
				}
			}
			return true
		})
	}
	return r.Image.Order(r.Server.MatchedTargeting).Quote(baselines)
}

func (q *Queue) funds(ctx context.Context, user *account.User) (horde.Kudos, error) {
	a, err := q.Store.Account(ctx, user.ID)
	if err != nil {
		return 0, err
	}
	return kudos.Spendable(a), nil
}

func (q *Queue) dryRun(ctx context.Context, user *account.User, up admission.Upfront, quote kudos.Quote) (Answer, error) {
	if up.Needed {
		funds, err := q.funds(ctx, user)
		if err != nil {
			return Answer{}, err
		}
		if funds < quote.Total() {
			return Answer{}, up.Refusal(quote.Total())
		}
	}
	return Answer{DryRun: &api.DryRun{Kudos: api.Float(quote.Total().Float())}}, nil
}

// newRequest stores the source pictures and makes the row.
func (q *Queue) newRequest(ctx context.Context, r *admission.Request, user *account.User, ask Ask, quote kudos.Quote) (*entry, error) {
	now := q.Clock().UnixMicro()
	row := store.Request{ID: horde.NewID(), Kind: kindImage, UserID: user.ID, Created: now,
		RequestState: store.RequestState{Jobs: r.Image.N, Expires: now + requestLife.Microseconds(), Waiting: r.Image.N, Version: 1}}
	image := r.Image
	rec := record{Image: &image, Addr: ask.Addr, UnsafeIP: ask.UnsafeIP, Trusted: user.Is(account.Trusted), Price: quote.Base}
	if user.UsageMultiplier != 1 {
		rec.Multiplier = user.UsageMultiplier
	}
	if err := q.storeSources(ctx, row.ID, &ask.Body, &rec); err != nil {
		return nil, err
	}
	e := &entry{row: row, record: rec, state: row.RequestState}
	e.feat = featuresOf(&e.record)
	return e, nil
}

// commit acknowledges a request: row, tax and hold in one transaction, then the
// index.
func (q *Queue) commit(ctx context.Context, e *entry, user *account.User, up admission.Upfront, quote kudos.Quote) error {
	e.record.Held = up.Needed && quote.Total() > 0
	body, err := json.Marshal(&e.record)
	if err != nil {
		return err
	}
	row := e.row
	err = q.Store.Write(store.Unit{Key: row.ID, Accounts: []int64{user.ID}, Do: func(tx *store.Tx) error {
		a, err := tx.Account(user.ID)
		if err != nil {
			return err
		}
		row.Priority = priorityOf(a.Balance, user.Is(account.Flagged))
		if e.record.Held {
			if err := kudos.Hold(tx, holdID(row.ID), user.ID, quote.Total()); errors.Is(err, kudos.ErrTooPoor) {
				return up.Refusal(quote.Total())
			} else if err != nil {
				return err
			}
		}
		row.Consumed = quote.Tax
		insert := row
		insert.Body = string(body)
		if err := tx.InsertRequest(insert); err != nil {
			return err
		}
		return chargeTax(tx, &row, quote.Tax, e.record.Held)
	}})
	if err != nil {
		return err
	}
	e.row, e.state, e.rank = row, row.RequestState, rankOf(&row)
	x := q.index
	x.mu.Lock()
	if x.entries[row.ID] == nil { // else the change log was faster
		x.add(e)
	}
	x.mu.Unlock()
	q.waiters.offer([]*entry{e})
	return nil
}

func holdID(request string) string { return "upfront:" + request }

func chargeTax(tx *store.Tx, row *store.Request, tax horde.Kudos, held bool) error {
	e := kudos.NewEntry(tx, "accept:"+row.ID, "request accepted", row.ID, "")
	if err := e.Charge(row.UserID, tax); err != nil {
		return err
	}
	if held {
		if err := kudos.EatHold(tx, holdID(row.ID), tax); err != nil {
			return err
		}
	}
	err := tx.ChangeAccount(row.UserID, func(a *store.Account) {
		a.Totals.Requests[imageTotals]++
		a.LastActive = tx.Now
	})
	if err != nil {
		return err
	}
	return e.Commit()
}

// imageTotals is the place of images in store.PerKind.
const imageTotals = 0

func (q *Queue) accepted(r *admission.Request, e *entry) *api.Accepted {
	answer := &api.Accepted{ID: e.row.ID, Kudos: api.Float(math.RoundToEven(e.record.Price)), Warnings: r.Warnings()}
	q.index.mu.Lock()
	possible := q.possible(e).possible
	q.index.mu.Unlock()
	if !possible && !r.Server.Raid {
		w := admission.NoAvailableWorker()
		answer.Message = w.Message
		answer.Warnings = append(answer.Warnings, w)
	}
	return answer
}
