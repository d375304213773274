package pocket

import (
	"context"
	"image"
	"slices"

	"golang.org/x/image/draw"

	"horde/engine"
)

// probe sees the numbers of each stage; tests compare them with the golden ones.
type probe func(stage string, data []float32)

// generate runs one job in a workspace.
func (g *generator) generate(ctx context.Context, ws *workspace, job engine.ImageJob, hooks engine.ImageHooks) error {
	chosen := g.chooseLoras(job)
	if chosen.triggers != "" {
		job.Payload.Prompt = chosen.triggers + ", " + job.Payload.Prompt
	}
	pl := newPlan(g.tokens, job)
	pl.metadata = append(pl.metadata, chosen.metadata...)

	end, err := ws.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	done, err := g.adapt(ctx, ws, chosen)
	if err != nil {
		return err
	}
	defer done()
	if err := ws.encode(pl.prompt, pl.negative); err != nil {
		return err
	}

	from := start{}
	if job.Source != nil {
		ws.source = resize(ws.source, values)
		toPlanes(place(job.Source, pl.width, pl.height), ws.source)
		from = start{source: ws.source, keep: keepMap(job.Source, job.Mask, pl.width, pl.height)}
	}

	for i := range pl.count {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := g.generateOne(ctx, ws, pl, from, i, job.Seed+uint64(i), hooks); err != nil {
			return err
		}
	}
	return nil
}

// generateOne generates image i of a job.
func (g *generator) generateOne(
	ctx context.Context, ws *workspace, pl plan, from start, i int, seed uint64, hooks engine.ImageHooks,
) error {
	progress := func(step int, denoised []float32) {
		if hooks.Progress == nil {
			return
		}
		hooks.Progress(i, engine.ImageProgress{
			Step:    step,
			Steps:   pl.steps - pl.first,
			Preview: preview(denoised, pl.width, pl.height),
		})
	}
	if err := ws.diffuse(ctx, pl, seed, from, progress, nil); err != nil {
		return err
	}

	img, err := ws.finish(ctx, pl.width, pl.height)
	if err != nil {
		return err
	}
	if hooks.Result == nil {
		return nil
	}
	return hooks.Result(i, engine.ImageResult{Image: img, Seed: seed, Metadata: slices.Clone(pl.metadata)})
}

// start is what an image begins with besides noise; the zero start is text to
// image.
type start struct {
	source []float32 // planes of the source image, or nil
	keep   []float32 // how much of each pixel of the source stays, or nil; see keepMap
}

// diffuse leaves the model's image, about −1…1, in ws.noisy(). progress is handed
// the number of finished steps and the denoised estimate after each.
func (ws *workspace) diffuse(
	ctx context.Context, pl plan, seed uint64, from start, progress func(int, []float32), watch probe,
) error {
	if watch == nil {
		watch = func(string, []float32) {}
	}
	sigmas, n, x := schedule(pl.steps), newNoise(seed), ws.noisy()
	ws.solver.reset(pl.sampler, sigmas, n, values)

	// Start from noise of the first step's level, over the source where there is one.
	n.normal(x)
	if from.keep != nil {
		ws.noise = append(ws.noise[:0], x...)
	}
	for k := range x {
		x[k] *= float32(sigmas[pl.first])
	}
	if from.source != nil {
		addScaled(x, from.source, 1)
	}
	watch("pooled", ws.pooled())
	watch("start", x)

	for i := pl.first; i < pl.steps; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}

		denoised, negative, err := ws.denoise(sigmas[i], pl.cfg != 1 && sigmas[i] >= guideMin)
		if err != nil {
			return err
		}
		if negative != nil {
			guide(denoised, negative, pl.cfg)
		}
		watch("denoised", denoised)

		ws.solver.step(i, x, denoised)
		if from.keep != nil {
			keepSource(x, from, ws.noise, float32(sigmas[i+1]))
		}
		progress(i-pl.first+1, denoised)
	}

	watch("low", x)
	return nil
}

// keepSource puts the source, under noise of level sigma, back into x where it is
// to stay (MODEL_CARD.md, "Inpainting").
func keepSource(x []float32, from start, noise []float32, sigma float32) {
	for c := range 3 {
		for i, k := range from.keep {
			if at := c*plane + i; k != 0 {
				x[at] += k * (from.source[at] + sigma*noise[at] - x[at])
			}
		}
	}
}

// preview shows an estimate in the shape of the requested size, at most side pixels
// a side.
func preview(denoised []float32, width, height int) image.Image {
	square, shown := render(denoised, side, side), window(width, height, side)
	if shown == square.Rect {
		return square
	}
	img := image.NewNRGBA(image.Rectangle{Max: shown.Size()})
	draw.Draw(img, img.Rect, square, shown.Min, draw.Src)
	return img
}

// resize returns a slice of n values: s itself where it is long enough.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
