// Package limit counts calls in fixed windows of time and remembers which
// addresses have the higher limits (generation §8,
// platform §1.6). What is limited, and by which key, is the caller's business:
//
//	left, reset, ok := windows.Take(key, 90, time.Minute)
//
// A window begins with the first call under its key, not at a full minute, as in the
// original. Counters live in this process: with n nodes behind one
// balancer a caller gets up to n times the limit.
package limit

import (
	"hash/maphash"
	"sync"
	"time"

	"horde/internal/horde"
)

// Window is the state of one counter: how many calls were counted, and when the
// count ends. The zero Window has ended.
type Window struct {
	Ends  int64 // Unix nanoseconds
	Calls int32
}

// Take counts one call at now (Unix nanoseconds) under a limit of calls in each
// window of length per. It returns the new state, how many calls are left in it,
// and whether this one is within the limit. Refused calls are not counted, so
// that the state is a function of the accepted ones.
func (w Window) Take(now int64, calls int, per time.Duration) (next Window, left int, ok bool) {
	if now >= w.Ends || w.Ends-now > int64(per) { // ended, or of a longer rule
		w = Window{Ends: now + int64(per)}
	}
	if int(w.Calls) >= calls {
		return w, 0, false
	}
	w.Calls++
	return w, calls - int(w.Calls), true
}

const (
	shardCount = 64
	// maxKeys bounds the memory of all counters: some 50 MB when full.
	maxKeys  = 1 << 20
	shardMax = maxKeys / shardCount // windows
	shardMin = 256                  // windows at which a shard is first swept
)

// Windows holds counters by key. Keys are kept only as 64-bit hashes with a
// secret seed: long keys cost no memory and collisions cannot be sought.
type Windows struct {
	clock  horde.Clock
	seed   maphash.Seed
	shards [shardCount]shard
}

// shard is one part of the counters, with a lock of its own.
type shard struct {
	mu      sync.Mutex
	windows map[uint64]Window // by hash of the key; guarded by mu
	sweepAt int               // guarded by mu: size at which ended windows are looked for
}

// NewWindows returns an empty set of counters; clock nil means time.Now.
func NewWindows(clock horde.Clock) *Windows {
	if clock == nil {
		clock = time.Now
	}
	w := &Windows{clock: clock, seed: maphash.MakeSeed()}
	for i := range w.shards {
		w.shards[i] = shard{windows: map[uint64]Window{}, sweepAt: shardMin}
	}
	return w
}

// Take counts one call under key, of which there may be calls in every window of
// length per. It returns how many more the window takes, when it ends, and
// whether this call is within the limit.
func (ws *Windows) Take(key string, calls int, per time.Duration) (left int, reset time.Time, ok bool) {
	h := maphash.String(ws.seed, key)

	s := &ws.shards[h%shardCount]
	now := ws.clock().UnixNano()

	s.mu.Lock()
	next, left, ok := s.windows[h].Take(now, calls, per)
	s.windows[h] = next
	if len(s.windows) >= s.sweepAt {
		s.sweepLocked(now)
	}
	s.mu.Unlock()
	return left, time.Unix(0, next.Ends), ok
}

// sweepLocked drops ended windows; the caller holds mu. A shard that is still full
// afterwards loses half of its windows, any half: better a limit that is counted
// anew than memory without end.
func (s *shard) sweepLocked(now int64) {
	for k, v := range s.windows {
		if now >= v.Ends {
			delete(s.windows, k)
		}
	}

	for k := range s.windows {
		if len(s.windows) <= shardMax/2 {
			break
		}
		delete(s.windows, k)
	}

	s.sweepAt = min(max(shardMin, 2*len(s.windows)), shardMax)
}

// Len returns the number of counters held, ended ones included.
func (ws *Windows) Len() (n int) {
	for i := range ws.shards {
		s := &ws.shards[i]
		s.mu.Lock()
		n += len(s.windows)
		s.mu.Unlock()
	}
	return n
}
