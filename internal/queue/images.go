package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/bridge"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kinds"
	imagekind "horde/internal/kinds/image"
	"horde/internal/kudos"
	"horde/internal/match"
	"horde/internal/store"
)

// imageWork is the work of a request for pictures.
type imageWork struct{ *admission.Image }

func (w imageWork) things() int64 { return w.WorkUnits() }

// asked takes the steps as they were asked for, however the sampler counts them.
func (w imageWork) asked() int64 { return int64(w.Pixels()) * int64(w.Steps) }

func (w imageWork) features(r *record) match.Features {
	return imagekind.Features(w.Image, r.UnsafeIP, r.Trusted)
}

func (w imageWork) describe(it *match.Item) { it.Steps = w.AccurateSteps }

func (w imageWork) batch(p kinds.Pickup) int         { return imagekind.Batch(w.Image, p) }
func (w imageWork) ttl(p kinds.Pickup) time.Duration { return imagekind.TTL(w.Image, p) }

func (w imageWork) stored() bool { return true }

func (w imageWork) seed(left int) int64 { return int64(w.PopSeed(left, rand.Uint32)) }

// Pop hands out pictures to paint to a worker that has checked in, waiting for
// at most wait when there is nothing (0: not at all). Without a job the answer
// says what the worker was withheld from (generation §1.18).
func (q *Queue) Pop(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.ImageJob, error) {
	h, err := q.pop(ctx, q.images, o, wait)
	if err != nil {
		return nil, err
	}
	if h.claim == nil {
		return &api.ImageJob{IDs: []string{}, Skipped: h.why, SourceProcessing: "img2img", Messages: q.Fleet.MessagesFor(o.Worker.ID),
			Payload: api.ImagePayload{Steps: 30, N: 1, SamplerName: "k_euler_a", CfgScale: 7.5, Height: 512, Width: 512}}, nil
	}
	r, job := &h.claim.e.record, h.jobs[0]
	ttl := int(job.TTL / 1_000_000)
	a := &api.ImageJob{ID: &job.ID, Model: &h.claim.model, TTL: &ttl, Skipped: map[string]int{},
		SourceProcessing: r.Image.SourceProcessing, Messages: q.Fleet.MessagesFor(o.Worker.ID),
		Payload: r.Image.Payload(uint32(job.Seed), len(h.jobs))}
	for _, j := range h.jobs {
		a.IDs = append(a.IDs, j.ID)
		a.R2Uploads = append(a.R2Uploads, q.Blobs.SignPut(ctx, resultName(j.ID), blob.LinkTTL))
	}
	a.R2Upload = &a.R2Uploads[0]
	if h.worker.Agent.Has(bridge.Img2Img) {
		q.attachSources(ctx, a, r, h.worker.Agent.Has(bridge.R2Source))
	}
	return a, nil
}

// attachSources adds the source pictures: links for bridges that fetch them,
// base64 for older ones.
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

func resultName(job string) string { return job + ".webp" }

