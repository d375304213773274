package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"horde/api"
)

const (
	maxTries        = 10              // of an upload and of a submit
	lateAllowance   = 2 * time.Minute // for a delivery, after the job's time is up
	maxSubmitPause  = time.Minute     // however long Retry-After is
	faultTimeout    = 2 * time.Minute // for telling the server that a job failed
	leftoverLimit   = 2 * time.Minute // for delivering a result of an earlier run; no job is taken meanwhile
	faultAbortLimit = 5 * time.Second // the same, once the worker is being aborted
)

// deliver finishes and submits a result. final: nothing more is to be said of its id,
// even where err is not nil.
func (j *job) deliver(finish finisher) (final bool, err error) {
	// Delivering may take longer than generating was allowed to: a late result is
	// still better than none.
	deadline := j.popped.Add(j.ttl + lateAllowance)
	ctx, cancel := context.WithDeadlineCause(j.w.abort, deadline, errDeadline)
	defer cancel()

	s, err := finish(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return false, cause
	}
	if err != nil {
		return false, err
	}

	// From here on a crash delivers the result at the next start.
	if err := j.w.journal.keep(s); err != nil {
		j.log.Warn("cannot note the result; a crash would lose it", "err", err)
	}
	return j.submit(ctx, s)
}

// submit delivers a result. final: the server has accepted it, or knows nothing of
// the job any more.
func (j *job) submit(ctx context.Context, s *submission) (final bool, err error) {
	reward, err := j.w.submit(ctx, s)
	var over *finalError
	switch {
	case err == nil:
		j.w.noteDelivered(j.model, float64(reward))
		j.log.Info("submitted", "id", s.ID, "kudos", float64(reward),
			"seconds", time.Since(j.popped).Round(10*time.Millisecond).Seconds())
		return true, nil
	case errors.As(err, &over):
		j.w.metrics.fault("late")
		j.log.Warn("the horde has no use for the result any more", "id", s.ID, "err", err)
		return true, err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	return false, fmt.Errorf("%w: %w", errSubmit, err)
}

// noteDelivered counts a result that the horde has.
func (w *Worker) noteDelivered(model string, reward float64) {
	w.done.Add(1)
	w.kudos.Add(uint64(math.Round(max(0, reward) * 100)))
	w.metrics.success(model, reward)
}

// finalError is a final answer to a submit: repeating it would change nothing.
type finalError struct{ err *api.Error }

func (e *finalError) Error() string { return e.err.Error() }

// finalTexts are what every server says of a job that is over: workers go by these
// words (generation §11).
var finalTexts = []string{"already submitted", "please check your worker speed"}

// isFinal reports whether a refused submit says that the job is over.
func isFinal(e *api.Error) bool {
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

// isDuplicate reports whether a server refused a result because it has it already.
func isDuplicate(e *api.Error) bool {
	return e.RC == "DuplicateGen" || strings.Contains(strings.ToLower(e.Message), "already submitted")
}

// isRejected reports whether repeating a submit cannot help, though the job itself
// is still open.
func isRejected(e *api.Error) bool {
	if len(e.Errors) > 0 {
		return true
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return e.RC != ""
	}
	return false
}

// submit posts a result until the server has answered it for good, in up to
// maxTries tries.
func (w *Worker) submit(ctx context.Context, s *submission) (api.Float, error) {
	var last error
	try := 0
	answer, err := backoff.Retry(ctx, func() (*api.Submitted, error) {
		try++
		var a *api.Submitted
		a, last = w.kind.submit(ctx, w.horde, s)
		return a, submitVerdict(last)
	},
		backoff.WithBackOff(callPauses()),
		backoff.WithMaxTries(maxTries),
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(error, time.Duration) {
			w.log.Warn("submit failed; trying again", "id", s.ID, "try", try, "err", last)
		}),
	)
	if err == nil {
		return answer.Reward, nil
	}

	var e *api.Error
	switch {
	case errors.As(last, &e) && isFinal(e) && try > 1 && isDuplicate(e):
		return 0, nil // an earlier try came through, its answer did not
	case errors.As(last, &e) && isFinal(e):
		return 0, &finalError{e}
	case errors.As(last, &e) && isRejected(e):
		return 0, last
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	}
	return 0, fmt.Errorf("after %d tries: %w", try, last)
}

// submitVerdict tells package backoff whether a submit may be repeated after err,
// and when.
func submitVerdict(err error) error {
	var e *api.Error
	switch {
	case !errors.As(err, &e):
		return err
	case isFinal(e), isRejected(e):
		return backoff.Permanent(err)
	case e.RetryAfter > 0:
		return backoff.RetryAfter(min(e.RetryAfter, int(maxSubmitPause/time.Second)))
	}
	return err
}

// giveBack tells the server that a job failed, and reports whether the server has answered
// that. While ctx is alive it tries as often as for a result; once the worker is being
// aborted, for faultAbortLimit.
func (w *Worker) giveBack(ctx context.Context, id string, remarks []api.GenMetadatum) (answered bool) {
	limit := faultTimeout
	if ctx.Err() != nil {
		limit = faultAbortLimit
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()

	// An abort in the middle leaves a last moment.
	stop := context.AfterFunc(ctx, func() {
		if limit > faultAbortLimit && sleep(detached, faultAbortLimit) {
			cancel()
		}
	})
	defer stop()

	_, err := w.submit(detached, fault(id, remarks))
	var over *finalError
	if err == nil || errors.As(err, &over) {
		return true
	}
	w.log.Error("cannot give a failed job back; the horde will notice when its time is up", "id", id, "err", err)
	var refused *api.Error
	return errors.As(err, &refused) && isRejected(refused)
}
