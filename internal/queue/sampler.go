package queue

import (
	"math"
	"sync"

	"horde/internal/horde"
)

// What is recorded of finished images, at most: so many a second on average,
// and so many at once after a quiet time. A busy horde records a sample, which is
// all that training needs, and pays next to nothing for it.
const (
	timingRate  = 5
	timingBurst = 200
)

// sampler decides which finished images are recorded. The zero value is full.
type sampler struct {
	mu    sync.Mutex
	spent float64      // of the burst; guarded by mu
	at    horde.Micros // guarded by mu
}

// allow reports whether one more may be recorded now, and counts it then.
func (s *sampler) allow(now horde.Micros) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.spent = math.Max(0, s.spent-timingRate*float64(max(0, now-s.at))/1e6)
	s.at = max(s.at, now)
	if s.spent > timingBurst-1 {
		return false
	}
	s.spent++
	return true
}
