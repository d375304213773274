package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"horde/internal/horde"
)

// Account is the money of one user beside the ledger's postings, and the
// counters that move with it.
type Account struct {
	UserID     horde.UserID
	Balance    horde.Kudos
	Escrow     horde.Kudos
	Held       horde.Kudos // sum of the active holds
	Lowest     horde.Kudos // the floor that no debit goes under
	LastActive horde.Micros
	Unpaid     Unpaid // that workers, styles and ratings have earned of late
	Totals     Totals
}

// PerKind counts by kind of work, each at its place.
type PerKind [3]int64

// Places of the kinds of work in a PerKind.
const (
	ImagePlace = iota
	TextPlace
	FormPlace
)

// Totals are a user's statistics (platform §6.3): buckets of kudos, and
// by kind of work its amount (images in hundredths of a megapixelstep, text in
// tokens) and number.
type Totals struct {
	Accumulated  horde.Kudos `json:"accumulated,omitempty"`
	Gifted       horde.Kudos `json:"gifted,omitempty"`
	Donated      horde.Kudos `json:"donated,omitempty"`
	Admin        horde.Kudos `json:"admin,omitempty"`
	Received     horde.Kudos `json:"received,omitempty"`
	Recurring    horde.Kudos `json:"recurring,omitempty"`
	Awarded      horde.Kudos `json:"awarded,omitempty"`
	Styled       horde.Kudos `json:"styled,omitempty"`
	Usage        PerKind     `json:"usage,omitzero"`
	Contribution PerKind     `json:"contribution,omitzero"`
	Requests     PerKind     `json:"requests,omitzero"`
	Fulfilments  PerKind     `json:"fulfilments,omitzero"`
	Styles       PerKind     `json:"styles,omitzero"`
}

const accountColumns = "user_id, balance, escrow, held, lowest, last_active, unpaid_day, unpaid, totals"

func scanAccount(r scanner) (*Account, error) {
	var a Account
	var totals string
	if err := r.Scan(&a.UserID, &a.Balance, &a.Escrow, &a.Held, &a.Lowest, &a.LastActive,
		&a.Unpaid.Day, &a.Unpaid.Amount, &totals); err != nil {
		return nil, err
	}

	if totals != "{}" {
		if err := json.Unmarshal([]byte(totals), &a.Totals); err != nil {
			return nil, fmt.Errorf("totals of account %d: %w", a.UserID, err)
		}
	}
	return &a, nil
}

// Account reads the account of a user.
func (s *Store) Account(ctx context.Context, user horde.UserID) (*Account, error) {
	return one(ctx, s, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE user_id = $1", user)
}

// Accounts reads the accounts of these users; unknown ones are left out.
func (s *Store) Accounts(ctx context.Context, users []horde.UserID) ([]*Account, error) {
	var all []*Account
	err := inChunks(users, func(q string, args []any) error {
		some, err := rows(ctx, s, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE user_id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// AccountsAfter reads accounts in the order of their users' ids, limit at most,
// from behind a user.
func (s *Store) AccountsAfter(ctx context.Context, user horde.UserID, limit int) ([]*Account, error) {
	return rows(ctx, s, scanAccount,
		"SELECT "+accountColumns+" FROM accounts WHERE user_id > $1 ORDER BY user_id LIMIT $2", user, limit)
}

func (tx *Tx) lockAccounts(list []statement, ids []horde.UserID) []statement {
	tx.accounts = make(map[horde.UserID]*Account, len(ids))
	keep := func(r scanner) error {
		a, err := scanAccount(r)
		if err == nil {
			tx.accounts[a.UserID] = a
		}
		return err
	}

	_ = inChunks(ids, func(q string, args []any) error {
		list = append(list, statement{
			text: "SELECT " + accountColumns + " FROM accounts WHERE user_id IN " + q +
				" ORDER BY user_id" + tx.w.s.engine.forUpdate,
			args: args,
			each: keep,
		})
		return nil
	})
	return list
}

// inChunks calls f with groups of 32, 16, 8, 4, 2 or 1 placeholders, so that
// few texts need to be prepared.
func inChunks[K any](ids []K, f func(placeholders string, args []any) error) error {
	for len(ids) > 0 {
		size := groupSize(len(ids))
		args := make([]any, size)
		for i := range args {
			args[i] = ids[i]
		}

		if err := f(in(1, size), args); err != nil {
			return err
		}
		ids = ids[size:]
	}
	return nil
}

// Account is the locked account of a user that the unit declared; ErrNotFound when
// there is none. ChangeAccount changes it.
func (tx *Tx) Account(user horde.UserID) (*Account, error) {
	if !slices.Contains(tx.unit.Accounts, user) {
		return nil, tx.undeclared("account", user)
	}
	if a := tx.accounts[user]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("account %d: %w", user, ErrNotFound)
}

// ChangeAccount lets f change a locked account; the change is undone when the
// unit is refused later on.
func (tx *Tx) ChangeAccount(user horde.UserID, f func(*Account)) error {
	a, err := tx.Account(user)
	if err != nil {
		return err
	}

	before := *a
	tx.undo = append(tx.undo, func() { *a = before })
	f(a)
	mark(&tx.touched.accounts, user)
	return nil
}

func (tx *Tx) writeAccounts(list []statement) []statement {
	for _, id := range slices.Sorted(maps.Keys(tx.touched.accounts)) {
		a := tx.accounts[id]
		list = append(list, statement{
			text: "UPDATE accounts SET balance = $2, escrow = $3, held = $4, last_active = $5, " +
				"unpaid_day = $6, unpaid = $7, totals = $8 WHERE user_id = $1",
			args: []any{
				a.UserID, int64(a.Balance), int64(a.Escrow), int64(a.Held), a.LastActive,
				a.Unpaid.Day, int64(a.Unpaid.Amount), jsonText(a.Totals),
			},
		})
	}
	return list
}

// EscrowOf reads the ids of users with one of these roles who have anything in
// escrow.
func (s *Store) EscrowOf(ctx context.Context, roles int64) ([]horde.UserID, error) {
	return rows(ctx, s, scanInt[horde.UserID], "SELECT user_id FROM accounts JOIN users ON id = user_id "+
		"WHERE escrow > 0 AND (roles & $1) <> 0 ORDER BY user_id", roles)
}

// EscrowAbove reads the ids of users with more than this much in escrow.
func (s *Store) EscrowAbove(ctx context.Context, hundredths int64) ([]horde.UserID, error) {
	return rows(ctx, s, scanInt[horde.UserID],
		"SELECT user_id FROM accounts WHERE escrow > $1 ORDER BY user_id", hundredths)
}
