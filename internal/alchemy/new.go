package alchemy

import (
	"context"

	"horde/internal/live"
	"horde/internal/requests"
)

// New loads the live requests of the store into memory.
func New(ctx context.Context, c requests.Config) (*Queue, error) {
	c.Begin()
	q := &Queue{Config: c, index: newIndex()}
	q.index.Log = c.Log
	q.Mirror = live.NewMirror(q.source())
	c.Store.Follow(q.Hear)
	return q, q.Reload(ctx)
}
