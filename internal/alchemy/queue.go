package alchemy

import (
	"context"

	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/requests"
	"horde/internal/store"
)

// Queue is the alchemy requests and forms of the horde as this node sees them.
type Queue struct {
	requests.Config
	*live.Mirror[store.AlchemyRequest, store.Form]
	index *index
}

// find returns the live request with this id, from the database when it is over, or when
// another node took it in and the news has not come yet. A RequestNotFound error when
// there is none.
func (q *Queue) find(ctx context.Context, id string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry { return q.index.Known(id, q.Clock.Micros()) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "Interrogation with ID '%s' not found.", requests.Shown(id))
	}
	return e, err
}

// findForm returns a form of a live request by its id, nil when there is none.
func (q *Queue) findForm(ctx context.Context, id string) (*form, error) {
	return live.FindPart(ctx, q.Refresh, id, q.formInIndex, func(ctx context.Context, id string) (string, error) {
		row, err := q.Store.Form(ctx, id)
		return row.RequestID, err
	})
}

func (q *Queue) formInIndex(id string) *form {
	q.index.Lock()
	defer q.index.Unlock()
	f := q.index.Requests.Part(id)
	if f == nil || f.e.expires <= q.Clock.Micros() {
		return nil
	}
	return f
}

// snapshot copies the row of a form.
func (q *Queue) snapshot(f *form) store.Form {
	q.index.Lock()
	defer q.index.Unlock()
	return f.Form
}

// Open is how many forms wait or run.
func (q *Queue) Open() int {
	q.index.Lock()
	defer q.index.Unlock()
	return q.index.Requests.Total().Jobs
}

// Size is how many requests are in memory, and how many forms of them.
func (q *Queue) Size() (requests, forms int) { return q.index.Size() }

// BytesByUser adds how many bytes the forms of each user take that wait or run to a sum.
func (q *Queue) BytesByUser(sum map[horde.UserID]int64) { q.index.BytesByUser(sum) }
