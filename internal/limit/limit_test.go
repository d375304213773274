package limit

import (
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/internal/hordetest"
)

func TestTakeFollowsTheWindow(t *testing.T) {
	c := hordetest.NewClock()
	w := NewWindows(c.Now)

	end := c.Now().Add(time.Minute)
	for i, step := range []struct {
		wait time.Duration
		left int
		ok   bool
	}{
		{0, 2, true},
		{time.Second, 1, true},
		{58 * time.Second, 0, true},
		{0, 0, false},
		{time.Second - 1, 0, false}, // the last instant of the minute
		{1, 2, true},                // its end
	} {
		c.Advance(step.wait)
		left, reset, ok := w.Take("a", 3, time.Minute)
		if left != step.left || ok != step.ok {
			t.Fatalf("call %d: left %d, ok %v; want %d, %v", i, left, ok, step.left, step.ok)
		}
		if i < 5 && !reset.Equal(end) {
			t.Fatalf("call %d: resets at %v, want %v", i, reset, end)
		}
	}

	if left, _, ok := w.Take("b", 3, time.Minute); left != 2 || !ok {
		t.Error("another key has no count of its own")
	}
}

// No window accepts more calls than allowed, and none refuses one while it has room.
func TestNeverMoreThanAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := rapid.IntRange(1, 20).Draw(t, "calls")
		per := time.Duration(rapid.IntRange(1, 1000).Draw(t, "per"))
		var w Window
		now, taken, end := int64(1), 0, int64(0)
		for _, wait := range rapid.SliceOfN(rapid.Int64Range(0, 300), 1, 100).Draw(t, "waits") {
			now += wait
			if now >= end {
				end, taken = now+int64(per), 0
			}
			fits := taken < calls
			if fits {
				taken++
			}
			next, left, ok := w.Take(now, calls, per)
			if ok != fits || left != calls-taken || next.Ends != end {
				t.Fatalf("now %d: ok %v, left %d, ends %d; taken %d of %d until %d", now, ok, left, next.Ends, taken, calls, end)
			}
			w = next
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	c := hordetest.NewClock()
	w := NewWindows(c.Now)
	for i := range maxKeys + maxKeys/4 {
		w.Take(strconv.Itoa(i), 90, time.Hour)
	}

	if n := w.Len(); n > maxKeys || n < maxKeys/4 {
		t.Errorf("%d counters are held, at most %d", n, maxKeys)
	}

	c.Advance(2 * time.Hour)
	for i := range maxKeys {
		w.Take("x"+strconv.Itoa(i%1000), 90, time.Hour)
		if i%1000 == 0 && w.Len() < maxKeys/8 {
			break
		}
	}

	w = NewWindows(c.Now)
	for i := range 100_000 { // each ended before the next thousand
		w.Take(strconv.Itoa(i), 90, time.Millisecond)
		if i%1000 == 0 {
			c.Advance(time.Second)
		}
	}

	if n := w.Len(); n > 2*shardCount*shardMin {
		t.Errorf("%d ended counters are held", n)
	}
}

func TestParallelTakesCountOnce(t *testing.T) {
	c := hordetest.NewClock()
	w := NewWindows(c.Now)
	var wg sync.WaitGroup
	var taken atomic.Int32
	for range 16 {
		wg.Go(func() {
			for range 100 {
				if _, _, ok := w.Take("k", 500, time.Minute); ok {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 500 {
		t.Errorf("%d of 500 calls were let through", taken.Load())
	}
}

func TestAWhitelistedAddressIsForgottenInTime(t *testing.T) {
	c := hordetest.NewClock()
	w := NewWhitelist(c.Now, Services...)
	home := netip.MustParseAddr("203.0.113.9")
	if !w.Has(Services[0]) || !w.Has(netip.MustParseAddr("::ffff:5.189.169.230")) || w.Has(home) || w.Has(netip.Addr{}) {
		t.Error("fixed addresses are not the listed ones")
	}
	w.Add(home)
	c.Advance(WhitelistTTL - 1)
	if !w.Has(home) {
		t.Error("an address left before its day was over")
	}
	c.Advance(1)
	if w.Has(home) {
		t.Error("an address stays beyond its day")
	}
	for i := range maxWhitelisted + 10 {
		w.Add(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(w.until) > maxWhitelisted {
		t.Errorf("%d addresses are held", len(w.until))
	}
}

func TestTakeDoesNotAllocate(t *testing.T) {
	w := NewWindows(nil)
	w.Take("k", 10, time.Second)
	if n := testing.AllocsPerRun(1000, func() { w.Take("k", 10, time.Second) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkTake(b *testing.B) {
	w := NewWindows(nil)
	const key = "0@203.0.113.9@POST@/api/v2/generate/pop"
	for b.Loop() {
		w.Take(key, 60, time.Second)
	}
}
