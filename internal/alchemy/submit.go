package alchemy

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

const (
	uploaded = "R2" // in a result: the picture lies in the blob store

	speedSamples = 20
	maxKnown     = 256 << 10 // bytes of a result that is kept for others
)

// Submit takes what a worker has for a form (generation §3.4) and returns its reward in
// kudos.
func (q *Queue) Submit(ctx context.Context, key string, s api.AlchemySubmit) (float64, error) {
	f, err := q.findForm(ctx, s.ID)
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, horde.Errorf(horde.InvalidJobID, "Processing Job with ID %s does not exist.", clip(s.ID))
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
		return 0, horde.Errorf(horde.WrongCredentials, "Wrong credentials to submit as this worker.")
	case row.State != store.FormRunning:
		return 0, ended(row.ID, w)
	case s.State == "faulted":
		err = q.fault(f, row, w, q.excuseOf(ctx, f))
	default:
		return q.deliver(ctx, f, row, settlement{worker: w, owner: owner, done: true}, s.Result)
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
	w, err = q.workerOf(ctx, row.WorkerID)
	if err != nil || !q.Store.Shared() || row.State == store.FormRunning && w != nil && w.UserID == owner.ID {
		return row, w, err
	}
	if err = q.Refresh(ctx, []string{row.RequestID}); err != nil {
		return row, nil, err
	}
	row = q.snapshot(f)
	w, err = q.workerOf(ctx, row.WorkerID)
	return row, w, err
}

// workerOf finds a worker, in the database too when another node made it; nil
// when there is none.
func (q *Queue) workerOf(ctx context.Context, id string) (*fleet.Worker, error) {
	if id == "" {
		return nil, nil
	}
	w, err := q.Fleet.Find(ctx, id)
	if horde.CodeOf(err) != "" {
		return nil, nil
	}
	return w, err
}

// ended is the answer for a form that no worker has in hand. Workers look for the
// words "already submitted".
func ended(id string, w *fleet.Worker) error {
	if w.Maintenance {
		return nil
	}
	return horde.Errorf(horde.DuplicateGen, "Processing Generation with ID %s already submitted.", id)
}

// lost answers a submit that came second, after reading who was first.
func (q *Queue) lost(ctx context.Context, row store.Form, w *fleet.Worker) error {
	if err := q.Refresh(ctx, []string{row.RequestID}); err != nil {
		return err
	}
	return ended(row.ID, w)
}

// settlement is what a form in a worker's hands brings both sides.
type settlement struct {
	worker *fleet.Worker
	owner  *account.User
	done   bool // delivered; else cancelled on the way
}

// deliver stores a result exactly once, pays and charges.
func (q *Queue) deliver(ctx context.Context, f *form, row store.Form, s settlement, result map[string]any) (float64, error) {
	r, err := resultOf(f.ID, result)
	if err != nil {
		return 0, err
	}
	d := delivery{form: f, row: row, settlement: s, result: r, at: q.now()}
	d.expires = d.at + requestLife.Microseconds()
	err = q.Store.Write(q.deliveryUnit(&d))
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, row, s.worker)
	}
	if err != nil {
		return 0, err
	}
	q.Fleet.Touch(d.after)
	q.index.mu.Lock()
	f.e.expires = max(f.e.expires, d.expires)
	q.index.apply(f, d.progress)
	q.index.mu.Unlock()
	q.tell(ctx, f, r, s.worker)
	return f.reward().Float(), nil
}

// delivery is a result on its way into the database, and what it makes of the form
// and of its worker.
type delivery struct {
	form       *form
	row        store.Form
	settlement settlement
	result     store.FormResult
	at         int64
	expires    int64 // of the request from now on, at least

	progress store.FormProgress
	after    store.Worker
}

