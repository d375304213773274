package queue

import (
	"context"

	"horde/internal/kudos"
	"horde/internal/live"
	"horde/internal/moderation"
)

// New loads the live requests of the store into memory.
func New(ctx context.Context, c Config) (*Queue, error) {
	c.Begin()
	if c.Pricer == nil {
		c.Pricer = kudos.NewPricer(kudos.Standard())
	}
	if c.Filters == nil {
		c.Filters = &moderation.Filters{}
	}
	shown := newPartials()
	q := &Queue{Config: c, images: newIndex(images, shown), texts: newIndex(texts, shown), partials: shown}
	q.images.Log, q.texts.Log = c.Log, c.Log
	q.Mirror = live.NewMirror(q.source())
	c.Store.Follow(q.Hear)
	return q, q.Reload(ctx)
}
