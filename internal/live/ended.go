package live

import (
	"github.com/google/uuid"

	"horde/internal/horde"
)

// Ended is what a table remembers of the requests that are over and no longer in memory:
// which of them are their users', and the state in which they left, so that no older row
// brings them back. A busy horde has a million of them until they expire, so nothing here
// has pointers: one takes some 100 bytes. The table's owner guards it.
type Ended struct {
	states map[uuid.UUID]endState
	listed map[horde.UserID]map[uuid.UUID]struct{}
	prune  int // from how many states on those that expired are forgotten
}

// endState is what is known of a request that is over.
type endState struct {
	user    horde.UserID
	version int64        // with which it left memory; 0: it never was there
	expires horde.Micros // when it left memory
}

// minPrune is how many states are kept at least before any is forgotten for its age.
const minPrune = 1024

func newEnded() *Ended {
	return &Ended{
		states: map[uuid.UUID]endState{},
		listed: map[horde.UserID]map[uuid.UUID]struct{}{},
		prune:  minPrune,
	}
}

// idOf is the short form of a key. Every request has a UUID (horde.NewID); nothing is
// remembered of what has another key, and it is read each time somebody asks for it.
func idOf(key string) (id uuid.UUID, ok bool) {
	if len(key) != 36 {
		return id, false
	}
	id, err := uuid.Parse(key)
	return id, err == nil
}

// List puts the key of a request that is over on its user's list.
func (l *Ended) List(key string, user horde.UserID) {
	id, ok := idOf(key)
	if !ok {
		return
	}
	s := l.states[id]
	if s.user != user {
		l.forget(id)
	}
	s.user = user
	l.states[id] = s

	if l.listed[user] == nil {
		l.listed[user] = map[uuid.UUID]struct{}{}
	}
	l.listed[user][id] = struct{}{}
}

// set notes the state of a request that is on no list, in place of what was known of it.
func (l *Ended) set(key string, s endState) {
	if id, ok := idOf(key); ok {
		l.forget(id)
		l.states[id] = s
	}
}

// Remove forgets a request, if it is known.
func (l *Ended) Remove(key string) {
	if id, ok := idOf(key); ok {
		l.forget(id)
	}
}

func (l *Ended) forget(id uuid.UUID) {
	s, ok := l.states[id]
	if !ok {
		return
	}
	delete(l.states, id)
	delete(l.listed[s.user], id)
	if len(l.listed[s.user]) == 0 {
		delete(l.listed, s.user)
	}
}

// forgetExpired forgets, once there are many, the requests that have expired: what
// removed them may have been missed. No row of theirs comes in any more.
func (l *Ended) forgetExpired(now horde.Micros) {
	if len(l.states) < l.prune {
		return
	}
	for id, s := range l.states {
		if s.version > 0 && s.expires <= now {
			l.forget(id)
		}
	}
	l.prune = max(minPrune, 2*len(l.states))
}

// newer reports whether a request left memory in a newer state than this version.
func (l *Ended) newer(key string, version int64) bool {
	id, ok := idOf(key)
	return ok && version < l.states[id].version
}

// Of are the listed keys of a user, in no order.
func (l *Ended) Of(user horde.UserID) (keys []string) {
	for id := range l.listed[user] {
		keys = append(keys, id.String())
	}
	return keys
}

// Keys are all of them, in no order.
func (l *Ended) Keys() (keys []string) {
	for id := range l.states {
		keys = append(keys, id.String())
	}
	return keys
}
