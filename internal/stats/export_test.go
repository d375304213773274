package stats

import (
	"context"
	"time"
)

// BackfillFor is Backfill for a time of the test's own.
func (s *Stats) BackfillFor(ctx context.Context, most time.Duration) error {
	return s.backfillFor(ctx, most)
}
