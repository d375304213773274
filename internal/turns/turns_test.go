package turns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// turnstile plays callers at turns of four slots of one byte, in a bubble: whoever can be
// let in has been when a call of it returns.
type turnstile struct {
	*testing.T
	*Turns
	in     []string // images let in, in their order
	held   map[string]*Turn
	errors map[string]error
	cancel map[string]context.CancelFunc
}

func newTurnstile(t *testing.T, maxWaiting, perCaller int) *turnstile {
	return &turnstile{
		T:      t,
		Turns:  New(Options{Room: 4, Slot: 1, MaxWaiting: maxWaiting, PerCaller: perCaller}),
		held:   map[string]*Turn{},
		errors: map[string]error{},
		cancel: map[string]context.CancelFunc{},
	}
}

// come has images come, one after another. The first letter of one names its caller; those
// in capitals are as large as they can be. A digit tells them apart; what follows an @ is
// the account.
func (s *turnstile) come(images ...string) {
	for _, image := range images {
		size := int64(1)
		if image == strings.ToUpper(image) {
			size = 100
		}
		ctx, cancel := context.WithCancel(s.Context())
		s.cancel[image] = cancel
		go func() {
			_, account, _ := strings.Cut(image, "@")
			w, err := s.Take(ctx, Who{strings.ToLower(image[:1]), strings.ToLower(account)}, size)
			s.mu.Lock()
			defer s.mu.Unlock()
			if err != nil {
				s.errors[image] = err
				return
			}
			s.in = append(s.in, image)
			s.held[image] = w
		}()
		synctest.Wait()
	}
}

// leave ends the turns of images.
func (s *turnstile) leave(images ...string) {
	s.Helper()
	for _, image := range images {
		w := s.held[image]
		if w == nil {
			s.Fatalf("%s was not let in", image)
		}
		delete(s.held, image)
		s.GiveBack(w)
		synctest.Wait()
	}
}

// want compares who was let in since the last time.
func (s *turnstile) want(images ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.in, images) {
		s.Errorf("%v were let in, want %v", s.in, images)
	}
	s.in = nil
}

// empty ends all turns, and checks that nothing is left of anybody.
func (s *turnstile) empty() {
	s.Helper()
	for len(s.held) > 0 {
		for image := range s.held {
			s.leave(image)
		}
	}
	if s.Turns.held != 0 || s.heldLarge != 0 || s.waiting != 0 || len(s.callers) != 0 || len(s.order) != 0 ||
		len(s.accounts) != 0 {
		s.Errorf("%d bytes, %d of large ones, %d images, %d callers, %d that wait and %d accounts are left",
			s.Turns.held, s.heldLarge, s.waiting, len(s.callers), len(s.order), len(s.accounts))
	}
}

func inTurnstile(t *testing.T, maxWaiting, perCaller int, play func(*turnstile)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, maxWaiting, perCaller)
		play(s)
		s.empty()
	})
}

// An account that comes from many addresses holds no more than one caller, so that a slot
// stays for others, and has no more waiting.
func TestAnAccountHoldsAShare(t *testing.T) {
	inTurnstile(t, 0, 2, func(s *turnstile) {
		s.come("a1@k", "b1@k", "c1@k", "d1@k", "e1@k", "f1@k")
		s.want("a1@k", "b1@k", "c1@k")
		if !errors.Is(s.errors["f1@k"], ErrCallerBusy) || s.errors["e1@k"] != nil {
			t.Errorf("the third that waits: %v; the second: %v", s.errors["f1@k"], s.errors["e1@k"])
		}

		s.come("g1", "h1@l")
		s.want("g1")
		s.leave("b1@k")
		s.want("d1@k")
		s.leave("g1", "a1@k")
		s.want("h1@l", "e1@k")
	})
}

// However many images one caller has waiting, others come after one of them each.
func TestCallersTakeTurns(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.come("x1", "y1", "z1", "w1")
		s.want("x1", "y1", "z1", "w1")

		s.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
		s.leave("x1", "y1", "z1", "w1")
		s.want("a1", "b1", "c1", "a2")
		s.leave("b1", "c1", "a1")
		s.want("b2", "a3", "a4")
	})
}

// One caller does not hold all the room, so that others need not wait at all.
func TestACallerHoldsAShare(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.come("a1", "a2", "a3", "a4", "a5")
		s.want("a1", "a2", "a3")

		s.come("b1")
		s.want("b1")
		s.leave("a2")
		s.want("a4")
	})
}

func TestSmallImagesWaitForNoLargeOnes(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.come("A1", "A2", "A3", "B1", "h1")
		s.want("A1", "h1")

		s.leave("h1")
		s.come("h2")
		s.want("h2")
		s.leave("A1")
		s.want("A2")
		s.leave("A2")
		s.want("B1")
		s.leave("B1")
		s.want("A3")
	})
}

