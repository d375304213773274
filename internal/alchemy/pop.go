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
	"horde/internal/requests"
	"horde/internal/settle"
)

const maxAmount = 100 // forms of one pop

// popper is a pop: what the worker is matched by, and what it gets.
type popper struct {
	q      *Queue
	offer  *fleet.FormsOffer
	worker *fleet.Worker // as it was met last
	facts  *match.Worker

	found, taken []*form        // taken: committed
	skipped      map[string]int // what the worker was withheld from
}

// Pop hands out forms to a worker that has checked in, waiting for at most wait
// when there are none (0: not at all). Without a form the answer says what the
// worker was withheld from, or that it is in maintenance.
func (q *Queue) Pop(ctx context.Context, o *fleet.FormsOffer, wait time.Duration) (*api.AlchemyJob, error) {
	p := &popper{q: q, offer: o}
	got, err := requests.Pop(ctx, &q.index.Requests.Waiters, q.Fleet, o.Worker, wait, p)
	if err != nil {
		return nil, err
	}
	if !got {
		return &api.AlchemyJob{Skipped: p.skipped}, nil
	}

	job := &api.AlchemyJob{Forms: make([]api.AlchemyTask, len(p.taken)), Skipped: map[string]int{}}
	for i, f := range p.taken {
		if job.Forms[i], err = q.task(ctx, f, p.worker); err != nil {
			return nil, err
		}
	}
	return job, nil
}

// Meet begins a look for forms on behalf of a worker.
func (p *popper) Meet(w *fleet.Worker) *match.Worker {
	p.worker = w
	seen := kinds.Seen{Worker: w, Models: p.offer.Forms, OwnerTrusted: w.OwnerTrusted()}
	p.facts = kind.NewWorker(seen, p.offer.MaxTiles)
	p.facts.Friends = p.offer.PriorityUsers
	return p.facts
}

// Match finds the forms that the worker gets next, those of its owner and friends
// before all others (decision 18), and reserves them.
func (p *popper) Match(context.Context) (found bool, err error) {
	x := p.q.index
	x.Lock()
	defer x.Unlock()

	result := x.Queue.Find(&match.Pop{
		Worker: p.facts,
		Now:    p.q.Clock.Micros(),
		Want:   min(p.offer.Amount, maxAmount),
		Yields: p.yieldsLocked,
	})

	p.found, p.skipped = nil, result.Skipped
	for _, it := range result.Found {
		it.Reserved = 1
		p.found = append(p.found, x.Requests.Part(it.ID))
	}
	return len(p.found) > 0, nil
}

// Claim commits that the worker has the forms. The requests of those that somebody else has
// changed are read again.
func (p *popper) Claim(ctx context.Context) (got bool, err error) {
	q, now := p.q, p.q.Clock.Micros()
	c := settle.FormClaim{
		Worker:  p.worker.ID,
		Pop:     horde.NewID(),
		At:      now,
		Ends:    now + horde.MicrosIn(kind.TTL),
		Expires: now + horde.MicrosIn(kinds.RequestLife),
	}
	for _, f := range p.found {
		c.Forms = append(c.Forms, &settle.Form{Row: q.snapshot(f)})
	}

	claimed, err := settle.ClaimForms(ctx, q.Store, c)
	if err != nil {
		claimed = nil // what was found before is rolled back
	}

	lost := p.release(&c, claimed)
	if err == nil && len(lost) > 0 {
		err = q.Refresh(ctx, lost)
	}
	return len(p.taken) > 0, err
}

// release gives back what was reserved, and notes which forms the worker has. It returns
// the requests of the others.
func (p *popper) release(c *settle.FormClaim, claimed []*settle.Form) (lost []string) {
	p.q.index.Lock()
	defer p.q.index.Unlock()

	p.taken = nil
	for i, f := range p.found {
		f.item.Reserved = 0
		if !slices.Contains(claimed, c.Forms[i]) {
			lost = append(lost, f.RequestID)
			continue
		}

		p.taken = append(p.taken, f)
		if c.Forms[i].Row.Started == 0 {
			p.q.FirstPop(horde.KindAlchemy, (c.At - f.e.row.Created).Duration())
		}
	}
	return lost
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

// yieldsLocked reports whether the worker has to leave a form that has failed to others:
// to whoever has not failed on it if it has, else to whoever stands better. First tries
// are anybody's. What is found of the others is remembered for a while.
func (p *popper) yieldsLocked(it *match.Item) bool {
	q, f := p.q, p.q.index.Requests.Part(it.ID)
	if f.FailedBy == "" {
		return false
	}
	tried := settle.FailuresOf(&f.FormProgress)
	if !f.rivals.Current(q.Fleet.Revision(), q.Clock.Micros()) {
		f.rivals = q.contest(f, tried).Rivals()
	}
	return f.rivals.Best < kinds.StandingOf(q.Fleet.Latest(p.worker), tried)
}
