package blob

import "sync"

// names lets one thing at a time happen to a name: it is written, removed or sealed.
type names struct {
	mu   sync.Mutex
	busy map[string]*turn // guarded by mu
}

// turn is the lock of a name, and how many want it.
type turn struct {
	mu    sync.Mutex
	users int // guarded by names.mu
}

// lock waits until nothing happens to a name, and keeps others from it until release.
func (n *names) lock(name string) (release func()) {
	n.mu.Lock()
	t := n.busy[name]
	if t == nil {
		t = &turn{}
		if n.busy == nil {
			n.busy = map[string]*turn{}
		}
		n.busy[name] = t
	}
	t.users++
	n.mu.Unlock()

	t.mu.Lock()
	return func() {
		t.mu.Unlock()
		n.mu.Lock()
		defer n.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(n.busy, name)
		}
	}
}
