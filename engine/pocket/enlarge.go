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
	stripCore = 128
	stripRim  = 16
	stripIn   = stripCore + 2*stripRim
)

// twiceFrom is the side of the asked picture, had it not been cut, from which
// the upscaler is applied twice: edges are visibly crisper then. Below that,
// the difference does not pay for the time (1.3 s on two cores).
const twiceFrom = 2 * natural

// finish enlarges the model picture and fits it to the asked size.
func (e *easel) finish(ctx context.Context, width, height int) (*image.NRGBA, error) {
	x := e.picture()
	for k, v := range x {
		x[k] = min(max(v, -1), 1)
	}
	long := max(width, height)
	if long <= side {
		return fit(render(x, side, side), width, height), nil
	}
	high, err := e.upscale(x, side, side)
	if err != nil {
		return nil, err
	}
	if long < twiceFrom {
		return fit(render(high, natural, natural), width, height), nil
	}
	large, err := e.enlargeAgain(ctx, high, window(width, height, natural))
	if err != nil {
		return nil, err
	}
	return fit(large, width, height), nil
}

// enlargeAgain applies the upscaler to its own result, planes of natural ×
// natural values. Of the square that comes out only the strips that meet shown,
// in pixels of the planes, are painted.
func (e *easel) enlargeAgain(ctx context.Context, planes []float32, shown image.Rectangle) (*image.NRGBA, error) {
	const n = natural * natural
	for k, v := range planes {
		planes[k] = min(max(v, -1), 1)
	}
	e.strip = resize(e.strip, 3*stripIn*natural)
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
			copy(e.strip[c*stripIn*natural:(c+1)*stripIn*natural], planes[c*n+from*natural:])
		}
		high, err := e.upscale(e.strip, natural, stripIn)
		if err != nil {
			return nil, err
		}
		at := image.Pt(0, core*enlarge)
		band := img.SubImage(image.Rectangle{Min: at, Max: at.Add(image.Pt(natural*enlarge, stripCore*enlarge))}).(*image.NRGBA)
		renderRows(band, high, natural*enlarge, stripIn*enlarge, (core-from)*enlarge)
	}
	return img, nil
}
