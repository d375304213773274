// Package waiting lets calls wait for something that may suit them, such as pops of
// workers for a job. A Calls knows each waiting call by what it can take; whoever
// has something new offers it to the Calls, which wakes those that it may
// suit. They then look for themselves, so waking one too many does no harm.
package waiting

import (
	"context"
	"sync"
	"time"
)

// Calls holds the calls that wait. W says what one of them can take. The zero Calls is
// empty and ready for use.
type Calls[W any] struct {
	mu    sync.Mutex
	calls map[*call[W]]bool // guarded by mu
}

// call is the place of one waiting call.
type call[W any] struct {
	who  W
	wake chan struct{}
}

// Try calls look, and calls it again whenever something is offered that may suit who,
// until it finds something or fails, for at most wait (0: once). When the time
// is over it looks a last time, so that what it saw is current; not when ctx has ended,
// since then nobody is there to take anything.
func (c *Calls[W]) Try(ctx context.Context, wait time.Duration, who W, look func() (found bool, err error)) error {
	if wait <= 0 {
		_, err := look()
		return err
	}

	s := c.enter(who)
	defer c.leave(s)
	over := time.NewTimer(wait)
	defer over.Stop()

	for last := false; ; {
		if found, err := look(); found || last || err != nil {
			return err
		}

		select {
		case <-s.wake:
		case <-over.C:
			last = true
		case <-ctx.Done():
		}

		if ctx.Err() != nil {
			return nil
		}
	}
}

func (c *Calls[W]) enter(who W) *call[W] {
	s := &call[W]{who: who, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[*call[W]]bool{}
	}
	c.calls[s] = true
	return s
}

func (c *Calls[W]) leave(s *call[W]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, s)
}

// Offer wakes the calls that something new may suit. fits is called under the lock
// of c.
func (c *Calls[W]) Offer(fits func(W) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.calls {
		if fits(s.who) {
			select {
			case s.wake <- struct{}{}:
			default: // it is awake already
			}
		}
	}
}

// Waiting returns the calls that wait, in no order.
func (c *Calls[W]) Waiting() (all []W) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.calls {
		all = append(all, s.who)
	}
	return all
}
