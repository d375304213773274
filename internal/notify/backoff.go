package notify

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"horde/internal/fetch"
	"horde/internal/store"
)

// How a webhook is tried again.
const (
	firstPause        = 2 * time.Second
	pauseFactor       = 3
	longestPause      = 6 * time.Hour
	jitter            = 0.3            // of a pause, either way
	givenUpAfter      = 24 * time.Hour // since it was made, or replayed
	impatientAttempts = 3              // that may be short; see patience
)

// nextAttempt is when a webhook is called again whose attempt failed now; again is false
// where it is given up.
func nextAttempt(w *store.Webhook, now time.Time) (due time.Time, again bool) {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     firstPause,
		RandomizationFactor: jitter,
		Multiplier:          pauseFactor,
		MaxInterval:         longestPause,
	}
	pauses.Reset()
	pause := pauses.NextBackOff()
	for range w.Attempts - 1 {
		pause = pauses.NextBackOff()
	}
	return now.Add(pause), now.Sub(w.Created.Time()) < givenUpAfter
}

// failureOf says in words why an attempt failed, and nothing of the network.
func failureOf(err error) string {
	switch {
	case errors.Is(err, fetch.ErrStatus):
		return bare(err).Error()
	case errors.Is(err, fetch.ErrForbidden):
		return "the address is not allowed: it must be a public https address"
	case errors.Is(err, errUnsigned):
		return "it could not be signed: get a new secret"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "the address could not be reached"
}
