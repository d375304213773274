package alchemy

import (
	"sync"

	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/store"
)

// index holds the live requests of the horde as this node knows them. Nothing under mu
// waits for the database.
type index struct {
	mu       sync.Mutex
	requests *live.Table[*entry, *form] // guarded by mu, as are the moving fields of entries and forms
	queue    *match.Index               // guarded by mu; forms that wait
}

func newIndex() *index {
	return &index{requests: live.NewTable[*entry, *form](), queue: match.NewIndex(nil)}
}

func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests.Keys()
}

// addLocked takes a new live request into the index.
func (x *index) addLocked(e *entry) {
	x.requests.Add(e)
	for _, f := range e.forms {
		x.requests.SetPart(f.ID, f)
		f.item = itemOf(f)
		x.queue.Update(&f.item, f.itemState())
	}
}

// removeLocked forgets a request.
func (x *index) removeLocked(e *entry) {
	if !x.requests.Remove(e) {
		return
	}
	for _, f := range e.forms {
		x.requests.DropPart(f.ID)
		x.queue.Remove(&f.item)
	}
}

// retireLocked takes out of memory what is over.
func (x *index) retireLocked(now horde.Micros) {
	for _, e := range x.requests.Over(now) {
		x.removeLocked(e)
	}
}

// applyLocked takes a newer state of a form.
func (x *index) applyLocked(f *form, p store.FormProgress) {
	if p.Version <= f.Version || x.requests.Part(f.ID) != f {
		return
	}
	f.FormProgress, f.rivals = p, kinds.Rivals{}
	x.requests.Changed(f.e)
	x.queue.Update(&f.item, f.itemState())
}

// renewLocked lets a request live on until a time, if not for longer already.
func (x *index) renewLocked(e *entry, expires horde.Micros) {
	e.expires = max(e.expires, expires)
	for _, f := range e.forms {
		f.item.Expires = e.expires
	}
}
