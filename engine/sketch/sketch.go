// Package sketch draws a landscape by formula from prompt, size and seed: for
// load tests and for machines without ONNX Runtime. It is no AI and says so on
// every image. A 512 × 512 image takes a few milliseconds on one processor.
// Start at [New]; scene.go decides what is in an image, draw.go draws it.
package sketch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"horde/api"
	"horde/engine"
)

// ModelName is the public name under which sketches are offered.
const ModelName = "horde_sketch"

// Disclosure is the remark on every image.
const Disclosure = "horde_sketch is no AI: a formula drew this image from prompt, size and seed"

// Sizes of the API (generation §1.2).
const (
	minSide     = 64   // pixels
	maxSide     = 3072 // pixels
	defaultSide = 512  // pixels
	maxBatch    = 20   // images
)

// New makes the engine. It needs nothing and holds nothing.
func New() engine.ImageEngine { return &sketcher{} }

type sketcher struct{ closed atomic.Bool }

// Name implements engine.Engine.
func (*sketcher) Name() string { return "sketch" }

// Probe implements engine.Engine.
func (*sketcher) Probe(context.Context) error { return nil }

// Models implements engine.Engine.
func (*sketcher) Models() []string { return []string{ModelName} }

// Capabilities implements engine.ImageEngine.
func (*sketcher) Capabilities() engine.ImageCapabilities {
	return engine.ImageCapabilities{MaxPixels: maxSide * maxSide, MaxBatch: maxBatch}
}

// Close implements engine.Engine.
func (s *sketcher) Close() error {
	s.closed.Store(true)
	return nil
}

// Generate implements engine.ImageEngine. Steps, sampler and the other settings of a
// diffusion model mean nothing to it; all steps are reported as done at once.
func (s *sketcher) Generate(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
	if job.Model != ModelName {
		return fmt.Errorf("the sketch engine has no model %q, only %s", job.Model, ModelName)
	}
	if s.closed.Load() {
		return errors.New("the sketch engine is closed")
	}

	width, height := side(job.Payload.Width), side(job.Payload.Height)
	prompt, _, _ := strings.Cut(job.Payload.Prompt, "###")
	theme := readTheme(prompt)
	for i := range max(1, job.Payload.N) {
		if err := ctx.Err(); err != nil {
			return err
		}

		seed := job.Seed + uint64(i)
		img := draw(theme.compose(seed), width, height)
		steps := max(1, job.Payload.Steps)
		if hooks.Progress != nil {
			hooks.Progress(i, engine.ImageProgress{Step: steps, Steps: steps})
		}
		if hooks.Result != nil {
			remark := api.GenMetadatum{Type: "information", Value: "see_ref", Ref: Disclosure}
			result := engine.ImageResult{Image: img, Seed: seed, Metadata: []api.GenMetadatum{remark}}
			if err := hooks.Result(i, result); err != nil {
				return err
			}
		}
	}
	return nil
}

// side is a side within the API's range; 0 means the default.
func side(n int) int {
	if n <= 0 {
		return defaultSide
	}
	return min(max(n, minSide), maxSide)
}
