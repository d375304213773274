package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"slices"

	"horde/api"
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kudos"
	"horde/internal/store"
)

const (
	maxMetadata = 50
	faultLimit  = 3       // given-up jobs until the request is given up (§5.8)
	maxRawText  = 1 << 20 // bytes of a result that is no picture and is passed on as sent

	uploaded = "R2" // the picture lies in the blob store
)

// assigned is a job and everything it belongs to.
type assigned struct {
	e      *entry
	job    *store.Job
	worker *fleet.Worker
}

// Submit takes what a worker has for a job (§1.20) and returns its reward in
// kudos.
func (q *Queue) Submit(ctx context.Context, key string, s api.ImageSubmit) (float64, error) {
	a, err := q.assignedTo(ctx, s.ID)
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
	if len(s.GenMetadata) > maxMetadata {
		return 0, horde.Errorf("BadRequest", "A result can have at most %d gen_metadata entries, not %d.", maxMetadata, len(s.GenMetadata))
	}
	faulted := s.State == "faulted"
	if a.job.State != store.JobRunning {
		return 0, ended(a, faulted)
	}
	switch {
	case faulted:
		err = q.fault(a)
	case a.job.Fake:
		return q.rewardOf(a), q.endFake(a, s)
	default:
		return q.deliver(ctx, a, user, s)
	}
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, faulted)
	}
	return 0, err
}

var errForeignJob = horde.Errorf("WrongCredentials", "Wrong credentials to submit as this worker.")

// assignedTo finds a job by id, in the database too when another node handed it
// out.
func (q *Queue) assignedTo(ctx context.Context, id string) (assigned, error) {
	missing := horde.Errorf("InvalidJobID", "Processing Job with ID %s does not exist.", clip(id, 64))
	if !horde.IsID(id) {
		return assigned{}, missing
	}
	a := q.jobInIndex(id)
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
		a = q.jobInIndex(id)
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

func (q *Queue) jobInIndex(id string) (a assigned) {
	x := q.index
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
		return horde.Errorf("DuplicateGen", "Processing Generation with ID %s already submitted.", a.job.ID)
	}
	return horde.Errorf("AbortedGen", "Processing Generation with ID %s took too long to process and has been aborted! Please check your worker speed.", a.job.ID)
}

// lost answers a submit that came second, after reading who was first.
func (q *Queue) lost(ctx context.Context, a assigned, faulted bool) error {
	if err := q.Refresh(ctx, []string{a.e.row.ID}); err != nil {
		return err
	}
	again := q.jobInIndex(a.job.ID)
	if again.job == nil {
		return horde.Errorf("InvalidJobID", "Processing Job with ID %s does not exist.", a.job.ID)
	}
	again.worker = a.worker
	if again.job.State == store.JobRunning { // the index is behind; the database is not
		again.job = &store.Job{ID: a.job.ID, JobResult: store.JobResult{State: store.JobDone}}
	}
	return ended(again, faulted)
}

// reward is the worth of a picture (§6.2).
func (q *Queue) rewardOf(a assigned) float64 {
	order := a.e.record.Image.Order(q.Modes().MatchedTargeting)
	return order.Reward(a.e.record.Price, q.Catalog.Snapshot().Baseline(a.job.Model))
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, a assigned, owner *account.User, s api.ImageSubmit) (float64, error) {
	result, err := q.keepPicture(ctx, a.job.ID, s.Generation)
	if err != nil {
		return 0, err
	}
	r := store.JobResult{State: store.JobDone, Seed: s.Seed, Result: result}
	meta := s.GenMetadata
	if s.State == "censored" || s.State == "csam" {
		meta = withCensorship(meta, s.State)
	}
	r.Censored = slices.ContainsFunc(meta, isCensorship)
	if len(meta) > 0 {
		text, err := json.Marshal(meta)
		if err != nil {
			return 0, err
		}
		r.Metadata = string(text)
	}
	reward := q.rewardOf(a)
	err = q.settle(a, owner, r, reward)
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, false)
	}
	return horde.Round2(reward), err
}

func isCensorship(m api.GenMetadatum) bool { return m.Type == "censorship" }

