package admission

import (
	"context"
	"time"

	"horde/internal/horde"
)

// Bounds are how much of a kind of work (images, texts, forms of alchemy) may wait at a
// time. 0: any amount.
type Bounds struct {
	Jobs          int   // of all accounts
	AnonymousJobs int   // of the anonymous account, whatever models they name
	Bytes         int64 // that the requests of all accounts take
	AccountBytes  int64 // that those of one account take, the anonymous one like any other
}

// Backlog is what waits, or would.
type Backlog struct {
	Jobs  int
	Bytes int64 // that the requests take as they are stored
}

// Plus is both together.
func (b Backlog) Plus(more Backlog) Backlog {
	return Backlog{Jobs: b.Jobs + more.Jobs, Bytes: b.Bytes + more.Bytes}
}

// Crowd is what waits of a kind of work when a request of an account comes.
type Crowd struct {
	All       Backlog
	Own       Backlog // of the account
	Anonymous bool    // the account is the anonymous one
}

// Plus is both together, of one account.
func (c Crowd) Plus(more Crowd) Crowd {
	return Crowd{All: c.All.Plus(more.All), Own: c.Own.Plus(more.Own), Anonymous: c.Anonymous}
}

// Those who are refused come back after these: what waits ends within 20 minutes at most.
const (
	retryWhenFull    = time.Minute
	retryWhenCrowded = 30 * time.Second
)

// Check refuses more where a crowd is as large as it may be.
func (b Bounds) Check(ctx context.Context, c Crowd, more Backlog) error {
	all, own := c.All.Plus(more), c.Own.Plus(more)
	switch {
	case b.Jobs > 0 && all.Jobs > b.Jobs, b.Bytes > 0 && all.Bytes > b.Bytes:
		return later(retryWhenFull, horde.Errorf(horde.ServerBusy,
			"As much waits on this horde as it takes. Please try again in a minute."))
	case b.AccountBytes > 0 && own.Bytes > b.AccountBytes:
		return later(retryWhenCrowded, horde.Errorf(horde.TooManyPrompts,
			"This request and those of this account that are not done take %d bytes together: at most %d may. "+
				"Wait for some to finish, or ask for less.", own.Bytes, b.AccountBytes))
	case c.Anonymous && b.AnonymousJobs > 0 && own.Jobs > b.AnonymousJobs:
		return later(retryWhenCrowded, horde.Errorf(horde.TooManyPrompts,
			"This request has %d jobs, and %d anonymous ones are waiting, of all models together: at most %d may. "+
				"Register an account at %s/register to have a limit of your own.",
			more.Jobs, c.Own.Jobs, b.AnonymousJobs, horde.BaseOf(ctx)))
	}
	return nil
}

// later says when to try again.
func later(after time.Duration, e *horde.Error) error {
	e.RetryAfter = after
	return e
}
