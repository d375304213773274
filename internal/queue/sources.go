package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/imaging"
)

const (
	sourceQuality = 50 // of the WebP that workers get (§1.6)
	resultQuality = 95 // of results that workers send in base64
)

// storeSources decodes the pictures of a request, re-encodes them and puts them
// where workers can fetch them (§1.6). What was put is removed again when a
// later one is refused.
func (q *Queue) storeSources(ctx context.Context, id string, ask *api.ImageRequest, rec *record) error {
	err := q.storeAllSources(ctx, id, ask, rec)
	if err != nil {
		q.dropSources(ctx, rec)
	}
	return err
}

func (q *Queue) storeAllSources(ctx context.Context, id string, ask *api.ImageRequest, rec *record) error {
	if ask.SourceImage != "" {
		img, bands, err := q.picture(ctx, ask.SourceImage)
		if err != nil {
			return err
		}
		if ask.SourceProcessing == "inpainting" && ask.SourceMask == "" && bands != 4 {
			return horde.Errorf("InpaintingMissingMask", "Inpainting needs a source_mask, or a source_image with an alpha channel.")
		}
		if err := q.putPicture(ctx, id+"_src.webp", img, sourceQuality); err != nil {
			return err
		}
		rec.Source = id + "_src.webp"
	}
	if ask.SourceMask != "" {
		if err := q.storeSource(ctx, ask.SourceMask, id+"_msk.webp"); err != nil {
			return err
		}
		rec.Mask = id + "_msk.webp"
	}
	for i, extra := range ask.ExtraSourceImages {
		name := fmt.Sprintf("%s_exra_src_%d.webp", id, i)
		if err := q.storeSource(ctx, extra.Image, name); err != nil {
			return err
		}
		strength := 1.0
		if extra.Strength != nil {
			strength = *extra.Strength
		}
		rec.Extra = append(rec.Extra, extraSource{Blob: name, Strength: strength})
	}
	return nil
}

func (q *Queue) storeSource(ctx context.Context, text, name string) error {
	img, _, err := q.picture(ctx, text)
	if err != nil {
		return err
	}
	return q.putPicture(ctx, name, img, sourceQuality)
}

func (q *Queue) dropSources(ctx context.Context, rec *record) {
	names := []string{rec.Source, rec.Mask}
	for _, e := range rec.Extra {
		names = append(names, e.Blob)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := q.Blobs.Delete(context.WithoutCancel(ctx), name); err != nil {
			q.Log.Warn("delete source picture", "name", name, "error", err)
		}
	}
}

// picture reads a picture that a requester sent in base64 or named by URL, and
// how many channels it has.
func (q *Queue) picture(ctx context.Context, text string) (img image.Image, bands int, err error) {
	code := horde.Code("ImageValidationFailed")
	var data []byte
	if isURL(text) {
		if q.Sources == nil {
			return nil, 0, horde.Errorf(code, "This horde takes source pictures in base64 only.")
		}
		if data, err = q.Sources.Fetch(ctx, text); err != nil {
			return nil, 0, err
		}
		code = "SourceImageUnreadable"
	} else if data, err = imaging.Base64(text, imaging.Source); err != nil {
		return nil, 0, refusePicture(err, code)
	}
	head, err := imaging.Inspect(data)
	if err != nil {
		return nil, 0, refusePicture(err, code)
	}
	img, _, err = imaging.Decode(data, imaging.Source)
	return img, head.Bands, refusePicture(err, code)
}

func isURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

func refusePicture(err error, code horde.Code) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, imaging.ErrTooManyPixels):
		return horde.Errorf("SourceImageResolutionExceeded", "A source picture can have at most 3072×3072 pixels. Please send a smaller one.")
	case errors.Is(err, imaging.ErrTooManyBytes):
		return horde.Errorf("SourceImageSizeExceeded", "The source picture has too many bytes. Please send a smaller one.")
	}
	return horde.Errorf(code, "The source picture cannot be read: it must be a PNG, JPEG, GIF or WebP picture in base64, or an address of one.")
}

func (q *Queue) putPicture(ctx context.Context, name string, img image.Image, quality float32) error {
	var buf bytes.Buffer
	if err := imaging.EncodeWebP(&buf, img, quality); err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return q.Blobs.Put(ctx, name, "image/webp", &buf, int64(buf.Len()))
}

// inline reads a blob as base64; "" when it is not there.
func (q *Queue) inline(ctx context.Context, name string) string {
	r, info, err := q.Blobs.Get(ctx, name)
	if err != nil {
		return ""
	}
	defer r.Close()
	data := bytes.NewBuffer(make([]byte, 0, info.Size+512))
	if _, err := io.Copy(data, r); err != nil {
		q.Log.Warn("read picture", "name", name, "error", err)
		return ""
	}
	return base64.StdEncoding.EncodeToString(data.Bytes())
}
