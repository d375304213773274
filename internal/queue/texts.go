package queue

import (
	"context"
	"time"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/fleet"
	"horde/internal/kinds/text"
	"horde/internal/store"
)

// TextRequest is one POST /generate/text/async.
type TextRequest struct {
	Body api.TextRequest
	From
}

// AcceptText checks a request for texts in the order of generation §2.3
// and takes it into the queue.
func (q *Queue) AcceptText(ctx context.Context, ask TextRequest) (Answer, error) {
	r, t, err := q.textAsk(ctx, ask)
	if err != nil {
		return Answer{}, err
	}
	return q.accept(ctx, q.texts, r, t, ask.From)
}

func (q *Queue) textAsk(ctx context.Context, ask TextRequest) (text.Asked, *terms, error) {
	r := &admission.TextRequest{
		Asked:       ask.Body,
		ClientAgent: ask.ClientAgent,
		Models:      q.Catalog.Snapshot(),
		Server:      q.Modes(),
	}
	t, err := q.styledText(ctx, r)
	return text.Asked{TextRequest: r}, t, err
}

// PopText hands out texts to write to a worker that has checked in, waiting for
// at most wait when there is nothing (0: not at all). Without a job the answer
// says what the worker was withheld from (generation §2.7).
func (q *Queue) PopText(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.TextJob, error) {
	p, err := q.pop(ctx, q.texts, o, wait)
	if err != nil {
		return nil, err
	}
	if p.claim == nil {
		return &api.TextJob{
			IDs:      []string{},
			Skipped:  p.skipped,
			Messages: q.Fleet.MessagesFor(o.Worker.ID),
			Payload:  admission.TextDefaults(),
		}, nil
	}

	m, job := p.claim.e.record.Text, p.jobs[0]
	ttl := int(job.TTL.Seconds())
	a := &api.TextJob{ID: &job.ID, Model: &p.claim.model, TTL: &ttl, Skipped: map[string]int{},
		Messages: q.Fleet.MessagesFor(o.Worker.ID), Payload: m.Payload()}
	for _, j := range p.jobs {
		a.IDs = append(a.IDs, j.ID)
	}
	if m.Softprompt != "" {
		a.Softprompt = &m.Softprompt
	}
	return a, nil
}

// SubmitText takes what a worker has for a text (generation §2.8) and returns its reward in
// kudos.
func (q *Queue) SubmitText(ctx context.Context, key string, s api.TextSubmit) (float64, error) {
	return q.submit(ctx, q.texts, key, submission{
		id:         s.ID,
		generation: s.Generation,
		state:      s.State,
		seed:       s.Seed,
		metadata:   s.GenMetadata,
	})
}

// TextStatus answers how far a request for texts is, with its texts (generation §2.6).
func (q *Queue) TextStatus(ctx context.Context, id string) (api.TextStatus, error) {
	e, err := q.find(ctx, q.texts, id, "Status")
	if err != nil {
		return api.TextStatus{}, err
	}
	return q.textStatus(ctx, e)
}

// TextStatusBytes is how many bytes the status of a request for texts has at most, as
// JSON.
func (q *Queue) TextStatusBytes(ctx context.Context, id string) (int64, error) {
	e, err := q.find(ctx, q.texts, id, "Status")
	if err != nil {
		return 0, err
	}

	const (
		maxEscape = 6       // bytes of JSON for a byte of a text
		around    = 1 << 10 // bytes of a job: ids, names and numbers
	)
	bytes := int64(around)
	e.home.Lock()
	defer e.home.Unlock()
	for _, j := range e.jobs {
		if j.State == store.JobDone && !j.Decoy {
			bytes += maxEscape*int64(len(j.Result)+e.long[j.ID]) + int64(len(j.Metadata)) + around
		}
	}
	return bytes, nil
}

// CancelText ends a request for texts. The answer is the status from before.
func (q *Queue) CancelText(ctx context.Context, id string) (api.TextStatus, error) {
	e, err := q.find(ctx, q.texts, id, "Status")
	if err != nil {
		return api.TextStatus{}, err
	}
	before, err := q.textStatus(ctx, e)
	if err != nil {
		return api.TextStatus{}, err
	}
	return before, q.cancel(ctx, e)
}

func (q *Queue) textStatus(ctx context.Context, e *entry) (api.TextStatus, error) {
	c, done, err := q.progressOf(ctx, e)
	if err != nil {
		return api.TextStatus{}, err
	}

	s := api.TextStatus{Check: c, Generations: []api.TextGeneration{}}
	for _, j := range done {
		s.Generations = append(s.Generations, text.Generation(q.finishedJob(ctx, e, j, nil)))
	}
	return s, nil
}
