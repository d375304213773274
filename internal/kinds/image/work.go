package image

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/match"
)

// Work is the work of a request for images.
type Work struct {
	*admission.Image
	Baselines []string // of the models that it names, at acceptance
}

// Features are what the request asks of a worker.
func (w Work) Features(o kinds.Origin) match.Features {
	return Features(w.Image, o)
}

// Describe adds the steps, which some workers limit.
func (w Work) Describe(it *match.Item) { it.Steps = w.AccurateSteps }

// StatisticsUnits takes the steps as they were asked for, however the sampler counts
// them.
func (w Work) StatisticsUnits() int64 { return int64(w.Pixels()) * int64(w.Steps) }

// JobSeed is the seed of the jobs of a pop, before which so many were left.
func (w Work) JobSeed(left int, random func() uint32) int64 { return int64(w.PopSeed(left, random)) }

// Objects are images, which the requester gets by a link where it asked for one.
func (w Work) Objects() kinds.Objects {
	return kinds.Objects{Stored: true, ByLink: w.R2, MaxBytes: w.maxUpload()}
}

// maxUpload follows from the size of the image and what is done to it afterwards.
func (w Work) maxUpload() int64 {
	pixels := int64(w.Pixels())
	upscales := func(name string) bool {
		p, known := api.PostProcessorByName(name)
		return p.Upscaler || !known
	}
	if slices.ContainsFunc(w.PostProcessing, upscales) {
		pixels *= kinds.Upscaled
	}
	return kinds.UploadLimit(pixels)
}

const (
	maxRawResult  = 1 << 20 // bytes of a result that is no image and is passed on as sent
	resultQuality = 95      // of WebP, for results that workers send in base64
)

// Keep is what becomes of what a worker sent in place of an upload: an image goes
// into the blob store, a text that is none is passed on as it is.
func (w Work) Keep(ctx context.Context, result string) (kinds.Kept, error) {
	if result == kinds.Uploaded {
		return kinds.Kept{Row: kinds.Uploaded}, nil
	}
	webp, err := keepImage(ctx, result)
	switch {
	case err == nil:
		return kinds.Kept{Row: kinds.Uploaded, Image: webp}, nil
	case errors.Is(err, imaging.ErrBusy):
		busy := horde.Errorf(horde.ServerBusy, "Too many images wait to be read already. Please submit again in a moment.")
		busy.RetryAfter = imaging.RetryAfter
		return kinds.Kept{}, busy
	case !imaging.IsRefusal(err):
		return kinds.Kept{}, err
	}

	if len(result) > maxRawResult {
		return kinds.Kept{}, horde.Errorf(horde.BadRequest,
			"The result is no image that can be read, and too long to be passed on as text.")
	}
	return kinds.Kept{Row: result}, nil
}

// keepImage is an image that came in base64, as it is stored.
func keepImage(ctx context.Context, result string) ([]byte, error) {
	data, err := imaging.Base64(result, imaging.SourceLimits)
	if err != nil {
		return nil, err
	}
	return imaging.Workers.ToWebP(ctx, data, imaging.SourceLimits, resultQuality)
}

// baseline is what an image by a model is worth by: what the model was built on when
// the request was accepted and its price was told, else what it is now.
func (w Work) baseline(model string, now *catalog.Snapshot) string {
	if i := slices.Index(w.Models, model); i >= 0 && i < len(w.Baselines) {
		return w.Baselines[i]
	}
	return now.Baseline(model)
}

// Value is the worth of an image (generation §6.2, generation §6.3, generation §6.4).
// A censored one is charged, but not for the work.
func (w Work) Value(d kinds.Delivered) kinds.Value {
	order := w.Order(admission.Server{MatchedTargeting: d.Targeting})
	reward := order.Reward(d.BasePrice, w.baseline(d.Model, d.Known))
	paid := reward
	if d.Censored {
		paid = 0
	}

	factor := 1.0
	if d.Worker != nil {
		factor = d.Worker.Agent.RewardFactor()
	}
	return kinds.Value{
		Reward: reward,
		Worth:  horde.KudosOf(paid),
		Charge: horde.KudosOf(order.Burn(paid)),
		Earned: horde.KudosOf(kudos.Earned(reward, factor)),
		Made:   w.WorkUnits(),
	}
}

// maxPlausibleSpeed is how many pixelsteps per second no hardware exceeds
// (generation §5.10).
const maxPlausibleSpeed = 20_000_000

// Suspicions is 1 for a speed that no hardware reaches.
func (w Work) Suspicions(_ kinds.Delivered, speed float64) int {
	if speed > maxPlausibleSpeed {
		return 1
	}
	return 0
}

// Timing is what the image asked of its worker.
func (w Work) Timing(d kinds.Delivered) (t kinds.Timing, ok bool) {
	order := w.Order(admission.Server{})
	features, err := order.Features().JSON()
	return kinds.Timing{Baseline: w.baseline(d.Model, d.Known), Features: features}, err == nil
}

// Generation is a finished image as its requester sees it (generation §1.11).
func Generation(f kinds.Finished) api.Generation {
	return api.Generation{
		ID:          f.Job.ID,
		Img:         f.Shown,
		Seed:        strconv.FormatInt(f.Job.Seed, 10),
		Censored:    f.Job.Censored,
		GenMetadata: f.Metadata,
		WorkerID:    f.Job.WorkerID,
		WorkerName:  f.WorkerName,
		Model:       f.Job.Model,
		State:       "ok",
	}
}

// webhookBody is what a webhook is told of an image.
type webhookBody struct {
	api.Generation
	Seed    int64     `json:"seed"`
	Request string    `json:"request"`
	Kudos   api.Float `json:"kudos"`
}

// WebhookBody is what a webhook is told of a finished image (generation §1.20).
func (w Work) WebhookBody(f kinds.Finished, request string, reward float64) any {
	return webhookBody{
		Generation: Generation(f),
		Seed:       f.Job.Seed,
		Request:    request,
		Kudos:      api.Float(horde.Round2(reward)),
	}
}
