package live

import (
	"slices"

	"horde/internal/horde"
	"horde/internal/waiting"
)

// Follow has w told of every change of those entries that are in the table. It returns
// their keys, each once.
func (t *Table[E, P]) Follow(keys []string, w *waiting.Watch, now horde.Micros) (found []string) {
	for _, key := range keys {
		if r := t.rows[key]; r != nil && r.entry.Expires() > now && !slices.Contains(found, key) {
			r.followers.Add(w)
			found = append(found, key)
		}
	}
	return found
}

// Unfollow ends Follow.
func (t *Table[E, P]) Unfollow(keys []string, w *waiting.Watch) {
	for _, key := range keys {
		if r := t.rows[key]; r != nil {
			delete(r.followers, w)
		}
	}
}

// Followed is how many follow an entry.
func (t *Table[E, P]) Followed(key string) int {
	if r := t.rows[key]; r != nil {
		return len(r.followers)
	}
	return 0
}

// Note tells those who follow an entry that something changed of it.
func (t *Table[E, P]) Note(key string) {
	if r := t.rows[key]; r != nil {
		t.list(r)
		r.followers.Note(key)
	}
}
