package requests

import (
	"context"
	"time"

	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/match"
	"horde/internal/waiting"
)

// Popper is one pop: a worker that looks for work of a kind.
type Popper interface {
	// Meet takes the worker as it is now, and returns what decides over what it gets.
	Meet(*fleet.Worker) *match.Worker
	// Match finds what the worker gets next and reserves it; false: nothing fits.
	Match(context.Context) (found bool, err error)
	// Claim commits what was found. False: others were faster with all of it, and what
	// they did is known by now.
	Claim(context.Context) (got bool, err error)
}

// Workers knows workers as they are now: a fleet.
type Workers interface {
	Worker(id string) *fleet.Worker // nil: there is none
}

// Pop looks for work for a worker that has checked in, again whenever there may be some
// among calls, for at most wait (0: once). A worker in maintenance that gets nothing is
// told so by an error.
func Pop(
	ctx context.Context, calls *waiting.Calls[*match.Worker], all Workers,
	w *fleet.Worker, wait time.Duration, p Popper,
) (got bool, err error) {
	looked := false
	err = calls.Try(ctx, wait, p.Meet(w), func() (over bool, err error) {
		if looked { // it may have been paused or put into maintenance meanwhile
			now := all.Worker(w.ID)
			if now == nil {
				return true, nil // or deleted
			}
			w = now
			p.Meet(w)
		}
		looked = true
		got, err = popOnce(ctx, p)
		return got, err
	})
	if err == nil && !got {
		err = kinds.MaintenanceError(w)
	}
	return got, err
}

// popOnce takes what fits first, going on to the next where others are faster.
func popOnce(ctx context.Context, p Popper) (got bool, err error) {
	for {
		found, err := p.Match(ctx)
		if err != nil || !found {
			return false, err
		}
		if got, err = p.Claim(ctx); err != nil || got {
			return got, err
		}
	}
}
