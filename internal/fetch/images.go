package fetch

import (
	"context"
	"errors"
	"mime"
	"strings"
	"time"

	"horde/internal/horde"
	"horde/internal/turns"
)

// Bounds of the source images that are fetched at a time.
const (
	fetchedAtOnce = 12              // images; of one caller one less
	maxWaiting    = 192             // images
	maxOfCaller   = 32              // images of one caller that wait
	patience      = 4 * time.Second // of whoever waits
	retryAfter    = 5 * time.Second
)

// ImageFetcher fetches source images, with the refusals of
// generation §1.6: a few at a time, in which callers take turns, since each is in memory
// while it arrives and its server may be slow.
type ImageFetcher struct {
	client *Client
	turns  *turns.Turns
}

// NewImageFetcher makes a fetcher of source images.
func NewImageFetcher(c *Client) *ImageFetcher {
	most := c.opt.MaxBytes
	return &ImageFetcher{c, turns.New(turns.Options{
		Room:       fetchedAtOnce * most,
		Slot:       most,
		MaxWaiting: maxWaiting,
		PerCaller:  maxOfCaller,
		Patience:   patience,
	})}
}

// Fetch gets the file of an image. Its errors are *horde.Error, whose texts
// tell the requester what to change and nothing about the network, beginning in words
// that the Python SDK knows, "Image validation failed": code
// SourceImageSizeExceeded, SourceImageUrlInvalid or ImageValidationFailed; ServerBusy where
// too many images wait to be fetched.
func (p *ImageFetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	resume := horde.PauseCounting(ctx)
	res, err := p.get(ctx, address)
	resume()

	switch {
	case errors.Is(err, turns.ErrBusy):
		busy := horde.Errorf(horde.ServerBusy,
			"Too many source images wait to be fetched already. Please try again in a moment, or send the image in base64.")
		busy.RetryAfter = retryAfter
		return nil, busy
	case err == nil && !isImageType(res.ContentType):
		return nil, horde.Errorf(horde.SourceImageUrlInvalid,
			"The address of the source image answers with something that is not an image.")
	case err == nil:
		return res.Body, nil
	case errors.Is(err, ErrTooLarge):
		return nil, horde.Errorf(horde.SourceImageSizeExceeded,
			"The source image at this address is larger than 5 MB. Please send a smaller one.")
	case errors.Is(err, ErrForbidden):
		return nil, horde.Errorf(horde.ImageValidationFailed,
			"Image validation failed: the address of the source image is not allowed: it must be a public http or https "+
				"address on the usual port.")
	case errors.Is(err, context.DeadlineExceeded):
		return nil, horde.Errorf(horde.ImageValidationFailed,
			"Image validation failed: the source image did not arrive in time. Please send it in base64.")
	}
	return nil, horde.Errorf(horde.ImageValidationFailed,
		"Image validation failed: the source image could not be fetched from its address. Please check the address, or "+
			"send the image in base64.")
}

// get fetches an address in turn.
func (p *ImageFetcher) get(ctx context.Context, address string) (Result, error) {
	turn, err := p.turns.Take(ctx, turns.Of(ctx), p.client.opt.MaxBytes)
	if err != nil {
		return Result{}, err
	}
	defer p.turns.GiveBack(turn)
	return p.client.Get(ctx, address)
}

// isImageType reports whether a content type can be an image's. Storage often serves
// images without a meaningful type; what they are is seen when they are decoded.
func isImageType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t = strings.TrimSpace(contentType)
	}

	switch t {
	case "", "application/octet-stream", "binary/octet-stream":
		return true
	}
	return strings.HasPrefix(t, "image/")
}
