package alchemy

import (
	"maps"
	"slices"
	"sync"

	"horde/internal/match"
	"horde/internal/store"
)

// index holds the live requests of the horde as this node knows them. All of it,
// the moving fields of entries and forms included, is guarded by mu; nothing
// under mu waits for the database.
type index struct {
	mu      sync.Mutex
	entries map[string]*entry
	forms   map[string]*form
	queue   *match.Index      // waiting forms
	holders map[int64]*holder // by user
	coming  map[string]places // of requests that are being committed, by id
	open    int               // forms waiting or running
}

// places are forms of a user that are not in the index yet.
type places struct {
	user  int64
	forms int
}

// holder is what one user has in the queue.
type holder struct {
	entries map[*entry]bool
	coming  int // requests that are being committed
	open    int // forms waiting or running, those of requests that are coming too
}

func newIndex() *index {
	return &index{
		entries: map[string]*entry{},
		forms:   map[string]*form{},
		queue:   match.NewIndex(nil),
		holders: map[int64]*holder{},
		coming:  map[string]places{},
	}
}

func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.entries))
}

// add takes a new live request into the index.
func (x *index) add(e *entry) {
	x.leavePlacesLocked(e.row.ID) // else they would count twice
	x.entries[e.row.ID] = e
	x.holder(e.row.UserID).entries[e] = true
	for _, f := range e.forms {
		x.forms[f.ID] = f
		x.count(f, 1)
		f.item = itemOf(f)
		x.queue.Update(&f.item, f.itemState())
	}
}

// remove forgets a request.
func (x *index) remove(e *entry) {
	if x.entries[e.row.ID] != e {
		return
	}
	delete(x.entries, e.row.ID)
	for _, f := range e.forms {
		delete(x.forms, f.ID)
		x.count(f, -1)
		x.queue.Remove(&f.item)
	}
	delete(x.holders[e.row.UserID].entries, e)
	x.tidyHolder(e.row.UserID)
	e.watches.Note(e.row.ID)
}

// holder is what a user has, made when there was nothing.
func (x *index) holder(user int64) *holder {
	h := x.holders[user]
	if h == nil {
		h = &holder{entries: map[*entry]bool{}}
		x.holders[user] = h
	}
	return h
}

func (x *index) tidyHolder(user int64) {
	if h := x.holders[user]; len(h.entries) == 0 && h.coming == 0 {
		delete(x.holders, user)
	}
}

// count adds a form to the sums while it waits or runs.
func (x *index) count(f *form, sign int) {
	if f.State == store.FormWaiting || f.State == store.FormRunning {
		x.open += sign
		x.holders[f.e.row.UserID].open += sign
	}
}

// apply takes a newer state of a form.
func (x *index) apply(f *form, p store.FormProgress) {
	if p.Version <= f.Version || x.forms[f.ID] != f {
		return
	}
	x.count(f, -1)
	f.FormProgress = p
	x.count(f, 1)
	x.queue.Update(&f.item, f.itemState())
	f.e.watches.Note(f.e.row.ID)
}

// renewLocked lets a request live on until a time, if not for longer already.
func (x *index) renewLocked(e *entry, expires int64) {
	e.expires = max(e.expires, expires)
	for _, f := range e.forms {
		f.item.Expires = e.expires
	}
}
