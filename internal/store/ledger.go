package store

import (
	"context"
	"database/sql"
	"fmt"

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

// Posting moves Amount onto an account of the ledger: "user:<id>",
// "escrow:<id>", or a system account such as "mint" and "burn".
type Posting struct {
	Account string
	Amount  horde.Kudos
}

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
	tx.rows.events = append(tx.rows.events, e.ID, e.Reason, e.RequestID, e.JobID, tx.Now, e.Detail)
	for _, p := range e.Postings {
		tx.rows.postings = append(tx.rows.postings, p.Account, e.ID, int64(p.Amount))
	}
	return nil
}

// Posted tells whether an event with this id is committed.
func (tx *Tx) Posted(id string) (bool, error) {
	found, err := read(tx, scanText, "SELECT id FROM ledger_events WHERE id = $1", id)
	return len(found) > 0, err
}

func scanText(r scanner) (string, error) {
	var v string
	return v, r.Scan(&v)
}

// Hold is kudos set aside for a purpose; id is "upfront:<request>" and the like.
type Hold struct {
	ID        string
	UserID    int64
	Remaining horde.Kudos
}

// InsertHold writes a new hold; raising the account's Held is the caller's.
func (tx *Tx) InsertHold(h Hold) error {
	_, err := tx.change("INSERT INTO holds (id, user_id, original, remaining, created) VALUES ($1, $2, $3, $3, $4)",
		h.ID, h.UserID, int64(h.Remaining), tx.Now)
	return err
}

// Hold reads a hold inside the transaction; ErrNotFound when there is none.
func (tx *Tx) Hold(id string) (Hold, error) {
	found, err := read(tx, scanHold, "SELECT id, user_id, remaining FROM holds WHERE id = $1"+tx.w.s.engine.forUpdate, id)
	if err != nil || len(found) == 0 {
		if err == nil {
			err = ErrNotFound
		}
		return Hold{}, err
	}
	return found[0], nil
}

func scanHold(r scanner) (h Hold, err error) {
	return h, r.Scan(&h.ID, &h.UserID, &h.Remaining)
}

// SetHold writes what remains of a hold; nothing left deletes it.
func (tx *Tx) SetHold(id string, remaining horde.Kudos) error {
	if remaining <= 0 {
		_, err := tx.change("DELETE FROM holds WHERE id = $1", id)
		return err
	}
	_, err := tx.change("UPDATE holds SET remaining = $2 WHERE id = $1", id, int64(remaining))
	return err
}

// Audit is what the postings say against what the balances say.
type Audit struct {
	Events     int64
	Postings   int64
	Sum        horde.Kudos // of all postings; 0 in a sound ledger
	Unbalanced []string    // events whose postings do not sum to zero (at most 100)
	Wrong      []string    // balances and holds that their postings and parts do not prove, and postings that belong nowhere
}

// Sound tells whether nothing is wrong.
func (a Audit) Sound() bool { return a.Sum == 0 && len(a.Unbalanced) == 0 && len(a.Wrong) == 0 }

// proofs are the questions of Audit; each row that they find is a fault.
var proofs = struct{ unbalanced, balances, holds, eventless, ownerless string }{
	unbalanced: "SELECT event_id FROM ledger_postings GROUP BY event_id HAVING sum(amount) <> 0 ORDER BY event_id LIMIT 100",
	balances: `
SELECT kind || CAST(user_id AS TEXT) FROM (
    SELECT 'user:' AS kind, user_id, balance AS amount FROM accounts
    UNION ALL SELECT 'escrow:', user_id, escrow FROM accounts) AS b
LEFT JOIN (SELECT account, CAST(sum(amount) AS BIGINT) AS posted FROM ledger_postings GROUP BY account) AS p
    ON p.account = kind || CAST(user_id AS TEXT)
WHERE amount <> COALESCE(posted, 0) ORDER BY 1 LIMIT 100`,
	holds: `
SELECT 'held:' || CAST(a.user_id AS TEXT) FROM accounts a
LEFT JOIN (SELECT user_id, CAST(sum(remaining) AS BIGINT) AS remaining FROM holds GROUP BY user_id) AS h ON h.user_id = a.user_id
WHERE a.held <> COALESCE(h.remaining, 0) ORDER BY 1 LIMIT 100`,
	// Joins, not NOT IN: PostgreSQL would look through all events for each posting.
	eventless: `
SELECT p.account || ' of ' || p.event_id FROM ledger_postings p
LEFT JOIN ledger_events e ON e.id = p.event_id WHERE e.id IS NULL ORDER BY 1 LIMIT 100`,
	ownerless: `
SELECT p.account FROM (SELECT DISTINCT account FROM ledger_postings) AS p
LEFT JOIN (SELECT 'user:' || CAST(user_id AS TEXT) AS name FROM accounts
    UNION ALL SELECT 'escrow:' || CAST(user_id AS TEXT) FROM accounts) AS o ON o.name = p.account
WHERE o.name IS NULL AND (substr(p.account, 1, 5) = 'user:' OR substr(p.account, 1, 7) = 'escrow:') ORDER BY 1 LIMIT 100`,
}

// Audit proves every balance from the postings, in one reading transaction.
func (s *Store) Audit(ctx context.Context) (Audit, error) {
	tx, err := s.read.BeginTx(ctx, s.engine.snapshot)
	if err != nil {
		return Audit{}, err
	}
	defer tx.Rollback()
	var a Audit
	var sum int64
	err = tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM ledger_events), count(*), CAST(COALESCE(sum(amount), 0) AS BIGINT) FROM ledger_postings").
		Scan(&a.Events, &a.Postings, &sum)
	a.Sum = horde.Kudos(sum)
	find := func(q string) (found []string) {
		if err != nil {
			return nil
		}
		var rs *sql.Rows
		if rs, err = tx.QueryContext(ctx, q); err == nil {
			found, err = collect(rs, scanText)
		}
		return found
	}
	a.Unbalanced = find(proofs.unbalanced)
	a.Wrong = append(find(proofs.balances), find(proofs.holds)...)
	a.Wrong = append(a.Wrong, find(proofs.eventless)...)
	a.Wrong = append(a.Wrong, find(proofs.ownerless)...)
	return a, err
}
