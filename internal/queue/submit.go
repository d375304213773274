package queue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"

	"horde/api"
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

const maxMetadata = 50

// assigned is a job and everything it belongs to.
type assigned struct {
	e      *entry
	job    *store.Job
	worker *fleet.Worker
}

// submission is what a worker has for a job.
type submission struct {
	id, generation, state string
	seed                  int64
	metadata              []api.GenMetadatum
}

const stateFaulted = "faulted"

// submit takes what a worker has for a job of a kind (generation §1.20) and returns its
// reward in kudos.
func (q *Queue) submit(ctx context.Context, x *index, key string, s submission) (float64, error) {
	a, err := q.assignedTo(ctx, s.id, func(id string) assigned { return q.jobInIndex(x, id) })
	if err != nil {
		return 0, err
	}
	user, err := q.Accounts.ByKey(ctx, key)
	if err != nil {
		return 0, err
	}
	if a.worker == nil || a.worker.UserID != user.ID {
		return 0, errForeignJob
	}
	if len(s.metadata) > maxMetadata {
		return 0, horde.Errorf(horde.BadRequest, "A result can have at most %d gen_metadata entries, not %d.", maxMetadata, len(s.metadata))
	}
	faulted := s.state == stateFaulted
	if a.job.State != store.JobRunning {
		return 0, ended(a, faulted)
	}
	switch {
	case faulted:
		err = q.fault(a, q.excuseOf(ctx, a))
	case a.job.Fake:
		return a.e.work.value(q, a, s.generation).reward, q.endFake(a, s.seed)
	default:
		return q.deliver(ctx, a, user, s)
	}
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, faulted)
	}
	return 0, err
}

var errForeignJob = horde.Errorf(horde.WrongCredentials, "Wrong credentials to submit as this worker.")

// assignedTo finds a job by id where find looks, in the database too when
// another node handed it out.
func (q *Queue) assignedTo(ctx context.Context, id string, find func(id string) assigned) (assigned, error) {
	missing := horde.Errorf(horde.InvalidJobID, "Processing Job with ID %s does not exist.", clip(id, 64))
	if !horde.IsID(id) {
		return assigned{}, missing
	}
	id = horde.PlainID(id)
	a := find(id)
	if a.job == nil && q.Store.Shared() {
		j, err := q.Store.Job(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return assigned{}, missing
		}
		if err == nil {
			err = q.Refresh(ctx, []string{j.RequestID})
		}
		if err != nil {
			return assigned{}, err
		}
		a = find(id)
	}
	if a.job == nil {
		return assigned{}, missing
	}
	if a.worker = q.Fleet.Worker(a.job.WorkerID); a.worker == nil && q.Store.Shared() {
		if err := q.Fleet.Refresh(ctx, []string{a.job.WorkerID}); err != nil {
			return assigned{}, err
		}
		a.worker = q.Fleet.Worker(a.job.WorkerID)
	}
	return a, nil
}

// jobInIndexes finds a job of whatever kind.
func (q *Queue) jobInIndexes(id string) (a assigned) {
	for _, x := range q.indexes() {
		if a = q.jobInIndex(x, id); a.job != nil {
			return a
		}
	}
	return a
}

func (q *Queue) jobInIndex(x *index, id string) (a assigned) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.jobs[id]
	if e == nil || e.state.Expires <= q.Clock().UnixMicro() {
		return a
	}
	a.e = e
	if i := slices.IndexFunc(e.jobs, func(j *store.Job) bool { return j.ID == id }); i >= 0 {
		a.job = e.jobs[i]
	}
	return a
}

// ended is the answer for a job that is over. Workers look for the words
// "already submitted" and "Please check your worker speed".
func ended(a assigned, faulted bool) error {
	switch {
	case a.job.State == store.JobDone && a.worker.Maintenance, a.job.State == store.JobFaulted && faulted:
		return nil
	case a.job.State == store.JobDone:
		return horde.Errorf(horde.DuplicateGen, "Processing Generation with ID %s already submitted.", a.job.ID)
	}
	return horde.Errorf(horde.AbortedGen, "Processing Generation with ID %s took too long to process and has been aborted! Please check your worker speed.", a.job.ID)
}

