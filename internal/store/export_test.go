package store

import (
	"time"

	"horde/internal/horde"
)

// SetRollbackTimeout sets for how long a hung rollback is waited for. Call it before
// the first write.
func (s *Store) SetRollbackTimeout(d time.Duration) { s.writer.rollbackTimeout = d }

// SetMaxWait sets for how long a unit waits for the writer. Call it before the first
// write.
func (s *Store) SetMaxWait(d time.Duration) { s.writer.maxWait = d }

// Waiting is how many units wait for the writer: those of the next batch.
func (s *Store) Waiting() int { return len(s.writer.queue) }

// Count counts finished jobs without listing them as deliveries.
func (tx *Tx) Count(kind horde.Kind, model string, at horde.Micros, t Tally) {
	tx.count(kind, model, at, t)
}

// Migrations are the files of the schema.
var Migrations = migrations

// Changed is what a transaction makes known at its commit.
func Changed(tx *Tx) *Changes { return &tx.changed }

// IsNone reports whether nothing of interest changed.
func IsNone(c *Changes) bool { return c.none() }

// IsLight reports whether a commit that made known changes has no follower ask the
// database.
func IsLight(c *Changes) bool { return c.light() }

// Tidy leaves each id of c once, in order.
func Tidy(c *Changes) { c.tidy() }
