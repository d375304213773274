package settle

import (
	"context"
	"slices"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// speedSamples is how many speeds of its last deliveries a worker's row keeps (generation §5.4).
const speedSamples = 20

// Delivery is a result that a worker brought: who pays, who earns, and for whom it
// counts as what.
type Delivery struct {
	Rules      *Rules
	Assignment Assignment
	Funds      Funds

	Worker string        // id; its row is locked
	Owner  *account.User // of the worker
	Model  string        // that was used, or the name of the form

	Uploaded Uploaded // the result itself

	At      horde.Micros
	Expires horde.Micros // of the request from now on, at least

	Charge horde.Kudos // of the payer
	Worth  horde.Kudos // what of the charge is for the work
	Earned horde.Kudos // by the owner, but for what is forgone

	// Unpaid bounds what the owner earns of what the payer does not pay.
	Unpaid kudos.UnpaidBounds

	// Work is how much was done as the records count it.
	Work Work

	// Speed is the worker's next sample: work units per second, of forms seconds for
	// each (generation §5.4).
	Speed float64

	Censored   bool
	Suspicions int // that the speed is no hardware's, of worker and owner (generation §5.10)

	// Statistics and Timing are kept beside the delivery; nil: they are not.
	Statistics *store.Delivery
	Timing     *store.Timing

	// Webhook is what tells the requester of it; nil: nothing does.
	Webhook *store.Webhook

	// Forgone is, after the commit, what of Earned the owner did not get.
	Forgone horde.Kudos

	dropHold *store.Ask[store.Hold] // of funds for one charge
}

// Work is an amount of work, as each record counts it (generation §6.4).
type Work struct {
	Units        int64 // of the worker and its team: pixelsteps, tokens
	Usage        int64 // of the requester: hundredths of a megapixelstep, tokens
	Contribution int64 // of the worker's owner, likewise
}

// Uploaded is what lies in the blob store as a result. The zero Uploaded is nothing.
type Uploaded struct {
	Name     string
	MaxBytes int64 // what is larger is no result, and removed; 0: any size
}

// Deliver writes a delivery while nothing replaces what its worker has uploaded, nor
// ever after.
func (srv Server) Deliver(ctx context.Context, d *Delivery) error {
	if d.Uploaded.Name != "" {
		defer srv.Blobs.Seal(ctx, d.Uploaded.Name, d.Uploaded.MaxBytes)()
	}
	return Deliver(ctx, srv.Store, d)
}

// Deliver writes a delivery: the result, the charge, the reward and the counters, in
// one transaction. ErrLost: the assignment had ended.
func Deliver(ctx context.Context, s *store.Store, d *Delivery) error {
	u := store.Unit{
		Key:      d.Assignment.request(),
		Accounts: d.accounts(),
		Workers:  []string{d.Worker},
		Unpaid:   d.unpaid(),
		First:    d.Assignment.finish(d),
		Do:       d.deliver,
	}

	// What is set aside for this charge alone is not looked at, so it goes in the
	// same round trip.
	if d.Funds.Hold != "" && d.Funds.OneCharge {
		d.dropHold = store.DropHoldOf(d.Funds.Hold)
		u.First = append(u.First, d.dropHold)
	}
	return s.Write(ctx, u)
}

// accounts are those that the delivery changes.
func (d *Delivery) accounts() []horde.UserID { return []horde.UserID{d.Funds.Payer, d.Owner.ID} }

// unpaid is the key of the address whose earnings the delivery is likely to change: the
// anonymous account never has anything to pay with.
func (d *Delivery) unpaid() []string {
	if d.Funds.Payer != horde.AnonymousID || d.Unpaid.From == "" {
		return nil
	}
	return []string{d.Unpaid.From}
}

// got is what the owner earns in the end.
func (d *Delivery) got() horde.Kudos { return d.Earned - d.Forgone }

// Told is what a worker is told that it earned, by the reward for the work.
func (d *Delivery) Told(reward float64) float64 {
	if d.Forgone == 0 {
		return reward
	}
	return d.got().Float()
}

func (d *Delivery) deliver(tx *store.Tx) error {
	consumed, err := d.Assignment.finished(tx, d)
	if err != nil {
		return err
	}
	if d.dropHold != nil {
		if err := kudos.Released(tx, d.dropHold); err != nil {
			return err
		}
	}

	if err := d.pay(tx, d.Rules.Delivered, consumed); err != nil {
		return err
	}
	if err := d.count(tx, d.countDelivery); err != nil {
		return err
	}

	if d.dropHold == nil {
		if err := releaseIfOver(tx, &d.Funds, d.Assignment.over); err != nil {
			return err
		}
	}
	if d.Webhook != nil {
		tx.InsertWebhook(*d.Webhook)
	}
	return d.suspect(tx)
}

// pay moves the kudos of work that was done, for this reason, as one event of the ledger,
// and counts the work for both sides. consumed is what the request was charged before.
//
// The payer is charged d.Charge, which goes to nobody: it is burned. Nobody pays what the
// budget of a shared key does not cover, nor what would take the payer below their floor
// (generation §6.10): that is forgiven. What was set aside for the request shrinks by what
// was paid.
//
// The owner earns d.Earned, newly minted, whether the payer could pay or not. Of what was not
// paid, though, only so much as d.Unpaid leaves for today (generation §6.14): the rest is
// d.Forgone. A trusted owner can spend all of it at once, and so can the anonymous one. Of
// anybody else's, half goes into escrow, rounded half to even, until they are trusted
// (generation §6.4).
func (d *Delivery) pay(tx *store.Tx, reason string, consumed horde.Kudos) error {
	e := kudos.NewEntry(tx, d.Rules.Event+d.Assignment.id(), reason, d.Assignment.request(), d.Assignment.id())
	e.About(kudos.About{
		Worker:   d.Worker,
		Model:    d.Model,
		Key:      d.Funds.keyID(),
		Censored: d.Censored,
	})

	paid, err := d.Funds.spend(tx, d.Charge, consumed)
	if err != nil {
		return err
	}
	if err := e.ChargeAtMost(d.Funds.Payer, d.Charge, paid, kudos.Part{Kind: d.Rules.Worth, Amount: d.Worth}); err != nil {
		return err
	}
	if err := d.Funds.consume(tx, paid); err != nil {
		return err
	}

	e.Within(d.Unpaid.For(d.Funds.Payer))
	spendable := d.Owner.Is(account.Trusted) || d.Owner.Anonymous()
	if err := e.Reward(d.Owner.ID, kudos.Earning{Amount: d.Earned, Trusted: spendable}); err != nil {
		return err
	}
	d.Forgone = e.Forgone()
	if err := d.countForUsers(tx); err != nil {
		return err
	}
	return e.Commit()
}

// countForUsers adds the work to the records of requester and owner (generation §6.4).
func (d *Delivery) countForUsers(tx *store.Tx) error {
	place := d.Rules.Place
	err := tx.ChangeAccount(d.Funds.Payer, func(a *store.Account) {
		a.Totals.Requests[place]++
		a.Totals.Usage[place] += d.Work.Usage
		a.LastActive = tx.Now
	})
	if err != nil {
		return err
	}

	return tx.ChangeAccount(d.Owner.ID, func(a *store.Account) {
		a.Totals.Fulfilments[place]++
		a.Totals.Contribution[place] += d.Work.Contribution
		a.LastActive = tx.Now
	})
}

// count adds the work to the worker's life, by change, and to all else that counts it
// but users.
func (d *Delivery) count(tx *store.Tx, change func(*store.Worker)) error {
	worker, err := tx.ChangeWorker(d.Worker, change)
	if err != nil {
		return err
	}
	if d.Rules.Teams {
		tx.CountForTeam(worker.Team, store.TeamTotals{Kudos: d.got(), Fulfilments: 1, WorkUnits: d.Work.Units})
	}

	if d.Statistics != nil {
		tx.Deliver(*d.Statistics)
	}
	if d.Timing != nil {
		tx.Time(*d.Timing)
	}
	return nil
}

// countEarned adds what was earned with the work to a worker's row.
func (d *Delivery) countEarned(w *store.Worker) {
	t := &w.Totals
	t.Kudos += d.got()
	*d.Rules.Earnings(t) += d.got()
	t.WorkUnits += d.Work.Units
	t.Fulfilments++
}

// countDelivery is countEarned of work that was delivered, which says how fast the
// worker is and that it is well.
func (d *Delivery) countDelivery(w *store.Worker) {
	d.countEarned(w)
	fleet.EndFailures(w)

	t := &w.Totals
	t.Delivered = d.At
	t.Speeds = append(slices.Clip(t.Speeds), d.Speed)
	if n := len(t.Speeds); n > speedSamples {
		t.Speeds = t.Speeds[n-speedSamples:]
	}
	for range d.Suspicions {
		fleet.Suspect(w, account.SuspicionTooFast)
	}
}

// suspect adds the suspicions to the owner's.
func (d *Delivery) suspect(tx *store.Tx) error {
	for range d.Suspicions {
		if err := account.SuspectUser(tx, d.Owner.ID, account.SuspicionTooFast); err != nil {
			return err
		}
	}
	return nil
}

// EndDecoy ends a job that was given to a paused worker: nothing moves but the version of
// its request, by which the other nodes hear of the end.
func EndDecoy(ctx context.Context, s *store.Store, j *Job) error {
	return s.Write(ctx, store.Unit{Key: j.request(), Do: func(tx *store.Tx) error {
		if err := tx.EndJob(j.id(), j.Result); err != nil {
			return err
		}
		return tx.TouchRequest(j.request())
	}})
}
