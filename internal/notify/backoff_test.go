package notify

import (
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// Pauses grow from seconds to hours, and after a day a webhook is given up.
func TestPausesGrowForADay(t *testing.T) {
	made := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	now := made
	w := store.Webhook{Created: horde.MicrosOf(made)}
	for w.Attempts = 1; ; w.Attempts++ {
		due, again := nextAttempt(&w, now)
		if !again {
			break
		}

		pause, least, most := due.Sub(now), firstPause, longestPause
		for range w.Attempts - 1 {
			least = min(least*pauseFactor, longestPause)
		}
		if pause < least*6/10 || pause > most*14/10 {
			t.Errorf("%v after %d attempts", pause, w.Attempts)
		}
		now = due
	}
	if d := now.Sub(made); w.Attempts < 9 || w.Attempts > 18 || d < givenUpAfter || d > givenUpAfter+2*longestPause {
		t.Errorf("given up after %d attempts and %v", w.Attempts, d)
	}
}
