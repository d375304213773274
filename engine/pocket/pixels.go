package pocket

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
)

// window is the part of the model's square image that an image of width × height
// shows, in units of a square of the given side: the largest centred rectangle of
// that shape.
func window(width, height, side int) image.Rectangle {
	w, h := side, side
	if width > height {
		h = max(1, int(math.Round(float64(side)*float64(height)/float64(width))))
	} else {
		w = max(1, int(math.Round(float64(side)*float64(width)/float64(height))))
	}
	at := image.Pt((side-w)/2, (side-h)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}

// centre is the largest centred rectangle of the shape of to within from.
func centre(from image.Rectangle, to image.Point) image.Rectangle {
	w, h := from.Dx(), from.Dy()
	if w*to.Y > h*to.X {
		w = max(1, int(math.Round(float64(h)*float64(to.X)/float64(to.Y))))
	} else {
		h = max(1, int(math.Round(float64(w)*float64(to.Y)/float64(to.X))))
	}
	at := from.Min.Add(image.Pt((from.Dx()-w)/2, (from.Dy()-h)/2))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}

// toByte rounds −1…1 to 0…255 as MODEL_CARD.md says: half to even.
func toByte(v float32) uint8 {
	v = (min(max(v, -1), 1) + 1) * 127.5
	return uint8(math.RoundToEven(float64(v)))
}

// render turns planes R, G, B of w × h values in −1…1 into an opaque image.
func render(planes []float32, w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	renderRows(img, planes, w, h, 0)
	return img
}

// renderRows fills img, w wide, from row first on of planes of w × h values.
func renderRows(img *image.NRGBA, planes []float32, w, h, first int) {
	n := w * h
	for y := range img.Rect.Dy() {
		at := (first + y) * w
		r, g, b := planes[at:at+w], planes[n+at:n+at+w], planes[2*n+at:2*n+at+w]
		row := img.Pix[y*img.Stride:]
		for x := range r {
			px := row[4*x : 4*x+4 : 4*x+4]
			px[0], px[1], px[2], px[3] = toByte(r[x]), toByte(g[x]), toByte(b[x]), 255
		}
	}
}

// opaque views an opaque NRGBA image as RGBA: the bytes are the same, and the
// resampler is several times as fast on this type.
func opaque(img *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

// fit cuts the opaque square image to the shape of width × height and
// resamples it to that size (Catmull–Rom).
func fit(square *image.NRGBA, width, height int) *image.NRGBA {
	if square.Rect.Dx() == width && square.Rect.Dy() == height {
		return square
	}

	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	from := window(width, height, square.Rect.Dx())
	draw.CatmullRom.Scale(opaque(out), out.Rect, opaque(square), from, draw.Src, nil)
	return out
}

// place scales src to cover the window of the model's image that the requested size
// will show, cut at the centre, and continues it by reflection into the rest of the
// square, which the network sees but the result does not show. Transparent parts lie
// on white.
func place(src image.Image, width, height int) *image.RGBA {
	square := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(square, square.Rect, image.White, image.Point{}, draw.Src)
	shown := window(width, height, side)
	draw.CatmullRom.Scale(square, shown, src, centre(src.Bounds(), image.Pt(width, height)), draw.Over, nil)

	for y := range side {
		sy := reflect(y, shown.Min.Y, shown.Max.Y)
		for x := range side {
			sx := reflect(x, shown.Min.X, shown.Max.X)
			if sx != x || sy != y {
				square.SetRGBA(x, y, square.RGBAAt(sx, sy))
			}
		}
	}
	return square
}

// reflect folds i into lo … hi−1.
func reflect(i, lo, hi int) int {
	n := hi - lo
	i = (i - lo) % (2 * n)
	if i < 0 {
		i += 2 * n
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return lo + i
}

// toPlanes writes a side × side image as planes R, G, B in −1…1.
func toPlanes(img *image.RGBA, dst []float32) {
	for y := range side {
		for x := range side {
			i, at := y*side+x, img.PixOffset(x, y)
			for c := range 3 {
				dst[c*plane+i] = float32(img.Pix[at+c])/127.5 - 1
			}
		}
	}
}

// keepMap says for every pixel of the model's image how much of the source stays: 0
// to regenerate (white in mask), 1 to keep. Without a mask the source's transparent
// parts are regenerated, as other workers do (worker §3.7);
// nil if the whole source may change.
func keepMap(src, mask image.Image, width, height int) []float32 {
	if mask == nil {
		if mask = transparency(src); mask == nil {
			return nil
		}
	}

	placed := place(mask, width, height)
	keep := make([]float32, plane)
	for i := range keep {
		px := placed.Pix[4*i : 4*i+3]
		grey := (299*int(px[0]) + 587*int(px[1]) + 114*int(px[2])) / 1000
		keep[i] = 1 - float32(grey)/255
	}
	return keep
}

// transparency is a mask of src's transparent parts; nil if src is opaque.
func transparency(src image.Image) image.Image {
	if o, ok := src.(interface{ Opaque() bool }); ok && o.Opaque() {
		return nil
	}

	b := src.Bounds()
	mask, found := image.NewGray(b), false
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			_, _, _, a := src.At(x, y).RGBA()
			if a < 0xff00 {
				found = true
			}
			mask.SetGray(x, y, color.Gray{Y: uint8(255 - a>>8)})
		}
	}
	if !found {
		return nil
	}
	return mask
}