// withCensorship adds the entry that the state implies, when it is missing
// (decisions #11).
func withCensorship(meta []api.GenMetadatum, state string) []api.GenMetadatum {
	if slices.ContainsFunc(meta, isCensorship) {
		return meta
	}
	value := "nsfw"
	if state == "csam" {
		value = "csam"
	}
	return append(slices.Clone(meta), api.GenMetadatum{Type: "censorship", Value: value})
}

// settlement is the figures of one delivery.
type settlement struct {
	charge, earned horde.Kudos
	micros         int64
	things         int64
	speed          float64
}

func (q *Queue) settlementOf(a assigned, r store.JobResult, reward float64, now int64) settlement {
	order := a.e.record.Image.Order(q.Modes().MatchedTargeting)
	paid := reward
	if r.Censored {
		paid = 0
	}
	s := settlement{charge: horde.KudosOf(order.Burn(paid)), earned: horde.KudosOf(kudos.Earned(reward, a.worker.Agent.RewardFactor())),
		things: a.e.record.Image.Things(), micros: max(0, now-a.job.Started)}
	if s.micros > 0 {
		s.speed = math.Round(float64(s.things)/(float64(s.micros)/1e6)*10) / 10
	} else {
		s.speed = 1
	}
	return s
}

// settle writes a delivery: the result, the charge, the reward and the figures,
// in one transaction.
func (q *Queue) settle(a assigned, owner *account.User, r store.JobResult, reward float64) error {
	now := q.Clock().UnixMicro()
	s := q.settlementOf(a, r, reward, now)
	var state store.RequestState
	var worker store.Worker
	var suspected bool
	payer := a.e.row.UserID
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Accounts: []int64{payer, owner.ID}, Workers: []string{a.worker.ID}, Do: func(tx *store.Tx) (err error) {
		if err := tx.EndJob(a.job.ID, r); err != nil {
			return err
		}
		if state, err = tx.Charge(a.e.row.ID, s.charge, now+requestLife.Microseconds()); err != nil {
			return err
		}
		if err := q.pay(tx, a, owner, s); err != nil {
			return err
		}
		if worker, err = tx.ChangeWorker(a.worker.ID, func(w *store.Worker) { suspected = countDelivery(w, s, owner) }); err != nil {
			return err
		}
		tx.Deliver(store.Delivery{JobID: a.job.ID, At: now, Kind: kindImage, Model: a.job.Model, Things: s.things, Micros: s.micros})
		if err := a.e.releaseIfOver(tx, state); err != nil {
			return err
		}
		if suspected {
			return account.SuspectUser(tx, owner.ID, account.SuspicionTooFast)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	if suspected {
		q.Accounts.Forget(owner.ID)
	}
	q.Fleet.Touch(worker)
	q.recent.add(store.Delivery{At: now, Kind: kindImage, Model: a.job.Model, Things: s.things, Micros: s.micros})
	q.finish(a, r, state, now)
	return nil
}

// pay moves the kudos of a delivery and counts it for both sides.
func (q *Queue) pay(tx *store.Tx, a assigned, owner *account.User, s settlement) error {
	e := kudos.NewEntry(tx, "deliver:"+a.job.ID, "picture delivered", a.e.row.ID, a.job.ID)
	payer := a.e.row.UserID
	if err := e.Charge(payer, s.charge); err != nil {
		return err
	}
	if a.e.record.Held {
		if err := kudos.EatHold(tx, holdID(a.e.row.ID), s.charge); err != nil {
			return err
		}
	}
	if err := e.Reward(owner.ID, s.earned, owner.Is(account.Trusted) || owner.Anonymous()); err != nil {
		return err
	}
	err := tx.ChangeAccount(payer, func(acc *store.Account) {
		acc.Totals.Requests[imageTotals]++
		acc.Totals.Usage[imageTotals] += centimega(a.e.record.used(s.things))
		acc.LastActive = tx.Now
	})
	if err != nil {
		return err
	}
	err = tx.ChangeAccount(owner.ID, func(acc *store.Account) {
		acc.Totals.Fulfilments[imageTotals]++
		acc.Totals.Contribution[imageTotals] += centimega(s.things)
		acc.LastActive = tx.Now
	})
	if err != nil {
		return err
	}
	return e.Commit()
}

// centimega is pixelsteps in hundredths of a megapixelstep: records are kept as
// the original rounds each delivery (§6.4).
func centimega(things int64) int64 { return int64(math.RoundToEven(float64(things) / 1e4)) }

// finish brings the end of a job into the index.
func (q *Queue) finish(a assigned, r store.JobResult, state store.RequestState, now int64) {
	j := *a.job
	j.JobResult, j.Finished, j.Seed = r, now, r.Seed
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	x.setJob(a.e, j)
	x.apply(a.e, state)
}

// payers are the accounts that a change of a request may touch by its hold.
func (e *entry) payers() []int64 {
	if e.record.Held {
		return []int64{e.row.UserID}
	}
	return nil
}

// releaseIfOver frees what is left of a request's hold when nothing more will be
// charged. It asks the database, in the transaction that brought the state: other
// nodes may have jobs of the request that this one has not heard of.
func (e *entry) releaseIfOver(tx *store.Tx, s store.RequestState) error {
	if !e.record.Held || s.Waiting > 0 && !s.Faulted {
		return nil
	}
	running, err := tx.Running(e.row.ID)
	if err != nil || running > 0 {
		return err
	}
	return kudos.ReleaseHold(tx, holdID(e.row.ID))
}

// endFake ends a job that was given to a paused worker: nothing is paid.
func (q *Queue) endFake(a assigned, s api.ImageSubmit) error {
	r := store.JobResult{State: store.JobDone, Seed: s.Seed}
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Do: func(tx *store.Tx) error { return tx.EndJob(a.job.ID, r) }})
	if err != nil && !errors.Is(err, store.ErrLost) {
		return err
	}
	j := *a.job
	j.JobResult = r
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	q.index.setJob(a.e, j)
	return nil
}

