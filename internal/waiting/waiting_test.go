package waiting

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallLooksUntilItFindsOrEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name   string
		wait   time.Duration
		offers []string      // one each second, to "fox" and to "owl"
		finds  int           // the look that finds something; 0: none
		fails  int           // the look that fails
		gone   time.Duration // after which the caller is gone
		looks  int
		after  time.Duration
	}{
		{name: "found at once", wait: time.Minute, finds: 1, looks: 1},
		{name: "not to wait", looks: 1},
		{name: "woken", wait: time.Minute, offers: []string{"fox"}, finds: 2, looks: 2, after: time.Second},
		{name: "woken in vain, once more at the end", wait: time.Minute, offers: []string{"fox", "fox"}, looks: 4,
			after: time.Minute},
		{name: "what is for others does not wake", wait: time.Minute, offers: []string{"owl", "owl"}, looks: 2,
			after: time.Minute},
		{name: "failed", wait: time.Minute, offers: []string{"fox"}, fails: 2, looks: 2, after: time.Second},
		{name: "the caller is gone", wait: time.Minute, gone: 5 * time.Second, looks: 1, after: 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r Calls[string]
				ctx := t.Context()
				if tt.gone > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.gone)
					defer cancel()
				}

				go func() {
					for _, to := range tt.offers {
						time.Sleep(time.Second)
						r.Offer(func(who string) bool { return who == to })
					}
				}()

				start, looks := time.Now(), 0
				err := r.Try(ctx, tt.wait, "fox", func() (bool, error) {
					if looks++; looks == tt.fails {
						return false, broken
					}
					return looks == tt.finds, nil
				})
				if looks != tt.looks || time.Since(start) != tt.after || errors.Is(err, broken) != (tt.fails > 0) {
					t.Errorf("%s: %d looks in %v, %v; want %d in %v", tt.name, looks, time.Since(start), err, tt.looks, tt.after)
				}

				if left := r.Waiting(); len(left) > 0 {
					t.Errorf("%s: %v still wait", tt.name, left)
				}

				synctest.Wait()
			})
		})
	}
}

// An offer that comes while a call looks is not lost.
func TestOfferWhileLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Calls[int]
		there := false
		err := r.Try(t.Context(), time.Minute, 7, func() (bool, error) {
			if there {
				return true, nil
			}
			there = true // it comes just behind the look
			r.Offer(func(who int) bool { return who == 7 })
			return false, nil
		})
		if err != nil || fmt.Sprint(r.Waiting()) != "[]" {
			t.Error(err, r.Waiting())
		}
	})
}
