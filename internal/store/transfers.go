package store

import (
	"context"

	"horde/internal/horde"
)

// Transfer is kudos that one user gave another. ID is the id of its ledger
// event.
type Transfer struct {
	ID      string
	Source  horde.UserID
	Target  horde.UserID
	Amount  horde.Kudos
	Created horde.Micros

	// SharedKey is the key of the target that it was sent to, "" for none.
	SharedKey string
}

const transferColumns = "id, source_id, target_id, amount, created, shared_key"

func scanTransfer(r scanner) (t Transfer, err error) {
	return t, r.Scan(&t.ID, &t.Source, &t.Target, &t.Amount, &t.Created, &t.SharedKey)
}

// InsertTransfer writes a transfer; ErrDuplicate when its id is taken.
func (tx *Tx) InsertTransfer(t Transfer) error {
	_, err := tx.change("INSERT INTO transfers ("+transferColumns+") VALUES ($1, $2, $3, $4, $5, $6)",
		t.ID, t.Source, t.Target, int64(t.Amount), t.Created, t.SharedKey)
	return err
}

// Transfer reads a transfer inside the transaction; ErrNotFound when there is
// none with that id.
func (tx *Tx) Transfer(id string) (Transfer, error) {
	return readOne(tx, scanTransfer, "SELECT "+transferColumns+" FROM transfers WHERE id = $1", id)
}

const lastTransfer = "SELECT COALESCE(max(created), 0) FROM transfers WHERE source_id = $1 AND target_id = $2"

// LastTransfer reads when source last gave target kudos; 0 when never.
func (s *Store) LastTransfer(ctx context.Context, source, target horde.UserID) (horde.Micros, error) {
	return one(ctx, s, scanInt[horde.Micros], lastTransfer, source, target)
}

// LastTransfer is the same inside the transaction. With the accounts of both
// locked, no other transfer between them can come in between.
func (tx *Tx) LastTransfer(source, target horde.UserID) (horde.Micros, error) {
	return readOne(tx, scanInt[horde.Micros], lastTransfer, source, target)
}
