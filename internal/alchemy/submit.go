package alchemy

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"

	"horde/api"
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// Submit accepts what a worker has for a form (generation §3.4) and returns its reward
// in kudos.
func (q *Queue) Submit(ctx context.Context, key string, s api.AlchemySubmit) (float64, error) {
	f, err := q.findForm(ctx, s.ID)
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, requests.NoSuchWork(s.ID)
	}

	owner, err := q.Accounts.ByKey(ctx, key)
	if err != nil {
		return 0, err
	}
	row, w, err := q.inHand(ctx, f, owner)
	if err != nil {
		return 0, err
	}

	switch {
	case w == nil || w.UserID != owner.ID:
		return 0, requests.ErrForeignWork
	case row.State != store.FormRunning:
		return 0, ended(row.ID, w)
	case s.State == "faulted":
		// A worker that hangs up once it has said so is not to be blamed for the form's time.
		err = q.fault(context.WithoutCancel(ctx), f, row, w, q.excuseOf(ctx, f))
	default:
		return q.deliver(ctx, f, row, hands{worker: w, owner: owner}, s.Result)
	}
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, row, w)
	}
	return 0, err
}

// inHand is a form and its worker as they are now. Where this node does not see
// the form in the hands of the owner's worker, another node may have given it out
// since: then it is read again.
func (q *Queue) inHand(ctx context.Context, f *form, owner *account.User) (row store.Form, w *fleet.Worker, err error) {
	row = q.snapshot(f)
	w, err = q.WorkerOf(ctx, row.WorkerID)
	if err != nil || !q.Store.Shared() || row.State == store.FormRunning && w != nil && w.UserID == owner.ID {
		return row, w, err
	}

	if err = q.Refresh(ctx, []string{row.RequestID}); err != nil {
		return row, nil, err
	}
	row = q.snapshot(f)
	w, err = q.WorkerOf(ctx, row.WorkerID)
	return row, w, err
}

// ended is the answer for a form that no worker has in hand. Workers look for the
// words "already submitted".
func ended(id string, w *fleet.Worker) error {
	if w.Maintenance {
		return nil
	}
	return requests.AlreadySubmitted(id)
}

// lost answers a submit that came second, after reading who was first.
func (q *Queue) lost(ctx context.Context, row store.Form, w *fleet.Worker) error {
	if err := q.Refresh(ctx, []string{row.RequestID}); err != nil {
		return err
	}
	return ended(row.ID, w)
}

// hands are those that a form is in.
type hands struct {
	worker *fleet.Worker
	owner  *account.User // of the worker
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, f *form, row store.Form, h hands, result map[string]any) (float64, error) {
	r, err := kind.Keep(f.ID, result)
	if err != nil {
		return 0, err
	}

	now := q.Clock.Micros()
	known := f.work().Known(kind.Made{
		FormResult:   r,
		URL:          f.e.record.URL,
		At:           now,
		OwnerTrusted: h.worker.OwnerTrusted(),
	})
	assignment := &settle.Form{Row: row, Result: r, Known: known}
	d := q.delivery(f, assignment, h, now)
	if d.Webhook, err = q.webhookOf(f, r, h.worker); err != nil {
		return 0, err
	}

	d.Uploaded = settle.Uploaded{Name: r.Blob, MaxBytes: f.work().MaxUpload()}
	err = q.Server().Deliver(ctx, d)
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, row, h.worker)
	}
	if err != nil {
		return 0, err
	}

	if r.Blob == "" && f.work().Uploads() { // it was uploaded, and not made the result
		q.DropObjects(ctx, kind.BlobName(f.ID))
	}
	q.dropIdleSource(ctx, f.e)
	q.Hooks.Wake()
	return d.Told(f.work().Value().Reward), nil
}

// delivery describes what a form in a worker's hands brings both sides at a time in
// microseconds (generation §6.3, §6.4).
func (q *Queue) delivery(f *form, assignment *settle.Form, h hands, now horde.Micros) *settle.Delivery {
	value := f.work().Value()
	seconds := max(0, now-assignment.Row.Started).Seconds()

	return &settle.Delivery{
		Rules:      settle.Forms,
		Assignment: assignment,
		Funds:      f.funds(),
		Worker:     h.worker.ID,
		Owner:      h.owner,
		Model:      f.Name,
		At:         now,
		Expires:    now + horde.MicrosIn(kinds.RequestLife),
		Charge:     value.Charge,
		Worth:      value.Worth,
		Earned:     value.Earned,
		Unpaid:     q.Accounts.UnpaidBounds(h.owner, h.worker.Addr),
		Speed:      math.Round(seconds*10) / 10,
	}
}

// fault puts a form back that its worker gave up, reported or by taking too long,
// or ends it (generation §3.3).
func (q *Queue) fault(ctx context.Context, f *form, row store.Form, w *fleet.Worker, why settle.Excuse) error {
	pop := row.Pop
	if pop == "" { // an older node gave it out
		pop = row.ID
	}
	abort := &settle.Abort{
		Rules:       settle.Forms,
		Assignment:  &settle.Form{Row: row},
		Funds:       f.funds(),
		Worker:      w,
		Pop:         pop,
		Excuse:      why,
		Before:      slices.Sorted(maps.Keys(settle.FailuresOf(&row.FormProgress))),
		AnotherLeft: func(tried map[string][]string) bool { return q.anotherCouldGet(f, tried) },
	}
	if err := q.GiveUp(ctx, abort); err != nil {
		return err
	}

	if f.work().Uploads() {
		q.DropObjects(ctx, kind.BlobName(f.ID))
	}
	q.dropIdleSource(ctx, f.e)
	return nil
}