// fault gives a job up: it goes back to the queue, or the request is given up
// with its third (§5.8); the worker's aborts are counted (§5.10).
func (q *Queue) fault(a assigned) error {
	r := store.JobResult{State: store.JobFaulted, Seed: a.job.Seed}
	var state store.RequestState
	var worker store.Worker
	var suspected bool
	workers := []string{}
	if a.worker != nil {
		workers = append(workers, a.worker.ID)
	}
	err := q.Store.Write(store.Unit{Key: a.e.row.ID, Accounts: a.e.payers(), Workers: workers, Do: func(tx *store.Tx) (err error) {
		if err := tx.EndJob(a.job.ID, r); err != nil {
			return err
		}
		if !a.job.Fake {
			if state, err = tx.Requeue(a.e.row.ID, faultLimit); err != nil {
				return err
			}
			if err := a.e.releaseIfOver(tx, state); err != nil {
				return err
			}
		}
		if a.worker != nil {
			worker, err = tx.ChangeWorker(a.worker.ID, func(w *store.Worker) {
				suspected = countAbort(w, tx.Now, q.Modes().Raid, a.worker.OwnerTrusted())
			})
		}
		if err == nil && suspected {
			return account.SuspectUser(tx, worker.UserID, account.SuspicionAborts)
		}
		return err
	}})
	if err != nil {
		return err
	}
	if suspected {
		q.Accounts.Forget(worker.UserID)
	}
	if a.worker != nil {
		q.Fleet.Touch(worker)
	}
	q.finish(a, r, state, q.Clock().UnixMicro())
	q.waiters.offer([]*entry{a.e})
	return nil
}

// keepPicture stores what a worker sent in place of an upload: a picture as
// WebP, a text that is none as it is.
func (q *Queue) keepPicture(ctx context.Context, job, generation string) (string, error) {
	if generation == uploaded {
		return uploaded, nil
	}
	img, _, err := imaging.DecodeBase64(generation, imaging.Source)
	if err != nil {
		if len(generation) > maxRawText {
			return "", horde.Errorf("BadRequest", "The result is no picture that can be read, and too long to be passed on as text.")
		}
		return generation, nil
	}
	return uploaded, q.putResult(ctx, job, img)
}

func (q *Queue) putResult(ctx context.Context, job string, img image.Image) error {
	var buf bytes.Buffer
	if err := imaging.EncodeWebP(&buf, img, resultQuality); err != nil {
		return err
	}
	return q.Blobs.Put(ctx, resultName(job), "image/webp", &buf, int64(buf.Len()))
}
