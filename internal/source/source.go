package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"strings"

	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/imaging"
)

// Fetcher gets an image from an address that a stranger supplied.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// Quality of the WebP that workers get, 0 to 100 (generation §1.6).
const Quality = 50

// Images reads and stores source images. Without a Fetcher those named by URL
// are refused.
type Images struct {
	Fetcher Fetcher
	Blobs   blob.Store
}

// IsURL reports whether s is an address rather than an image in base64.
func IsURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

// File returns the file of an image that a requester sent in base64 or named by
// URL, and its header. It does not decode it: a damaged image is only noticed
// by Decode.
func (p Images) File(ctx context.Context, text string) (data []byte, head imaging.Header, err error) {
	code := horde.ImageValidationFailed
	if IsURL(text) {
		if p.Fetcher == nil {
			return nil, head, horde.Errorf(code, "Image validation failed: this horde accepts source images in base64 only.")
		}
		if data, err = p.Fetcher.Fetch(ctx, text); err != nil {
			return nil, head, err
		}
		code = horde.SourceImageUnreadable
	} else if data, err = imaging.Base64(text, imaging.SourceLimits); err != nil {
		return nil, head, refusal(err, code)
	}

	head, err = imaging.Inspect(data)
	return data, head, refusal(err, code)
}

// Decode decodes an image's file. byURL says where it came from.
func Decode(data []byte, byURL bool) (image.Image, error) {
	code := horde.ImageValidationFailed
	if byURL {
		code = horde.SourceImageUnreadable
	}
	img, _, err := imaging.Decode(data, imaging.SourceLimits)
	return img, refusal(err, code)
}

// Image is File and Decode: the image, and whether it can be transparent, in
// whatever way its format says so.
func (p Images) Image(ctx context.Context, text string) (img image.Image, alpha bool, err error) {
	data, head, err := p.File(ctx, text)
	if err != nil {
		return nil, false, err
	}
	img, err = Decode(data, IsURL(text))
	return img, head.Alpha, err
}

// Put stores an image as WebP.
func (p Images) Put(ctx context.Context, name string, img image.Image, quality float32) error {
	var buf bytes.Buffer
	if err := imaging.EncodeWebP(&buf, img, quality); err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return p.Blobs.Put(ctx, name, "image/webp", &buf, int64(buf.Len()))
}

func refusal(err error, code horde.Code) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, imaging.ErrTooManyPixels):
		return horde.Errorf(horde.SourceImageResolutionExceeded,
			"A source image can have at most 3072×3072 pixels. Please send a smaller one.")
	case errors.Is(err, imaging.ErrTooManyBytes):
		return horde.Errorf(horde.SourceImageSizeExceeded, "The source image has too many bytes. Please send a smaller one.")
	}
	// The Python SDK recognises the first three words.
	return horde.Errorf(code,
		"Image validation failed: the source image cannot be read. It must be a PNG, JPEG, GIF, BMP or WebP image in "+
			"base64, or an address of one.")
}