// lost answers a submit that came second, after reading who was first.
func (q *Queue) lost(ctx context.Context, a assigned, faulted bool) error {
	if err := q.Refresh(ctx, []string{a.e.row.ID}); err != nil {
		return err
	}
	again := q.jobInIndex(a.e.home, a.job.ID)
	if again.job == nil {
		return horde.Errorf(horde.InvalidJobID, "Processing Job with ID %s does not exist.", a.job.ID)
	}
	again.worker = a.worker
	if again.job.State == store.JobRunning { // the index is behind; the database is not
		again.job = &store.Job{ID: a.job.ID, JobResult: store.JobResult{State: store.JobDone}}
	}
	return ended(again, faulted)
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, a assigned, owner *account.User, s submission) (float64, error) {
	result, err := a.e.work.keep(ctx, q, a.job.ID, s.generation)
	if err != nil {
		return 0, err
	}
	r := store.JobResult{State: store.JobDone, Seed: s.seed, Result: result}
	meta := s.metadata
	if implied := a.e.home.kind.implied[s.state]; implied != "" {
		meta = withCensorship(meta, implied)
	}
	r.Censored = s.state == "censored" || slices.ContainsFunc(meta, isCensorship)
	if len(meta) > 0 {
		text, err := json.Marshal(meta)
		if err != nil {
			return 0, err
		}
		r.Metadata = string(text)
	}
	v := a.e.work.value(q, a, s.generation)
	err = q.settle(a, owner, r, v)
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, false)
	}
	if err == nil {
		q.tell(context.WithoutCancel(ctx), a, r, v.reward)
	}
	return v.reward, err
}

// tell calls the webhook of a request with a delivery (generation §1.20).
func (q *Queue) tell(ctx context.Context, a assigned, r store.JobResult, reward float64) {
	address := a.e.record.common.Webhook
	if q.Hooks == nil || address == "" {
		return
	}
	j := *a.job
	j.JobResult, j.Seed = r, r.Seed
	q.Hooks.Send(address, a.e.work.told(ctx, q, a.e, &j, reward))
}

func isCensorship(m api.GenMetadatum) bool { return m.Type == "censorship" }

// withCensorship adds the entry that a state implies, when it is missing
// (decision 11, generation §2.8).
func withCensorship(meta []api.GenMetadatum, value string) []api.GenMetadatum {
	if slices.ContainsFunc(meta, isCensorship) {
		return meta
	}
	return append(slices.Clone(meta), api.GenMetadatum{Type: "censorship", Value: value})
}

// settlement is the figures of one delivery.
type settlement struct {
	charge, earned horde.Kudos
	worth          horde.Kudos // what of the charge is for the work
	censored       bool
	micros         int64
	things         int64 // as records count them
	made           int64 // as its speed counts them
	speed          float64
	suspicions     int // of a speed that no hardware reaches
}

func settlementOf(a assigned, owner *account.User, r store.JobResult, v value, now int64) settlement {
	paid := v.reward
	if r.Censored {
		paid = 0
	}
	s := settlement{charge: horde.KudosOf(v.charge(paid)), worth: horde.KudosOf(paid), censored: r.Censored, earned: v.earned, things: a.e.work.things(), made: v.made,
		micros: max(0, now-a.job.Started), speed: 1}
	if s.micros > 0 {
		s.speed = math.Round(float64(s.made)/(float64(s.micros)/1e6)*10) / 10
	}
	if !owner.Is(account.Trusted) {
		s.suspicions = v.suspicions(s.speed)
	}
	return s
}

