package hordetest

import (
	"sync/atomic"
	"time"

	"horde/internal/horde"
)

// Clock is a time that stands still until a test moves it. It is safe for concurrent
// use.
type Clock struct{ ns atomic.Int64 }

// NewClock starts on a summer's day shortly after noon: at no full minute, so that
// windows which begin at one can be told from those which do not.
func NewClock() *Clock {
	c := &Clock{}
	c.Set(time.Date(2026, 8, 1, 12, 0, 3, 0, time.UTC))
	return c
}

// Now is the clock's time, as a horde.Clock.
func (c *Clock) Now() time.Time { return time.Unix(0, c.ns.Load()) }

// Micros is the clock's time in microseconds, as the database has it.
func (c *Clock) Micros() horde.Micros { return horde.MicrosOf(c.Now()) }

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.ns.Add(int64(d)) }

// Set moves the clock to a time.
func (c *Clock) Set(t time.Time) { c.ns.Store(t.UnixNano()) }
