package store

import (
	"context"

	"horde/internal/horde"
)

// Action is something that a moderator or administrator did by their rights.
type Action struct {
	ID       string // in the order of time
	At       horde.Micros
	UserID   horde.UserID // who did it
	Action   string
	Target   string // what it was done to
	Detail   string
	Username string // of UserID; read only, "" when that user is gone
}

// InsertAction writes an action, now.
func (tx *Tx) InsertAction(a Action) error {
	_, err := tx.change("INSERT INTO audit (id, at, user_id, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6)",
		a.ID, tx.Now, a.UserID, a.Action, a.Target, a.Detail)
	return err
}

// Actions reads actions, the newest first: those before one, or from the newest on if
// before is "".
func (s *Store) Actions(ctx context.Context, before string, limit int) ([]Action, error) {
	return rows(ctx, s, func(r scanner) (a Action, err error) {
		return a, r.Scan(&a.ID, &a.At, &a.UserID, &a.Action, &a.Target, &a.Detail, &a.Username)
	}, "SELECT id, at, user_id, action, target, detail, "+
		"COALESCE((SELECT username FROM users WHERE users.id = audit.user_id), '') FROM audit "+
		"WHERE CAST($1 AS TEXT) = '' OR id < $1 ORDER BY id DESC LIMIT $2", before, limit)
}

// PruneActions forgets actions from before a time.
func (tx *Tx) PruneActions(before horde.Micros) error {
	_, err := tx.change("DELETE FROM audit WHERE at < $1", before)
	return err
}