func (q *Queue) deliveryUnit(d *delivery) store.Unit {
	f, s := d.form, d.settlement
	finish, renew := store.FinishFormOf(&d.row, d.result), store.RenewAlchemyOf(f.RequestID, d.expires, d.at)
	u := store.Unit{Key: f.RequestID, Accounts: []int64{f.e.row.UserID, s.owner.ID}, Workers: []string{s.worker.ID}, First: []store.Asked{finish, renew}}
	hold := store.DropHoldOf(holdID(f.ID))
	if f.e.record.Held {
		u.First = append(u.First, hold)
	}
	u.Do = func(tx *store.Tx) (err error) {
		if d.progress, err = finish.Answer(tx); err != nil {
			return err
		}
		if _, err := renew.Answer(tx); err != nil {
			return err
		}
		if f.e.record.Held {
			if err := kudos.Released(tx, hold); err != nil { // it was for the charge below
				return err
			}
		}
		if known := q.worthKeeping(f, d.result, s.worker, d.at); known != nil {
			if err := tx.KeepResult(*known); err != nil {
				return err
			}
		}
		d.after, err = settle(tx, f, d.row, s)
		return err
	}
	return u
}

// resultOf is a result as it is stored.
func resultOf(form string, result map[string]any) (store.FormResult, error) {
	r := store.FormResult{FormID: form}
	if len(result) == 0 {
		return r, nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return r, horde.Errorf(horde.BadRequest, "The result holds something that is no JSON, such as a number that is none.")
	}
	r.Result = string(text)
	for _, v := range result {
		if v == uploaded {
			r.Blob = resultName(form)
		}
	}
	return r, nil
}

// worthKeeping is a result that others may get too, nil if it is none: that of a
// picture at an address (decision 18).
func (q *Queue) worthKeeping(f *form, r store.FormResult, w *fleet.Worker, now int64) *store.KnownResult {
	if f.e.record.URL == "" || r.Result == "" || len(r.Result) > maxKnown {
		return nil
	}
	life := textsKept
	if makesPicture(f.Name) || r.Blob != "" {
		life = picturesKept
	}
	return &store.KnownResult{ID: knownID(f.e.record.URL, f.Name, f.Payload), Result: r.Result, Blob: r.Blob,
		Trusted: w.OwnerTrusted(), Expires: now + life.Microseconds()}
}

// settle moves the kudos of a form that a worker has in hand and counts it for
// both sides (generation §6.3, §6.4). The accounts of payer and owner and the worker must be
// locked.
func settle(tx *store.Tx, f *form, row store.Form, s settlement) (store.Worker, error) {
	reason := "form delivered"
	if !s.done {
		reason = "form cancelled on the way"
	}
	e := kudos.NewEntry(tx, "form:"+f.ID, reason, f.RequestID, f.ID)
	e.About(kudos.About{Worker: s.worker.ID, Model: f.Name})
	payer := f.e.row.UserID
	if err := e.Charge(payer, f.charge(), kudos.Part{Kind: kudos.Form, Amount: f.reward()}); err != nil {
		return store.Worker{}, err
	}
	if err := e.Reward(s.owner.ID, f.reward(), s.owner.Is(account.Trusted) || s.owner.Anonymous()); err != nil {
		return store.Worker{}, err
	}
	err := tx.ChangeAccount(payer, func(a *store.Account) {
		a.Totals.Requests[store.FormPlace]++
		a.LastActive = tx.Now
	})
	if err != nil {
		return store.Worker{}, err
	}
	err = tx.ChangeAccount(s.owner.ID, func(a *store.Account) {
		a.Totals.Fulfilments[store.FormPlace]++
		a.LastActive = tx.Now
	})
	if err != nil {
		return store.Worker{}, err
	}
	if err := e.Commit(); err != nil {
		return store.Worker{}, err
	}
	seconds := float64(tx.Now-row.Started) / 1e6
	return tx.ChangeWorker(s.worker.ID, func(w *store.Worker) { countForm(w, f.reward(), seconds, s.done) })
}

// countForm adds a form to a worker's life. Its samples of speed are seconds per
// form (generation §5.4); one that was cancelled tells none.
func countForm(w *store.Worker, reward horde.Kudos, seconds float64, done bool) {
	t := &w.Totals
	t.Kudos += reward
	t.Interrogated += reward
	t.Fulfilments++
	if !done {
		return
	}
	fleet.EndFailures(w)
	t.Speeds = append(slices.Clip(t.Speeds), math.Round(max(0, seconds)*10)/10)
	if n := len(t.Speeds); n > speedSamples {
		t.Speeds = t.Speeds[n-speedSamples:]
	}
}

