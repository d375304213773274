package source

import (
	"bytes"
	"context"
	"errors"
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
	Account horde.UserID // whose images they are
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

// ToWebP decodes an image's file and encodes it as workers get it. code is that of a
// refusal: horde.ImageValidationFailed of a file that was sent, SourceImageUnreadable of
// one that lay at an address.
func ToWebP(ctx context.Context, data []byte, code horde.Code) ([]byte, error) {
	webp, err := imaging.Requesters.ToWebP(ctx, data, imaging.SourceLimits, Quality)
	return webp, refusal(err, code)
}

// WebP is File and ToWebP: the image as workers get it, and whether what was sent can
// be transparent, in whatever way its format says so.
func (p Images) WebP(ctx context.Context, text string) (webp []byte, alpha bool, err error) {
	data, head, err := p.File(ctx, text)
	if err != nil {
		return nil, false, err
	}

	code := horde.ImageValidationFailed
	if IsURL(text) {
		code = horde.SourceImageUnreadable
	}
	webp, err = ToWebP(ctx, data, code)
	return webp, head.Alpha, err
}

// Put stores an image as WebP or ToWebP gave it.
func (p Images) Put(ctx context.Context, name string, webp []byte) error {
	o := blob.Object{
		Name:        name,
		ContentType: "image/webp",
		Size:        int64(len(webp)),
		Account:     int64(p.Account),
		ShortLived:  true,
	}
	return blob.Refusal(p.Blobs.Put(ctx, o, bytes.NewReader(webp)))
}

// refusal is what a caller is told of an image that cannot be read; code is that of one
// that is broken.
func refusal(err error, code horde.Code) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, imaging.ErrTooManyPixels):
		return horde.Errorf(horde.SourceImageResolutionExceeded,
			"A source image can have at most 3072×3072 pixels. Please send a smaller one.")
	case errors.Is(err, imaging.ErrTooManyBytes):
		return horde.Errorf(horde.SourceImageSizeExceeded, "The source image has too many bytes. Please send a smaller one.")
	case errors.Is(err, imaging.ErrTooMuchWork):
		return horde.Errorf(code, "Image validation failed: the source image takes too much work to decode, such as a "+
			"progressive JPEG of very many scans. Please save it anew.")
	case errors.Is(err, imaging.ErrBusy):
		busy := horde.Errorf(horde.ServerBusy, "Too many images wait to be read already. Please try again in a moment.")
		if errors.Is(err, imaging.ErrCallerBusy) {
			busy.Detail = "Too many images from your address or account wait to be read already. " +
				"Please wait until some are answered."
		}
		busy.RetryAfter = imaging.RetryAfter
		return busy
	case !imaging.IsRefusal(err): // the caller left, or something is wrong here
		return err
	}

	// The Python SDK recognises the first three words.
	return horde.Errorf(code,
		"Image validation failed: the source image cannot be read. It must be a PNG, JPEG, GIF, BMP or WebP image in "+
			"base64, or an address of one.")
}
