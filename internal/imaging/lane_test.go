package imaging

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"horde/internal/horde"
)

const laneRoom = 4 << 10 // bytes, of lanes in tests

// testLane has little room, and an allowance for large images of its own.
func testLane(o LaneOptions) *Lane {
	o.Room = laneRoom
	l := NewLane("test", o)
	l.large = semaphore.NewWeighted(1)
	return l
}

// Whoever left is not waited for: neither before its turn comes, nor once it has come.
func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := testLane(LaneOptions{})
		leave, err := l.enter(t.Context(), laneRoom)
		if err != nil {
			t.Fatal(err)
		}

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, _, err := l.Decode(ctx, pngOf(t, scene(16, 16, false)), SourceLimits)
			ended <- err
		}()

		synctest.Wait()
		if l.waiting.Load() != 1 {
			t.Fatalf("%d wait", l.waiting.Load())
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if l.waiting.Load() != 0 || l.running.Load() != 1 {
			t.Errorf("%d wait, %d run", l.waiting.Load(), l.running.Load())
		}

		leave()
		if _, _, err := l.Decode(t.Context(), pngOf(t, scene(8, 8, false)), SourceLimits); err != nil {
			t.Errorf("the room was not given back: %v", err)
		}
	})
}

// leaving is a context whose caller leaves after it has been asked some times.
type leaving struct {
	context.Context
	asked, after int
}

func (c *leaving) Err() error {
	if c.asked++; c.asked > c.after {
		return context.Canceled
	}
	return nil
}

// A decoder stops at the next piece of its file once the caller has left.
func TestDecodingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for name, data := range wellFormed(t, 400) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := Inspect(data)
			if err != nil {
				t.Fatal(err)
			}

			ctx := &leaving{Context: t.Context(), after: 1}
			if _, err := decode(ctx, data, h); err == nil {
				t.Error("it was decoded nevertheless")
			}
			if ctx.asked > ctx.after+2 {
				t.Errorf("it was read on %d times after the caller had left", ctx.asked-ctx.after)
			}
		})
	}
}

// What takes longer than an image may take counts as too much work, not as a caller
// that left.
func TestDecodingHasATimeLimit(t *testing.T) {
	t.Parallel()
	data := pngOf(t, scene(64, 64, false))
	h, err := Inspect(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeFor(t.Context(), -time.Second, data, h); !errors.Is(err, ErrTooMuchWork) {
		t.Error(err)
	}
}

// Where too many wait, others are sent away at once, and counted.
func TestLaneShedsLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := testLane(LaneOptions{MaxWaiting: 2, PerCaller: 1})
		leave, err := l.enter(t.Context(), laneRoom)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []name{"a", "b"} {
			go func() {
				if leave, err := l.enter(horde.WithCaller(t.Context(), who), laneRoom); err == nil {
					leave()
				}
			}()
		}

		synctest.Wait()
		if _, err := l.enter(horde.WithCaller(t.Context(), name("a")), laneRoom); !errors.Is(err, ErrCallerBusy) {
			t.Errorf("the second of a caller: %v", err)
		}
		_, err = l.enter(horde.WithCaller(t.Context(), name("c")), laneRoom)
		if !errors.Is(err, ErrBusy) || errors.Is(err, ErrCallerBusy) {
			t.Errorf("the third that waits: %v", err)
		}
		if l.busy.Load() != 1 || l.caller.Load() != 1 {
			t.Errorf("%d and %d counted as refused", l.busy.Load(), l.caller.Load())
		}

		leave()
		synctest.Wait()
		if leave, err = l.enter(t.Context(), laneRoom); err != nil {
			t.Fatal(err)
		}
		leave()
	})
}

// name is a caller by name.
type name string

func (n name) CallerKey() string { return string(n) }

// What one kind of caller sends keeps no other from its turn, unless both are larger
// than their lanes let one be: of these one at a time is decoded.
func TestLanesAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := testLane(LaneOptions{}), testLane(LaneOptions{})
		b.large = a.large
		leaveA, err := a.enter(t.Context(), laneRoom)
		if err != nil {
			t.Fatal(err)
		}
		leaveB, err := b.enter(t.Context(), b.turns.Share())
		if err != nil {
			t.Fatal(err)
		}
		leaveB()

		entered := make(chan func())
		go func() {
			leave, err := b.enter(t.Context(), laneRoom)
			if err != nil {
				t.Error(err)
			}
			entered <- leave
		}()
		synctest.Wait()
		if b.running.Load() != 0 {
			t.Error("two large images are decoded at once")
		}
		leaveA()
		(<-entered)()
	})
}

func TestLanesHaveMetrics(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	for _, c := range Metrics() {
		r.MustRegister(c)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}

	found := map[string]int{}
	for _, f := range families {
		found[f.GetName()] = len(f.GetMetric())
	}
	for name, series := range map[string]int{
		"horde_images_waiting":       2,
		"horde_images_running":       2,
		"horde_images_wait_seconds":  2,
		"horde_images_refused_total": 6,
	} {
		if found[name] != series {
			t.Errorf("%s has %d series", name, found[name])
		}
	}
}
