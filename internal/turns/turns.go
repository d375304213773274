// Package turns shares room, such as memory, among callers fairly: whoever comes waits for
// its turn, and none keeps the others out.
package turns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"horde/internal/horde"
)

// ErrBusy: too many wait already; nothing was done. Trying again later helps.
var ErrBusy = errors.New("too many wait already")

// ErrCallerBusy is ErrBusy for one caller alone, who has too much waiting.
var ErrCallerBusy = fmt.Errorf("%w: of one caller", ErrBusy)

// Turns is room, and who waits for a part of it. Whoever waits has a turn after those of
// other callers, however many one of them has waiting, and none holds all of the room:
//
//   - One slot of the room is never given to large parts, which take more than a slot, nor
//     to parts of one caller alone. So a small part never waits for a large one.
//   - An account holds, and has waiting, no more than one caller, however many callers
//     come for it.
//   - A large part whose turn has come keeps the room that it needs: small ones that come
//     later do not take it.
//
// It is safe for use by many goroutines.
type Turns struct {
	opt Options

	mu        sync.Mutex
	held      int64              // bytes; guarded by mu
	heldLarge int64              // bytes of these that large parts hold; guarded by mu
	waiting   int                // guarded by mu
	callers   map[string]*caller // who hold something or wait; guarded by mu
	order     []*caller          // who wait, the next one first; guarded by mu
	accounts  map[string]*tally  // that hold something or wait; guarded by mu
}

// Options say how much room there is, and how many may wait for it.
type Options struct {
	Room       int64 // bytes
	Slot       int64 // bytes that a turn counts at least
	MaxWaiting int   // of all callers; 0: any number
	PerCaller  int   // of one caller that wait; 0: any number

	// Patience is how long a turn is waited for, before ErrBusy; 0: as long as the caller does.
	Patience time.Duration
}

// Who says for whom a turn is.
type Who struct {
	Caller  string // "": nobody in particular, who has no bounds but those of all
	Account string // "": none that is known
}

// Of is for whom something is done in a context (horde.WithCaller, horde.WithAccount).
func Of(ctx context.Context) Who { return Who{horde.CallerOf(ctx), horde.AccountOf(ctx)} }

// tally is what an account has, of all callers. Its fields are guarded by
// Turns.mu.
type tally struct {
	name    string
	held    int64 // bytes
	waiting int
}

// caller is somebody who holds something or waits. Its fields are guarded by Turns.mu.
type caller struct {
	name    string // "": nobody in particular, who has no bounds but those of all
	held    int64  // bytes
	waiting []*Turn
}

// Turn is a part of the room that somebody waits for or holds.
type Turn struct {
	of      *caller
	account *tally     // nil: of none that is known
	weight  int64      // bytes
	come    chan error // gets nil when the turn has come, else why it never will
}

// New makes room of which nobody holds anything.
func New(o Options) *Turns {
	return &Turns{opt: o, callers: map[string]*caller{}, accounts: map[string]*tally{}}
}

// Share is what one caller, and all large parts together, hold at most.
func (t *Turns) Share() int64 { return t.opt.Room - t.opt.Slot }

