package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"horde/internal/horde"
)

// Movement is what an event of the ledger did to one user: to what can be spent
// and to the escrow.
type Movement struct {
	Event   Event // without its postings
	At      horde.Micros
	Balance horde.Kudos
	Escrow  horde.Kudos
}

// Place is where a page of History begins: at movements of this moment or
// older, without the newest Skip of them. The zero Place is the newest movement.
type Place struct {
	At   horde.Micros
	Skip int
}

// History reads the account of a user and limit of its movements at most, newest
// first, from one moment of the database; ErrNotFound when there is no such
// account. Movements of one moment stand in the order of their ids.
func (s *Store) History(ctx context.Context, user horde.UserID, from Place, limit int) (*Account, []Movement, error) {
	tx, err := s.read.BeginTx(ctx, s.engine.snapshot)
	if err != nil {
		return nil, nil, err
	}
	defer tx.Rollback()

	a, err := scanAccount(tx.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM accounts WHERE user_id = $1", user))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}

	if from.At == 0 {
		from.At = math.MaxInt64
	}
	id := user.String()
	own, err := movements(ctx, tx, spendable+id, from.At, from.Skip+limit)
	if err != nil {
		return nil, nil, err
	}
	kept, err := movements(ctx, tx, escrow+id, from.At, from.Skip+limit)
	if err != nil {
		return nil, nil, err
	}
	for i := range kept {
		kept[i].Balance, kept[i].Escrow = 0, kept[i].Balance
	}

	all := merge(own, kept)
	return a, all[min(from.Skip, len(all)):min(from.Skip+limit, len(all))], nil
}

func movements(ctx context.Context, tx *sql.Tx, account string, until horde.Micros, limit int) ([]Movement, error) {
	rs, err := tx.QueryContext(ctx, "SELECT e.id, e.reason, e.request_id, e.job_id, e.detail, p.at, p.amount "+
		"FROM ledger_postings p JOIN ledger_events e ON e.id = p.event_id "+
		"WHERE p.account = $1 AND p.at > 0 AND p.at <= $2 ORDER BY p.at DESC, p.event_id DESC LIMIT $3",
		account, until, limit)
	if err != nil {
		return nil, err
	}

	return collect(rs, func(r scanner) (m Movement, err error) {
		e := &m.Event
		return m, r.Scan(&e.ID, &e.Reason, &e.RequestID, &e.JobID, &e.Detail, &m.At, &m.Balance)
	})
}

// merge joins the movements of a user's two accounts. Each list is whole down to
// its length, so the result is whole down to that of the longer one.
func merge(own, kept []Movement) []Movement {
	at := make(map[string]int, len(own))
	for i := range own {
		at[own[i].Event.ID] = i
	}
	for _, m := range kept {
		if i, ok := at[m.Event.ID]; ok {
			own[i].Escrow = m.Escrow
		} else {
			own = append(own, m)
		}
	}

	slices.SortFunc(own, func(a, b Movement) int { // newest first
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Event.ID, a.Event.ID))
	})
	return own
}

// maxDated bounds the events whose postings one call of DatePostings dates.
const maxDated = 1000

// DatePostings backfills the times of some of the postings that nodes on an earlier
// schema wrote; it returns how many.
func (tx *Tx) DatePostings() (int64, error) {
	return tx.change("UPDATE ledger_postings SET at = "+
		"COALESCE((SELECT created FROM ledger_events e WHERE e.id = ledger_postings.event_id), 0) "+
		"WHERE at < 0 AND event_id IN (SELECT event_id FROM ledger_postings WHERE at < 0 LIMIT $1)", maxDated)
}

// Schema is the version of the database's tables.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	return one(ctx, s, scanInt[int64], "SELECT COALESCE(max(version_id), 0) FROM goose_db_version")
}

// Names reads what users, workers and shared keys are called now; those that are
// gone are left out.
func (s *Store) Names(ctx context.Context, users []horde.UserID, workers, keys []string) (n Names, err error) {
	if n.Users, err = named[horde.UserID](ctx, s, "SELECT id, username FROM users WHERE id IN ", users); err != nil {
		return n, err
	}
	if n.Workers, err = named[string](ctx, s, "SELECT id, name FROM workers WHERE id IN ", workers); err != nil {
		return n, err
	}
	n.Keys, err = named[string](ctx, s, "SELECT id, name FROM shared_keys WHERE id IN ", keys)
	return n, err
}

func named[K comparable](ctx context.Context, s *Store, q string, ids []K) (map[K]string, error) {
	type pair struct {
		id   K
		name string
	}
	scan := func(r scanner) (p pair, err error) { return p, r.Scan(&p.id, &p.name) }

	names := make(map[K]string, len(ids))
	return names, inChunks(ids, func(list string, args []any) error {
		found, err := rows(ctx, s, scan, q+list, args...)
		for _, p := range found {
			names[p.id] = p.name
		}
		return err
	})
}

// Names are what users, workers and shared keys are called, by id.
type Names struct {
	Users   map[horde.UserID]string // usernames without their numbers
	Workers map[string]string
	Keys    map[string]string
}
