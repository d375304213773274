package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"horde/api"
)

const (
	maxRetryAfter = 30 * time.Second // longer waits are the caller's decision
	maxOutage     = 2 * time.Minute  // how long a server that went away is waited for
)

// Temporary reports whether the same call may well succeed later: the network
// failed, the server is overloaded or broken, or something in front of it
// answered. A refusal with a reason, a cancelled context and an invalid address
// are not temporary.
func Temporary(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}

	var f *ForeignError
	if errors.As(err, &f) {
		return true
	}
	var e *api.Error
	if errors.As(err, &e) {
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
	}

	var u *url.Error
	var n net.Error
	return errors.As(err, &u) || errors.As(err, &n) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, context.DeadlineExceeded)
}

// retry makes attempts until one succeeds, another would be of no use or unsafe,
// or the client's retries are used up. It returns the error of the last attempt.
func (c *Client) retry(ctx context.Context, method string, attempt func() error) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     200 * time.Millisecond,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         3200 * time.Millisecond,
	}

	var last error
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		last = attempt()
		return struct{}{}, retryVerdict(method, last)
	},
		backoff.WithBackOff(pauses),
		backoff.WithMaxTries(uint(max(0, c.retries))+1),
		backoff.WithMaxElapsedTime(0),
	)
	return last
}

// retryVerdict tells package backoff whether a call may be repeated after err, and
// when: a permanent error is never repeated.
func retryVerdict(method string, err error) error {
	if err == nil {
		return nil
	}

	// A call over the limit did nothing. Without a time the limit is for good.
	var e *api.Error
	if errors.As(err, &e) && e.Status == http.StatusTooManyRequests {
		if e.RetryAfter <= 0 || time.Duration(e.RetryAfter)*time.Second > maxRetryAfter {
			return backoff.Permanent(err)
		}
		return backoff.RetryAfter(e.RetryAfter)
	}

	// A POST may have been carried out although its answer was lost. A second
	// cancel does no harm.
	if method == http.MethodPost || !Temporary(err) {
		return backoff.Permanent(err)
	}
	return err
}

// patience decides how long failures in a row are waited out, and how long each
// pause is. Make it with newPatience.
type patience struct {
	limit  time.Duration
	since  time.Time // of the first failure in a row; zero: none yet
	pauses backoff.BackOff
}

func newPatience(limit time.Duration) *patience {
	return &patience{limit: limit, pauses: &backoff.ExponentialBackOff{
		InitialInterval:     250 * time.Millisecond,
		RandomizationFactor: 1, // so that clients cut off together do not return together
		Multiplier:          2,
		MaxInterval:         4 * time.Second,
	}}
}

// reset notes a success: the next failure is the first again.
func (pt *patience) reset() {
	pt.since = time.Time{}
	pt.pauses.Reset()
}

// endures reports whether to go on after err: it is temporary, and calls have not
// failed for longer than the limit.
func (pt *patience) endures(err error) bool {
	if !Temporary(err) {
		return false
	}
	if pt.since.IsZero() {
		pt.since = time.Now()
	}
	return time.Since(pt.since) <= pt.limit
}

// pause waits before the next attempt, longer each time.
func (pt *patience) pause(ctx context.Context) { sleep(ctx, pt.pauses.NextBackOff()) }

// sleep waits for d; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()

	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
