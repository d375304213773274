package live

import (
	"context"
	"fmt"
	"slices"

	"horde/internal/horde"
	"horde/internal/store"
)

// Source is where a Mirror reads requests, and where it takes them. R is the row of a
// request, J that of a job or form.
type Source[R, J any] struct {
	Now func() horde.Micros

	// Requests reads those with these ids, Parts their jobs or forms; Open and OpenParts
	// read those of all requests that have not expired and are not over.
	Requests  func(ctx context.Context, ids []string) ([]R, error)
	Parts     func(ctx context.Context, requests []string) ([]J, error)
	Open      func(ctx context.Context, now horde.Micros) ([]R, error)
	OpenParts func(ctx context.Context, now horde.Micros) ([]J, error)

	Head      func(*R) (id string, expires horde.Micros)
	RequestOf func(*J) string // id of the request that a job or form is part of
	// Waits reports whether there is to be more of a request than the parts it has; nil:
	// it has all from the beginning.
	Waits func(*R) bool

	// Changed are the ids of the requests that other nodes have changed.
	Changed func(*store.Changes) []string
	// Known are the ids of the requests in memory.
	Known func() []string
	// Take brings rows that were read into memory (BringIn).
	Take func(rows []Rows[R, J], gone []string) (outdated []string)
	// TakeOwn brings in what this node has committed. Its callers wait for it, and the
	// writer may: it reads nothing.
	TakeOwn func(*store.Committed)
	// Besides reads again what the room keeps beside its requests; nil: nothing.
	Besides func(context.Context) error
}

// Mirror keeps the live requests in memory in line with the database. It is the one way
// by which they come there, whoever wrote them.
type Mirror[R, J any] struct{ from Source[R, J] }

// NewMirror makes a mirror that has read nothing yet.
func NewMirror[R, J any](from Source[R, J]) *Mirror[R, J] { return &Mirror[R, J]{from} }

// Hear is what the store calls (store.Follow) with everything that is committed: by this
// node, before whoever wrote it is answered, and by others, as their change log tells.
func (m *Mirror[R, J]) Hear(ctx context.Context, c *store.Changes) error {
	switch {
	case c.Missed:
		return m.Reload(ctx)
	case c.Own: // the rows are there
		m.from.TakeOwn(&c.Committed)
		return nil
	}
	return m.Refresh(ctx, m.from.Changed(c))
}

// Refresh reads requests that another node has changed, or which are over and somebody
// asks for. Those without a row are forgotten.
func (m *Mirror[R, J]) Refresh(ctx context.Context, ids []string) error {
	for len(ids) > 0 {
		requests, err := m.from.Requests(ctx, ids)
		if err != nil {
			return err
		}

		// The parts come second: what is over by its row has all of them.
		var parts []J
		if len(requests) > 0 {
			if parts, err = m.from.Parts(ctx, ids); err != nil {
				return err
			}
		}

		// Where the reading took so long that a request has ended here and left memory
		// meanwhile, it is read once more.
		ids = m.from.Take(m.Join(requests, parts), ids)
	}
	return nil
}

// Reload reads the live requests again: at the start, and when changes of other nodes were
// missed. Those that are over are read when somebody asks for them.
func (m *Mirror[R, J]) Reload(ctx context.Context) error {
	now, known := m.from.Now(), m.from.Known()
	requests, err := m.from.Open(ctx, now)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	parts, err := m.from.OpenParts(ctx, now)
	if err != nil {
		return fmt.Errorf("read jobs or forms: %w", err)
	}

	// What has ended since the first reading has no parts in the second.
	rows := slices.DeleteFunc(m.Join(requests, parts), func(r Rows[R, J]) bool {
		return len(r.Parts) == 0 && (m.from.Waits == nil || !m.from.Waits(&r.Request))
	})
	m.from.Take(rows, nil)
	if m.from.Besides != nil {
		if err := m.from.Besides(ctx); err != nil {
			return err
		}
	}

	// What is known and has not been read is over, or gone.
	read := make(map[string]bool, len(rows))
	for i := range rows {
		read[rows[i].Key] = true
	}
	return m.Refresh(ctx, slices.DeleteFunc(known, func(id string) bool { return read[id] }))
}

// Unheard are the ids of the requests that other nodes have changed and this one may not
// have heard of: all of them, as they are read by all, where it may be any. The unit of
// the transaction must have said that it wants to know (store.Unit.Unheard).
func (m *Mirror[R, J]) Unheard(tx *store.Tx, all func() ([]string, error)) ([]string, error) {
	news, err := tx.Unheard()
	if err != nil {
		return nil, err
	}
	if news.Missed {
		return all()
	}
	return m.from.Changed(&news), nil
}

// Join puts parts to their requests.
func (m *Mirror[R, J]) Join(requests []R, parts []J) []Rows[R, J] {
	of := map[string][]J{}
	for i := range parts {
		id := m.from.RequestOf(&parts[i])
		of[id] = append(of[id], parts[i])
	}
	rows := make([]Rows[R, J], len(requests))
	for i, r := range requests {
		id, expires := m.from.Head(&r)
		rows[i] = Rows[R, J]{Key: id, Expires: expires, Request: r, Parts: of[id]}
	}
	return rows
}
