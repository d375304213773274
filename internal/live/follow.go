package live

import (
	"context"
	"slices"

	"horde/internal/horde"
	"horde/internal/waiting"
)

// Follow has w told of every change of those live requests that there are among keys, in
// memory or in the database, until stop is called. It returns the keys that it found.
func Follow[E Entry[P], P any](
	ctx context.Context, read Read, keys []string, w *waiting.Watch, now func() horde.Micros, indexes ...*Index[E, P],
) (found []string, stop func(), err error) {
	stop = func() {
		for _, x := range indexes {
			x.unfollow(found, w)
		}
	}

	found, err = FindAll(ctx, read, keys, func(keys []string) (found []string) {
		for _, x := range indexes {
			found = append(found, x.follow(keys, w, now())...)
		}
		return found
	})

	if err != nil {
		stop()
		return nil, nil, err
	}
	return found, stop, nil
}

// follow is Follow for the requests of an index. It returns their keys, each once.
func (x *Index[E, P]) follow(keys []string, w *waiting.Watch, now horde.Micros) (found []string) {
	x.Lock()
	defer x.Unlock()
	for _, key := range keys {
		if r := x.Requests.rows[key]; r != nil && r.entry.Expires() > now && !slices.Contains(found, key) {
			r.followers.Add(w)
			found = append(found, key)
		}
	}
	return found
}

func (x *Index[E, P]) unfollow(keys []string, w *waiting.Watch) {
	x.Lock()
	defer x.Unlock()
	for _, key := range keys {
		if r := x.Requests.rows[key]; r != nil {
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
		t.noteOver(r)
		r.followers.Note(key)
	}
}
