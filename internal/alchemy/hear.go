package alchemy

import (
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/store"
)

// This file is how requests and forms come into memory, whoever wrote them: nothing else
// in this package tells the index what was committed.

// rows are a request and its forms.
type rows = live.Rows[store.AlchemyRequest, store.Form]

// source is what the mirror of a queue reads, and where it takes it.
func (q *Queue) source() live.Source[store.AlchemyRequest, store.Form] {
	return live.Source[store.AlchemyRequest, store.Form]{
		Now:       q.Clock.Micros,
		Requests:  q.Store.AlchemyRequests,
		Parts:     q.Store.FormsOf,
		Open:      q.Store.OpenAlchemy,
		OpenParts: q.Store.OpenForms,
		Head:      func(r *store.AlchemyRequest) (string, horde.Micros) { return r.ID, r.Expires },
		RequestOf: func(f *store.Form) string { return f.RequestID },
		Changed:   func(c *store.Changes) []string { return c.Alchemy },
		Known:     q.index.Keys,
		Take: func(read []rows, gone []string) (outdated []string) {
			return live.BringIn(q.index.Index, q.index, read, gone, q.Clock.Micros())
		},
		TakeOwn: q.takeOwn,
	}
}

// takeOwn brings in what this node has committed, and offers what there is to hand out
// of it.
func (q *Queue) takeOwn(c *store.Committed) {
	if len(c.Alchemy)+len(c.Progress)+len(c.Renewed)+len(c.DeletedAlchemy) == 0 {
		return
	}
	q.index.Requests.Offer(q.index.takeOwn(c, q.Join(c.Alchemy, c.Forms), q.Clock.Micros())...)
}

// takeOwn is that under the lock of the index. It returns the requests of which there
// may be more to hand out than before.
func (x *index) takeOwn(c *store.Committed, made []rows, now horde.Micros) []*entry {
	x.Lock()
	defer x.Unlock()
	more, _ := live.Take(x.Index, x, made, c.DeletedAlchemy, now)

	for _, r := range c.Renewed {
		if e := x.Requests.Get(r.ID); e != nil {
			e.renewLocked(r.Expires)
		}
	}
	for _, p := range c.Progress {
		f := x.Requests.Part(p.ID)
		if f == nil {
			continue
		}
		x.applyLocked(f, p.FormProgress)
		if p.State == store.FormWaiting {
			more = append(more, f.e)
		}
	}
	x.RetireLocked(now)
	return more
}

// Read, Commit and Apply are what an index knows of rows (live.Keeper).

// Read makes an entry of a request and its forms.
func (x *index) Read(r *rows) (*entry, error) { return newEntry(r.Request, r.Parts) }

// Commit gives an entry that this node has made the row that was committed.
func (x *index) Commit(e *entry, r *rows) { e.commit(r.Request) }

// Apply gives an entry the state of a request and its forms.
func (x *index) Apply(e *entry, r *rows) {
	e.renewLocked(r.Expires)
	for _, f := range r.Parts {
		if known := x.Requests.Part(f.ID); known != nil {
			x.applyLocked(known, f.FormProgress)
		}
	}
}
