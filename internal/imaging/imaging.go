// Package imaging decodes images that strangers sent, within limits, and encodes
// images as WebP.
//
// Nothing is decoded before its header has been read and found within Limits, and
// before the work has been counted that its structure asks for (MaxWork: the scans of a
// JPEG, the chunks of a PNG). Only a few images are decoded or encoded at once, in lanes
// by who sent them (Lane). So an image that claims 50,000×50,000 pixels or goes over its
// pixels a thousand times, or a thousand images at the same moment, cost an error, no
// memory and no time. PNG, JPEG, GIF, WebP and BMP are read; of an
// animation the first frame counts. What a file says about its pixels apart from
// them (EXIF orientation, colour profile) is applied when it is decoded, and gone
// afterwards. WebP is the only format written
// (generation §1.6): by libwebp where the build has cgo, else by a
// lossless encoder in Go, whose files are larger but just as valid.
//
//	h, err := imaging.Inspect(data)                       // header only
//	img, format, err := imaging.Decode(ctx, data, imaging.SourceLimits)
//	webp, err := imaging.Requesters.ToWebP(ctx, data, imaging.SourceLimits, 50)
//	err = imaging.EncodeWebP(ctx, w, img, 50)
package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// What can be wrong with an image. Errors of this package wrap one of these.
var (
	// ErrTooManyPixels: the header claims a larger area or side than allowed.
	ErrTooManyPixels = errors.New("image has too many pixels")
	// ErrTooManyBytes: the file is larger than allowed.
	ErrTooManyBytes = errors.New("image has too many bytes")
	// ErrTooMuchWork: decoding it would take more than pixels and bytes suggest.
	ErrTooMuchWork = errors.New("image takes too much work to decode")
	// ErrUnreadable: no image, a format that is not read, or a damaged file.
	ErrUnreadable = errors.New("image cannot be read")
)

// IsRefusal reports whether an error says what is wrong with an image, not with us.
func IsRefusal(err error) bool {
	return slices.ContainsFunc([]error{ErrTooManyPixels, ErrTooManyBytes, ErrTooMuchWork, ErrUnreadable},
		func(target error) bool { return errors.Is(err, target) })
}

// MaxSide is the longest side of a WebP image, in pixels.
const MaxSide = 16383

// Limits bound an image before it is decoded. A zero field means the same field of
// SourceLimits.
type Limits struct {
	MaxBytes  int   // size of the file in bytes
	MaxPixels int   // width × height
	MaxSide   int   // longer side in pixels
	MaxWork   int64 // visits of pixels, as MaxWork counts them
}

// SourceLimits are the limits of an image that a requester sends
// (generation §1.6: an area of 3072×3072).
var SourceLimits = Limits{MaxBytes: 20 << 20, MaxPixels: 3072 * 3072, MaxSide: MaxSide, MaxWork: MaxWork}

func (l Limits) orDefault() Limits {
	if l.MaxBytes == 0 {
		l.MaxBytes = SourceLimits.MaxBytes
	}
	if l.MaxPixels == 0 {
		l.MaxPixels = SourceLimits.MaxPixels
	}
	if l.MaxSide == 0 {
		l.MaxSide = SourceLimits.MaxSide
	}
	if l.MaxWork == 0 {
		l.MaxWork = max(MaxWork, workPerPixel*int64(l.MaxPixels))
	}
	return l
}

// check compares a header with the limits.
func (l Limits) check(h Header) error {
	switch {
	case h.Width <= 0 || h.Height <= 0:
		return fmt.Errorf("%w: its header says %d×%d", ErrUnreadable, h.Width, h.Height)
	case h.Width > l.MaxSide || h.Height > l.MaxSide:
		return fmt.Errorf("%w: %d×%d, at most %d a side", ErrTooManyPixels, h.Width, h.Height, l.MaxSide)
	case int64(h.Width)*int64(h.Height) > int64(l.MaxPixels):
		return fmt.Errorf("%w: %d×%d, at most %d in all", ErrTooManyPixels, h.Width, h.Height, l.MaxPixels)
	}
	return nil
}

// Header is what the first bytes of an image say about it.
type Header struct {
	Format        string // "png", "jpeg", "gif", "webp", "bmp"
	Width, Height int    // of the whole canvas as it is meant to be seen, in pixels
	// Alpha reports whether pixels can be transparent, in whatever way the format
	// says so: a channel, a palette with alpha, a colour that counts as
	// transparent. Such an image carries its own inpainting mask
	// (generation §1.6), even when all of it is opaque.
	Alpha bool
	// Animated reports whether a WebP file has several frames.
	Animated bool

	turn orientation
}

