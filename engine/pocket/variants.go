package pocket

import (
	"context"
	"sync"
)

// Bounds of what is kept of networks with LoRAs in them: two denoisers of about
// 200 MB each and the text encoders that belong to them.
const (
	maxVariants     = 8
	maxVariantBytes = 480 << 20
	nextVariant     = 200 << 20 // bytes kept free for the next one
)

// variants keeps networks whose weights LoRAs changed, in memory only, so that the
// next image with the same LoRAs finds them loaded. The least recently used goes
// first; one that a job uses stays, so that jobs at once can hold more than the
// bounds.
type variants struct {
	load func(name string, as adapters) (session, int, error)

	mu      sync.Mutex
	entries []*variant // the most recently used last; guarded by mu
}

// variant is one such network, or its loading.
type variant struct {
	key   string
	users int // guarded by variants.mu

	ready   chan struct{} // closed when the others are set
	session session
	bytes   int
	err     error
}

// get returns a network with LoRAs in it, which the first to ask loads, and a
// function to be called when the job no longer needs it.
func (vs *variants) get(ctx context.Context, name, part string, as adapters) (session, func(), error) {
	if as = as.touching(part); len(as) == 0 {
		return nil, func() {}, nil // the plain network
	}

	v, mine := vs.hold(as.key(part))
	done := func() { vs.release(v) }
	if mine {
		v.session, v.bytes, v.err = vs.load(name, as)
		close(v.ready)
	}
	select {
	case <-v.ready:
	case <-ctx.Done():
		done()
		return nil, nil, ctx.Err()
	}
	if v.err != nil {
		done()
		return nil, nil, v.err
	}
	return v.session, done, nil
}

// hold finds or adds the entry of a key, in use by the caller; mine: the caller
// must load it.
func (vs *variants) hold(key string) (v *variant, mine bool) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for i, e := range vs.entries {
		if e.key == key {
			vs.entries = append(append(vs.entries[:i:i], vs.entries[i+1:]...), e)
			e.users++
			return e, false
		}
	}

	vs.trimLocked(maxVariants-1, maxVariantBytes-nextVariant)
	v = &variant{key: key, users: 1, ready: make(chan struct{})}
	vs.entries = append(vs.entries, v)
	return v, true
}

// release ends one use, forgets a failed loading, and trims what is kept.
func (vs *variants) release(v *variant) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	v.users--
	vs.trimLocked(maxVariants, maxVariantBytes)
}

// trimLocked closes idle entries from the least recently used on until what is kept
// is within the bounds; failed ones go in any case.
func (vs *variants) trimLocked(count, size int) {
	kept, held := len(vs.entries), 0
	for _, v := range vs.entries {
		held += v.size()
	}

	rest := vs.entries[:0]
	for _, v := range vs.entries {
		idle := v.users == 0
		if idle && (v.err != nil || kept > count || held > size) {
			kept, held = kept-1, held-v.size()
			if v.session != nil {
				v.session.close()
			}
			continue
		}
		rest = append(rest, v)
	}
	clear(vs.entries[len(rest):])
	vs.entries = rest
}

// size is the bytes of a loaded entry, 0 while it is loading.
func (v *variant) size() int {
	select {
	case <-v.ready:
		return v.bytes
	default:
		return 0
	}
}

// close closes everything; nothing may be in use.
func (vs *variants) close() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.trimLocked(0, 0)
}
