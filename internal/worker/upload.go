package worker

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"math"
	"strconv"
	"time"

	"code.dny.dev/ssrf"
	"github.com/cenkalti/backoff/v5"

	"horde/api"
	"horde/engine"
	"horde/internal/imaging"
)

const (
	webpQuality   = 95               // worker §2.1
	maxMetadata   = 50               // entries that a server takes
	uploadTimeout = 10 * time.Second // of the first try; each further one has a second more
)

// finish encodes and uploads image i, and waits until it may be delivered.
func (t *imageTask) finish(ctx context.Context, i int, r engine.ImageResult) (*submission, error) {
	file, err := encode(ctx, r.Image)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEngine, err)
	}
	generation, err := t.store(ctx, i, file)
	if err != nil {
		return nil, err
	}
	if err := t.job.pace(ctx, t.paceTime(i)); err != nil {
		return nil, err
	}
	return &submission{
		ID:         t.job.ids[i],
		Generation: generation,
		State:      "ok",
		Seed:       int64(r.Seed & math.MaxInt64),
		Metadata:   t.metadata(i, r),
	}, nil
}

func encode(ctx context.Context, img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := imaging.EncodeWebP(ctx, &b, img, webpQuality); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// metadata is what the requester is told of image i, within the server's limit.
func (t *imageTask) metadata(i int, r engine.ImageResult) []api.GenMetadatum {
	var all []api.GenMetadatum
	if len(t.job.ids) > 1 {
		all = append(all, api.GenMetadatum{Type: "batch_index", Value: "see_ref", Ref: strconv.Itoa(i)})
	}
	all = append(all, t.job.remarks...)
	all = append(all, r.Metadata...)
	return all[:min(len(all), maxMetadata)]
}

// store uploads image i and returns "R2"; of a job without an upload link it returns
// the image itself in base64.
func (t *imageTask) store(ctx context.Context, i int, file []byte) (string, error) {
	link := t.uploadLink(i)
	if link == "" {
		return base64.StdEncoding.EncodeToString(file), nil
	}

	try := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try++
		return struct{}{}, t.upload(ctx, link, file, uploadTimeout+time.Duration(try-1)*time.Second)
	},
		backoff.WithBackOff(uploadPauses()),
		backoff.WithMaxTries(maxTries),
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			t.job.log.Warn("upload failed; trying again", "try", try, "err", err)
		}),
	)
	switch {
	case err == nil:
		return "R2", nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	}
	return "", fmt.Errorf("%w: gave up after %d tries: %w", errUpload, try, err)
}

// uploadLink is where image i is to be put; "" where the job has no link for it.
func (t *imageTask) uploadLink(i int) string {
	switch {
	case i < len(t.pop.R2Uploads):
		return t.pop.R2Uploads[i]
	case i == 0:
		return value(t.pop.R2Upload)
	}
	return ""
}

func (t *imageTask) upload(ctx context.Context, link string, file []byte, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := t.kind.links.Upload(ctx, link, file)
	if errors.Is(err, ssrf.ErrProhibitedIP) {
		return backoff.Permanent(err)
	}
	return err
}
