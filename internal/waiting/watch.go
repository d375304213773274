package waiting

import "sync"

// Watch collects which of several objects have changed, for one follower.
// Whoever changes an object notes it; nobody ever waits for the follower, and what
// changes twice before it looks is reported once. Make it with NewWatch.
type Watch struct {
	wake    chan struct{}
	mu      sync.Mutex
	changed map[string]bool // guarded by mu
}

// NewWatch returns a Watch for which nothing has changed yet.
func NewWatch() *Watch {
	return &Watch{wake: make(chan struct{}, 1), changed: map[string]bool{}}
}

// Note records that the object with this id has changed.
func (w *Watch) Note(id string) {
	w.mu.Lock()
	w.changed[id] = true
	w.mu.Unlock()

	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Woken receives when there may be something for Changed to report.
func (w *Watch) Woken() <-chan struct{} { return w.wake }

// Changed returns what has changed since the last call, in no order.
func (w *Watch) Changed() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.changed {
		ids = append(ids, id)
	}
	clear(w.changed)
	return ids
}

// Watches are the followers of one object. The zero value has none. Its owner
// guards it.
type Watches map[*Watch]bool

// Add adds a follower.
func (s *Watches) Add(w *Watch) {
	if *s == nil {
		*s = Watches{}
	}
	(*s)[w] = true
}

// Note tells all followers that the object with this id has changed.
func (s Watches) Note(id string) {
	for w := range s {
		w.Note(id)
	}
}
