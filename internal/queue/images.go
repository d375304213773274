package queue

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/bridge"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds/image"
)

// Pop hands out images to be generated to a worker that has checked in, waiting for
// at most wait when there is nothing (0: not at all). Without a job the answer
// says what the worker was withheld from (generation §1.18).
func (q *Queue) Pop(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.ImageJob, error) {
	p, err := q.pop(ctx, q.images, o, wait)
	if err != nil {
		return nil, err
	}
	if p.claim == nil {
		return q.noImageJob(o, p.skipped), nil
	}

	r, job := &p.claim.e.record, p.jobs[0]
	ttl := int(job.TTL.Seconds())
	a := &api.ImageJob{
		ID:               &job.ID,
		Model:            &p.claim.model,
		TTL:              &ttl,
		Skipped:          map[string]int{},
		SourceProcessing: r.Image.SourceProcessing,
		Messages:         q.Fleet.MessagesFor(o.Worker.ID),
		Payload:          r.Image.Payload(uint32(job.Seed), len(p.jobs)),
	}
	upload := blob.Upload{TTL: blob.LinkTTL, MaxBytes: p.claim.e.work.Objects().MaxBytes, Account: int64(p.worker.UserID)}
	for _, j := range p.jobs {
		a.IDs = append(a.IDs, j.ID)
		a.R2Uploads = append(a.R2Uploads, q.Blobs.SignPut(ctx, resultName(j.ID), upload))
	}
	a.R2Upload = &a.R2Uploads[0]

	if p.worker.Agent.Has(bridge.Img2Img) {
		q.attachSources(ctx, a, r, p.worker.Agent.Has(bridge.R2Source))
	}
	return a, nil
}

// noImageJob is the answer to a pop that gets nothing: what was skipped, and a payload as the
// schema wants it.
func (q *Queue) noImageJob(o *fleet.Offer, skipped map[string]int) *api.ImageJob {
	return &api.ImageJob{
		IDs:              []string{},
		Skipped:          skipped,
		SourceProcessing: "img2img",
		Messages:         q.Fleet.MessagesFor(o.Worker.ID),
		Payload: api.ImagePayload{
			Steps:       30,
			N:           1,
			SamplerName: "k_euler_a",
			CfgScale:    7.5,
			Height:      512,
			Width:       512,
		},
	}
}

// attachSources adds the source images: links for bridges that fetch them, base64
// for older ones.
func (q *Queue) attachSources(ctx context.Context, a *api.ImageJob, r *record, byLink bool) {
	get := func(name string) *string {
		if name == "" {
			return nil
		}
		var text string
		if byLink {
			text = q.Blobs.SignGet(ctx, name, blob.LinkTTL)
		} else {
			text = q.inline(ctx, name)
		}
		return &text
	}

	a.SourceImage, a.SourceMask = get(r.Source), get(r.Mask)
	for _, e := range r.Extra {
		strength := e.Strength
		a.ExtraSourceImages = append(a.ExtraSourceImages, api.ExtraSource{Image: *get(e.Blob), Strength: &strength})
	}
}

// Status answers how far a request for images is, with the images (generation §1.11). The
// answer is made in memory, and holds only so much of them.
func (q *Queue) Status(ctx context.Context, id string) (api.ImageStatus, error) {
	return q.StatusWith(ctx, id, q.showInMemory())
}

// StatusWith is Status whose images are shown by whoever sends the answer.
func (q *Queue) StatusWith(ctx context.Context, id string, show Show) (api.ImageStatus, error) {
	e, err := q.find(ctx, q.images, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	return q.imageStatus(ctx, e, show)
}

func (q *Queue) imageStatus(ctx context.Context, e *entry, show Show) (api.ImageStatus, error) {
	c, done, err := q.progressOf(ctx, e)
	if err != nil {
		return api.ImageStatus{}, err
	}
	s := api.ImageStatus{Check: c, Shared: e.record.Image.Shared, Generations: []api.Generation{}}

	// Whoever compares must not know which is which (generation §1.11).
	if slices.Contains(e.models(), image.BetaModel) {
		rand.Shuffle(len(done), func(i, j int) { done[i], done[j] = done[j], done[i] })
	}

	for _, j := range done {
		s.Generations = append(s.Generations, image.Generation(q.finishedJob(ctx, e, j, show)))
	}
	return s, nil
}

// Cancel ends a request for images. The answer is the status from before
// (generation §1.12).
func (q *Queue) Cancel(ctx context.Context, id string) (api.ImageStatus, error) {
	return q.CancelWith(ctx, id, q.showInMemory())
}

// CancelWith is Cancel whose images are shown by whoever sends the answer.
func (q *Queue) CancelWith(ctx context.Context, id string, show Show) (api.ImageStatus, error) {
	e, err := q.find(ctx, q.images, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	before, err := q.imageStatus(ctx, e, show)
	if err != nil {
		return api.ImageStatus{}, err
	}
	return before, q.cancel(ctx, e)
}

// Submit accepts what a worker has for an image (generation §1.20) and returns its
// reward in kudos.
func (q *Queue) Submit(ctx context.Context, key string, s api.ImageSubmit) (float64, error) {
	reward, err := q.submit(ctx, q.images, key, submission{
		id:         s.ID,
		generation: s.Generation,
		state:      s.State,
		seed:       s.Seed,
		metadata:   s.GenMetadata,
	})
	return horde.Round2(reward), err
}

// ImageRequest is one POST /generate/async.
type ImageRequest struct {
	Body      api.ImageRequest
	RawParams json.RawMessage
	From
}

// Accept checks a request for images in the order of generation §1.4 and takes it into
// the queue.
func (q *Queue) Accept(ctx context.Context, ask ImageRequest) (Answer, error) {
	r, t, err := q.imageAsk(ctx, ask)
	if err != nil {
		return Answer{}, err
	}
	return q.accept(ctx, q.images, r, t, ask.From)
}

// imageAsk merges the style that a request names, and finds out whose request it is.
func (q *Queue) imageAsk(ctx context.Context, ask ImageRequest) (image.Asked, *terms, error) {
	r := &admission.Request{
		Asked:       ask.Body,
		RawParams:   ask.RawParams,
		ClientAgent: ask.ClientAgent,
		UnsafeIP:    func() bool { return q.unsafe(ctx, ask.From) },
		Models:      q.Catalog.Snapshot(),
		Server:      q.Modes(),
	}
	t, err := q.styled(ctx, r)
	return image.Asked{Request: r, Pricer: q.Pricer, Random: rand.Uint32}, t, err
}
