package store

import (
	"context"

	"horde/internal/horde"
)

// KeyHold is what of a shared key's budget is set aside for an open request. The
// sum of a key's holds stands beside its budget (SharedKey.Held). As with the key
// itself, every unit that changes one must declare the account of the key's owner.
type KeyHold struct {
	RequestID string
	KeyID     string
	Remaining horde.Kudos
}

const keyHoldColumns = "request_id, key_id, remaining"

func scanKeyHold(r scanner) (h KeyHold, err error) {
	return h, r.Scan(&h.RequestID, &h.KeyID, &h.Remaining)
}

// KeySums is what a shared key has, as a request that it pays for sees it.
type KeySums struct {
	Budget horde.Kudos // Unlimited: it has none
	Held   horde.Kudos // for all requests
	Own    horde.Kudos // for this one
}

// KeySums reads what a shared key has inside the transaction; ErrNotFound when
// there is no such key.
func (tx *Tx) KeySums(key, request string) (KeySums, error) {
	scan := func(r scanner) (s KeySums, err error) { return s, r.Scan(&s.Budget, &s.Held, &s.Own) }
	return readOne(tx, scan, "SELECT k.budget, k.held, COALESCE(h.remaining, 0) FROM shared_keys k "+
		"LEFT JOIN key_holds h ON h.request_id = $2 AND h.key_id = k.id WHERE k.id = $1", key, request)
}

// SetKeySums writes what is left of a shared key's budget and what of it is set
// aside, and adds to what was spent.
func (tx *Tx) SetKeySums(key string, budget, held, spent horde.Kudos) error {
	_, err := tx.change("UPDATE shared_keys SET budget = $2, held = $3, utilized = utilized + $4 WHERE id = $1",
		key, int64(budget), int64(held), int64(spent))
	return err
}

// FreeOnKey lowers what is set aside of a shared key's budget; there need not be
// such a key any more.
func (tx *Tx) FreeOnKey(key string, amount horde.Kudos) error {
	_, err := tx.change("UPDATE shared_keys SET held = held - $2 WHERE id = $1", key, int64(amount))
	return err
}

// InsertKeyHold writes a new hold; raising the key's Held is the caller's.
func (tx *Tx) InsertKeyHold(h KeyHold) error {
	_, err := tx.change("INSERT INTO key_holds ("+keyHoldColumns+", created) VALUES ($1, $2, $3, $4)",
		h.RequestID, h.KeyID, int64(h.Remaining), tx.Now)
	return err
}

// SetKeyHold writes what remains of a hold; nothing left deletes it.
func (tx *Tx) SetKeyHold(request string, remaining horde.Kudos) error {
	if remaining <= 0 {
		_, err := tx.change("DELETE FROM key_holds WHERE request_id = $1", request)
		return err
	}
	_, err := tx.change("UPDATE key_holds SET remaining = $2 WHERE request_id = $1", request, int64(remaining))
	return err
}

// DropKeyHold deletes the hold of a request and returns it as it was; ErrNotFound
// when there is none. Lowering the key's Held is the caller's.
func (tx *Tx) DropKeyHold(request string) (KeyHold, error) {
	h, err := readOne(tx, scanKeyHold, "DELETE FROM key_holds WHERE request_id = $1 RETURNING "+keyHoldColumns, request)
	if err == nil {
		tx.direct = true
	}
	return h, err
}

// KeyHoldsOf reads the holds of a shared key inside the transaction, the newest
// first.
func (tx *Tx) KeyHoldsOf(key string) ([]KeyHold, error) {
	return read(tx, scanKeyHold,
		"SELECT "+keyHoldColumns+" FROM key_holds WHERE key_id = $1 ORDER BY created DESC, request_id DESC", key)
}

// InconsistentKey is a shared key whose holds are not as this version leaves them.
type InconsistentKey struct {
	ID     string
	UserID horde.UserID // its owner; 0 when the key is gone
	Stray  string       // request without which a hold stands; "": the holds exceed the budget
}

// InconsistentKeys reads the shared keys with holds for requests that are gone, or with
// more set aside than their budget has. Nodes of the version before, which know
// of no holds, leave such keys behind.
func (s *Store) InconsistentKeys(ctx context.Context) ([]InconsistentKey, error) {
	scan := func(r scanner) (k InconsistentKey, err error) { return k, r.Scan(&k.ID, &k.UserID, &k.Stray) }
	return rows(ctx, s, scan, "SELECT h.key_id, COALESCE(k.user_id, 0), h.request_id FROM key_holds h "+
		"LEFT JOIN shared_keys k ON k.id = h.key_id LEFT JOIN requests r ON r.id = h.request_id "+
		"WHERE r.id IS NULL OR k.id IS NULL "+
		"UNION SELECT k.id, k.user_id, '' FROM key_holds h JOIN shared_keys k ON k.id = h.key_id "+
		"WHERE k.budget >= 0 AND k.held > k.budget ORDER BY 3 DESC") // stray ones first: they may be all that is too much
}
