package live

import (
	"github.com/google/uuid"

	"horde/internal/horde"
)

// Ended is what a table remembers of the requests that are over and no longer in memory:
// which of them are their users', and for a while the state in which they left, so that no
// older row brings them back. A busy horde has a million of them until they expire, so
// what is remembered has no pointers and takes some 50 bytes. The table's owner guards it.
type Ended struct {
	users map[uuid.UUID]horde.UserID // of the listed ones
	lists map[horde.UserID]*endedList

	// With which versions requests left memory, of late and before that.
	late, before map[uuid.UUID]int64
	turned       horde.Micros // when late began
}

// endedList is the requests of a user, and as many more that are none any longer.
type endedList struct {
	ids  []uuid.UUID // in the order in which they were listed
	gone int         // of them
}

// versionKept is for how long versions are kept at least. No read of a row takes longer.
const versionKept = 120_000_000 // microseconds

func newEnded() *Ended {
	return &Ended{
		users:  map[uuid.UUID]horde.UserID{},
		lists:  map[horde.UserID]*endedList{},
		late:   map[uuid.UUID]int64{},
		before: map[uuid.UUID]int64{},
	}
}

// idOf is the short form of a key. Every request has a UUID (horde.NewID); nothing is
// remembered of what has another key, and it is read each time somebody asks for it.
func idOf(key string) (id uuid.UUID, ok bool) {
	const length = 36 // of the usual form: others are other keys
	if len(key) != length {
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
	switch known, listed := l.users[id]; {
	case listed && known == user:
		return
	case listed:
		l.unlist(id)
	}

	l.users[id] = user
	if l.lists[user] == nil {
		l.lists[user] = &endedList{}
	}
	l.lists[user].ids = append(l.lists[user].ids, id)
}

// leave notes with which version a request leaves memory.
func (l *Ended) leave(key string, version int64, now horde.Micros) {
	if now-l.turned > versionKept {
		l.late, l.before, l.turned = map[uuid.UUID]int64{}, l.late, now
	}
	if id, ok := idOf(key); ok {
		l.late[id] = version
	}
}

// newer reports whether a request left memory in a newer state than this version.
func (l *Ended) newer(key string, version int64) bool {
	id, ok := idOf(key)
	return ok && version < max(l.late[id], l.before[id])
}

// Remove forgets a request, if it is known.
func (l *Ended) Remove(key string) {
	if id, ok := idOf(key); ok {
		delete(l.late, id)
		delete(l.before, id)
		l.unlist(id)
	}
}

// unlist takes a request off its user's list, if it is on one.
func (l *Ended) unlist(id uuid.UUID) {
	user, listed := l.users[id]
	if !listed {
		return
	}
	delete(l.users, id)

	of := l.lists[user]
	of.gone++
	switch {
	case of.gone == len(of.ids):
		delete(l.lists, user)
	case of.gone > len(of.ids)/2:
		l.clean(user, of)
	}
}

// clean takes off a list what is gone from it, and what has come back since once.
func (l *Ended) clean(user horde.UserID, of *endedList) {
	left := make([]uuid.UUID, 0, len(of.ids)-of.gone)
	seen := make(map[uuid.UUID]struct{}, cap(left))
	for _, id := range of.ids {
		_, again := seen[id]
		if owner, listed := l.users[id]; listed && owner == user && !again {
			left = append(left, id)
			seen[id] = struct{}{}
		}
	}
	of.ids, of.gone = left, 0
}

// Of are the listed keys of a user, in no order.
func (l *Ended) Of(user horde.UserID) (keys []string) {
	of := l.lists[user]
	if of == nil {
		return nil
	}
	if of.gone > 0 {
		l.clean(user, of)
	}
	for _, id := range of.ids {
		keys = append(keys, id.String())
	}
	return keys
}

// Keys are all listed ones, in no order.
func (l *Ended) Keys() (keys []string) {
	for id := range l.users {
		keys = append(keys, id.String())
	}
	return keys
}
