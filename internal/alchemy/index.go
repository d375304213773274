package alchemy

import (
	"maps"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"horde/internal/store"
)

// index holds the live requests of the horde as this node knows them. All of it,
// the moving fields of entries and forms included, is guarded by mu; nothing
// under mu waits for the database.
type index struct {
	mu      sync.Mutex
	entries map[string]*entry
	forms   map[string]*form
	lines   map[string]*btree.BTreeG[*form] // waiting forms by name, in the order of the queue
	holders map[int64]*holder               // by user
	open    int                             // forms waiting or running
}

// holder is what one user has in the queue.
type holder struct {
	entries map[*entry]bool
	open    int // forms waiting or running
}

func newIndex() *index {
	return &index{entries: map[string]*entry{}, forms: map[string]*form{},
		lines: map[string]*btree.BTreeG[*form]{}, holders: map[int64]*holder{}}
}

func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.entries))
}

// add takes a new live request into the index.
func (x *index) add(e *entry) {
	x.entries[e.row.ID] = e
	h := x.holders[e.row.UserID]
	if h == nil {
		h = &holder{entries: map[*entry]bool{}}
		x.holders[e.row.UserID] = h
	}
	h.entries[e] = true
	for _, f := range e.forms {
		x.forms[f.ID] = f
		x.count(f, 1)
		x.place(f)
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
		x.unplace(f)
	}
	h := x.holders[e.row.UserID]
	delete(h.entries, e)
	if len(h.entries) == 0 {
		delete(x.holders, e.row.UserID)
	}
	e.watches.Note(e.row.ID)
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
	x.place(f)
	f.e.watches.Note(f.e.row.ID)
}

// place puts a form where pops look, or takes it away, as its state says.
func (x *index) place(f *form) {
	if f.State != store.FormWaiting {
		x.unplace(f)
		return
	}
	if f.queued {
		return
	}
	f.queued = true
	if x.lines[f.Name] == nil {
		x.lines[f.Name] = btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
	}
	x.lines[f.Name].Set(f)
}

func (x *index) unplace(f *form) {
	if f.queued {
		f.queued = false
		x.lines[f.Name].Delete(f)
	}
}

// openOf is how many forms of a user wait or run.
func (x *index) openOf(user int64) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if h := x.holders[user]; h != nil {
		return h.open
	}
	return 0
}
