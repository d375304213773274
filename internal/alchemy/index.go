package alchemy

import (
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/store"
)

// index is the live requests of the horde as this node knows them, and their forms.
type index struct{ *live.Index[*entry, *form] }

func newIndex() *index { return &index{live.NewIndex[*entry, *form](nil)} }

// applyLocked takes a newer state of a form.
func (x *index) applyLocked(f *form, p store.FormProgress) {
	if p.Version <= f.Version || x.Requests.Part(f.ID) != f {
		return
	}
	f.FormProgress, f.rivals = p, kinds.Rivals{}
	x.Requests.Changed(f.e)
	x.Queue.Update(&f.item, f.itemState())
}

// renewLocked lets a request live on until a time, if not for longer already.
func (e *entry) renewLocked(expires horde.Micros) {
	e.expires = max(e.expires, expires)
	for _, f := range e.forms {
		f.item.Expires = e.expires
	}
}
