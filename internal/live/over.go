package live

import (
	"time"

	"horde/internal/horde"
)

// lingers is how long an entry that is over stays in memory: for the last question of
// whoever waited for it. It bounds for how long an entry that was read while its row was
// changed can be behind, too.
const lingers = 2 * time.Second

// lingerer is an entry that seemed to be over at a time.
type lingerer[E any] struct {
	entry E
	at    horde.Micros
}

// list notes an entry that seems to be over. It may be that only its parts have not come in yet.
func (t *Table[E, P]) list(r *row[E]) {
	if !r.listed && r.entry.Over() {
		r.listed = true
		t.over = append(t.over, r.entry)
	}
}

// Over returns the entries that have been over for a while and that nobody follows. Its
// owner removes them: whoever asks for one has it read again.
func (t *Table[E, P]) Over(now horde.Micros) (over []E) {
	for _, e := range t.over {
		t.leaving = append(t.leaving, lingerer[E]{e, now})
	}
	clear(t.over)
	t.over = t.over[:0]

	n := 0
	for ; n < len(t.leaving) && t.leaving[n].at <= now-horde.MicrosIn(lingers); n++ {
		if e := t.leaving[n].entry; t.isOver(e) {
			over = append(over, e)
		}
	}
	clear(t.leaving[:n]) // they are not to be kept by the array
	t.leaving = t.leaving[n:]
	return over
}

// isOver reports whether an entry whose time has come can go. What is followed is looked
// at again later.
func (t *Table[E, P]) isOver(e E) bool {
	if !t.Has(e) {
		return false
	}
	r := t.rows[e.Key()]
	r.listed = false
	if len(r.followers) > 0 {
		t.list(r)
		return false
	}
	return e.Over()
}

// Ended is what a table remembers of the requests that are over and no longer in memory:
// which of them are their users', and the state in which they left, so that no older row
// brings them back. The table's owner guards it.
type Ended struct {
	states map[string]endState
	keys   map[horde.UserID]map[string]struct{} // listed ones
	prune  int                                  // from how many states on those that expired are forgotten
}

// endState is what is known of a request that is over.
type endState struct {
	user    horde.UserID
	listed  bool
	version int64        // with which it left memory; 0: it never was there
	expires horde.Micros // when it left memory
}

// minPrune is how many states are kept at least before any is forgotten for its age.
const minPrune = 1024

func newEnded() *Ended {
	return &Ended{states: map[string]endState{}, keys: map[horde.UserID]map[string]struct{}{}, prune: minPrune}
}

// List puts the key of a request that is over on its user's list.
func (l *Ended) List(key string, user horde.UserID) {
	s := l.states[key]
	s.user, s.listed = user, true
	l.set(key, s)
}

// set notes the state of a request, in place of what was known of it.
func (l *Ended) set(key string, s endState) {
	l.Remove(key)
	l.states[key] = s
	if !s.listed {
		return
	}
	if l.keys[s.user] == nil {
		l.keys[s.user] = map[string]struct{}{}
	}
	l.keys[s.user][key] = struct{}{}
}

// Remove forgets a request, if it is known.
func (l *Ended) Remove(key string) {
	s, ok := l.states[key]
	if !ok {
		return
	}
	delete(l.states, key)
	delete(l.keys[s.user], key)
	if len(l.keys[s.user]) == 0 {
		delete(l.keys, s.user)
	}
}

// forgetExpired forgets, once there are many, the requests that have expired: what
// removed them may have been missed. No row of theirs comes in any more.
func (l *Ended) forgetExpired(now horde.Micros) {
	if len(l.states) < l.prune {
		return
	}
	for key, s := range l.states {
		if s.version > 0 && s.expires <= now {
			l.Remove(key)
		}
	}
	l.prune = max(minPrune, 2*len(l.states))
}

// newer reports whether a request left memory in a newer state than this version.
func (l *Ended) newer(key string, version int64) bool { return version < l.states[key].version }

// Of are the listed keys of a user, in no order.
func (l *Ended) Of(user horde.UserID) (keys []string) {
	for key := range l.keys[user] {
		keys = append(keys, key)
	}
	return keys
}

// Keys are all of them, in no order.
func (l *Ended) Keys() (keys []string) {
	for key := range l.states {
		keys = append(keys, key)
	}
	return keys
}
