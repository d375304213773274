package store

import (
	"context"
	"strconv"
	"strings"

	"horde/internal/horde"
)

// WorkerMessage is a message to a worker, or to all of them
// (platform §3.5). It is never changed, only deleted.
type WorkerMessage struct {
	ID       string
	WorkerID string       // "": to all workers
	UserID   horde.UserID // who wrote it
	Message  string
	Origin   string
	Created  horde.Micros
	Expires  horde.Micros
}

const messageColumns = "id, worker_id, user_id, message, origin, created, expires"

func scanMessage(r scanner) (m WorkerMessage, err error) {
	return m, r.Scan(&m.ID, &m.WorkerID, &m.UserID, &m.Message, &m.Origin, &m.Created, &m.Expires)
}

// WorkerMessage reads a message; ErrNotFound when there is none with that id.
func (s *Store) WorkerMessage(ctx context.Context, id string) (WorkerMessage, error) {
	return one(ctx, s, scanMessage, "SELECT "+messageColumns+" FROM worker_messages WHERE id = $1", id)
}

// WorkerMessages reads the messages with these ids; unknown ones are left out.
func (s *Store) WorkerMessages(ctx context.Context, ids []string) ([]WorkerMessage, error) {
	var all []WorkerMessage
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanMessage, "SELECT "+messageColumns+" FROM worker_messages WHERE id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// LiveMessages reads all messages that have not expired.
func (s *Store) LiveMessages(ctx context.Context, now horde.Micros) ([]WorkerMessage, error) {
	return rows(ctx, s, scanMessage, "SELECT "+messageColumns+" FROM worker_messages WHERE expires > $1", now)
}

// MessageFilter says which messages a list is of. The zero filter is all of them.
type MessageFilter struct {
	User       *horde.UserID // those that this user wrote
	Broadcasts bool          // with User: those to all workers too
	Worker     string        // those to this worker; "": to any
	Now        horde.Micros  // with Live or Expired: when, in microseconds
	Live       bool          // those that have not expired
	Expired    bool          // those that have
}

// ListMessages reads messages, the oldest first.
func (s *Store) ListMessages(ctx context.Context, f MessageFilter, limit, offset int) ([]WorkerMessage, error) {
	var where []string
	var args []any

	// Conditions have a "?" where their placeholder goes.
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}

	switch {
	case f.User != nil && f.Broadcasts:
		add("(user_id = ? OR worker_id = '')", *f.User)
	case f.User != nil:
		add("user_id = ?", *f.User)
	}
	if f.Worker != "" {
		add("worker_id = ?", f.Worker)
	}
	if f.Live {
		add("expires > ?", f.Now)
	}
	if f.Expired {
		add("expires <= ?", f.Now)
	}

	q := "SELECT " + messageColumns + " FROM worker_messages"
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, limit, offset)
	n := len(args)
	q += " ORDER BY created, id LIMIT $" + strconv.Itoa(n-1) + " OFFSET $" + strconv.Itoa(n)
	return rows(ctx, s, scanMessage, q, args...)
}

// CountMessages counts the messages of a user that have not expired.
func (tx *Tx) CountMessages(user horde.UserID) (int, error) {
	return readCount(tx, "SELECT count(*) FROM worker_messages WHERE user_id = $1 AND expires > $2", user, tx.Now)
}

// InsertMessage writes a new message.
func (tx *Tx) InsertMessage(m WorkerMessage) error {
	tx.changed.Messages.add(m.ID)
	_, err := tx.change("INSERT INTO worker_messages ("+messageColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		m.ID, m.WorkerID, m.UserID, m.Message, m.Origin, m.Created, m.Expires)
	return err
}

// DeleteMessage removes a message; there need not be one.
func (tx *Tx) DeleteMessage(id string) error {
	tx.changed.Messages.add(id)
	_, err := tx.change("DELETE FROM worker_messages WHERE id = $1", id)
	return err
}

// PruneMessages removes messages that expired before a moment.
func (tx *Tx) PruneMessages(before horde.Micros) error {
	_, err := tx.change("DELETE FROM worker_messages WHERE expires < $1", before)
	return err
}
