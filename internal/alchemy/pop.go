package alchemy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/store"
)

const (
	maxAmount = 100  // forms of one pop
	maxWalk   = 5000 // forms that one pop looks at
)

// Pop hands out forms to a worker that has checked in, waiting for at most wait
// when there are none (0: not at all). Without a form the answer says what the
// worker was withheld from.
func (q *Queue) Pop(ctx context.Context, o *fleet.FormsOffer, wait time.Duration) (*api.AlchemyJob, error) {
	var tasks []api.AlchemyTask
	var why map[string]int
	looked := false
	err := q.waiters.Try(ctx, wait, o.Forms, func() (found bool, err error) {
		if looked { // it may have been paused or put into maintenance meanwhile
			fresh := *o
			if fresh.Worker = q.Fleet.Worker(o.Worker.ID); fresh.Worker == nil {
				return true, nil // or deleted
			}
			o = &fresh
		}
		looked = true
		tasks, why, err = q.tryPop(ctx, o)
		return tasks != nil, err
	})
	switch {
	case err != nil:
		return nil, err
	case tasks != nil:
		return &api.AlchemyJob{Forms: tasks, Skipped: map[string]int{}}, nil
	}
	return nothing(o.Worker, why)
}

// nothing is the answer without a form: a worker in maintenance is told so.
func nothing(w *fleet.Worker, why map[string]int) (*api.AlchemyJob, error) {
	if !w.Maintenance {
		return &api.AlchemyJob{Skipped: why}, nil
	}
	text := w.MaintenanceMsg
	if text == "" {
		text = queue.DefaultMaintenance
	}
	return nil, horde.Errorf(horde.WorkerMaintenance, "%s", text)
}

// tryPop takes the first forms that fit, looking again when other nodes were
// faster with all of them.
func (q *Queue) tryPop(ctx context.Context, o *fleet.FormsOffer) ([]api.AlchemyTask, map[string]int, error) {
	for {
		found, why := q.match(o)
		if len(found) == 0 {
			return nil, why, nil
		}
		taken, lost, err := q.claim(found, o.Worker)
		if err != nil {
			return nil, nil, err
		}
		if len(lost) > 0 {
			if err := q.Refresh(ctx, lost); err != nil {
				return nil, nil, err
			}
		}
		if len(taken) == 0 {
			continue
		}
		tasks := make([]api.AlchemyTask, len(taken))
		for i, f := range taken {
			if tasks[i], err = q.task(ctx, f); err != nil {
				return nil, nil, err
			}
		}
		return tasks, nil, nil
	}
}

// match finds the forms that the worker gets next, those of its owner and friends
// before all others (decision 18), and reserves them. Without any it says how
// many were withheld, by reason.
func (q *Queue) match(o *fleet.FormsOffer) ([]*form, map[string]int) {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	c := choice{o: o, now: q.now(), want: min(o.Amount, maxAmount), fast: o.Worker.Speed() < fastSeconds, why: map[string]int{}, seen: map[*form]bool{}}
	c.yields = func(f *form) bool { return q.yields(o.Worker, f) }
	if o.Worker.Suspended(c.now) {
		return nil, c.why
	}
	for _, f := range x.ofFriends(o) {
		c.look(f)
	}
	if !o.Worker.Maintenance {
		x.walk(o.Forms, c.look)
	}
	for _, f := range c.found {
		f.reserved = true
	}
	return c.found, c.why
}

// ofFriends are the waiting forms of the users that the worker puts first.
func (x *index) ofFriends(o *fleet.FormsOffer) []*form {
	var own []*form
	for id := range o.PriorityUsers {
		h := x.holders[id]
		if h == nil {
			continue
		}
		for e := range h.entries {
			for _, f := range e.forms {
				if _, offered := slices.BinarySearch(o.Forms, f.Name); offered && f.queued {
					own = append(own, f)
				}
			}
		}
	}
	slices.SortFunc(own, order)
	return own
}

func order(a, b *form) int {
	switch {
	case before(a, b):
		return -1
	case before(b, a):
		return 1
	}
	return 0
}

// walk calls look with the waiting forms of these names in the order of the
// queue, until it returns false.
func (x *index) walk(names []string, look func(*form) bool) {
	var heads []btree.IterG[*form]
	for _, name := range names {
		if l := x.lines[name]; l != nil {
			if it := l.Iter(); it.First() {
				heads = append(heads, it)
			} else {
				it.Release()
			}
		}
	}
	for n := 0; n < maxWalk && len(heads) > 0; n++ {
		first := 0
		for i := range heads[1:] {
			if before(heads[i+1].Item(), heads[first].Item()) {
				first = i + 1
			}
		}
		if !look(heads[first].Item()) {
			break
		}
		if !heads[first].Next() {
			heads[first].Release()
			heads = slices.Delete(heads, first, first+1)
		}
	}
	for i := range heads {
		heads[i].Release()
	}
}

