package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kudos"
	"horde/internal/store"
)

// imageWork is the work of a request for pictures.
type imageWork struct{ *admission.Image }

func (w imageWork) things() int64 { return w.WorkUnits() }

// asked takes the steps as they were asked for, however the sampler counts them.
func (w imageWork) asked() int64 { return int64(w.Pixels()) * int64(w.Steps) }

func (w imageWork) features(r *record) features {
	q := w.Image
	f := features{named: q.Sampler, pixels: q.Pixels(), caps: neededCaps(q)}
	set := f.bits.set
	set(karras, q.Karras)
	set(wantsNSFW, q.NSFW)
	set(wantsTrusted, q.TrustedWorkers)
	set(unsafeIP, r.UnsafeIP)
	set(fromUntrusted, !r.Trusted)
	set(hasSource, q.HasSource)
	set(painting, q.SourceProcessing == "inpainting" || q.SourceProcessing == "outpainting")
	set(extraSources, q.ExtraSources > 0)
	set(wantsR2, q.R2)
	set(hasLoras, q.Loras != nil)
	set(hasTIs, q.TIs != nil)
	set(hasControl, q.ControlType != "")
	set(qrCode, q.Workflow == "qr_code")
	set(hiresFix, q.HiresFix)
	set(transparent, q.Transparent)
	set(postProcessing, len(q.PostProcessing) > 0)
	set(fastOnly, !q.SlowWorkers)
	set(extraSlowOK, q.ExtraSlowWorkers)
	return f
}

// neededCaps are the abilities whose lack the gates count as bridge_version
// (generation §1.16): any control type asks for image_is_control too.
func neededCaps(q *admission.Image) bridge.Capability {
	var c bridge.Capability
	need := func(b bridge.Capability, on bool) {
		if on {
			c |= b
		}
	}
	need(bridge.Tiling, q.Tiling)
	need(bridge.ReturnControlMap, q.ReturnControlMap)
	need(bridge.HiresFix, q.HiresFix)
	need(bridge.ClipSkip, q.ClipSkip != nil && *q.ClipSkip > 1)
	need(bridge.ImageIsControl, q.ControlType != "")
	need(bridge.PostProcessing, len(q.PostProcessing) > 0)
	need(bridge.QRCode|bridge.ControlNet, q.Workflow == "qr_code")
	for _, name := range q.PostProcessing {
		if p, ok := bridge.PostProcessor(name); ok {
			c |= p
		}
	}
	for _, l := range q.Loras {
		need(bridge.LoraVersions, l.IsVersion != nil && *l.IsVersion)
	}
	return c
}

// hosted is what the models of a pop are built on, where a gate asks for it.
type hosted struct {
	flux, sdxl, cascade      bool
	inpainting, onlyInpaints bool
}

func hostedBy(known *catalog.Snapshot, models []string) hosted {
	h := hosted{onlyInpaints: len(models) > 0}
	for _, name := range models {
		switch known.Baseline(name) {
		case catalog.Flux1:
			h.flux = true
		case catalog.SDXL:
			h.sdxl = true
		case catalog.StableCascade:
			h.cascade = true
		}
		m, _ := known.Image(name)
		h.inpainting = h.inpainting || m.Inpainting
		h.onlyInpaints = h.onlyInpaints && m.Inpainting
	}
	return h
}

// meanSteps is the middle of what a model wants, for limit_max_steps (generation §1.16;
// defaults 20 and 40).
func meanSteps(known *catalog.Snapshot, model string) float64 {
	low, high := 20, 40
	if m, ok := known.Image(model); ok {
		if m.Requirements.MinSteps > 0 {
			low = m.Requirements.MinSteps
		}
		if m.Requirements.MaxSteps > 0 {
			high = m.Requirements.MaxSteps
		}
	}
	return float64(low+high) / 2
}

func anyBelow(known *catalog.Snapshot, models []string, steps int) bool {
	return slices.ContainsFunc(models, func(m string) bool { return meanSteps(known, m) < float64(steps) })
}

func (w imageWork) fits(*view) bool { return true }

func (w imageWork) stored() bool { return true }

func (w imageWork) lengths() (written, context int) { return 0, 0 }

// refuses is limit_max_steps (generation §1.16).
func (w imageWork) refuses(v *view) string {
	if v.settings.LimitMaxSteps && v.tooManySteps(w.Models, w.AccurateSteps) {
		return whySteps
	}
	return ""
}

func (v *view) tooManySteps(models []string, steps int) bool {
	if len(models) > 1 {
		return anyBelow(v.known, models, steps)
	}
	return anyBelow(v.known, v.list, steps)
}

func lookForImages(v *view) {
	v.fast = fastImages
	v.hosted = hostedBy(v.known, v.list)
	v.anyModel = !hostsSpecial(v.list)
	switch { // only these two gates are told of by the walk
	case len(v.settings.Blacklist) > 0:
		v.walked = lackBridgeGate | lackPostProcessors | lackHosting | lackSDXLControl | lateGates
	case v.settings.LimitMaxSteps:
		v.walked = lateGates
	}
}

// betaModel is served by name only, as the special models are.
const betaModel = "SDXL_beta::stability.ai#6901"

// hostsSpecial tells whether requests without a model must not come here (generation §1.15).
func hostsSpecial(models []string) bool {
	for _, m := range models {
		if m == betaModel || strings.Contains(m, "horde_special") {
			return true
		}
	}
	return false
}