// settle writes a delivery: the result, the charge, the reward and the figures,
// in one transaction.
func (q *Queue) settle(a assigned, owner *account.User, r store.JobResult, v value) error {
	now := q.Clock().UnixMicro()
	s := settlementOf(a, owner, r, v, now)
	var state store.RequestState
	var worker store.Worker
	payer := a.e.row.UserID
	delivery := store.Delivery{JobID: a.job.ID, At: now, Kind: a.e.home.kind.name, Model: a.job.Model, Things: s.made, Asked: a.e.work.asked(), Micros: s.micros}
	timing, timed := q.timing(a, r, s, now)
	end, charge := store.EndOf(a.job.ID, r, now), store.ChargeOf(a.e.row.ID, s.charge, now+requestLife.Microseconds())
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Accounts: []int64{payer, owner.ID}, Workers: []string{a.worker.ID}, First: []store.Asked{end, charge}, Do: func(tx *store.Tx) (err error) {
		if _, err := end.Answer(tx); err != nil {
			return err
		}
		if state, err = charge.Answer(tx); err != nil {
			return err
		}
		if err := q.pay(tx, a, owner, s, state.Consumed-s.charge); err != nil {
			return err
		}
		if worker, err = tx.ChangeWorker(a.worker.ID, func(w *store.Worker) { countDelivery(w, s) }); err != nil {
			return err
		}
		if a.e.home == q.images { // teams of text workers get nothing (generation §6.4)
			tx.CountForTeam(worker.Team, store.TeamTotals{Kudos: s.earned, Fulfilments: 1, Things: s.things})
		}
		tx.Deliver(delivery)
		if timed {
			tx.Time(timing)
		}
		if err := a.e.releaseIfOver(tx, state); err != nil {
			return err
		}
		for range s.suspicions {
			if err := account.SuspectUser(tx, owner.ID, account.SuspicionTooFast); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return err
	}
	if s.suspicions > 0 {
		q.Accounts.Forget(owner.ID)
	}
	q.Fleet.Touch(worker)
	q.recent.add(delivery)
	q.finish(a, r, state, now)
	return nil
}

// pay moves the kudos of a delivery and counts it for both sides. consumed is what
// the request was charged before.
func (q *Queue) pay(tx *store.Tx, a assigned, owner *account.User, s settlement, consumed horde.Kudos) (err error) {
	kind := a.e.home.kind
	e := kudos.NewEntry(tx, "deliver:"+a.job.ID, kind.delivered, a.e.row.ID, a.job.ID)
	e.About(kudos.About{Worker: a.worker.ID, Model: a.job.Model, Key: a.e.record.SharedKey, Censored: s.censored})
	payer, paid := a.e.row.UserID, s.charge
	if a.e.record.SharedKey != "" {
		use := kudos.KeyUse{Key: a.e.record.SharedKey, Request: a.e.row.ID, Promised: a.e.record.Promised, Consumed: consumed}
		if paid, err = kudos.ChargeKey(tx, use, s.charge); err != nil {
			return err
		}
	}
	if err := e.ChargeAtMost(payer, s.charge, paid, kudos.Part{Kind: kind.made, Amount: s.worth}); err != nil {
		return err
	}
	if a.e.record.Held {
		if err := kudos.ConsumeHold(tx, holdID(a.e.row.ID), paid); err != nil {
			return err
		}
	}
	if err := e.Reward(owner.ID, s.earned, owner.Is(account.Trusted) || owner.Anonymous()); err != nil {
		return err
	}
	err = tx.ChangeAccount(payer, func(acc *store.Account) {
		acc.Totals.Requests[kind.place]++
		acc.Totals.Usage[kind.place] += kind.recorded(a.e.record.used(s.things))
		acc.LastActive = tx.Now
	})
	if err != nil {
		return err
	}
	err = tx.ChangeAccount(owner.ID, func(acc *store.Account) {
		acc.Totals.Fulfilments[kind.place]++
		acc.Totals.Contribution[kind.place] += kind.recorded(s.things)
		acc.LastActive = tx.Now
	})
	if err != nil {
		return err
	}
	return e.Commit()
}

// recorded is an amount of work in the unit of the users' records, in which the
// original rounds each delivery (generation §6.4): hundredths of a megapixelstep, tokens.
func (k *kind) recorded(things int64) int64 { return int64(math.RoundToEven(float64(things) / k.unit)) }

// finish brings the end of a job into the index.
func (q *Queue) finish(a assigned, r store.JobResult, state store.RequestState, now int64) {
	j := *a.job
	j.JobResult, j.Finished, j.Seed = r, now, r.Seed
	x := a.e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	x.setJob(a.e, j)
	x.apply(a.e, state)
}

// reserves reports whether anything is set aside for a request: on its payer's
// account, or on a shared key.
func (r *record) reserves() bool { return r.Held || r.SharedKey != "" }

// payers are the accounts that a change of a request may touch by its holds.
func (e *entry) payers() []int64 {
	if e.record.reserves() {
		return []int64{e.row.UserID}
	}
	return nil
}

// releaseIfOver frees what is left of a request's holds when nothing more will be
// charged. It asks the database, in the transaction that brought the state: other
// nodes may have jobs of the request that this one has not heard of.
func (e *entry) releaseIfOver(tx *store.Tx, s store.RequestState) error {
	if !e.record.reserves() || s.Waiting > 0 && !s.Faulted {
		return nil
	}
	running, err := tx.Running(e.row.ID)
	if err != nil || running > 0 {
		return err
	}
	if e.record.SharedKey != "" {
		if err := kudos.ReleaseKeyHold(tx, e.row.ID); err != nil {
			return err
		}
	}
	if !e.record.Held {
		return nil
	}
	return kudos.ReleaseHolds(tx, holdID(e.row.ID))
}

// endFake ends a job that was given to a paused worker: nothing is paid.
func (q *Queue) endFake(a assigned, seed int64) error {
	r := store.JobResult{State: store.JobDone, Seed: seed}
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Do: func(tx *store.Tx) error { return tx.EndJob(a.job.ID, r) }})
	if err != nil && !errors.Is(err, store.ErrLost) {
		return err
	}
	j := *a.job
	j.JobResult = r
	x := a.e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	x.setJob(a.e, j)
	return nil
}