// choice is a look through the queue on behalf of one pop.
type choice struct {
	o     *fleet.FormsOffer
	now   int64
	want  int
	fast  bool
	found []*form
	why   map[string]int
	seen  map[*form]bool
	// yields reports whether a form that has failed is left to other workers.
	yields func(*form) bool
}

// look takes a form if the worker may have it; false when there are enough.
func (c *choice) look(f *form) bool {
	if len(c.found) >= c.want {
		return false
	}
	if c.seen[f] {
		return true
	}
	c.seen[f] = true
	if !c.eligible(f) {
		return true
	}
	if f.e.record.needsTrust() && !c.o.Worker.OwnerTrusted() {
		c.why["untrusted"]++
		return true
	}
	if c.yields(f) {
		return true
	}
	c.found = append(c.found, f)
	return len(c.found) < c.want
}

// eligible is the filter of generation §3.3, which withholds in silence. A worker that is
// paused or in maintenance gets what its owner asks for alone, not its friends'.
func (c *choice) eligible(f *form) bool {
	e := f.e
	return f.State == store.FormWaiting && !f.reserved && e.expires > c.now &&
		e.record.Tiles <= c.o.MaxTiles && (c.fast || e.record.SlowWorkers) &&
		(!c.o.Worker.Paused && !c.o.Worker.Maintenance || e.row.UserID == c.o.Owner.ID)
}

// claim commits that a worker has forms. lost are the requests of those that
// somebody else has changed.
func (q *Queue) claim(found []*form, w *fleet.Worker) (taken []*form, lost []string, err error) {
	now := q.now()
	expires := now + requestLife.Microseconds()
	var news map[*form]store.FormProgress
	err = q.Store.Write(q.claimUnit(found, w, now, expires, &news))
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range found {
		f.reserved = false
		p, ok := news[f]
		switch {
		case err != nil:
		case ok:
			f.e.expires = max(f.e.expires, expires)
			x.apply(f, p)
			taken = append(taken, f)
		default:
			lost = append(lost, f.RequestID)
		}
	}
	return taken, lost, err
}

// claimUnit asks for each form, and that its request lives on until expires. Those
// that it gets are in news.
func (q *Queue) claimUnit(found []*form, w *fleet.Worker, now, expires int64, news *map[*form]store.FormProgress) store.Unit {
	inOrder := slices.Clone(found) // all nodes lock rows in one order
	slices.SortFunc(inOrder, func(a, b *form) int { return strings.Compare(a.ID, b.ID) })
	u := store.Unit{Key: inOrder[0].RequestID}
	var renewals []*store.Ask[string]
	claims := map[*form]*store.Ask[store.FormProgress]{}
	pop := horde.NewID()
	renewed := map[string]bool{}
	for _, f := range inOrder {
		if !renewed[f.RequestID] {
			renewed[f.RequestID] = true
			renewal := store.RenewAlchemyOf(f.RequestID, expires, now)
			renewals, u.First = append(renewals, renewal), append(u.First, renewal)
		}
		row := q.snapshot(f)
		claims[f] = store.ClaimFormOf(&row, w.ID, pop, now+formTime.Microseconds(), now)
		u.First = append(u.First, claims[f])
	}
	u.Do = func(tx *store.Tx) error {
		*news = map[*form]store.FormProgress{}
		for _, r := range renewals {
			if _, err := r.Answer(tx); err != nil && !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		for _, f := range inOrder {
			if p, err := claims[f].Answer(tx); err == nil {
				(*news)[f] = p
			} else if !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		return nil
	}
	return u
}

// task is what a worker is told of a form.
func (q *Queue) task(ctx context.Context, f *form) (api.AlchemyTask, error) {
	t := api.AlchemyTask{ID: f.ID, Form: f.Name, SourceImage: f.e.record.URL}
	if f.e.record.Source != "" {
		t.SourceImage = q.Blobs.SignGet(ctx, f.e.record.Source, blob.LinkTTL)
	}
	if makesPicture(f.Name) {
		t.R2Upload = q.Blobs.SignPut(ctx, resultName(f.ID), blob.LinkTTL)
	}
	if f.Payload != "" {
		if err := json.Unmarshal([]byte(f.Payload), &t.Payload); err != nil {
			return t, err
		}
	}
	return t, nil
}
