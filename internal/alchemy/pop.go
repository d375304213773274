package alchemy

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/match"
	"horde/internal/settle"
)

const maxAmount = 100 // forms of one pop

// popper is a worker that pops, as the fleet knows it and as it is matched.
type popper struct {
	worker *fleet.Worker
	facts  *match.Worker
	amount int // forms that it takes at most
}

func newPopper(o *fleet.FormsOffer) *popper {
	seen := kinds.Seen{Worker: o.Worker, Models: o.Forms, OwnerTrusted: o.Worker.OwnerTrusted()}
	facts := kind.NewWorker(seen, o.MaxTiles)
	facts.Friends = o.PriorityUsers
	return &popper{worker: o.Worker, facts: facts, amount: min(o.Amount, maxAmount)}
}

// Pop hands out forms to a worker that has checked in, waiting for at most wait
// when there are none (0: not at all). Without a form the answer says what the
// worker was withheld from, or that it is in maintenance.
func (q *Queue) Pop(ctx context.Context, o *fleet.FormsOffer, wait time.Duration) (*api.AlchemyJob, error) {
	p := newPopper(o)
	var tasks []api.AlchemyTask
	var skipped map[string]int
	looked := false
	err := q.index.requests.Waiters.Try(ctx, wait, p.facts, func() (found bool, err error) {
		if looked { // it may have been paused or put into maintenance meanwhile
			fresh := *o
			if fresh.Worker = q.Fleet.Worker(o.Worker.ID); fresh.Worker == nil {
				return true, nil // or deleted
			}
			p = newPopper(&fresh)
		}
		looked = true
		tasks, skipped, err = q.tryPop(ctx, p)
		return tasks != nil, err
	})

	if err == nil && tasks == nil {
		err = kinds.MaintenanceError(p.worker)
	}
	switch {
	case err != nil:
		return nil, err
	case tasks != nil:
		return &api.AlchemyJob{Forms: tasks, Skipped: map[string]int{}}, nil
	}
	return &api.AlchemyJob{Skipped: skipped}, nil
}

// tryPop takes the first forms that fit, looking again when other nodes were
// faster with all of them.
func (q *Queue) tryPop(ctx context.Context, p *popper) ([]api.AlchemyTask, map[string]int, error) {
	for {
		found, skipped := q.match(p)
		if len(found) == 0 {
			return nil, skipped, nil
		}

		taken, lost, err := q.commitClaim(ctx, found, p.worker)
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
			if tasks[i], err = q.task(ctx, f, p.worker); err != nil {
				return nil, nil, err
			}
		}
		return tasks, nil, nil
	}
}

// match finds the forms that the worker gets next, those of its owner and friends
// before all others (decision 18), and reserves them. Without any it says how
// many were withheld, by reason.
func (q *Queue) match(p *popper) ([]*form, map[string]int) {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	look := match.Pop{Worker: p.facts, Now: q.now(), Want: p.amount}
	look.Yields = func(it *match.Item) bool { return q.yieldsLocked(p.worker, x.requests.Part(it.ID)) }
	result := x.queue.Find(&look)

	var found []*form
	for _, it := range result.Found {
		it.Reserved = 1
		found = append(found, x.requests.Part(it.ID))
	}
	return found, result.Skipped
}

// commitClaim commits that a worker has forms. lost are the requests of those that
// somebody else has changed.
func (q *Queue) commitClaim(
	ctx context.Context, found []*form, w *fleet.Worker,
) (taken []*form, lost []string, err error) {
	now := q.now()
	c := settle.FormClaim{
		Worker:  w.ID,
		Pop:     horde.NewID(),
		At:      now,
		Ends:    now + horde.MicrosIn(kind.TTL),
		Expires: now + horde.MicrosIn(requestLife),
	}
	for _, f := range found {
		c.Forms = append(c.Forms, &settle.Form{Row: q.snapshot(f)})
	}
	claimed, err := settle.ClaimForms(ctx, q.Store, c)

	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, f := range found {
		f.item.Reserved = 0
		switch {
		case err != nil:
		case slices.Contains(claimed, c.Forms[i]):
			taken = append(taken, f)
			if c.Forms[i].Row.Started == 0 {
				q.FirstPop(horde.KindAlchemy, (now - f.e.row.Created).Duration())
			}
		default:
			lost = append(lost, f.RequestID)
		}
	}
	return taken, lost, err
}

// task is what a worker is told of a form.
func (q *Queue) task(ctx context.Context, f *form, w *fleet.Worker) (api.AlchemyTask, error) {
	t := api.AlchemyTask{ID: f.ID, Form: f.Name, SourceImage: f.e.record.URL}
	if f.e.record.Source != "" {
		t.SourceImage = q.Blobs.SignGet(ctx, f.e.record.Source, blob.LinkTTL)
	}
	if f.work().Uploads() {
		t.R2Upload = q.Blobs.SignPut(ctx, kind.BlobName(f.ID), blob.Upload{
			TTL:      blob.LinkTTL,
			MaxBytes: f.work().MaxUpload(),
			Account:  int64(w.UserID),
		})
	}

	if f.Payload != "" {
		if err := json.Unmarshal([]byte(f.Payload), &t.Payload); err != nil {
			return t, err
		}
	}
	return t, nil
}