// lackingForImages is the query of generation §1.15 and the gates of §1.16 that depend on
// nothing but features.
func lackingForImages(v *view, f features) (l lacks) {
	s := v.settings
	want := func(b bits) bool { return f.bits&b != 0 }
	refuse := func(why lacks, on bool) {
		if on {
			l |= why
		}
	}
	refuse(lackPixels, f.pixels > s.MaxPixels)
	refuse(lackImg2Img, want(hasSource) && !s.AllowImg2Img)
	refuse(lackPainting, want(painting) && !s.AllowPainting)
	refuse(lackSilent, want(extraSources) && !v.agent.Has(bridge.ExtraSourceImages))
	refuse(lackSafeIP, want(unsafeIP) && !s.AllowUnsafeIP)
	refuse(lackNSFW, want(wantsNSFW) && !s.NSFW)
	refuse(lackSilent, want(wantsR2) && !v.agent.Has(bridge.R2))
	refuse(lackLora, want(hasLoras) && !s.AllowLora)
	refuse(lackBridge, want(hasLoras) && s.AllowLora && !v.agent.Has(bridge.Lora))
	refuse(lackBridge, want(hasTIs) && !v.agent.Has(bridge.TextualInversion))
	refuse(lackControlnet, want(hasControl) && !s.AllowControlnet)
	refuse(lackBridge, want(hasControl) && s.AllowControlnet && !v.agent.Has(bridge.ControlNet))
	refuse(lackSpeed, want(fastOnly) && v.speed < v.fast)
	refuse(lackPatience, s.ExtraSlow && !want(extraSlowOK))
	refuse(lackBridge, want(transparent) && !v.agent.Has(bridge.LayerDiffuse))
	refuse(lackSilent, want(transparent) && !s.AllowSDXLControlnet)

	refuse(lackTrust, want(wantsTrusted) && !v.trusted)
	// What the worker has switched off is not told of its bridge once more.
	refuse(lackBridgeGate, want(hasSource) && s.AllowImg2Img && !v.agent.Has(bridge.Img2Img))
	refuse(lackBridgeGate, want(painting) && s.AllowPainting && !v.agent.Has(bridge.Inpainting))
	refuse(lackHosting, want(painting) && !v.hosted.inpainting || !want(painting) && v.hosted.onlyInpaints)
	refuse(lackBridgeGate, !v.agent.Has(f.caps&^bridge.PostProcessors) || !v.agent.SupportsSampler(f.named, want(karras)))
	refuse(lackBridgeGate, s.AllowPostProcessing && !v.agent.Has(f.caps&bridge.PostProcessors))
	refuse(lackPostProcessors, !s.AllowPostProcessing && !v.agent.Has(f.caps&bridge.PostProcessors))
	refuse(lackSDXLControl, want(qrCode) && v.hosted.sdxl && !s.AllowSDXLControlnet)
	refuse(lackBridgeGate, want(hiresFix) && v.hosted.cascade && !v.agent.Has(bridge.StableCascade2Pass))
	refuse(lackBridgeGate, v.hosted.flux && !v.agent.Has(bridge.Flux))
	refuse(lackSafety, want(unsafeIP) && want(fromUntrusted) && !v.trusted)
	refuse(lackPostProcessing, want(postProcessing) && !s.AllowPostProcessing)
	return l
}

// batch is how many pictures one pop gets (generation §1.18 "Batch size"; the factor of
// large models by baseline, decision 21).
func (w imageWork) batch(v *view, model string, amount, left int) int {
	m := w.Image
	if m.DisableBatching {
		return 1
	}
	load := float64(m.Pixels()) * (1 + 0.4*float64(len(m.PostProcessing)))
	if m.Transparent || anyHeavy(m.PostProcessing) {
		load *= 1.8
	}
	switch v.known.Baseline(model) {
	case catalog.Flux1:
		load *= 5
	case catalog.ZImageTurbo:
		load *= 8
	case catalog.QwenImage:
		load *= 10
	}
	n := int(math.RoundToEven(float64(v.settings.MaxPixels) / 3.5 * float64(amount) / load))
	return max(1, min(n, amount, left))
}

func anyHeavy(post []string) bool {
	for _, p := range post {
		if known, _ := api.PostProcessorByName(p); known.Heavy {
			return true
		}
	}
	return false
}

// ttl is how long a worker may take over a job (generation §1.18 "TTL").
func (w imageWork) ttl(v *view) time.Duration {
	m := w.Image
	s := 30 + float64(m.AccurateSteps)*2*float64(m.Pixels())/262144
	if m.ControlType != "" {
		s *= 2
	}
	for _, name := range m.Models {
		if b := v.known.Baseline(name); b == catalog.Flux1 || b == catalog.QwenImage || b == catalog.ZImageTurbo {
			s *= 3
			break
		}
	}
	d := max(time.Duration(s*float64(time.Second)), leastTTL)
	if v.settings.ExtraSlow {
		d *= 3
	}
	return d
}

func (w imageWork) seed(left int) int64 { return int64(w.PopSeed(left, rand.Uint32)) }

// Pop hands out pictures to paint to a worker that has checked in, waiting for
// at most wait when there is nothing (0: not at all). Without a job the answer
// says what the worker was withheld from (generation §1.18).
func (q *Queue) Pop(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.ImageJob, error) {
	v, h, err := q.pop(ctx, q.images, o, wait)
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
	if v.agent.Has(bridge.Img2Img) {
		q.attachSources(ctx, a, r, v.agent.Has(bridge.R2Source))
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
	if slices.Contains(e.models(), betaModel) { // whoever compares must not know which is which (generation §1.11)
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
