package store

import (
	"fmt"
	"slices"

	"horde/internal/horde"
)

// Event is one movement of kudos: postings that sum to zero. Its id is the
// business id (such as "deliver:<job>"): a second event with the same id is
// refused with ErrDuplicate, so that a retry moves nothing.
type Event struct {
	ID        string
	Reason    string
	RequestID string
	JobID     string
	Detail    string
	Postings  []Posting
}

// System accounts of the ledger, which belong to nobody. Package kudos says what each
// is for.
const (
	MintAccount     = "mint"
	BurnAccount     = "burn"
	ForgivenAccount = "forgiven"
	AdminAccount    = "admin"
)

// SystemAccount reports whether an account of the ledger is a system account.
func SystemAccount(name string) bool {
	switch name {
	case MintAccount, BurnAccount, ForgivenAccount, AdminAccount:
		return true
	}
	return false
}

// Prefixes of the names of users' accounts; the id follows.
const (
	spendable = "user:"
	escrow    = "escrow:"
)

// SpendableAccount names the account of what a user can spend.
func SpendableAccount(user horde.UserID) string {
	return spendable + user.String()
}

// EscrowAccount names the account of what an untrusted worker owner has earned but
// cannot spend yet.
func EscrowAccount(user horde.UserID) string { return escrow + user.String() }

// Posting moves Amount onto an account of the ledger: "user:<id>",
// "escrow:<id>", or a system account such as "mint" and "burn".
type Posting struct {
	Account string
	Amount  horde.Kudos
}

var (
	eventTable   = newTable("ledger_events", "id, reason, request_id, job_id, created, detail")
	postingTable = newTable("ledger_postings", "account, at, event_id, amount")
)

// Post writes an event into the ledger. The balances beside it are the
// caller's to change (package kudos is the only one that does).
func (tx *Tx) Post(e Event) error {
	var sum horde.Kudos
	for _, p := range e.Postings {
		sum += p.Amount
	}
	if sum != 0 {
		return fmt.Errorf("event %s: postings sum to %s, not to zero", e.ID, sum)
	}

	tx.insert(eventTable, e.ID, e.Reason, e.RequestID, e.JobID, tx.Now, e.Detail)
	for _, p := range e.Postings {
		tx.insert(postingTable, p.Account, tx.Now, e.ID, int64(p.Amount))
	}
	return nil
}

// Posted reports whether an event with this id is committed.
func (tx *Tx) Posted(id string) (bool, error) {
	found, err := read(tx, scanText, "SELECT id FROM ledger_events WHERE id = $1", id)
	return len(found) > 0, err
}

func scanText(r scanner) (string, error) {
	var v string
	return v, r.Scan(&v)
}

// Hold is kudos set aside for a purpose; id is "upfront:<request>" or
// "interrogation:<form>".
type Hold struct {
	ID        string
	UserID    horde.UserID
	Remaining horde.Kudos
}

var holdTable = newTable("holds", "id, user_id, original, remaining, created")

// InsertHolds writes new holds; raising the accounts' Held is the caller's.
func (tx *Tx) InsertHolds(holds ...Hold) {
	for _, h := range holds {
		tx.insert(holdTable, h.ID, h.UserID, int64(h.Remaining), int64(h.Remaining), tx.Now)
	}
}

// newHold is a hold that this transaction is still to insert.
func (tx *Tx) newHold(id string) (h Hold, found bool) {
	for row := range slices.Chunk(tx.rows[holdTable.place], holdTable.width) {
		if row[0] == id {
			return Hold{ID: id, UserID: row[1].(horde.UserID), Remaining: horde.Kudos(row[3].(int64))}, true
		}
	}
	return h, false
}

// setNewHold changes what remains of a hold that is still to be inserted; of one with
// nothing left, no row is made.
func (tx *Tx) setNewHold(id string, remaining horde.Kudos) {
	var changed []any
	tx.discard(holdTable, func(row []any) bool {
		if row[0] != id {
			return false
		}
		changed = slices.Clone(row)
		return true
	})

	if changed != nil && remaining > 0 {
		changed[3] = int64(remaining)
		tx.insert(holdTable, changed...)
	}
}

// Hold reads a hold inside the transaction; ErrNotFound when there is none.
func (tx *Tx) Hold(id string) (Hold, error) {
	if h, found := tx.newHold(id); found {
		return h, nil
	}
	return readOne(tx, scanHold, "SELECT id, user_id, remaining FROM holds WHERE id = $1"+tx.w.s.engine.forUpdate, id)
}

func scanHold(r scanner) (h Hold, err error) {
	return h, r.Scan(&h.ID, &h.UserID, &h.Remaining)
}

// SetHold writes what remains of a hold; nothing left deletes it.
func (tx *Tx) SetHold(id string, remaining horde.Kudos) error {
	if _, found := tx.newHold(id); found {
		tx.setNewHold(id, remaining)
		return nil
	}

	if remaining <= 0 {
		_, err := tx.change("DELETE FROM holds WHERE id = $1", id)
		return err
	}
	_, err := tx.change("UPDATE holds SET remaining = $2 WHERE id = $1", id, int64(remaining))
	return err
}

// DropHolds deletes holds and returns them as they were, those left out that are
// gone already; lowering the accounts' Held is the caller's.
func (tx *Tx) DropHolds(ids ...string) (dropped []Hold, err error) {
	var written []string
	for _, id := range ids {
		h, found := tx.newHold(id)
		if !found {
			written = append(written, id)
			continue
		}
		tx.setNewHold(id, 0)
		dropped = append(dropped, h)
	}

	err = inChunks(written, func(q string, args []any) error {
		some, err := read(tx, scanHold, "DELETE FROM holds WHERE id IN "+q+" RETURNING id, user_id, remaining", args...)
		tx.direct = tx.direct || len(some) > 0
		dropped = append(dropped, some...)
		return err
	})
	return dropped, err
}
