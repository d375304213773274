package imaging

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
)

// EncodeWebP writes img as a WebP file. Quality runs from 0 to 100
// (generation §1.6: 50 for source images); a build without cgo writes lossless
// files and ignores it. The colours under transparent pixels are kept
// (only with cgo), since an inpainting worker starts from them. It waits for its turn in
// the lane Own as long as ctx lasts. A side above MaxSide is ErrTooManyPixels.
func EncodeWebP(ctx context.Context, w io.Writer, img image.Image, quality float32) error {
	size := img.Bounds().Size()
	leave, err := Own.enter(ctx, int64(size.X)*int64(size.Y)*bytesPerPixel)
	if err != nil {
		return fmt.Errorf("encode WebP: %w", err)
	}
	defer leave()
	return encode(w, img, quality)
}

// encode is EncodeWebP for whoever has its turn.
func encode(w io.Writer, img image.Image, quality float32) error {
	size := img.Bounds().Size()
	switch {
	case size.X <= 0 || size.Y <= 0:
		return errors.New("encode WebP: the image is empty")
	case size.X > MaxSide || size.Y > MaxSide:
		return fmt.Errorf("encode WebP: %w: %d×%d, at most %d a side", ErrTooManyPixels, size.X, size.Y, MaxSide)
	}

	if !(quality >= 0) { // NaN too
		quality = 0
	}

	out, err := encodePixels(img, min(quality, 100))
	if err != nil {
		return fmt.Errorf("encode WebP: %w", err)
	}
	_, err = w.Write(out)
	return err
}

func encodePixels(img image.Image, quality float32) ([]byte, error) {
	if opaque(img) {
		return encodeOpaque(asRGBA(img), quality)
	}
	return encodeAlpha(asNRGBA(img), quality)
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// asRGBA returns the pixels of an opaque image; it copies unless it has to.
func asRGBA(img image.Image) *image.RGBA {
	switch m := img.(type) {
	case *image.RGBA:
		return m
	case *image.NRGBA: // the same bytes when opaque
		return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	return out
}

// straightColours returns the straight colours of any image, in 8 bits a channel;
// it copies unless it has to.
func straightColours(img image.Image) *image.NRGBA {
	if opaque(img) {
		m := asRGBA(img)
		return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	return asNRGBA(img)
}

// asNRGBA returns the straight colours of an image with alpha.
func asNRGBA(img image.Image) *image.NRGBA {
	switch m := img.(type) {
	case *image.NRGBA:
		return m
	case *image.NYCbCrA: // keeps the colours where alpha is 0, as At().RGBA() would not
		return straight(m)
	case *image.NRGBA64:
		return narrow(m)
	case *image.Paletted:
		return unpaletted(m)
	}
	b := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	return out
}

func straight(m *image.NYCbCrA) *image.NRGBA {
	b := m.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	colours := image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect}
	draw.Draw(&colours, out.Rect, &m.YCbCr, b.Min, draw.Src)
	for y := range b.Dy() {
		row := out.Pix[y*out.Stride:]
		for x := range b.Dx() {
			row[4*x+3] = m.A[m.AOffset(b.Min.X+x, b.Min.Y+y)]
		}
	}
	return out
}

func narrow(m *image.NRGBA64) *image.NRGBA {
	b := m.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		from, to := m.Pix[y*m.Stride:], out.Pix[y*out.Stride:(y+1)*out.Stride]
		for i := range to {
			to[i] = from[2*i] // the high byte
		}
	}
	return out
}

// unpaletted keeps the colours of transparent entries too.
func unpaletted(m *image.Paletted) *image.NRGBA {
	var palette [256]color.NRGBA
	for i, entry := range m.Palette[:min(len(m.Palette), len(palette))] {
		palette[i] = color.NRGBAModel.Convert(entry).(color.NRGBA)
	}

	b := m.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		from, to := m.Pix[y*m.Stride:][:b.Dx()], out.Pix[y*out.Stride:]
		for x, i := range from {
			c := palette[i]
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
	return out
}
