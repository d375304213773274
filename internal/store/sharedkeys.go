package store

import (
	"context"

	"horde/internal/horde"
)

// SharedKey is a key that lets others spend its owner's kudos (platform rulebook
// §3.3). Every unit that changes one must declare the account of its owner: that
// lock is what keeps two nodes from changing keys in different orders.
type SharedKey struct {
	ID       string
	UserID   int64
	Name     string
	Budget   horde.Kudos // what may still be spent; Unlimited: anything
	Utilized horde.Kudos // what was spent
	Created  int64
	Expires  int64 // microseconds; 0: never

	MaxPixels, MaxSteps, MaxTokens int64 // of one job; below 0: no limit

	Styles int // styles that pay with it
}

// Unlimited is the budget of a shared key that has none.
const Unlimited horde.Kudos = -100

const (
	sharedKeyColumns = "id, user_id, name, budget, utilized, created, expires, max_pixels, max_steps, max_tokens"
	sharedKeyRead    = "SELECT " + sharedKeyColumns + ", (SELECT count(*) FROM styles WHERE shared_key = shared_keys.id) FROM shared_keys WHERE id = $1"
)

func scanSharedKey(r scanner) (k SharedKey, err error) {
	return k, r.Scan(&k.ID, &k.UserID, &k.Name, &k.Budget, &k.Utilized, &k.Created, &k.Expires, &k.MaxPixels, &k.MaxSteps, &k.MaxTokens, &k.Styles)
}

// SharedKey reads a shared key; ErrNotFound when there is none with that id.
func (s *Store) SharedKey(ctx context.Context, id string) (SharedKey, error) {
	return one(ctx, s, scanSharedKey, sharedKeyRead, id)
}

// SharedKey reads and locks a shared key inside the transaction.
func (tx *Tx) SharedKey(id string) (SharedKey, error) {
	return readOne(tx, scanSharedKey, sharedKeyRead+tx.w.s.engine.forUpdate, id)
}

// SharedKeysOf reads the ids of a user's shared keys, oldest first.
func (s *Store) SharedKeysOf(ctx context.Context, user int64) ([]string, error) {
	return rows(ctx, s, scanText, "SELECT id FROM shared_keys WHERE user_id = $1 ORDER BY created, id", user)
}

// CountSharedKeys counts a user's shared keys inside the transaction.
func (tx *Tx) CountSharedKeys(user int64) (int, error) {
	return readCount(tx, "SELECT count(*) FROM shared_keys WHERE user_id = $1", user)
}

// InsertSharedKey writes a new shared key.
func (tx *Tx) InsertSharedKey(k SharedKey) error {
	_, err := tx.change("INSERT INTO shared_keys ("+sharedKeyColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		k.ID, k.UserID, k.Name, int64(k.Budget), int64(k.Utilized), k.Created, k.Expires, k.MaxPixels, k.MaxSteps, k.MaxTokens)
	return err
}

// UpdateSharedKey writes what an owner can change of a shared key.
func (tx *Tx) UpdateSharedKey(k SharedKey) error {
	_, err := tx.change("UPDATE shared_keys SET name = $2, budget = $3, expires = $4, max_pixels = $5, max_steps = $6, max_tokens = $7 WHERE id = $1",
		k.ID, k.Name, int64(k.Budget), k.Expires, k.MaxPixels, k.MaxSteps, k.MaxTokens)
	return err
}

// SpendSharedKey takes amount out of a key's budget, as far as it goes, and
// counts it. A key without budget left, or one that is gone, stays as it is.
func (tx *Tx) SpendSharedKey(id string, amount horde.Kudos) error {
	_, err := tx.change("UPDATE shared_keys SET utilized = utilized + $2, "+
		"budget = CASE WHEN budget = $3 THEN budget WHEN budget > $2 THEN budget - $2 ELSE 0 END WHERE id = $1 AND budget <> 0",
		id, int64(amount), int64(Unlimited))
	return err
}

// TopUpSharedKey adds amount to a key's budget, unless it is unlimited.
func (tx *Tx) TopUpSharedKey(id string, amount horde.Kudos) error {
	_, err := tx.change("UPDATE shared_keys SET budget = budget + $2 WHERE id = $1 AND budget <> $3", id, int64(amount), int64(Unlimited))
	return err
}

// DeleteSharedKey removes a shared key; styles that paid with it are paid by who
// asks for them from then on.
func (tx *Tx) DeleteSharedKey(id string) error {
	if _, err := tx.change("UPDATE styles SET shared_key = '' WHERE shared_key = $1", id); err != nil {
		return err
	}
	_, err := tx.change("DELETE FROM shared_keys WHERE id = $1", id)
	return err
}
