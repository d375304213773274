package store

// Waiting is how many units wait for the writer: those of the next batch.
func (s *Store) Waiting() int { return len(s.writer.queue) }

// Migrations are the files of the schema.
var Migrations = migrations