// Turned reports whether the file says that its rows and columns are to be turned or
// mirrored. Decode has done so.
func (h Header) Turned() bool { return h.turn > upright }

// stored is the size of the file's rows and columns, before they are turned.
func (h Header) stored() image.Rectangle {
	if h.turn.swapsSides() {
		return image.Rect(0, 0, h.Height, h.Width)
	}
	return image.Rect(0, 0, h.Width, h.Height)
}

// Inspect reads the header of an image without decoding it.
func Inspect(data []byte) (Header, error) {
	h := Header{Format: sniff(data), turn: upright}
	var cfg image.Config
	var err error
	switch h.Format {
	case "png":
		cfg, err = png.DecodeConfig(bytes.NewReader(data))
		h.Alpha, h.turn = pngMetadata(data)
	case "jpeg":
		cfg, err = jpeg.DecodeConfig(bytes.NewReader(data))
		h.turn = jpegOrientation(data)
	case "gif":
		cfg, err = gif.DecodeConfig(bytes.NewReader(data))
		h.Alpha = gifAlpha(data)
	case "bmp":
		cfg, err = bmp.DecodeConfig(bytes.NewReader(data))
		h.Alpha = cfg.ColorModel == color.NRGBAModel
	case "webp":
		var w webpInfo
		w, err = parseWebP(data)
		cfg.Width, cfg.Height = w.width, w.height
		h.Alpha, h.Animated = w.alpha || w.margin, w.animated
		h.turn = orientationIn(webpChunk(data, "EXIF"))
	default:
		return Header{}, fmt.Errorf("%w: neither PNG, JPEG, GIF, WebP nor BMP", ErrUnreadable)
	}
	if err != nil {
		return Header{}, fmt.Errorf("%w: %s header: %v", ErrUnreadable, h.Format, err)
	}

	h.Width, h.Height = cfg.Width, cfg.Height
	if h.turn.swapsSides() {
		h.Width, h.Height = h.Height, h.Width
	}
	return h, nil
}

// sniff names the format by the first bytes, "" when unknown.
func sniff(data []byte) string {
	has := func(magic string) bool { return len(data) >= len(magic) && string(data[:len(magic)]) == magic }
	switch {
	case has("\x89PNG\r\n\x1a\n"):
		return "png"
	case has("\xff\xd8\xff"):
		return "jpeg"
	case has("GIF87a"), has("GIF89a"):
		return "gif"
	case IsWebP(data):
		return "webp"
	case has("BM"):
		return "bmp"
	}
	return ""
}

// IsWebP reports whether data, or its first 16 bytes, begin as a WebP file does.
func IsWebP(data []byte) bool {
	if len(data) < 16 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WEBP" {
		return false
	}
	switch string(data[12:16]) {
	case "VP8 ", "VP8L", "VP8X":
		return true
	}
	return false
}

// decode calls the decoder of h.Format. A decoder that panics on a damaged file
// must not end the process, which may be a worker's or a server's.
func decode(ctx context.Context, data []byte, h Header) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("decoder failed: %v", p)
		}
	}()
	r := interruptible{ctx, bytes.NewReader(data)}

	switch h.Format {
	case "png":
		return png.Decode(r)
	case "jpeg":
		return jpeg.Decode(r)
	case "gif":
		return gif.Decode(r)
	case "bmp":
		return bmp.Decode(r)
	}

	// Go's WebP decoder reads still files without metadata, so hand it the first frame alone.
	w, err := parseWebP(data)
	if err != nil {
		return nil, err
	}
	img, err = webp.Decode(interruptible{ctx, bytes.NewReader(w.still)})
	if err != nil {
		return nil, err
	}

	img = fromVideo(img)

	// The decoder ignores the flag "alpha is not used" of a lossless file.
	if n, ok := img.(*image.NRGBA); ok && !w.alpha {
		for i := 3; i < len(n.Pix); i += 4 {
			n.Pix[i] = 255
		}
	}

	if w.animated {
		return onCanvas(img, w.at, h), nil
	}
	return img, nil
}

// atOrigin puts a first frame that covers only a part of its canvas on it.
func atOrigin(img image.Image, h Header) image.Image {
	if img.Bounds() == h.stored() {
		return img
	}
	return onCanvas(img, img.Bounds().Min, h)
}

// onCanvas draws img at a point of an empty canvas of the header's size.
func onCanvas(img image.Image, at image.Point, h Header) image.Image {
	if at == (image.Point{}) && img.Bounds() == h.stored() {
		return img
	}

	canvas := image.NewNRGBA(h.stored())
	to := image.Rectangle{Min: at, Max: at.Add(img.Bounds().Size())}
	draw.Draw(canvas, to, img, img.Bounds().Min, draw.Src)
	return canvas
}
