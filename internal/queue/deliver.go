package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"horde/api"
	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/notify"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

const maxMetadata = 50 // entries of one result

// stateFaulted is the state of a submission that gives its job up.
const stateFaulted = "faulted"

// submit accepts what a worker has for a job of a kind (generation §1.20) and returns
// its reward in kudos.
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
		return 0, requests.ErrForeignWork
	}

	if len(s.metadata) > maxMetadata {
		return 0, horde.Errorf(horde.BadRequest,
			"A result can have at most %d gen_metadata entries, not %d.", maxMetadata, len(s.metadata))
	}
	faulted := s.state == stateFaulted
	if a.job.State != store.JobRunning {
		return 0, ended(a, faulted)
	}

	switch {
	case faulted:
		// A worker that hangs up once it has said so is not to be blamed for the job's time.
		err = q.fault(context.WithoutCancel(ctx), a, q.excuseOf(ctx, a))
	case a.job.Decoy:
		defer q.dropUndelivered(ctx, a)
		return a.e.work.Value(q.delivered(a, s)).Reward, q.endDecoy(ctx, a, s.seed)
	default:
		return q.deliver(ctx, a, user, s)
	}
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, faulted)
	}
	return 0, err
}

// delivered is a result of a job and what its value depends on.
func (q *Queue) delivered(a assigned, s submission) kinds.Delivered {
	return kinds.Delivered{
		Result:    s.generation,
		Model:     a.job.Model,
		Worker:    a.worker,
		BasePrice: a.e.record.Price,
		Known:     q.Catalog.Snapshot(),
		Targeting: q.Modes().MatchedTargeting,
	}
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, a assigned, owner *account.User, s submission) (float64, error) {
	// Keep the result before anything is paid for it.
	kept, err := a.e.work.Keep(owner.WithAccount(ctx), s.generation)
	if err == nil && kept.Image != nil {
		o := blob.Object{
			Name:        resultName(a.job.ID),
			ContentType: "image/webp",
			Size:        int64(len(kept.Image)),
			Account:     int64(owner.ID),
		}
		err = blob.Refusal(q.Blobs.Put(ctx, o, bytes.NewReader(kept.Image)))
	}
	if err != nil {
		return 0, err
	}
	r, err := resultOf(s, kept.Row, a.e.home.kind.implied[s.state])
	if err != nil {
		return 0, err
	}

	// Describe the delivery, and have it settled.
	made := q.delivered(a, s)
	made.Censored = r.Censored
	value := a.e.work.Value(made)
	d := q.deliveryOf(a, owner, r, made, value)
	if d.Webhook, err = q.webhookOf(ctx, a, r, value.Reward); err != nil {
		return 0, err
	}

	d.Uploaded = uploadedAs(a, kept)
	err = q.Server().Deliver(ctx, d)
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, false)
	}
	if err != nil {
		return 0, err
	}

	q.Hooks.Wake()
	q.dropIdleSources(ctx, a.e)
	return d.Told(value.Reward), nil
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

// webhookOf is what tells the webhook of a request of a delivery (generation §1.20); nil
// where it has none.
func (q *Queue) webhookOf(
	ctx context.Context, a assigned, r store.JobResult, reward float64,
) (*store.Webhook, error) {
	address := a.e.record.common.Webhook
	if q.Hooks == nil || address == "" {
		return nil, nil
	}

	j := *a.job
	j.JobResult, j.Seed = r, r.Seed
	w := store.Webhook{
		ID:        j.ID,
		UserID:    a.e.row.UserID,
		RequestID: a.e.row.ID,
		Kind:      string(a.e.home.kind.name),
		Address:   address,
		Base:      a.e.record.Base,
	}
	shown := j.Result
	if a.e.work.Objects().Stored && j.Result == kinds.Uploaded {
		w.Mark, w.Blob, w.ByLink = notify.NewMark(), resultName(j.ID), a.e.work.Objects().ByLink
		shown = w.Mark
	}
	return notify.Compose(w, a.e.work.WebhookBody(q.finishedAs(ctx, &j, shown), w.RequestID, reward))
}

// isCensorship reports whether a worker says that it censored a result.
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
func (q *Queue) deliveryOf(
	a assigned, owner *account.User, r store.JobResult, made kinds.Delivered, v kinds.Value,
) *settle.Delivery {
	// How fast the worker was, of what it really made.
	now := q.Clock.Micros()
	micros, speed := max(0, now-a.job.Started), 1.0
	if micros > 0 {
		speed = math.Round(float64(v.Made)/micros.Seconds()*10) / 10
	}

	kind, units := a.e.home.kind, a.e.work.WorkUnits()
	d := &settle.Delivery{
		Rules:      kind.rules,
		Assignment: &settle.Job{Row: a.job, Result: r},
		Funds:      a.e.funds(),
		Worker:     a.worker.ID,
		Owner:      owner,
		Model:      a.job.Model,
		At:         now,
		Expires:    now + horde.MicrosIn(kinds.RequestLife),
		Charge:     v.Charge,
		Worth:      v.Worth,
		Earned:     v.Earned,
		Unpaid:     q.Accounts.UnpaidBounds(owner, a.worker.Addr),
		Speed:      speed,
		Censored:   r.Censored,
		Work: settle.Work{
			Units:        units,
			Usage:        kind.recorded(a.e.record.used(units)),
			Contribution: kind.recorded(units),
		},
		Statistics: &store.Delivery{
			JobID:     a.job.ID,
			At:        now,
			Kind:      kind.name,
			Model:     a.job.Model,
			WorkUnits: v.Made,
			Asked:     a.e.work.StatisticsUnits(),
			Micros:    micros,
		},
	}
	if !owner.Is(account.Trusted) {
		d.Suspicions = a.e.work.Suspicions(made, speed)
	}
	if t, ok := q.timing(a, made, micros, now); ok {
		d.Timing = &t
	}
	return d
}

// recorded is an amount of work in the unit of the users' records, in which the
// original rounds each delivery (generation §6.4): hundredths of a megapixelstep, tokens.
func (k *kind) recorded(units int64) int64 {
	return int64(math.RoundToEven(float64(units) / k.recordUnit))
}

// endDecoy ends a job that was given to a paused worker: nothing is paid.
func (q *Queue) endDecoy(ctx context.Context, a assigned, seed int64) error {
	r := store.JobResult{State: store.JobDone, Seed: seed}
	err := settle.EndDecoy(ctx, q.Store, &settle.Job{Row: a.job, Result: r})
	if errors.Is(err, store.ErrLost) {
		return q.Refresh(ctx, []string{a.e.row.ID})
	}
	return err
}
