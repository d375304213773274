package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"strconv"
	"time"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// Images makes a worker a Dreamer.
type Images struct {
	Engines []engine.ImageEngine // stay the caller's: close them after Run
	// MaxPixels is the largest width × height offered; 0: what every engine can.
	MaxPixels int
	// Blacklist holds words: the server withholds requests that contain one.
	Blacklist      []string
	RequireUpfront bool // decline users who cannot pay in advance
}

// images is the kind of work of a Dreamer.
type images struct {
	Images
	offer api.ImagePop
	links *client.Client // calls the links that the horde gives
}

func (im Images) open(cfg Config) (kind, error) {
	if len(im.Engines) == 0 {
		return nil, errors.New("worker: no engine")
	}
	return &images{Images: im, offer: newOffer(cfg, im), links: linkClient(cfg.Client)}, nil
}

func (im *images) names() names { return names{worker: "dreamer", results: "images"} }

func (im *images) engines() []engine.Engine { return plain(im.Engines) }

// threads: engines inside this process do as much as they are told to.
func (im *images) threads(wanted int) int { return max(1, wanted) }

func (im *images) pop(ctx context.Context, c *client.Client, threads int, wait time.Duration) (*popped, error) {
	offer := im.offer
	offer.Models, offer.Threads = modelsOf(im.Engines), &threads
	pop, err := c.Pop(ctx, &offer, wait)
	if err != nil {
		return nil, err
	}
	return &popped{
		ids:      idsOf(pop.ID, pop.IDs),
		model:    value(pop.Model),
		ttl:      value(pop.TTL),
		messages: pop.Messages,
		skipped:  pop.Skipped,
		task:     func(j *job) task { return newImageTask(im, j, pop) },
	}, nil
}

func (im *images) submit(ctx context.Context, c *client.Client, s *submission) (*api.Submitted, error) {
	return c.Submit(ctx, &api.ImageSubmit{
		ID:          s.ID,
		Generation:  s.Generation,
		State:       s.State,
		Seed:        s.Seed,
		GenMetadata: s.Metadata,
	})
}

// newOffer offers, of the abilities of the engines, what all have.
func newOffer(cfg Config, im Images) api.ImagePop {
	yes, no := true, false
	can := commonCapabilities(im.Engines)
	pixels := im.MaxPixels
	if can.MaxPixels > 0 && (pixels == 0 || can.MaxPixels < pixels) {
		pixels = can.MaxPixels
	}

	o := api.ImagePop{
		Name:                cfg.Name,
		BridgeAgent:         bridgeAgent,
		NSFW:                &cfg.NSFW,
		Amount:              &can.MaxBatch,
		Blacklist:           im.Blacklist,
		PriorityUsernames:   cfg.PriorityUsernames,
		AllowImg2Img:        &can.Img2Img,
		AllowPainting:       &can.Inpainting,
		AllowPostProcessing: &can.PostProcessing,
		AllowControlnet:     &can.Controlnet,
		AllowSDXLControlnet: &can.SDXLControlnet,
		AllowLora:           &can.Lora,
		LimitMaxSteps:       &no,
		ExtraSlowWorker:     &no,
	}
	if pixels > 0 {
		o.MaxPixels = &pixels
	}
	if im.RequireUpfront {
		o.RequireUpfrontKudos = &yes
	}
	return o
}

// maxBatch is the most images that a server hands out in one job.
const maxBatch = 20

// commonCapabilities are those that all engines have; MaxPixels 0: no limit.
func commonCapabilities(engines []engine.ImageEngine) engine.ImageCapabilities {
	can := engines[0].Capabilities()
	for _, e := range engines[1:] {
		c := e.Capabilities()
		if c.MaxPixels > 0 && (can.MaxPixels <= 0 || c.MaxPixels < can.MaxPixels) {
			can.MaxPixels = c.MaxPixels
		}
		can.MaxBatch = min(can.MaxBatch, c.MaxBatch)
		can.Img2Img = can.Img2Img && c.Img2Img
		can.Inpainting = can.Inpainting && c.Inpainting
		can.PostProcessing = can.PostProcessing && c.PostProcessing
		can.Controlnet = can.Controlnet && c.Controlnet
		can.SDXLControlnet = can.SDXLControlnet && c.SDXLControlnet
		can.Lora = can.Lora && c.Lora
	}
	can.MaxBatch = max(1, min(can.MaxBatch, maxBatch))
	return can
}

const (
	maxSide   = 1 << 15 // pixels
	maxImages = 100     // of one job
)

// imageTask is the work of one job of images.
type imageTask struct {
	kind         *images
	job          *job
	pop          *api.ImageJob
	engineOf     engine.ImageEngine // nil: none has the model
	source, mask image.Image        // nil: none
}

func newImageTask(im *images, j *job, pop *api.ImageJob) *imageTask {
	e, _ := engineOf(im.Engines, j.model)
	pop.Payload.N = len(j.ids)
	return &imageTask{kind: im, job: j, pop: pop, engineOf: e}
}

func (t *imageTask) describe() []any {
	p := t.pop.Payload
	return []any{"size", fmt.Sprintf("%dx%d", p.Width, p.Height), "steps", p.Steps, "images", len(t.job.ids)}
}

func (t *imageTask) engine() engine.Engine {
	if t.engineOf == nil {
		return nil
	}
	return t.engineOf
}

func (t *imageTask) check() error {
	p := t.pop.Payload
	switch o := t.kind.offer; {
	case p.Width < 1 || p.Height < 1 || p.Width > maxSide || p.Height > maxSide:
		return fmt.Errorf("%w: size %d×%d", errNotOffered, p.Width, p.Height)
	case o.MaxPixels != nil && p.Width*p.Height > *o.MaxPixels:
		return fmt.Errorf("%w: %d×%d has more than %d pixels", errNotOffered, p.Width, p.Height, *o.MaxPixels)
	case len(t.job.ids) > maxImages:
		return fmt.Errorf("%w: %d images at once", errNotOffered, len(t.job.ids))
	}
	return nil
}

// prepare gets the images to start from.
func (t *imageTask) prepare(ctx context.Context) (err error) {
	if value(t.pop.SourceImage) == "" {
		return nil
	}
	t.source, err = t.getSource(ctx, "source_image", *t.pop.SourceImage)
	if err != nil || t.source == nil || value(t.pop.SourceMask) == "" {
		return err
	}
	t.mask, err = t.getSource(ctx, "source_mask", *t.pop.SourceMask)
	return err
}

func (t *imageTask) generate(ctx context.Context) error {
	j := t.job
	hooks := engine.ImageHooks{
		Progress: func(i int, p engine.ImageProgress) {
			j.noteAlive()
			j.report.put(i, func() *api.Progress {
				return &api.Progress{Step: p.Step, Steps: p.Steps, Preview: preview(p.Preview)}
			})
		},
		Result: func(i int, r engine.ImageResult) error {
			j.noteAlive()
			if r.Image == nil {
				return fmt.Errorf("image %d is none", i)
			}
			return j.accept(i, func(ctx context.Context) (*submission, error) { return t.finish(ctx, i, r) })
		},
	}
	return t.engineOf.Generate(ctx, engine.ImageJob{
		Model:   j.model,
		Payload: t.pop.Payload,
		Seed:    seed(t.pop.Payload.Seed),
		Source:  t.source,
		Mask:    t.mask,
	}, hooks)
}

// seed reads a payload's seed; where it is missing or not a number, a random one.
func seed(text string) uint64 {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(n)
	}
	return uint64(rand.Uint32())
}
