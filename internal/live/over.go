package live

import (
	"time"

	"horde/internal/horde"
)

// lingers is how long an entry that is over stays in memory: for the last question of
// whoever waited for it. It bounds for how long an entry that was read while its row was
// changed can be behind, too.
const lingers = 2 * time.Second

// ended is an entry that seemed to be over at a time.
type ended[E Entry] struct {
	entry E
	at    horde.Micros
}

// list notes an entry that seems to be over. It may be that only its parts have not come in yet.
func (t *Table[E, P]) list(r *row[E]) {
	if !r.listed && r.entry.Over() {
		r.listed = true
		t.ended = append(t.ended, r.entry)
	}
}

// Over returns the entries that have been over for a while and that nobody follows. Its
// owner removes them: whoever asks for one has it read again.
func (t *Table[E, P]) Over(now horde.Micros) (over []E) {
	for _, e := range t.ended {
		t.retired = append(t.retired, ended[E]{e, now})
	}
	clear(t.ended)
	t.ended = t.ended[:0]

	n := 0
	for ; n < len(t.retired) && t.retired[n].at <= now-horde.MicrosIn(lingers); n++ {
		if e := t.retired[n].entry; t.isOver(e) {
			over = append(over, e)
		}
	}
	clear(t.retired[:n]) // they are not to be kept by the array
	t.retired = t.retired[n:]
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

// Ended are the keys of requests that are over and no longer in memory, by their users.
// Its owner guards it.
type Ended struct {
	users map[string]horde.UserID
	keys  map[horde.UserID]map[string]struct{}
}

// NewEnded makes an empty list.
func NewEnded() *Ended {
	return &Ended{users: map[string]horde.UserID{}, keys: map[horde.UserID]map[string]struct{}{}}
}

// Add puts a key on the list.
func (l *Ended) Add(key string, user horde.UserID) {
	if l.keys[user] == nil {
		l.keys[user] = map[string]struct{}{}
	}
	l.users[key], l.keys[user][key] = user, struct{}{}
}

// Remove takes a key off the list, if it is there.
func (l *Ended) Remove(key string) {
	user, ok := l.users[key]
	if !ok {
		return
	}
	delete(l.users, key)
	delete(l.keys[user], key)
	if len(l.keys[user]) == 0 {
		delete(l.keys, user)
	}
}

// Of are the keys of a user, in no order.
func (l *Ended) Of(user horde.UserID) (keys []string) {
	for key := range l.keys[user] {
		keys = append(keys, key)
	}
	return keys
}

// Keys are all of them, in no order.
func (l *Ended) Keys() (keys []string) {
	for key := range l.users {
		keys = append(keys, key)
	}
	return keys
}

// Len is how many there are.
func (l *Ended) Len() int { return len(l.users) }
