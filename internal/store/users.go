package store

import (
	"context"

	"horde/internal/horde"
)

// User is one account holder.
type User struct {
	ID              horde.UserID
	Username        string
	OAuthID         string
	KeyHash         string // of the API key
	Created         horde.Micros
	Roles           int64 // the domain's bit set
	Concurrency     int
	WorkerInvited   int
	PublicWorkers   bool
	UsageMultiplier int64 // thousandths
	Contact         string
	AdminComment    string
	Suspicions      string // JSON list of reasons, "" for none
	ProxyPasskey    string
	Monthly         int64        // allowance of each month, in whole kudos
	MonthlyReceived horde.Micros // microsecond that it was last paid for; 0: never
	Support         Support      // written by SetSupport alone
}

// Support is what a user gives to the horde: whether by Patreon, and the whole
// kudos each month that this and a subscription by Stripe are worth.
type Support struct {
	Patron  bool
	Patreon int64
	Stripe  int64
}

const userColumns = insertedColumns + ", patron, patreon_kudos, stripe_kudos"

const insertedColumns = "id, username, oauth_id, key_hash, created, roles, concurrency, worker_invited, " +
	"public_workers, usage_multiplier, contact, admin_comment, suspicions, proxy_passkey, " +
	"monthly_kudos, monthly_received"

// fields are where a row of userColumns is read into.
func (u *User) fields() []any {
	return []any{&u.ID, &u.Username, &u.OAuthID, &u.KeyHash, &u.Created, &u.Roles, &u.Concurrency, &u.WorkerInvited,
		&u.PublicWorkers, &u.UsageMultiplier, &u.Contact, &u.AdminComment, &u.Suspicions,
		&u.ProxyPasskey, &u.Monthly, &u.MonthlyReceived, &u.Support.Patron, &u.Support.Patreon, &u.Support.Stripe}
}

func scanUser(r scanner) (u User, err error) { return u, r.Scan(u.fields()...) }

// User reads a user by id; ErrNotFound when there is none.
func (s *Store) User(ctx context.Context, id horde.UserID) (User, error) {
	return one(ctx, s, scanUser, "SELECT "+userColumns+" FROM users WHERE id = $1", id)
}

// Users reads the users with these ids; unknown ones are left out.
func (s *Store) Users(ctx context.Context, ids []horde.UserID) ([]User, error) {
	var all []User
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanUser, "SELECT "+userColumns+" FROM users WHERE id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// UserByKey reads a user by the hash of the API key.
func (s *Store) UserByKey(ctx context.Context, hash string) (User, error) {
	return one(ctx, s, scanUser, "SELECT "+userColumns+" FROM users WHERE key_hash = $1", hash)
}

// UserByOAuth reads a user by the id that an identity provider gave.
func (s *Store) UserByOAuth(ctx context.Context, oauth string) (User, error) {
	return one(ctx, s, scanUser, "SELECT "+userColumns+" FROM users WHERE oauth_id = $1", oauth)
}

// InsertUser writes a new user and an empty account with this floor. With
// ID < 0 the next free id is taken. It returns the id; ErrDuplicate when the
// oauth id or key is taken.
func (tx *Tx) InsertUser(u User, lowest int64) (horde.UserID, error) {
	id, err := readOne(tx, scanInt[horde.UserID], `INSERT INTO users (`+insertedColumns+`)
SELECT CASE WHEN CAST($1 AS BIGINT) >= 0 THEN CAST($1 AS BIGINT) ELSE (SELECT COALESCE(max(id), 0) + 1 FROM users) END,
    CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT),
    CAST($7 AS BIGINT), CAST($8 AS BIGINT),
    CAST($9 AS BOOLEAN), CAST($10 AS BIGINT), CAST($11 AS TEXT), CAST($12 AS TEXT), CAST($13 AS TEXT),
    CAST($14 AS TEXT), CAST($15 AS BIGINT), CAST($16 AS BIGINT)
RETURNING id`,
		u.ID, u.Username, u.OAuthID, u.KeyHash, u.Created, u.Roles, u.Concurrency, u.WorkerInvited,
		u.PublicWorkers, u.UsageMultiplier, u.Contact, u.AdminComment, u.Suspicions, u.ProxyPasskey,
		u.Monthly, u.MonthlyReceived)
	if err != nil {
		return 0, err
	}

	_, err = tx.change("INSERT INTO accounts (user_id, lowest, last_active) VALUES ($1, $2, $3)", id, lowest, tx.Now)
	tx.changed.Users.add(id)
	return id, err
}

// UpdateUser writes all columns of a user but the id, the time of making and the
// support.
func (tx *Tx) UpdateUser(u User) error {
	_, err := tx.change("UPDATE users SET username = $2, oauth_id = $3, key_hash = $4, roles = $5, "+
		"concurrency = $6, worker_invited = $7, public_workers = $8, "+
		"usage_multiplier = $9, contact = $10, admin_comment = $11, suspicions = $12, proxy_passkey = $13, "+
		"monthly_kudos = $14, monthly_received = $15 WHERE id = $1",
		u.ID, u.Username, u.OAuthID, u.KeyHash, u.Roles, u.Concurrency, u.WorkerInvited, u.PublicWorkers,
		u.UsageMultiplier, u.Contact, u.AdminComment, u.Suspicions, u.ProxyPasskey, u.Monthly, u.MonthlyReceived)
	tx.changed.Users.add(u.ID)
	return err
}

// User reads and locks a user inside the transaction.
func (tx *Tx) User(id horde.UserID) (User, error) {
	return readOne(tx, scanUser, "SELECT "+userColumns+" FROM users WHERE id = $1"+tx.w.s.engine.forUpdate, id)
}

// SetSupport writes what a user gives to the horde.
func (tx *Tx) SetSupport(user horde.UserID, s Support) error {
	_, err := tx.change("UPDATE users SET patron = $2, patreon_kudos = $3, stripe_kudos = $4 WHERE id = $1",
		user, s.Patron, s.Patreon, s.Stripe)
	tx.changed.Users.add(user)
	return err
}

// scanInt reads the one number of a row.
func scanInt[T ~int64](r scanner) (T, error) {
	var v T
	return v, r.Scan(&v)
}

// Setting reads a setting of the whole horde; "" when it was never set.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	v, err := one(ctx, s, scanText, "SELECT value FROM settings WHERE name = $1", name)
	if err == ErrNotFound {
		return "", nil
	}
	return v, err
}

// SetSetting writes a setting of the whole horde.
func (tx *Tx) SetSetting(name, value string) error {
	tx.changed.Settings.add(name)
	_, err := tx.change("INSERT INTO settings (name, value) VALUES ($1, $2) "+
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// InitSetting writes a setting unless it has a value, and returns the one it
// has then. The setting is locked until the transaction ends.
func (tx *Tx) InitSetting(name, value string) (string, error) {
	if _, err := tx.change("INSERT INTO settings (name, value) VALUES ($1, $2) "+
		"ON CONFLICT (name) DO NOTHING", name, value); err != nil {
		return "", err
	}

	found, err := read(tx, scanText, "SELECT value FROM settings WHERE name = $1"+tx.w.s.engine.forUpdate, name)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}
