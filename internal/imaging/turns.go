package imaging

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// ErrCallerBusy is ErrBusy for one caller alone, who has too many images waiting.
var ErrCallerBusy = fmt.Errorf("%w: of one caller", ErrBusy)

// minSlots is how many small images a lane has room for at least.
const minSlots = 4

// turns is the room of a lane, and who waits for a part of it. Whoever waits has a turn
// after those of other callers, however many one of them has waiting, and none holds all
// of the room:
//
//   - One slot of the room is never given to large images, which take more than a slot,
//     nor to images of one caller alone. So a small image never waits for a large one.
//   - An account holds, and has waiting, no more than one caller, however many callers
//     come for it.
//   - A large image whose turn has come keeps the room that it needs: small ones that come
//     later do not take it.
type turns struct {
	room       int64 // bytes
	slot       int64 // bytes that an image counts at least
	maxWaiting int   // images, of all callers; 0: any number
	perCaller  int   // images of one caller that wait; 0: any number

	mu        sync.Mutex
	held      int64              // bytes; guarded by mu
	heldLarge int64              // bytes of these that large images hold; guarded by mu
	waiting   int                // images; guarded by mu
	callers   map[string]*caller // who hold something or wait; guarded by mu
	order     []*caller          // who wait, the next one first; guarded by mu
	accounts  map[string]*tally  // that hold something or wait; guarded by mu
}

// who says whose an image is.
type who struct {
	caller  string // "": nobody in particular, who has no bounds but those of the lane
	account string // "": none that is known
}

// tally is what an account has in a lane, of all callers. Its fields are guarded by
// turns.mu.
type tally struct {
	name    string
	held    int64 // bytes
	waiting int   // images
}

// caller is somebody with images in a lane. Its fields are guarded by turns.mu.
type caller struct {
	name    string // "": nobody in particular, who has no bounds but those of the lane
	held    int64  // bytes
	waiting []*turn
}

// turn is a part of the room that somebody waits for or holds.
type turn struct {
	of      *caller
	account *tally     // nil: of none that is known
	weight  int64      // bytes
	come    chan error // gets nil when the turn has come, else why it never will
}

func newTurns(room, slot int64, maxWaiting, perCaller int) *turns {
	return &turns{
		room:       room,
		slot:       slot,
		maxWaiting: maxWaiting,
		perCaller:  perCaller,
		callers:    map[string]*caller{},
		accounts:   map[string]*tally{},
	}
}

// share is what one caller, and all large images together, hold at most.
func (t *turns) share() int64 { return t.room - t.slot }

// take waits for the turn of an image of a caller, as long as ctx lasts. Whoever got one
// gives it back.
func (t *turns) take(ctx context.Context, of who, bytes int64) (*turn, error) {
	w, err := t.lineUp(of, min(max(bytes, t.slot), t.share()))
	if err != nil {
		return nil, err
	}

	select {
	case err = <-w.come:
	case <-ctx.Done():
		t.giveUp(w)
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// lineUp puts an image behind those of its caller, and sends somebody away where too many
// wait: the caller or account that has too many itself, else the last image of whoever has
// most.
func (t *turns) lineUp(of who, weight int64) (*turn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.callers[of.caller]
	if c == nil {
		c = &caller{name: of.caller}
		t.callers[of.caller] = c
	}

	w := &turn{of: c, account: t.tallyLocked(of.account), weight: weight, come: make(chan error, 1)}
	if w.account != nil {
		w.account.waiting++
	}
	if c.waiting = append(c.waiting, w); len(c.waiting) == 1 {
		t.order = append(t.order, c)
	}
	t.waiting++
	t.callLocked()

	tooMany := of.caller != "" && len(c.waiting) > t.perCaller || w.account != nil && w.account.waiting > t.perCaller
	if t.perCaller > 0 && tooMany {
		t.removeLocked(w)
		return nil, ErrCallerBusy
	}
	if t.maxWaiting > 0 && t.waiting > t.maxWaiting {
		last := t.longestLocked(c)
		t.removeLocked(last)
		last.come <- ErrBusy
		t.callLocked() // room may have been kept for it
	}
	return w, nil
}

// tallyLocked is that of an account, nil for none.
func (t *turns) tallyLocked(account string) *tally {
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

// longestLocked is the last image of the caller with the most that wait: of like, if none
// has more than that.
func (t *turns) longestLocked(like *caller) *turn {
	longest := like
	for _, c := range t.order {
		if len(c.waiting) > len(longest.waiting) {
			longest = c
		}
	}
	return longest.waiting[len(longest.waiting)-1]
}

// callLocked lets in whose turn has come.
func (t *turns) callLocked() {
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

// nextLocked is the next image that there is room for, nil: none.
func (t *turns) nextLocked() *turn {
	room := t.room - t.held
	for _, c := range t.order {
		w := c.waiting[0]
		switch {
		case c.name != "" && c.held+w.weight > t.share():
			continue // it waits for its own
		case w.account != nil && w.account.held+w.weight > t.share():
			continue // likewise
		case w.weight > t.slot && t.heldLarge+w.weight > t.share():
			continue // it waits for other large ones, which small ones do not hold up
		case w.weight > room:
			room -= w.weight // kept for it
			continue
		}
		return w
	}
	return nil
}

// removeLocked takes an image from those that wait.
func (t *turns) removeLocked(w *turn) {
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
func (t *turns) holdLocked(w *turn, bytes int64) {
	t.held += bytes
	w.of.held += bytes
	if w.account != nil {
		w.account.held += bytes
	}
	if w.weight > t.slot {
		t.heldLarge += bytes
	}
}

// forgetLocked forgets the caller and the account of a turn where they neither wait nor
// hold anything.
func (t *turns) forgetLocked(w *turn) {
	if c := w.of; len(c.waiting) == 0 && c.held == 0 {
		delete(t.callers, c.name)
	}
	if a := w.account; a != nil && a.waiting == 0 && a.held == 0 {
		delete(t.accounts, a.name)
	}
}

// giveUp takes an image out whose caller has left, whether its turn has come or not.
func (t *turns) giveUp(w *turn) {
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

// giveBack ends a turn.
func (t *turns) giveBack(w *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBackLocked(w)
}

func (t *turns) giveBackLocked(w *turn) {
	t.holdLocked(w, -w.weight)
	t.forgetLocked(w)
	t.callLocked()
}