// fault gives a job up: it goes back to the queue, or the request is given up with
// it (generation §5.8); the worker's aborts and its failures in a row are counted (§5.10),
// unless it is excused.
func (q *Queue) fault(a assigned, why excuse) error {
	f := q.newFault(a, why)
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Accounts: a.e.payers(), Workers: f.workers(), Do: f.do})
	if err != nil {
		return err
	}
	if f.suspected {
		q.Accounts.Forget(a.worker.UserID)
	}
	if f.suspended {
		q.Log.Warn("worker is paused: all of its last jobs failed", "worker", a.worker.ID, "name", a.worker.Name)
	}
	for _, w := range f.changed {
		q.Fleet.Touch(w)
	}
	q.finish(a, f.result, f.state, q.Clock().UnixMicro())
	a.e.home.offer(a.e)
	return nil
}

// fault is a job on its way to being given up.
type fault struct {
	assigned
	q      *Queue
	result store.JobResult
	why    excuse
	before []string // workers that have failed on the request already

	state     store.RequestState
	changed   []store.Worker
	suspected bool // the worker's owner, for too many aborts
	suspended bool // the worker
	// of a request that failed on too many workers: what failed on it, by worker
	pops map[string][]string
}

func (q *Queue) newFault(a assigned, why excuse) *fault {
	f := &fault{assigned: a, q: q, why: why}
	f.result = store.JobResult{State: store.JobFaulted, Seed: a.job.Seed, Excused: why != noExcuse}
	x := a.e.home
	x.mu.Lock()
	defer x.mu.Unlock()
	f.before = slices.Sorted(maps.Keys(a.e.failed))
	return f
}

// workers are those that the fault may change.
func (f *fault) workers() []string {
	ids := slices.Clone(f.before)
	if f.worker != nil {
		ids = append(ids, f.worker.ID)
	}
	return ids
}

func (f *fault) do(tx *store.Tx) (err error) {
	f.changed, f.suspected, f.suspended, f.pops = nil, false, false, nil // of a run that was rolled back
	if err := tx.EndJob(f.job.ID, f.result); err != nil {
		return err
	}
	if !f.job.Fake {
		if err := f.putBack(tx); err != nil {
			return err
		}
	}

	// What a requester or the server made of it is not the worker's failure.
	if f.worker == nil || f.why != noExcuse || f.state.Cancelled {
		return nil
	}
	w, err := tx.ChangeWorker(f.worker.ID, func(w *store.Worker) {
		f.suspected = fleet.CountAbort(w, tx.Now, f.q.Modes().Raid, f.worker.OwnerTrusted())
		switch {
		case f.job.Fake:
		case f.pops != nil && fleet.HasDelivered(w):
			fleet.ForgiveFailures(w, f.pops[w.ID])
		default:
			f.suspended = fleet.CountFailure(w, f.job.PopID(), tx.Now)
		}
	})
	if err != nil {
		return err
	}
	f.changed = append(f.changed, w)
	if f.suspected {
		return account.SuspectUser(tx, w.UserID, account.SuspicionAborts)
	}
	return nil
}

// putBack brings the job back into the queue, or gives its request up.
func (f *fault) putBack(tx *store.Tx) (err error) {
	id := f.e.row.ID
	if f.state, err = tx.Requeue(id); err != nil {
		return err
	}
	if f.state.Faults >= faultLimit || f.why == sourceGone {
		if err := f.judge(tx); err != nil {
			return err
		}
	}
	return f.e.releaseIfOver(tx, f.state)
}

// judge gives the request up when it has failed often enough. All nodes see the same
// failures: the request is locked.
func (f *fault) judge(tx *store.Tx) error {
	failures, err := tx.Failures(f.e.row.ID)
	if err != nil {
		return err
	}
	if !f.state.Faulted && (f.why == sourceGone || f.q.spent(f.e, failures)) {
		if f.state, err = tx.GiveUp(f.e.row.ID); err != nil {
			return err
		}
	}
	if pops := blamedPops(failures); len(pops) >= workerLimit {
		f.pops = pops
		return f.forgive(tx)
	}
	return nil
}

// forgive takes a request that failed on many workers out of the failures of those
// that have delivered before: else whoever asks for what no worker can make would
// pause them all. That of this fault is forgiven with its other figures.
func (f *fault) forgive(tx *store.Tx) error {
	for _, id := range f.before {
		if f.worker != nil && id == f.worker.ID {
			continue
		}
		w, err := tx.ChangeWorker(id, func(w *store.Worker) {
			if fleet.HasDelivered(w) {
				fleet.ForgiveFailures(w, f.pops[id])
			}
		})
		if errors.Is(err, store.ErrNotFound) { // it was deleted
			continue
		}
		if err != nil {
			return err
		}
		f.changed = append(f.changed, w)
	}
	return nil
}