func TestALargeImageGetsItsRoom(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.come("a1", "b1", "c1", "d1")
		s.come("L1", "e1", "f1", "g1")
		s.leave("a1", "b1")
		s.want("a1", "b1", "c1", "d1")

		s.leave("c1")
		s.want("L1")
		s.leave("d1")
		s.want("e1")
	})
}

func TestWhoeverLeavesKeepsNoRoom(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.come("a1", "b1", "c1", "L1", "e1")
		s.want("a1", "b1", "c1")

		s.cancel["L1"]()
		synctest.Wait()
		s.want("e1")
		if !errors.Is(s.errors["L1"], context.Canceled) {
			s.Errorf("who left: %v", s.errors["L1"])
		}
	})
}

// What a turn gives back is there for others, but it holds a slot to its end, and no more
// than it had.
func TestATurnShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, 0, 0)
		s.come("A", "B")
		s.want("A")

		s.Shrink(s.held["A"], 100)
		s.want()
		s.Shrink(s.held["A"], 0)
		synctest.Wait()
		s.want("B")
		s.come("c")
		s.want()
		s.leave("A")
		s.want("c")
		s.leave("B", "c")
		if s.Turns.held != 0 || s.heldLarge != 0 || len(s.callers) > 0 {
			t.Errorf("held in the end: %d, %d of large ones, by %d", s.Turns.held, s.heldLarge, len(s.callers))
		}
	})
}

// A caller with too many that wait is sent away alone; when all together have too many,
// the last one goes of the caller who has most.
func TestWhoHasMostIsSentAway(t *testing.T) {
	inTurnstile(t, 5, 3, func(s *turnstile) {
		s.come("X1", "x2", "y1")
		s.come("A1", "A2", "A3", "A4")
		if err := s.errors["A4"]; !errors.Is(err, ErrCallerBusy) {
			s.Errorf("one too many of a caller: %v", err)
		}

		s.come("B1")
		if len(s.errors) != 1 {
			s.Errorf("sent away: %v", s.errors)
		}
		s.come("C1") // x2, A1, A2, A3, B1 wait
		if err := s.errors["A3"]; !errors.Is(err, ErrBusy) || errors.Is(err, ErrCallerBusy) {
			s.Errorf("the last of who has most: %v", err)
		}
		s.come("A5")
		if err := s.errors["A5"]; !errors.Is(err, ErrBusy) || len(s.errors) != 3 {
			s.Errorf("who has most and comes again: %v", s.errors)
		}
	})
}

// Whoever has waited for long is told to come again later, and leaves nothing behind.
func TestPatienceHasAnEnd(t *testing.T) {
	inTurnstile(t, 0, 0, func(s *turnstile) {
		s.opt.Patience = time.Minute
		s.come("a1", "b1", "c1", "d1", "L1")
		time.Sleep(s.opt.Patience - time.Second)
		s.leave("a1") // kept for L1
		s.come("e1")
		s.want("a1", "b1", "c1", "d1")

		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.want("e1")
		if err := s.errors["L1"]; !errors.Is(err, ErrBusy) || len(s.errors) != 1 {
			s.Errorf("sent away: %v", s.errors)
		}
	})
}

// Whatever callers do, the room is never exceeded, nor a caller's share of it; everybody
// has a turn in the end, and nothing is left behind.
func TestTurnsHoldTheirBounds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playTurns(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

// playTurns has callers come at random, some of whom lose patience.
func playTurns(t *testing.T, random *rand.Rand) {
	const room, slot = 40, 4
	s := New(Options{Room: room, Slot: slot, MaxWaiting: 30, PerCaller: 8})
	for range 500 {
		of := Who{Caller: string(rune('a' + random.IntN(4)))}
		if random.IntN(2) == 0 {
			of.Account = string(rune('k' + random.IntN(3)))
		}
		size := random.Int64N(60)
		hold := time.Duration(random.IntN(50)) * time.Millisecond
		patience := time.Duration(random.IntN(1000)) * time.Millisecond
		time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond) // of the bubble
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			w, err := s.Take(ctx, of, size)
			if err != nil {
				return
			}

			s.mu.Lock()
			if s.held > room || s.heldLarge > s.Share() || w.of.held > s.Share() || s.waiting > 30 ||
				w.account != nil && (w.account.held > s.Share() || w.account.waiting > 8) {
				t.Errorf("%d bytes are held, %d by large ones, %d by one; %d wait",
					s.held, s.heldLarge, w.of.held, s.waiting)
			}
			s.mu.Unlock()
			time.Sleep(hold)
			s.GiveBack(w)
		}()
	}

	time.Sleep(time.Minute)
	synctest.Wait()
	if s.held != 0 || s.heldLarge != 0 || s.waiting != 0 || len(s.callers)+len(s.accounts) != 0 || len(s.order) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}
