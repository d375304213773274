package store

import (
	"context"

	"horde/internal/horde"
)

// Holder is a user with the account beside it.
type Holder struct {
	User    User
	Account *Account
}

// Orders of ListUsers.
const (
	ByBalance = "balance" // richest first
	ByAge     = "age"     // oldest first
)

// ListUsers reads a page of users with their accounts, those with an oauth id
// that begins with without left out. Equal balances stand in the order of age.
func (s *Store) ListUsers(ctx context.Context, order, without string, limit, offset int) ([]Holder, error) {
	by := "a.balance DESC, u.created, u.id"
	if order == ByAge {
		by = "u.created, u.id"
	}
	return rows(ctx, s, scanHolder, "SELECT "+accountColumns+", "+userColumns+
		" FROM accounts a JOIN users u ON u.id = a.user_id "+
		"WHERE substr(u.oauth_id, 1, length(CAST($1 AS TEXT))) <> CAST($1 AS TEXT) "+
		"ORDER BY "+by+" LIMIT $2 OFFSET $3", without, limit, offset)
}

func scanHolder(r scanner) (h Holder, err error) {
	h.Account, err = scanAccount(more{r, h.User.fields()})
	return h, err
}

// more is a row with further columns behind those that its reader knows.
type more struct {
	scanner
	columns []any
}

func (m more) Scan(first ...any) error { return m.scanner.Scan(append(first, m.columns...)...) }

// Passkeys reads the users with one of these roles, and none of the others, that
// have a proxy passkey.
func (s *Store) Passkeys(ctx context.Context, roles, without int64) ([]User, error) {
	return rows(ctx, s, scanUser, "SELECT "+userColumns+" FROM users "+
		"WHERE proxy_passkey <> '' AND (roles & $1) <> 0 AND (roles & $2) = 0", roles, without)
}

// Supporters reads the users that support the horde.
func (s *Store) Supporters(ctx context.Context) ([]User, error) {
	return rows(ctx, s, scanUser, "SELECT "+userColumns+" FROM users "+
		"WHERE patron OR patreon_kudos <> 0 OR stripe_kudos <> 0 ORDER BY id")
}

// WithMonthly reads the users that are given kudos each month, those with one of
// these roles among them.
func (s *Store) WithMonthly(ctx context.Context, roles int64) ([]User, error) {
	return rows(ctx, s, scanUser, "SELECT "+userColumns+" FROM users "+
		"WHERE monthly_kudos > 0 OR patreon_kudos > 0 OR stripe_kudos > 0 "+
		"OR (roles & $1) <> 0 ORDER BY id", roles)
}

// WithContact reads the users whose contact is one of these, in small letters.
func (s *Store) WithContact(ctx context.Context, contacts []string) ([]User, error) {
	var all []User
	err := inChunks(contacts, func(q string, args []any) error {
		some, err := rows(ctx, s, scanUser,
			"SELECT "+userColumns+" FROM users WHERE contact <> '' AND lower(contact) IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// Roles reads the roles of users; those that are gone have none.
func (s *Store) Roles(ctx context.Context, users []horde.UserID) (map[horde.UserID]int64, error) {
	type user struct {
		id    horde.UserID
		roles int64
	}
	scan := func(r scanner) (u user, err error) { return u, r.Scan(&u.id, &u.roles) }

	roles := make(map[horde.UserID]int64, len(users))
	err := inChunks(users, func(q string, args []any) error {
		some, err := rows(ctx, s, scan, "SELECT id, roles FROM users WHERE id IN "+q, args...)
		for _, u := range some {
			roles[u.id] = u.roles
		}
		return err
	})
	return roles, err
}
