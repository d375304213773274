package alchemy

import (
	"context"
	"slices"
	"sync"
	"time"
)

// waiters are the pops that wait for a form that they offer.
type waiters struct {
	mu  sync.Mutex
	all map[*waiter]bool
}

type waiter struct {
	forms []string // sorted
	wake  chan struct{}
}

func newWaiters() waiters { return waiters{all: map[*waiter]bool{}} }

func (ws *waiters) add(forms []string) *waiter {
	w := &waiter{forms: forms, wake: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all[w] = true
	return w
}

func (ws *waiters) remove(w *waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w)
}

// offer wakes the pops that forms of these requests may fit. It asks only what
// never changes of a request, so it needs no lock on the index.
func (ws *waiters) offer(entries ...*entry) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		if slices.ContainsFunc(entries, w.wants) {
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (w *waiter) wants(e *entry) bool {
	return slices.ContainsFunc(e.forms, func(f *form) bool {
		_, found := slices.BinarySearch(w.forms, f.Name)
		return found
	})
}

// wait returns true when there is something to look at, false when the time or
// ctx has ended.
func (w *waiter) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.wake:
		return true
	case <-t.C:
		return false
	case <-ctx.Done():
		return false
	}
}
