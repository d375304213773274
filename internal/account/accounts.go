package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Config is what accounts depend on besides the store.
type Config struct {
	// KeySecret is hashed before every API key; a database is only of use with
	// the secret it was made with.
	KeySecret string
	// Admins returns who may do everything (ADMINS): aliases or ids, of which the ids
	// count. It is called on every check, so that the list may grow while the program
	// runs.
	Admins func() []string
	// Awarders may award kudos (HORDE_AWARDERS), named in the same way; none: the
	// user with id 1.
	Awarders []string
	// Unpaid bounds what workers, styles and ratings earn of what nobody pays for.
	Unpaid Unpaid
	Clock  horde.Clock
	Log    *slog.Logger // nil: nothing is logged
}

// Accounts finds, makes and changes users.
type Accounts struct {
	store  *store.Store
	config Config

	pages    pages
	passkeys passkeys

	mu    sync.RWMutex
	byKey map[string]cached // by hash of the key; guarded by mu
	epoch uint64            // guarded by mu: counts clearings; a read that began before one is not cached
}

// cached is a user found by key, and until when that may be used.
type cached struct {
	user  *User
	until time.Time
}

// Limits of the cache of users by key.
const (
	cacheLife = 30 * time.Second // an upper bound only: changes clear the cache
	cacheSize = 10000            // users
)

// New returns the accounts of a store and makes sure that the anonymous user
// exists.
func New(ctx context.Context, s *store.Store, c Config) (*Accounts, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Admins == nil {
		c.Admins = func() []string { return nil }
	}
	a := &Accounts{store: s, config: c, byKey: map[string]cached{}}
	s.Follow(a.hear)

	_, err := s.User(ctx, horde.AnonymousID)
	if errors.Is(err, store.ErrNotFound) {
		err = s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			_, err := tx.InsertUser(store.User{
				ID:              horde.AnonymousID,
				Username:        "Anonymous",
				OAuthID:         anonymousOAuth,
				KeyHash:         a.hash(api.AnonymousKey),
				Created:         tx.Now,
				Concurrency:     500,
				PublicWorkers:   true,
				UsageMultiplier: 1000,
			}, int64(floorAnonymous))
			return err
		}})
		if errors.Is(err, store.ErrDuplicate) { // another node was faster
			err = nil
		}
	}
	return a, err
}

// hash returns the stored form of a key (platform §1.7).
func (a *Accounts) hash(key string) string {
	sum := sha256.Sum256([]byte(a.config.KeySecret + key))
	return hex.EncodeToString(sum[:])
}

// ErrUnknownKey says that no user has this API key.
var ErrUnknownKey = horde.Errorf(horde.InvalidAPIKey,
	"No user matching the sent API key. Have you registered at this horde?")

// maxKey is how long a key is that somebody may have, in bytes.
const maxKey = 64

// ByKey finds the user of an API key; ErrUnknownKey if there is none.
func (a *Accounts) ByKey(ctx context.Context, key string) (*User, error) {
	if key == "" || len(key) > maxKey {
		return nil, ErrUnknownKey
	}

	hash := a.hash(key)
	now := a.config.Clock()
	a.mu.RLock()
	c, ok := a.byKey[hash]
	epoch := a.epoch
	a.mu.RUnlock()
	if ok && now.Before(c.until) {
		return c.user, nil
	}

	row, err := a.store.UserByKey(ctx, hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && wiped(row) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, err
	}

	u := fromRow(row)

	// Cache what was read, unless it may have changed meanwhile.

	a.mu.Lock()
	defer a.mu.Unlock()

	if a.epoch == epoch {
		if len(a.byKey) >= cacheSize {
			clear(a.byKey)
		}
		a.byKey[hash] = cached{u, now.Add(cacheLife)}
	}
	return u, nil
}

