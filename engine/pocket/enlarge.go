package pocket

import (
	"context"
	"image"
)

// The second pass of the upscaler, 512 → 2048, goes in strips that bound its
// memory: a strip of stripIn rows gives the enlargement of stripCore of them.
// The network looks 14 rows far (MODEL_CARD.md: head, 6 × 2 and tail, 3×3 each),
// so with 16 spare rows the strips join exactly.
const (
	stripCore = 128                    // rows
	stripRim  = 16                     // rows above and below the core
	stripIn   = stripCore + 2*stripRim // rows
)

// twiceFrom is the longer side of the requested image, in pixels, from which the
// upscaler is applied twice: edges are visibly crisper then. Below that, the
// difference is not worth the time (1.3 s on two cores).
const twiceFrom = 2 * natural

// finish enlarges the model's image and fits it to the requested size.
func (ws *workspace) finish(ctx context.Context, width, height int) (*image.NRGBA, error) {
	x := ws.noisy()
	clamp(x)
	long := max(width, height)
	if long <= side {
		return fit(render(x, side, side), width, height), nil
	}

	high, err := ws.upscale(x, side, side)
	if err != nil {
		return nil, err
	}
	if long < twiceFrom {
		return fit(render(high, natural, natural), width, height), nil
	}

	large, err := ws.enlargeAgain(ctx, high, window(width, height, natural))
	if err != nil {
		return nil, err
	}
	return fit(large, width, height), nil
}

// enlargeAgain applies the upscaler to its own result, planes of natural ×
// natural values. Of the square that comes out only the strips that meet shown,
// in pixels of the planes, are filled.
func (ws *workspace) enlargeAgain(
	ctx context.Context, planes []float32, shown image.Rectangle,
) (*image.NRGBA, error) {
	const n = natural * natural
	clamp(planes)
	ws.strip = resize(ws.strip, 3*stripIn*natural)
	img := image.NewNRGBA(image.Rect(0, 0, natural*enlarge, natural*enlarge))
	for core := 0; core < natural; core += stripCore {
		// The scaler reads a few pixels beyond what is shown.
		if core+stripCore+2 <= shown.Min.Y || core-2 >= shown.Max.Y {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}

		from := min(max(core-stripRim, 0), natural-stripIn)
		for c := range 3 {
			copy(ws.strip[c*stripIn*natural:(c+1)*stripIn*natural], planes[c*n+from*natural:])
		}
		high, err := ws.upscale(ws.strip, natural, stripIn)
		if err != nil {
			return nil, err
		}

		band := image.Rect(0, core*enlarge, natural*enlarge, (core+stripCore)*enlarge)
		renderRows(img.SubImage(band).(*image.NRGBA), high, natural*enlarge, stripIn*enlarge, (core-from)*enlarge)
	}
	return img, nil
}

// clamp cuts values to −1…1.
func clamp(values []float32) {
	for k, v := range values {
		values[k] = min(max(v, -1), 1)
	}
}
