package store

import (
	"context"
	"slices"

	"horde/internal/horde"
)

// SharedKey is a key that lets others spend its owner's kudos (platform §3.3). Every
// unit that changes one must declare the account of its owner: that lock is what keeps
// two nodes from changing keys in different orders.
type SharedKey struct {
	ID       string
	UserID   horde.UserID
	Name     string
	Budget   horde.Kudos // what may still be spent; Unlimited: anything
	Held     horde.Kudos // what of it is set aside for open requests: the sum of the key's holds
	Utilized horde.Kudos // what its owner was charged through it
	Created  horde.Micros
	Expires  horde.Micros // 0: never

	// Limits of one job; below 0: none.
	MaxPixels int64
	MaxSteps  int64
	MaxTokens int64

	Styles int // styles that pay with it
}

// Unlimited is the budget of a shared key that has none.
const Unlimited horde.Kudos = -100

const (
	sharedKeyColumns = "id, user_id, name, budget, utilized, created, expires, max_pixels, max_steps, max_tokens, held"
	sharedKeyRead    = "SELECT " + sharedKeyColumns + ", " +
		"(SELECT count(*) FROM styles WHERE shared_key = shared_keys.id) FROM shared_keys WHERE id = $1"
)

func scanSharedKey(r scanner) (k SharedKey, err error) {
	return k, r.Scan(&k.ID, &k.UserID, &k.Name, &k.Budget, &k.Utilized, &k.Created, &k.Expires,
		&k.MaxPixels, &k.MaxSteps, &k.MaxTokens, &k.Held, &k.Styles)
}

// Limited reports whether the key has a budget.
func (k *SharedKey) Limited() bool { return k.Budget != Unlimited }

// Left is what of a limited key's budget is not set aside for open requests.
func (k *SharedKey) Left() horde.Kudos { return max(0, k.Budget-k.Held) }

// SharedKey reads a shared key; ErrNotFound when there is none with that id.
func (s *Store) SharedKey(ctx context.Context, id string) (SharedKey, error) {
	return one(ctx, s, scanSharedKey, sharedKeyRead, id)
}

// SharedKey reads and locks a shared key inside the transaction. The unit has declared
// the account of its owner.
func (tx *Tx) SharedKey(id string) (SharedKey, error) {
	k, err := readOne(tx, scanSharedKey, sharedKeyRead+tx.w.s.engine.forUpdate, id)
	if err == nil && !slices.Contains(tx.unit.Accounts, k.UserID) {
		return SharedKey{}, tx.undeclared("account of a shared key", k.UserID)
	}
	return k, err
}

// SharedKeysOf reads the ids of a user's shared keys, oldest first.
func (s *Store) SharedKeysOf(ctx context.Context, user horde.UserID) ([]string, error) {
	return rows(ctx, s, scanText, "SELECT id FROM shared_keys WHERE user_id = $1 ORDER BY created, id", user)
}

// CountSharedKeys counts a user's shared keys inside the transaction.
func (tx *Tx) CountSharedKeys(user horde.UserID) (int, error) {
	return readCount(tx, "SELECT count(*) FROM shared_keys WHERE user_id = $1", user)
}

// InsertSharedKey writes a new shared key.
func (tx *Tx) InsertSharedKey(k SharedKey) error {
	_, err := tx.change("INSERT INTO shared_keys ("+sharedKeyColumns+") "+
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		k.ID, k.UserID, k.Name, int64(k.Budget), int64(k.Utilized), k.Created, k.Expires,
		k.MaxPixels, k.MaxSteps, k.MaxTokens, int64(k.Held))
	return err
}

// UpdateSharedKey writes what an owner can change of a shared key, and what is
// set aside of it.
func (tx *Tx) UpdateSharedKey(k SharedKey) error {
	_, err := tx.change("UPDATE shared_keys SET name = $2, budget = $3, expires = $4, "+
		"max_pixels = $5, max_steps = $6, max_tokens = $7, held = $8 WHERE id = $1",
		k.ID, k.Name, int64(k.Budget), k.Expires, k.MaxPixels, k.MaxSteps, k.MaxTokens, int64(k.Held))
	return err
}

// TopUpSharedKey adds amount to a key's budget, unless it is unlimited.
func (tx *Tx) TopUpSharedKey(id string, amount horde.Kudos) error {
	_, err := tx.change("UPDATE shared_keys SET budget = budget + $2 WHERE id = $1 AND budget <> $3",
		id, int64(amount), int64(Unlimited))
	return err
}

// DeleteSharedKey removes a shared key, with its holds; styles that paid with it
// are paid by who asks for them from then on.
func (tx *Tx) DeleteSharedKey(id string) error {
	for _, q := range []string{
		"UPDATE styles SET shared_key = '' WHERE shared_key = $1",
		"DELETE FROM key_holds WHERE key_id = $1",
		"DELETE FROM shared_keys WHERE id = $1",
	} {
		if _, err := tx.change(q, id); err != nil {
			return err
		}
	}
	return nil
}
