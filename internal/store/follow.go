package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what followers may take.
const (
	tellTimeout     = 5 * time.Second // while the callers of a batch wait
	reloadTimeout   = 5 * time.Minute
	catchUpPause    = 100 * time.Millisecond // before reading everything once more
	maxCatchUpPause = time.Second
)

// Follower brings committed changes into memory.
type Follower func(context.Context, *Changes) error

// Follow has f called with everything that is committed from now on: by this node, in
// the order of its commits and before their callers hear from Write, so that whoever
// has written finds it in memory; and by other nodes, while Watch runs. The two may
// call at once. Where f fails, all followers are called again with Missed, beside the
// commits that follow, until none fails: the database is right, and nobody waits.
//
// The callers of a whole batch wait for f: it reads what it must and nothing more, and
// never calls Write, nor takes a lock that is held during one.
func (s *Store) Follow(f Follower) { s.followers.add(f) }

// followers are called in the order in which they came, so that those who use others
// find them up to date.
type followers struct {
	mu   sync.Mutex                 // held while one is added
	list atomic.Pointer[[]Follower] // never changed in place
}

func (fs *followers) add(one Follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()

	var list []Follower
	if old := fs.list.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, one)
	fs.list.Store(&list)
}

// tell calls them all, though one fails: some need nothing that could.
func (fs *followers) tell(ctx context.Context, c *Changes) error {
	list := fs.list.Load()
	if list == nil {
		return nil
	}
	var failed error
	for _, follower := range *list {
		failed = errors.Join(failed, follower(ctx, c))
	}
	return failed
}

// round is a batch on its way from its commit to its callers.
type round struct {
	batch   []*pending
	results []error
	changes Changes

	// unknown: the database went away before it answered, so that anything of the
	// batch may have been written.
	unknown bool
}

// prepare empties r but for its batch, for another attempt.
func (r *round) prepare() {
	n := len(r.batch)
	r.results = slices.Grow(r.results[:0], n)[:n]
	clear(r.results)
	r.changes, r.unknown = Changes{}, false
}

// handOver has a round published. Where nothing waits for the writer and there is next
// to nothing to do, it does so itself: to wake another goroutine would take longer.
func (w *writer) handOver(r *round) {
	if len(w.queue) == 0 && w.unpublished.Load() == 0 && !r.unknown && r.changes.light() {
		w.answer(r)
		return
	}
	w.unpublished.Add(1)
	w.rounds <- r
}

// publish answers the rounds that the writer does not answer itself, in the order of the
// commits. The writer is at its next batch by then.
func (w *writer) publish() {
	defer close(w.published)
	defer close(w.missed)
	for r := range w.rounds {
		w.answer(r)
		w.unpublished.Add(-1)
	}
}

// answer takes what was committed to the followers and then answers the callers.
func (w *writer) answer(r *round) {
	if r.unknown || !w.tell(&r.changes) {
		select {
		case w.missed <- struct{}{}:
		default: // it is to be read again already, after this
		}
	}
	for i, p := range r.batch {
		p.done <- r.results[i]
	}

	clear(r.batch) // they belong to other callers by now
	r.batch = r.batch[:0]
	w.free <- r
}

// tell tells the followers and reports whether all of them have heard.
func (w *writer) tell(c *Changes) bool {
	if c.none() {
		return true
	}
	ctx, cancel := context.WithTimeout(w.life, tellTimeout)
	defer cancel()
	err := w.s.followers.tell(ctx, c)
	if err != nil {
		w.s.log.Error("bring own changes into memory; all is read again", "error", err)
	}
	return err == nil
}

// catchUp has the followers read everything again where they have missed something,
// with pauses where that fails too. It ends with the writer.
func (w *writer) catchUp() {
	defer close(w.caughtUp)
	for range w.missed {
		for pause := catchUpPause; ; pause = min(2*pause, maxCatchUpPause) {
			ctx, cancel := context.WithTimeout(w.life, reloadTimeout)
			err := w.s.followers.tell(ctx, &Changes{Missed: true})
			cancel()
			if err == nil {
				break
			}
			if w.life.Err() != nil {
				return
			}
			w.s.log.Error("read all again after missed changes", "error", err, "again_in", pause)

			select {
			case <-w.life.Done():
				return
			case <-time.After(pause):
			}
		}
	}
}
