package queue

import (
	"context"
	"encoding/json"
	"errors"
	"math"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// Answer is what a request got: accepted, or only priced when it was a dry run.
type Answer struct {
	Accepted *api.Accepted
	DryRun   *api.DryRun
	// Favoured: the caller is one whose address gets the higher rate limits for a
	// day (generation §1.4 row 15). It counts beside an error too: a later row may refuse.
	Favoured bool
}

// accept checks a request of a kind in the order of generation §1.4 and
// takes it into the queue.
func (q *Queue) accept(ctx context.Context, x *index, r kinds.Asked, t *terms, from From) (answer Answer, err error) {
	// Row 15 is a favour to the caller, whatever the rows behind it say.
	defer func() { answer.Favoured = t.favoured }()

	b, err := q.weigh(ctx, x, r, t, from)
	if err != nil {
		return Answer{}, err
	}
	if r.Common().DryRun {
		return Answer{DryRun: &api.DryRun{Kudos: api.Float(b.cost.DryRun)}}, nil
	}

	// Only what may enter costs a judgement of its address, and its source images.
	from.UnsafeIP = from.UnsafeIP || !t.caller().Vouched() && q.unsafe(ctx, from)
	e, err := q.newRequest(t.user.WithAccount(ctx), x, r, t.user, from, b.cost)
	if err != nil {
		return Answer{}, err
	}
	e.record.SharedKey = t.keyID()

	if err := q.commit(ctx, e, t, b); err != nil {
		q.dropSources(ctx, &e.record)
		return Answer{}, err
	}
	return Answer{Accepted: q.accepted(r, e)}, nil
}

// bill is what a request that may enter costs.
type bill struct {
	up         admission.Upfront
	cost       kinds.Price
	downgraded bool // it was made smaller for lack of kudos
	byKey      bool // a shared key pays
}

// refusal refuses what an account cannot pay upfront.
func (b *bill) refusal(a *store.Account) error {
	return b.up.Refusal(admission.Funds{
		Needed:  b.cost.Needed,
		Balance: a.Balance,
		Floor:   a.Lowest,
		Held:    a.Held,
		ByKey:   b.byKey,
	})
}

// held is what is set aside when the request is taken.
func (b bill) held() horde.Kudos {
	if !b.up.Needed {
		return 0
	}
	return max(0, b.cost.Needed)
}

// weigh runs every check of a request up to row 59, kudos that are needed upfront
// among them, and prices it. It reads and fetches no source image: those are of
// row 60.
func (q *Queue) weigh(ctx context.Context, x *index, r kinds.Asked, t *terms, from From) (b bill, err error) {
	if err := r.Check(admission.BeforeKey); err != nil {
		return b, err
	}
	if err := t.findPayer(ctx, q.Accounts, from.Key); err != nil {
		return b, err
	}

	r.Normalize(t.caller())
	if err := q.check(ctx, x, r, t, from); err != nil {
		return b, err
	}

	load := q.load(x)
	b.up, b.cost, b.byKey = r.Upfront(load), r.Price(q.offered(x, r, t.user)), t.key != nil

	// Row 59: the budget of the shared key, kudos upfront, the limits of the key.
	if err := t.afford(b.cost, b.up.MayDowngrade); err != nil {
		return b, err
	}
	if err := q.requireFunds(ctx, x, r, t, load, &b); err != nil {
		return b, err
	}
	return b, t.within(r)
}

// requireFunds makes sure that what is needed upfront is there: else a request that
// allows it becomes smaller, and any other is refused (generation §1.5 step 5). Requests that
// need nothing upfront do not cost a read of the account.
func (q *Queue) requireFunds(
	ctx context.Context, x *index, r kinds.Asked, t *terms, load admission.Load, b *bill,
) error {
	if !b.up.Needed {
		return nil
	}

	a, err := q.Store.Account(ctx, t.user.ID)
	switch {
	case err != nil:
		return err
	case kudos.Spendable(a) >= b.cost.Needed && !t.deprioritized: // what the shared key does not cover is not there either
		return nil
	case !r.Common().AllowDowngrade || !b.up.MayDowngrade:
		return b.refusal(a)
	}

	r.Downgrade(load)
	b.cost, b.up.Needed, b.downgraded = r.Price(q.offered(x, r, t.user)), false, true
	return nil
}

// favoured reports whether a caller gets the favour of row 15: education, trusted and service
// accounts do where they call for themselves.
func favoured(c admission.Caller, r *admission.Common) bool {
	return (c.Education || c.Trusted || c.Service) && r.ProxiedAccount == ""
}

// unsafe reports whether the address that a request comes from is judged unsafe.
// Where that cannot be found out it counts as safe.
func (q *Queue) unsafe(ctx context.Context, from From) bool {
	return from.UnsafeIP || q.Checker.Judge(ctx, from.Addr) == moderation.Unsafe
}

// check runs the rows of generation §1.4 behind the key, those that need the queue or the
// fleet among them.
func (q *Queue) check(ctx context.Context, x *index, r kinds.Asked, t *terms, from From) error {
	if err := r.Check(admission.AfterKey); err != nil {
		return err
	}
	t.favoured = favoured(t.caller(), r.Common())
	if err := r.Check(admission.Named); err != nil {
		return err
	}

	// Row 17.
	for _, id := range r.NamedWorkers() {
		_, err := q.Fleet.Find(ctx, horde.PlainID(id))
		if horde.CodeOf(err) == horde.WorkerNotFound {
			err = horde.Errorf(horde.WorkerNotFound,
				"The worker with id '%s' does not exist. Look it up in GET /api/v2/workers.", requests.Shown(id))
		}
		if err != nil {
			return err
		}
	}
	if err := r.Check(admission.Batching); err != nil {
		return err
	}

	// Rows 19 to 22: what the user has waiting, the address, the prompt.
	waiting, crowd := x.waitingOf(t.user, r.Common().Models)
	if err := mayWait(ctx, t.user, waiting, r.Common().N); err != nil {
		return err
	}
	if !r.Common().DryRun {
		if err := q.Bounds.Check(ctx, crowd, admission.Backlog{Jobs: r.Common().N}); err != nil {
			return err
		}
	}
	if err := q.Addresses.Check(from.Addr); err != nil {
		return err
	}
	if err := q.filter(ctx, r, t, from); err != nil {
		return err
	}
	return r.Check(admission.Content)
}

// newRequest stores the source images (row 60) and makes the row.
func (q *Queue) newRequest(
	ctx context.Context, x *index, r kinds.Asked, user *account.User, from From, cost kinds.Price,
) (*entry, error) {
	now := q.Clock.Micros()
	n := r.Common().N
	row := store.Request{
		ID:      horde.NewID(),
		Kind:    x.kind.name,
		UserID:  user.ID,
		Created: now,
		RequestState: store.RequestState{
			Jobs:    n,
			Waiting: n,
			Expires: now + horde.MicrosIn(kinds.RequestLife),
			Version: 1,
		},
	}

	rec := recordOf(r)
	rec.UnsafeIP, rec.Trusted, rec.Price = from.UnsafeIP, user.Is(account.Trusted), cost.Base
	if from.Addr.IsValid() {
		rec.Addr = from.Addr.String()
	}
	if r.Common().Webhook != "" {
		rec.Base = horde.BaseOf(ctx)
	}
	if user.UsageMultiplier != 1 {
		rec.Multiplier = user.UsageMultiplier
	}

	if images := r.SourceImages(); images != nil {
		if err := q.storeSources(ctx, &row, images, &rec); err != nil {
			return nil, err
		}
	}
	return x.newEntry(row, rec), nil
}

// commit acknowledges a request: row, tax, hold and what the style's owner gets in
// one transaction. The index, here and on other nodes, gets it by hear.
func (q *Queue) commit(ctx context.Context, e *entry, t *terms, b bill) error {
	row := e.row
	body, err := json.Marshal(&e.record)
	if err != nil {
		return err
	}
	e.record.size = int64(len(body))

	return requests.Admit(ctx, q.Store, e.home.Index, e, t.accounts(), func(tx *store.Tx) error {
		// Look again at all that may have changed since the checks.
		a, err := tx.Account(t.user.ID)
		if err != nil {
			return err
		}
		if err := q.stillMayWait(ctx, tx, e, t.user); err != nil {
			return err
		}
		key, err := t.recheck(tx, b.cost, b.up.MayDowngrade && !b.up.Needed)
		if err != nil {
			return err
		}
		row.Priority, row.Consumed = t.priority(a.Balance), b.cost.Tax

		reserved, err := t.acceptance(e, b, key, q.Accounts.UnpaidBounds(nil, "")).Apply(tx)
		if errors.Is(err, kudos.ErrInsufficient) {
			return b.refusal(a)
		}
		if err != nil {
			return err
		}

		// Most requests reserve nothing: theirs is written as it is already.
		e.record.Held, e.record.Promised = reserved.OnAccount, reserved.Promised
		insert := row
		insert.Body = string(body)
		if e.record.Held || e.record.Promised != nil {
			promising, err := json.Marshal(&e.record)
			if err != nil {
				return err
			}
			insert.Body = string(promising)
		}
		tx.InsertRequest(insert)
		return nil
	})
}

// acceptance describes what moves when a request is taken. key is the shared key that
// pays, as it is now; nil: none does. styles is what the owner of a style may earn unpaid.
func (t *terms) acceptance(e *entry, b bill, key *store.SharedKey, styles kudos.UnpaidBounds) *settle.Acceptance {
	a := &settle.Acceptance{
		Rules:    e.home.kind.rules,
		Request:  e.row.ID,
		Payer:    t.user.ID,
		Needed:   b.held(),
		Key:      key,
		Most:     b.cost.Most,
		Tax:      b.cost.Tax,
		TaxParts: kudos.TaxParts(b.cost.Tax, len(e.record.Extra)),
	}
	if t.style != nil {
		a.Style = t.style.Style.Name
		a.Bonus = func(tx *store.Tx, event *kudos.Entry) error { return t.style.RewardOwner(tx, event, t.asker.ID) }
		a.Unpaid = styles
	}
	return a
}

// accepted is the answer to a request that was taken, with a warning where nobody
// could serve it now.
func (q *Queue) accepted(r kinds.Asked, e *entry) *api.Accepted {
	answer := &api.Accepted{ID: e.row.ID, Kudos: api.Float(math.RoundToEven(e.record.Price)), Warnings: r.Warnings()}

	e.home.Lock()
	possible := q.canBeServedLocked(e)
	e.home.Unlock()
	if possible || q.Modes().Raid {
		return answer
	}

	w := admission.NoAvailableWorker()
	answer.Message = w.Message
	if e.home.kind.warns {
		answer.Warnings = append(answer.Warnings, w)
	}
	return answer
}