// ByID finds a user; a UserNotFound error if there is none or it was wiped.
func (a *Accounts) ByID(ctx context.Context, id horde.UserID) (*User, error) {
	row, err := a.store.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && wiped(row) {
		return nil, errUserNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return fromRow(row), nil
}

// ByIDs finds users; those that there are not, or that were wiped, are left out.
func (a *Accounts) ByIDs(ctx context.Context, ids []horde.UserID) (map[horde.UserID]*User, error) {
	rows, err := a.store.Users(ctx, ids)
	if err != nil {
		return nil, err
	}

	users := make(map[horde.UserID]*User, len(rows))
	for _, row := range rows {
		if !wiped(row) {
			users[row.ID] = fromRow(row)
		}
	}
	return users, nil
}

// hear forgets what is cached about users that changed, on whatever node.
func (a *Accounts) hear(_ context.Context, c *store.Changes) error {
	switch {
	case c.Missed:
		a.Forget()
	case len(c.Users) > 0:
		a.Forget(c.Users...)
	}
	return nil
}

// Forget clears what is cached about users; about all without any. What the store
// writes is heard of: only a change behind its back needs this.
func (a *Accounts) Forget(users ...horde.UserID) {
	a.passkeys.forget()

	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch++
	for hash, c := range a.byKey {
		if len(users) == 0 || slices.Contains(users, c.user.ID) {
			delete(a.byKey, hash)
		}
	}
}

// NewUser describes a user to create. An empty OAuthID makes a pseudonymous one.
type NewUser struct {
	Username string
	OAuthID  string
	Roles    Role
}

// Create creates a user and returns it with its API key, which is stored nowhere.
func (a *Accounts) Create(ctx context.Context, n NewUser) (*User, string, error) {
	if n.OAuthID == "" {
		n.OAuthID = uuid.NewString()
	}

	key := horde.NewAPIKey()
	row := store.User{
		ID:              -1,
		Username:        cleanName(n.Username),
		OAuthID:         n.OAuthID,
		KeyHash:         a.hash(key),
		Roles:           int64(n.Roles),
		Concurrency:     30,
		UsageMultiplier: 1000,
	}
	insert := func() error {
		return a.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
			row.Created = tx.Now
			row.ID = -1
			row.ID, err = tx.InsertUser(row, int64(floorOf(n.OAuthID)))
			return err
		}})
	}

	// Two nodes may pick the same id; the loser tries again, unless the identity exists.
	err := insert()
	for try := 0; errors.Is(err, store.ErrDuplicate) && try < 5; try++ {
		if _, e := a.store.UserByOAuth(ctx, n.OAuthID); e == nil {
			break
		}
		err = insert()
	}

	if err != nil {
		return nil, "", fmt.Errorf("create user: %w", err)
	}
	return fromRow(row), key, nil
}

// Register creates a pseudonymous user (POST /register).
func (a *Accounts) Register(ctx context.Context, username string) (key, alias string, err error) {
	if err := checkName(username); err != nil {
		return "", "", err
	}
	u, key, err := a.Create(ctx, NewUser{Username: username})
	if err != nil {
		return "", "", err
	}
	return key, u.Alias(), nil
}

// TestUser creates or renews an account for tests: the key is new, the balance
// exactly what was asked for (platform §8.6).
func (a *Accounts) TestUser(
	ctx context.Context, n NewUser, balance *int64,
) (u *User, key string, created bool, err error) {
	row, err := a.store.UserByOAuth(ctx, n.OAuthID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		created = true
		if u, key, err = a.Create(ctx, n); err != nil {
			return nil, "", false, err
		}
	case err != nil:
		return nil, "", false, err
	default:
		if u, key, err = a.renew(ctx, row.ID, n); err != nil {
			return nil, "", false, err
		}
	}

	if balance != nil {
		err = a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{u.ID}, Do: func(tx *store.Tx) error {
			e := kudos.NewEntry(tx, "test:"+horde.NewID(), "test account", "", "")
			if err := e.SetBalance(u.ID, horde.Whole(*balance)); err != nil {
				return err
			}
			return e.Commit()
		}})
	}
	return u, key, created, err
}

// renew gives a user a new name and key, and these of the roles that an account
// for tests can have.
func (a *Accounts) renew(ctx context.Context, id horde.UserID, n NewUser) (u *User, key string, err error) {
	key = horde.NewAPIKey()
	err = a.change(ctx, id, func(r *store.User) {
		r.Username = cleanName(n.Username)
		r.KeyHash = a.hash(key)
		r.Roles = r.Roles&^int64(Moderator|Trusted) | int64(n.Roles)
		u = fromRow(*r)
	})
	if err == nil {
		err = a.freeEscrow(ctx, id)
	}
	return u, key, err
}

// change rewrites a user's row.
func (a *Accounts) change(ctx context.Context, id horde.UserID, f func(*store.User)) error {
	err := a.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		row, err := tx.User(id)
		if err != nil {
			return err
		}
		f(&row)
		return tx.UpdateUser(row)
	}})
	return err
}

// Balance returns what a user can spend, including held kudos.
func (a *Accounts) Balance(ctx context.Context, user horde.UserID) (horde.Kudos, error) {
	acc, err := a.store.Account(ctx, user)
	if err != nil {
		return 0, err
	}
	return acc.Balance, nil
}

// operatorOAuth marks the account that "horde up" creates for whoever runs it.
const operatorOAuth = "horde:operator"

// Operator finds the operator's account by its key, and creates the account, or a
// new key for it, if the key is not (or no longer) valid. fresh is the new key, "" if
// the old one is still valid.
func (a *Accounts) Operator(ctx context.Context, key string) (u *User, fresh string, err error) {
	if u, err = a.ByKey(ctx, key); err == nil && u.OAuthID == operatorOAuth {
		return u, "", nil
	}

	row, err := a.store.UserByOAuth(ctx, operatorOAuth)
	if errors.Is(err, store.ErrNotFound) {
		return a.Create(ctx, NewUser{Username: "operator", OAuthID: operatorOAuth, Roles: Trusted})
	}
	if err != nil {
		return nil, "", err
	}

	fresh = horde.NewAPIKey()
	err = a.change(ctx, row.ID, func(r *store.User) { r.KeyHash = a.hash(fresh) })
	return fromRow(row), fresh, err
}