// fault puts a form back that its worker gave up, reported or by taking too long,
// or ends it (generation §3.3). The worker's aborts and its failures in a row are counted
// (§5.10), unless it is excused.
func (q *Queue) fault(f *form, row store.Form, w *fleet.Worker, why excuse) error {
	a := &abort{q: q, form: f, row: row, worker: w, why: why, next: row.FormProgress}
	if a.next.Pop == "" { // an older node gave it out
		a.next.Pop = row.ID
	}
	if why == noExcuse && row.WorkerID != "" {
		a.next.FailedBy = failed(a.next, row.WorkerID, a.next.Pop)
	}
	a.tried = failuresOf(a.next)
	a.ends = why == sourceGone || q.spent(f, a.tried, row.Aborts+1)

	u := store.Unit{Key: f.RequestID, Do: a.do}
	if w != nil {
		u.Workers = []string{w.ID}
	}
	if a.blamed() {
		u.Workers = append(u.Workers, slices.Collect(maps.Keys(a.tried))...)
	}
	if f.e.record.Held && a.ends {
		u.Accounts = []int64{f.e.row.UserID}
	}
	if err := q.Store.Write(u); err != nil {
		return err
	}
	if a.suspected {
		q.Accounts.Forget(w.UserID)
	}
	if a.suspended {
		q.Log.Warn("worker is paused: all of its last forms failed", "worker", w.ID, "name", w.Name)
	}
	for _, row := range a.changed {
		q.Fleet.Touch(row)
	}
	q.index.mu.Lock()
	q.index.apply(f, a.news)
	q.index.mu.Unlock()
	q.offer(f.e)
	return nil
}

// abort is a form on its way to being given up.
type abort struct {
	q      *Queue
	form   *form
	row    store.Form
	worker *fleet.Worker // nil: it is gone
	why    excuse
	next   store.FormProgress // with this failure
	tried  failures           // this one among them
	ends   bool               // it is faulted

	news      store.FormProgress
	changed   []store.Worker
	suspected bool // the worker's owner, for too many aborts
	suspended bool // the worker
}

// blamed reports whether the form failed on so many workers that it is to blame.
func (a *abort) blamed() bool { return len(a.tried) >= workerLimit }

func (a *abort) do(tx *store.Tx) (err error) {
	a.changed, a.suspected, a.suspended = nil, false, false // of a run that was rolled back
	to := store.FormWaiting
	if a.ends {
		to = store.FormFaulted
	}
	if a.news, err = tx.RequeueForm(&a.row, to, a.next.FailedBy); err != nil {
		return err
	}
	if a.ends {
		if err := a.form.e.record.release(tx, a.form.ID); err != nil {
			return err
		}
	}
	if a.blamed() {
		if err := a.forgive(tx); err != nil {
			return err
		}
	}
	if a.worker == nil || a.why != noExcuse {
		return nil
	}
	w, err := tx.ChangeWorker(a.worker.ID, func(r *store.Worker) {
		a.suspected = fleet.CountAbort(r, tx.Now, a.q.Modes().Raid, a.worker.OwnerTrusted())
		if !a.blamed() || !fleet.HasDelivered(r) {
			a.suspended = fleet.CountFailure(r, a.next.Pop, tx.Now)
		}
	})
	if err != nil {
		return err
	}
	a.changed = append(a.changed, w)
	if a.suspected {
		return account.SuspectUser(tx, w.UserID, account.SuspicionAborts)
	}
	return nil
}

// forgive takes a form that failed on many workers out of the failures of those that
// have delivered before: else whoever asks for what no worker can make would pause
// them all.
func (a *abort) forgive(tx *store.Tx) error {
	for id, pops := range a.tried {
		w, err := tx.ChangeWorker(id, func(w *store.Worker) {
			if fleet.HasDelivered(w) {
				fleet.ForgiveFailures(w, pops)
			}
		})
		if errors.Is(err, store.ErrNotFound) { // it was deleted
			continue
		}
		if err != nil {
			return err
		}
		a.changed = append(a.changed, w)
	}
	return nil
}
