package worker

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// callPauses are the pauses between calls that failed: anything between 0 and a
// limit that doubles from 1 s to 60 s, so that the workers of a horde that was away
// do not return together.
func callPauses() *backoff.ExponentialBackOff { return fullJitter(time.Second, time.Minute) }

// uploadPauses are callPauses for storage, a quarter as long.
func uploadPauses() *backoff.ExponentialBackOff { return fullJitter(time.Second/4, time.Minute/4) }

// fetchPauses are the pauses between downloads that failed: 0.5 s, then half as long
// again each time.
func fetchPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond,
		Multiplier:      1.5,
		MaxInterval:     2 * time.Second,
	}
}

// fullJitter makes pauses between 0 and a limit that doubles from first to last.
func fullJitter(first, last time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     first / 2,
		RandomizationFactor: 1,
		Multiplier:          2,
		MaxInterval:         last / 2,
	}
}

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