// Status answers how far a request for pictures is, with its pictures (generation §1.11).
func (q *Queue) Status(ctx context.Context, id string) (api.ImageStatus, error) {
	e, err := q.find(ctx, q.images, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	return q.imageStatus(ctx, e), nil
}

func (q *Queue) imageStatus(ctx context.Context, e *entry) api.ImageStatus {
	c, done := q.progressOf(e)
	s := api.ImageStatus{Check: c, Shared: e.record.Image.Shared, Generations: []api.Generation{}}
	if slices.Contains(e.models(), imagekind.BetaModel) { // whoever compares must not know which is which (generation §1.11)
		rand.Shuffle(len(done), func(i, j int) { done[i], done[j] = done[j], done[i] })
	}
	for _, j := range done {
		s.Generations = append(s.Generations, q.generation(ctx, e, j))
	}
	return s
}

// Cancel ends a request for pictures. The answer is the status from before
// (generation §1.12).
func (q *Queue) Cancel(ctx context.Context, id string) (api.ImageStatus, error) {
	e, err := q.find(ctx, q.images, id, "Status")
	if err != nil {
		return api.ImageStatus{}, err
	}
	before := q.imageStatus(ctx, e)
	return before, q.cancel(ctx, e)
}

// generation is one finished picture as its requester sees it (generation §1.11).
func (q *Queue) generation(ctx context.Context, e *entry, j *store.Job) api.Generation {
	g := api.Generation{Img: j.Result, Seed: strconv.FormatInt(j.Seed, 10), ID: j.ID, Censored: j.Censored,
		GenMetadata: q.metadataOf(j), WorkerID: j.WorkerID, WorkerName: q.workerName(j.WorkerID), Model: j.Model, State: "ok"}
	if j.Result == uploaded {
		g.Img = q.pictureOf(ctx, resultName(j.ID), e.record.Image.R2)
	}
	return g
}

// imageCall is what a webhook is told of a picture.
type imageCall struct {
	api.Generation
	Seed    int64     `json:"seed"`
	Request string    `json:"request"`
	Kudos   api.Float `json:"kudos"`
}

func (w imageWork) told(ctx context.Context, q *Queue, e *entry, j *store.Job, reward float64) any {
	// The links are for who made the request, not for the worker that calls now.
	ctx = horde.WithBase(ctx, horde.At(e.record.Base))
	return imageCall{q.generation(ctx, e, j), j.Seed, e.row.ID, api.Float(horde.Round2(reward))}
}

// missing stands for a picture that was never uploaded or is gone.
const missing = "N/A"

func (q *Queue) pictureOf(ctx context.Context, name string, byLink bool) string {
	if !byLink {
		if text := q.inline(ctx, name); text != "" {
			return text
		}
		return missing
	}
	if ok, err := q.Blobs.Exists(ctx, name); err != nil {
		q.Log.Warn("look for picture", "name", name, "error", err)
	} else if !ok {
		return missing
	}
	return q.Blobs.SignGet(ctx, name, blob.LinkTTL)
}

// Inline is the picture of a generation in base64, for clients that cannot use
// its link.
func (q *Queue) Inline(ctx context.Context, g api.Generation) string {
	return q.pictureOf(ctx, resultName(g.ID), false)
}

// Submit takes what a worker has for a picture (generation §1.20) and returns its reward in
// kudos.
func (q *Queue) Submit(ctx context.Context, key string, s api.ImageSubmit) (float64, error) {
	reward, err := q.submit(ctx, q.images, key, submission{s.ID, s.Generation, s.State, s.Seed, s.GenMetadata})
	return horde.Round2(reward), err
}

// unreasonable is how many pixelsteps per second no hardware reaches (generation §5.10).
const unreasonable = 20_000_000

// value is the worth of a picture (generation §6.2, §6.3, §6.4).
func (w imageWork) value(q *Queue, a assigned, _ string) value {
	order := w.Order(q.Modes().MatchedTargeting)
	reward := order.Reward(a.e.record.Price, a.e.record.baseline(a.job.Model, q.Catalog.Snapshot()))
	factor := 1.0
	if a.worker != nil {
		factor = a.worker.Agent.RewardFactor()
	}
	return value{reward: reward, earned: horde.KudosOf(kudos.Earned(reward, factor)),
		charge: order.Burn, made: w.things(), suspicions: func(speed float64) int {
			if speed > unreasonable {
				return 1
			}
			return 0
		}}
}

const (
	maxRawText = 1 << 20 // bytes of a result that is no picture and is passed on as sent
	uploaded   = "R2"    // the picture lies in the blob store
)

// keep stores what a worker sent in place of an upload: a picture as WebP, a
// text that is none as it is.
func (w imageWork) keep(ctx context.Context, q *Queue, job, generation string) (string, error) {
	if generation == uploaded {
		return uploaded, nil
	}
	img, _, err := imaging.DecodeBase64(generation, imaging.SourceLimits)
	if err != nil {
		if len(generation) > maxRawText {
			return "", horde.Errorf(horde.BadRequest, "The result is no picture that can be read, and too long to be passed on as text.")
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

// Ask is one POST /generate/async.
type Ask struct {
	Body      api.ImageRequest
	RawParams json.RawMessage
	From
}

// Accept checks a request for pictures in the order of generation §1.4
// and takes it into the queue.
func (q *Queue) Accept(ctx context.Context, ask Ask) (Answer, error) {
	r, t, err := q.imageAsk(ctx, ask)
	if err != nil {
		return Answer{}, err
	}
	return q.accept(ctx, q.images, r, t, ask.From)
}

func (q *Queue) imageAsk(ctx context.Context, ask Ask) (imageAsk, *terms, error) {
	r := &admission.Request{Asked: ask.Body, RawParams: ask.RawParams, ClientAgent: ask.ClientAgent, UnsafeIP: func() bool { return q.unsafe(ctx, ask.From) },
		Models: q.Catalog.Snapshot(), Server: q.Modes()}
	t, err := q.styled(ctx, r)
	return imageAsk{r}, t, err
}

// imageAsk is a request for pictures on its way in.
type imageAsk struct{ *admission.Request }

func (r imageAsk) normalize(c admission.Caller) { r.Normalize(c, rand.Uint32) }
func (r imageAsk) common() *admission.Common    { return &r.Image.Common }
func (r imageAsk) workers() []string            { return r.Asked.Workers }
func (r imageAsk) warnings() []api.Warning      { return r.Warnings() }

func (r imageAsk) limits(k *store.SharedKey) []limit {
	return []limit{
		{field: "max_image_pixels", name: "pixels", asks: r.Image.Pixels(), most: k.MaxPixels},
		{field: "max_image_steps", name: "steps", asks: r.Image.Steps, most: k.MaxSteps},
	}
}

func (r imageAsk) adult(model string) bool {
	m, _ := r.Models.Image(model)
	return m.NSFW
}

// filtered: a prompt that is too long is refused later, without a look at it.
func (r imageAsk) filtered() (looked, rewritten bool) {
	return len(r.Image.Prompt) <= admission.MaxPromptBytes, r.Image.ReplacementFilter || r.Caller.Education
}

func (r imageAsk) record() record {
	m := r.Image
	return record{Image: &m, Baselines: m.Baselines(r.Models)}
}

func (r imageAsk) sources(ctx context.Context, q *Queue, id string, rec *record) error {
	return q.storeSources(ctx, id, &r.Asked, rec)
}

// price prices a user's request; one that names no model, by the dearest of the
// workers that could get it (decision 6).
func (r imageAsk) price(q *Queue, of *account.User) price {
	quote := q.Pricer.Quote(r.Image.Order(r.Server.MatchedTargeting), r.baselines(q, of))
	return price{base: quote.Base, tax: quote.Tax, dry: quote.Total().Float(), needed: quote.Total(), most: quote.Total()}
}

// baselines are those of the models that may serve a user's request.
func (r imageAsk) baselines(q *Queue, of *account.User) []string {
	baselines := r.Image.Baselines(r.Models)
	if len(baselines) > 0 {
		return baselines
	}
	seen := map[string]bool{}
	for _, w := range q.takers(q.images, r, of) {
		for _, m := range w.Settings.Models {
			if b := r.Models.Baseline(m); !seen[b] {
				seen[b] = true
				baselines = append(baselines, b)
			}
		}
	}
	return baselines
}
