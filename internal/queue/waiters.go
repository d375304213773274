package queue

import (
	"context"
	"sync"
	"time"
)

// waiters are the pops that wait for a request that fits them.
type waiters struct {
	mu  sync.Mutex
	all map[*waiter]bool
}

type waiter struct {
	view *view
	wake chan struct{}
}

func newWaiters() waiters { return waiters{all: map[*waiter]bool{}} }

func (ws *waiters) add(v *view) *waiter {
	w := &waiter{view: v, wake: make(chan struct{}, 1)}
	ws.mu.Lock()
	ws.all[w] = true
	ws.mu.Unlock()
	return w
}

func (ws *waiters) remove(w *waiter) {
	ws.mu.Lock()
	delete(ws.all, w)
	ws.mu.Unlock()
}

// offer wakes the pops that the new or requeued requests may fit. It asks only
// what never changes of a request, so it needs no lock on the index; whoever is
// woken looks for itself.
func (ws *waiters) offer(entries []*entry) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		for _, e := range entries {
			if w.view.serves(e.models()) && w.view.lacking(e.feat) == 0 {
				select {
				case w.wake <- struct{}{}:
				default:
				}
				break
			}
		}
	}
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
