package worker

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/engine"
	"horde/internal/imaging"
)

const (
	webpQuality = 95 // worker §2.1
	maxTries    = 10 // of an upload and of a submit
)

// deliver encodes, uploads and submits picture i. final: nothing more is to be
// said of this id, even where err is not nil.
func (j *job) deliver(i int, pic engine.Picture) (final bool, err error) {
	// Delivering may take longer than painting was allowed to: a result that
	// comes late is still better than none.
	ctx, cancel := context.WithDeadlineCause(j.w.abort, j.popped.Add(j.ttl+2*time.Minute), errDeadline)
	defer cancel()
	file, err := encode(pic.Image)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errEngine, err)
	}
	generation, err := j.store(ctx, i, file)
	if err != nil {
		return false, err
	}
	if err := j.pace(ctx, i); err != nil {
		return false, err
	}
	return j.submit(ctx, j.ids[i], &api.ImageSubmit{
		ID: j.ids[i], Generation: generation, State: "ok",
		Seed: int64(pic.Seed & math.MaxInt64), GenMetadata: j.metadata(i, pic),
	})
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := imaging.EncodeWebP(&b, img, webpQuality); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// metadata is what the requester is told of picture i, within the server's 50
// entries.
func (j *job) metadata(i int, pic engine.Picture) []api.GenMetadatum {
	all := append(append([]api.GenMetadatum(nil), j.remarks...), pic.Metadata...)
	if len(j.ids) > 1 {
		all = append([]api.GenMetadatum{{Type: "batch_index", Value: "see_ref", Ref: strconv.Itoa(i)}}, all...)
	}
	return all[:min(len(all), 50)]
}

// store uploads picture i and returns "R2"; a job without an upload link gets
// the picture itself in base64.
func (j *job) store(ctx context.Context, i int, file []byte) (string, error) {
	link := ""
	switch {
	case i < len(j.pop.R2Uploads):
		link = j.pop.R2Uploads[i]
	case i == 0 && j.pop.R2Upload != nil:
		link = *j.pop.R2Upload
	}
	if link == "" {
		return base64.StdEncoding.EncodeToString(file), nil
	}
	var b backoff
	for try := 1; ; try++ {
		err := j.upload(ctx, link, file, 10*time.Second+time.Duration(try-1)*time.Second)
		if err == nil {
			return "R2", nil
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if try == maxTries {
			return "", fmt.Errorf("%w: gave up after %d tries: %w", errUpload, try, err)
		}
		j.log.Warn("upload failed; trying again", "try", try, "err", err)
		sleep(ctx, b.next()/4)
	}
}

func (j *job) upload(ctx context.Context, link string, file []byte, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return j.w.horde.Upload(ctx, link, file)
}

// submit delivers a result in up to ten tries. final: the server has settled
// the job, or knows nothing of it any more.
func (j *job) submit(ctx context.Context, id string, s *api.ImageSubmit) (final bool, err error) {
	reward, err := j.w.submit(ctx, s)
	var settled *settledError
	switch {
	case err == nil:
		j.w.done.Add(1)
		j.w.kudos.Add(uint64(math.Round(max(0, float64(reward)) * 100)))
		j.w.metrics.success(j.model, float64(reward))
		j.log.Info("submitted", "id", id, "kudos", float64(reward), "seconds", time.Since(j.popped).Round(10*time.Millisecond).Seconds())
		return true, nil
	case errors.As(err, &settled):
		j.w.metrics.fault("late")
		j.log.Warn("the horde has no use for the result any more", "id", id, "err", err)
		return true, err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	return false, fmt.Errorf("%w: %w", errSubmit, err)
}

// settledError is a final answer to a submit: repeating it would change
// nothing.
type settledError struct{ err *api.Error }

func (e *settledError) Error() string { return e.err.Error() }

// finalTexts are what every server says of a job that is over, by the words
// that workers go by (generation §11).
var finalTexts = []string{"already submitted", "please check your worker speed"}

func settled(e *api.Error) bool {
	text := strings.ToLower(e.Message)
	if strings.Contains(text, "processing job with id") && strings.Contains(text, "does not exist") {
		return true
	}
	for _, t := range finalTexts {
		if strings.Contains(text, t) {
			return true
		}
	}
	return e.RC == "InvalidJobID" || e.RC == "DuplicateGen" || e.RC == "AbortedGen"
}

// hopeless tells of refusals that repeating cannot mend, though the job itself
// is still open.
func hopeless(e *api.Error) bool {
	return e.RC != "" && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) ||
		len(e.Errors) > 0
}

// submit posts a result until the server has answered it for good.
func (w *Worker) submit(ctx context.Context, s *api.ImageSubmit) (api.Float, error) {
	var b backoff
	for try := 1; ; try++ {
		answer, err := w.horde.Submit(ctx, s)
		if err == nil {
			return answer.Reward, nil
		}
		pause := b.next()
		var e *api.Error
		if errors.As(err, &e) {
			if settled(e) {
				if try > 1 && (e.RC == "DuplicateGen" || strings.Contains(strings.ToLower(e.Message), "already submitted")) {
					return 0, nil // an earlier try came through, its answer did not
				}
				return 0, &settledError{e}
			}
			if hopeless(e) {
				return 0, err
			}
			if e.RetryAfter > 0 {
				pause = min(time.Duration(e.RetryAfter)*time.Second, time.Minute)
			}
		}
		if try == maxTries || ctx.Err() != nil {
			return 0, fmt.Errorf("after %d tries: %w", try, err)
		}
		w.log.Warn("submit failed; trying again", "id", s.ID, "try", try, "err", err)
		if !sleep(ctx, pause) {
			return 0, context.Cause(ctx)
		}
	}
}

// fault tells the server that a job failed. While ctx is alive it tries as
// often as for a result; once the worker is being aborted, for 5 s.
func (w *Worker) fault(ctx context.Context, id string, remarks []api.GenMetadatum) {
	limit := 2 * time.Minute
	if ctx.Err() != nil {
		limit = 5 * time.Second
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	hurry := context.AfterFunc(ctx, func() {
		if limit > 5*time.Second && sleep(detached, 5*time.Second) {
			cancel()
		}
	})
	defer hurry()
	_, err := w.submit(detached, &api.ImageSubmit{ID: id, Generation: "faulted", State: "faulted", Seed: -1, GenMetadata: remarks})
	var settled *settledError
	if err != nil && !errors.As(err, &settled) {
		w.log.Error("cannot give a failed job back; the horde will notice when its time is up", "id", id, "err", err)
	}
}
