package main

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"sync/atomic"

	"horde/engine"
)

// gradient is an engine: each image runs from one colour of its seed to another. A
// real one would pass the job on to a model.
type gradient struct {
	model  string
	closed atomic.Bool
}

var _ engine.ImageEngine = (*gradient)(nil)

func (g *gradient) Name() string     { return "gradient" }
func (g *gradient) Models() []string { return []string{g.model} }

// Probe has nothing to ask: the engine is inside this process.
func (g *gradient) Probe(context.Context) error { return nil }

// Capabilities are what a pop offers; what is left out is declined.
func (g *gradient) Capabilities() engine.ImageCapabilities {
	return engine.ImageCapabilities{MaxPixels: 1024 * 1024, MaxBatch: 4}
}

// Generate makes the images of a job, one after the other. Image i has the seed
// Seed + i.
func (g *gradient) Generate(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
	for i := range max(1, job.Payload.N) {
		if g.closed.Load() {
			return errors.New("the engine is closed")
		}
		if err := ctx.Err(); err != nil {
			return err
		}

		seed := job.Seed + uint64(i)
		result := engine.ImageResult{Image: draw(job.Payload.Width, job.Payload.Height, seed), Seed: seed}
		if hooks.Result == nil {
			continue
		}
		if err := hooks.Result(i, result); err != nil {
			return err
		}
	}
	return nil
}

func (g *gradient) Close() error {
	g.closed.Store(true)
	return nil
}

// draw is an image from one colour of a seed, at the top, to another.
func draw(width, height int, seed uint64) *image.NRGBA {
	dice := rand.New(rand.NewPCG(seed, 0))
	from, to := colour(dice), colour(dice)

	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		c := color.NRGBA{
			R: between(from.R, to.R, y, height),
			G: between(from.G, to.G, y, height),
			B: between(from.B, to.B, y, height),
			A: 255,
		}
		for x := range width {
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func colour(dice *rand.Rand) color.NRGBA {
	return color.NRGBA{R: uint8(dice.IntN(256)), G: uint8(dice.IntN(256)), B: uint8(dice.IntN(256)), A: 255}
}

// between is what lies at step of steps on the way from a to b.
func between(a, b uint8, step, steps int) uint8 {
	return uint8(int(a) + (int(b)-int(a))*step/max(1, steps))
}