// Take waits for a turn of so many bytes, as long as ctx and the patience last. Meanwhile the
// call that ctx belongs to does not count as worked on. Whoever got a turn gives it back.
func (t *Turns) Take(ctx context.Context, of Who, bytes int64) (*Turn, error) {
	w, err := t.lineUp(of, min(max(bytes, t.opt.Slot), t.Share()))
	if err != nil {
		return nil, err
	}

	select {
	case err = <-w.come: // at once
	default:
		err = t.wait(ctx, w)
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// wait waits for a turn to come.
func (t *Turns) wait(ctx context.Context, w *Turn) error {
	defer horde.PauseCounting(ctx)()
	var tired <-chan time.Time
	if t.opt.Patience > 0 {
		timer := time.NewTimer(t.opt.Patience)
		defer timer.Stop()
		tired = timer.C
	}

	select {
	case err := <-w.come:
		return err
	case <-tired:
		t.giveUp(w)
		return ErrBusy
	case <-ctx.Done():
		t.giveUp(w)
		return ctx.Err()
	}
}

// lineUp puts a turn behind those of its caller, and sends somebody away where too many
// wait: the caller or account that has too many itself, else the last one of whoever has
// most.
func (t *Turns) lineUp(of Who, weight int64) (*Turn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.callers[of.Caller]
	if c == nil {
		c = &caller{name: of.Caller}
		t.callers[of.Caller] = c
	}

	w := &Turn{of: c, account: t.tallyLocked(of.Account), weight: weight, come: make(chan error, 1)}
	if w.account != nil {
		w.account.waiting++
	}
	if c.waiting = append(c.waiting, w); len(c.waiting) == 1 {
		t.order = append(t.order, c)
	}
	t.waiting++
	t.callLocked()

	if t.tooManyLocked(w) {
		t.removeLocked(w)
		return nil, ErrCallerBusy
	}
	if t.opt.MaxWaiting > 0 && t.waiting > t.opt.MaxWaiting {
		last := t.longestLocked(c)
		t.removeLocked(last)
		last.come <- ErrBusy
		t.callLocked() // room may have been kept for it
	}
	return w, nil
}

// tooManyLocked reports whether the caller of a turn, or its account, has more waiting than
// one may have.
func (t *Turns) tooManyLocked(w *Turn) bool {
	most := t.opt.PerCaller
	return most > 0 && (w.of.name != "" && len(w.of.waiting) > most || w.account != nil && w.account.waiting > most)
}

// tallyLocked is that of an account, nil for none.
func (t *Turns) tallyLocked(account string) *tally {
	if account == "" {
		return nil
	}
	a := t.accounts[account]
	if a == nil {
		a = &tally{name: account}
		t.accounts[account] = a
	}
	return a
}

// longestLocked is the last turn of the caller with the most that wait: of like, if none
// has more than that.
func (t *Turns) longestLocked(like *caller) *Turn {
	longest := like
	for _, c := range t.order {
		if len(c.waiting) > len(longest.waiting) {
			longest = c
		}
	}
	return longest.waiting[len(longest.waiting)-1]
}

// callLocked lets in whose turn has come.
func (t *Turns) callLocked() {
	for w := t.nextLocked(); w != nil; w = t.nextLocked() {
		c := w.of
		t.holdLocked(w, w.weight)
		t.removeLocked(w)
		if len(c.waiting) > 0 { // behind the others
			i := slices.Index(t.order, c)
			t.order = append(slices.Delete(t.order, i, i+1), c)
		}
		w.come <- nil
	}
}

// nextLocked is the next turn that there is room for, nil: none.
func (t *Turns) nextLocked() *Turn {
	room := t.opt.Room - t.held
	for _, c := range t.order {
		w := c.waiting[0]
		switch {
		case c.name != "" && c.held+w.weight > t.Share():
			continue // it waits for its own
		case w.account != nil && w.account.held+w.weight > t.Share():
			continue // likewise
		case w.weight > t.opt.Slot && t.heldLarge+w.weight > t.Share():
			continue // it waits for other large ones, which small ones do not hold up
		case w.weight > room:
			room -= w.weight // kept for it
			continue
		}
		return w
	}
	return nil
}

// removeLocked takes a turn from those that wait.
func (t *Turns) removeLocked(w *Turn) {
	c := w.of
	i := slices.Index(c.waiting, w)
	c.waiting = slices.Delete(c.waiting, i, i+1)
	t.waiting--
	if w.account != nil {
		w.account.waiting--
	}
	if len(c.waiting) == 0 {
		t.order = slices.DeleteFunc(t.order, func(o *caller) bool { return o == c })
	}
	t.forgetLocked(w)
}

// holdLocked counts bytes as held, or as given back where they are negative.
func (t *Turns) holdLocked(w *Turn, bytes int64) {
	t.held += bytes
	w.of.held += bytes
	if w.account != nil {
		w.account.held += bytes
	}
	if w.weight > t.opt.Slot {
		t.heldLarge += bytes
	}
}

// forgetLocked forgets the caller and the account of a turn where they neither wait nor
// hold anything.
func (t *Turns) forgetLocked(w *Turn) {
	if c := w.of; len(c.waiting) == 0 && c.held == 0 {
		delete(t.callers, c.name)
	}
	if a := w.account; a != nil && a.waiting == 0 && a.held == 0 {
		delete(t.accounts, a.name)
	}
}

// giveUp takes a turn out whose caller has left, whether its turn has come or not.
func (t *Turns) giveUp(w *Turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(w.of.waiting, w) {
		t.removeLocked(w)
		t.callLocked() // room may have been kept for it
		return
	}
	if err := <-w.come; err == nil {
		t.giveBackLocked(w)
	}
}

// Shrink gives a part of a turn back, so that it holds so many bytes, or what it held where
// that was less.
func (t *Turns) Shrink(w *Turn, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holdLocked(w, -w.weight)
	w.weight = min(w.weight, max(bytes, t.opt.Slot))
	t.holdLocked(w, w.weight)
	t.callLocked()
}

// GiveBack ends a turn.
func (t *Turns) GiveBack(w *Turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBackLocked(w)
}

func (t *Turns) giveBackLocked(w *Turn) {
	t.holdLocked(w, -w.weight)
	t.forgetLocked(w)
	t.callLocked()
}
