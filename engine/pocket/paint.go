package pocket

import (
	"context"
	"image"
	"slices"

	"golang.org/x/image/draw"

	"horde/engine"
)

// watcher sees the numbers go by; tests compare them with the golden ones.
type watcher func(stage string, data []float32)

// paint runs one job on an easel.
func (p *painter) paint(ctx context.Context, e *easel, job engine.Job, hooks engine.Hooks) error {
	pl := newPlan(p.tokens, job)
	end, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := e.encode(pl.prompt, pl.negative); err != nil {
		return err
	}
	var keep []float32
	if job.Source != nil {
		e.source = resize(e.source, values)
		toPlanes(place(job.Source, pl.width, pl.height), e.source)
		keep = keepMap(job.Source, job.Mask, pl.width, pl.height)
	}
	for i := range pl.count {
		if err := ctx.Err(); err != nil {
			return err
		}
		seed := job.Seed + uint64(i)
		progress := func(step int, d []float32) {
			if hooks.Progress != nil {
				hooks.Progress(i, engine.Progress{Step: step, Steps: pl.steps - pl.first, Preview: preview(d, pl.width, pl.height)})
			}
		}
		if err := e.diffuse(ctx, pl, seed, job.Source != nil, keep, progress, nil); err != nil {
			return err
		}
		img, err := e.finish(ctx, pl.width, pl.height)
		if err != nil {
			return err
		}
		if hooks.Picture != nil {
			if err := hooks.Picture(i, engine.Picture{Image: img, Seed: seed, Metadata: slices.Clone(pl.metadata)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// diffuse leaves the model picture, about −1…1, in e.picture(). progress is
// told the number of finished steps and the denoised estimate after each.
func (e *easel) diffuse(ctx context.Context, pl plan, seed uint64, fromSource bool, keep []float32, progress func(int, []float32), watch watcher) error {
	sigmas, n, x := schedule(pl.steps), newNoise(seed), e.picture()
	e.solver.reset(pl.sampler, sigmas, n, values)
	n.normal(x)
	if keep != nil {
		e.start = append(e.start[:0], x...)
	}
	for k := range x {
		x[k] *= float32(sigmas[pl.first])
	}
	if fromSource {
		addScaled(x, e.source, 1)
	}
	if watch != nil {
		watch("pooled", e.pooled())
		watch("start", x)
	}
	for i := pl.first; i < pl.steps; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		d, negative, err := e.denoise(sigmas[i], pl.cfg != 1 && sigmas[i] >= guideMin)
		if err != nil {
			return err
		}
		if negative != nil {
			guide(d, negative, pl.cfg)
		}
		if watch != nil {
			watch("denoised", d)
		}
		e.solver.step(i, x, d)
		if keep != nil {
			paste(x, e.source, e.start, keep, float32(sigmas[i+1]))
		}
		progress(i-pl.first+1, d)
	}
	if watch != nil {
		watch("low", x)
	}
	return nil
}

// paste puts the source, drowned in noise of level sigma, back where keep says
// (MODEL_CARD.md, "Inpainting").
func paste(x, source, noise, keep []float32, sigma float32) {
	for c := range 3 {
		for i, k := range keep {
			if at := c*plane + i; k != 0 {
				x[at] += k * (source[at] + sigma*noise[at] - x[at])
			}
		}
	}
}

// preview shows an estimate in the shape of the asked size, at most side pixels
// a side.
func preview(d []float32, width, height int) image.Image {
	square, shown := render(d, side, side), window(width, height, side)
	if shown == square.Rect {
		return square
	}
	img := image.NewNRGBA(image.Rectangle{Max: shown.Size()})
	draw.Draw(img, img.Rect, square, shown.Min, draw.Src)
	return img
}

// resize gives a slice of n values, s itself where it is long enough.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
