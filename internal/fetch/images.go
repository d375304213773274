package fetch

import (
	"context"
	"errors"
	"mime"
	"strings"

	"horde/internal/horde"
)

// ImageFetcher fetches source images, with the refusals of
// generation §1.6.
type ImageFetcher struct{ client *Client }

// NewImageFetcher makes a fetcher of source images.
func NewImageFetcher(c *Client) *ImageFetcher { return &ImageFetcher{c} }

// Fetch gets the file of an image. Its errors are *horde.Error, whose texts
// tell the requester what to change and nothing about the network, beginning in words
// that the Python SDK knows, "Image validation failed": code
// SourceImageSizeExceeded, SourceImageUrlInvalid or ImageValidationFailed.
func (p *ImageFetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	res, err := p.client.Get(ctx, address)
	switch {
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
