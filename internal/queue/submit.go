package queue

import (
	"bytes"
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
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/settle"
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
		err = q.fault(ctx, a, q.excuseOf(ctx, a))
	case a.job.Fake:
		return a.e.work.Value(q.delivered(a, s.generation, false)).Reward, q.endDecoy(ctx, a, s.seed)
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

// delivered is a result of a job and what its value depends on.
func (q *Queue) delivered(a assigned, result string, censored bool) kinds.Delivered {
	return kinds.Delivered{
		Result:    result,
		Censored:  censored,
		Model:     a.job.Model,
		Worker:    a.worker,
		BasePrice: a.e.record.Price,
		Known:     q.Catalog.Snapshot(),
		Targeting: q.Modes().MatchedTargeting,
	}
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, a assigned, owner *account.User, s submission) (float64, error) {
	kept, err := a.e.work.Keep(s.generation)
	if err == nil && kept.Image != nil {
		err = q.Blobs.Put(ctx, resultName(a.job.ID), "image/webp", bytes.NewReader(kept.Image), int64(len(kept.Image)))
	}
	if err != nil {
		return 0, err
	}
	r, err := resultOf(s, kept.Row, a.e.home.kind.implied[s.state])
	if err != nil {
		return 0, err
	}

	made := q.delivered(a, s.generation, r.Censored)
	value := a.e.work.Value(made)
	d, job := q.deliveryOf(a, owner, r, made, value)
	err = settle.Deliver(ctx, q.Store, d)
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, false)
	}
	if err != nil {
		return 0, err
	}

	if d.Suspicions > 0 {
		q.Accounts.Forget(owner.ID)
	}
	q.Fleet.Touch(d.WorkerRow)
	q.recent.add(*d.Statistics)
	q.finish(a, r, job.State, d.At)
	q.callWebhook(context.WithoutCancel(ctx), a, r, value.Reward)
	return value.Reward, nil
}

// resultOf is the result of a job as it is stored. implied is the censorship that its
// state stands for, "" for none.
func resultOf(s submission, result, implied string) (store.JobResult, error) {
	r := store.JobResult{State: store.JobDone, Seed: s.seed, Result: result}
	meta := s.metadata
	if implied != "" {
		meta = withCensorship(meta, implied)
	}
	r.Censored = s.state == "censored" || slices.ContainsFunc(meta, isCensorship)
	if len(meta) == 0 {
		return r, nil
	}
	text, err := json.Marshal(meta)
	r.Metadata = string(text)
	return r, err
}

// callWebhook tells the webhook of a request of a delivery (generation §1.20).
func (q *Queue) callWebhook(ctx context.Context, a assigned, r store.JobResult, reward float64) {
	address := a.e.record.common.Webhook
	if q.Hooks == nil || address == "" {
		return
	}
	j := *a.job
	j.JobResult, j.Seed = r, r.Seed

	// The links are for who made the request, not for the worker that calls now.
	ctx = horde.WithBase(ctx, horde.At(a.e.record.Base))
	q.Hooks.Send(address, a.e.work.WebhookBody(q.finished(ctx, a.e, &j), a.e.row.ID, reward))
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

// deliveryOf describes the delivery of a job for its settlement.
func (q *Queue) deliveryOf(a assigned, owner *account.User, r store.JobResult, made kinds.Delivered, v kinds.Value) (*settle.Delivery, *settle.Job) {
	now := q.Clock().UnixMicro()
	micros, speed := max(0, now-a.job.Started), 1.0
	if micros > 0 {
		speed = math.Round(float64(v.Made)/(float64(micros)/1e6)*10) / 10
	}

	kind, units := a.e.home.kind, a.e.work.WorkUnits()
	job := &settle.Job{Row: a.job, Result: r}
	d := &settle.Delivery{
		Rules:    kind.rules,
		Lease:    job,
		Funds:    a.e.funds(),
		Worker:   a.worker.ID,
		Owner:    owner,
		Model:    a.job.Model,
		At:       now,
		Expires:  now + requestLife.Microseconds(),
		Charge:   v.Charge,
		Worth:    v.Worth,
		Earned:   v.Earned,
		Speed:    speed,
		Censored: r.Censored,
		Work: settle.Work{
			Units:        units,
			Usage:        kind.recorded(a.e.record.used(units)),
			Contribution: kind.recorded(units),
		},
		Statistics: &store.Delivery{
			JobID:  a.job.ID,
			At:     now,
			Kind:   kind.name,
			Model:  a.job.Model,
			Things: v.Made,
			Asked:  a.e.work.StatisticsUnits(),
			Micros: micros,
		},
	}
	if !owner.Is(account.Trusted) {
		d.Suspicions = a.e.work.Suspicions(made, speed)
	}
	if t, ok := q.timing(a, made, micros, now); ok {
		d.Timing = &t
	}
	return d, job
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

// funds are where the kudos of a request come from.
func (e *entry) funds() settle.Funds {
	f := settle.Funds{Payer: e.row.UserID}
	if e.record.Held {
		f.Hold = settle.HoldOfRequest(e.row.ID)
	}
	if e.record.SharedKey != "" {
		f.Key = &kudos.KeyUse{Key: e.record.SharedKey, Request: e.row.ID, Promised: e.record.Promised}
	}
	return f
}

// endDecoy ends a job that was given to a paused worker: nothing is paid.
func (q *Queue) endDecoy(ctx context.Context, a assigned, seed int64) error {
	r := store.JobResult{State: store.JobDone, Seed: seed}
	err := settle.EndDecoy(ctx, q.Store, &settle.Job{Row: a.job, Result: r})
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
// it (generation §5.8).
func (q *Queue) fault(ctx context.Context, a assigned, why settle.Excuse) error {
	job := &settle.Job{
		Row:    a.job,
		Result: store.JobResult{State: store.JobFaulted, Seed: a.job.Seed, Excused: why != settle.NoExcuse},
	}
	abort := &settle.Abort{
		Rules:       a.e.home.kind.rules,
		Lease:       job,
		Funds:       a.e.funds(),
		Worker:      a.worker,
		Pop:         a.job.PopID(),
		Decoy:       a.job.Fake,
		Excuse:      why,
		Raid:        q.Modes().Raid,
		Before:      a.e.failedWorkers(),
		AnotherLeft: func(tried map[string][]string) bool { return q.anotherCouldGet(a.e, tried) },
	}
	if err := settle.GiveUp(ctx, q.Store, abort); err != nil {
		return err
	}

	if abort.Suspected {
		q.Accounts.Forget(a.worker.UserID)
	}
	if abort.Suspended {
		q.Log.Warn("worker is paused: all of its last jobs failed", "worker", a.worker.ID, "name", a.worker.Name)
	}
	for _, w := range abort.Changed {
		q.Fleet.Touch(w)
	}
	q.finish(a, job.Result, job.State, q.Clock().UnixMicro())
	a.e.home.offer(a.e)
	return nil
}

// failedWorkers are those that gave a job of the request up.
func (e *entry) failedWorkers() []string {
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	return slices.Sorted(maps.Keys(e.failed))
}
