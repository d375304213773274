package account

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/store"
)

// SharedKey is a key with which others spend its owner's kudos, within a budget
// and limits (platform §3.3). Its id is the secret: whoever knows it may
// use it.
type SharedKey struct {
	store.SharedKey
	Owner *User
}

// SharedKeyChange is what PUT and PATCH /sharedkeys say of a key; nil fields are
// absent.
type SharedKeyChange struct {
	Kudos  *int64 // whole kudos; -1: unlimited
	Expiry *int64 // days from now; -1: never
	Name   *string

	MaxPixels, MaxSteps, MaxTokens *int64 // of one job; below 0: no limit
}

// Bounds and defaults of shared keys.
const (
	maxKeyName         = 255
	maxKeyDays         = 700_000 // either way, so that the year has four digits
	defaultBudget      = 5000    // whole kudos
	noLimit            = -1
	keysPerUser        = 3
	keysPerTrustedUser = 10
	keysPerEducation   = 1000
)

// keyAllowance returns how many shared keys a user may have.
func (u *User) keyAllowance() int {
	switch {
	case u.Is(Trusted):
		return keysPerTrustedUser
	case u.Is(Education):
		return keysPerEducation
	}
	return keysPerUser
}

// SharedKey finds a shared key with its owner; ErrUnknownKey's code if there is
// none.
func (a *Accounts) SharedKey(ctx context.Context, id string) (*SharedKey, error) {
	unknown := horde.Errorf(horde.InvalidAPIKey, "This shared key does not exist.")
	if !horde.IsID(id) {
		return nil, unknown
	}

	row, err := a.store.SharedKey(ctx, strings.ToLower(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}

	owner, err := a.ByID(ctx, row.UserID)
	if horde.CodeOf(err) != "" { // wiped
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	return &SharedKey{row, owner}, nil
}

// ErrKeyOfStyles refuses a shared key that pays for styles to anyone who uses it directly.
var ErrKeyOfStyles = horde.Errorf(horde.SharedKeyAssignedStyles,
	"This shared key pays for styles. It cannot be used by itself.")

// Credential is what a request is made with.
type Credential struct {
	Key string // an API key or a shared key

	// Downgrade: a shared key without budget will do; its requests wait behind
	// everybody else's.
	Downgrade bool
}

// Spender finds the account on which an API key or a shared key makes a request:
// rows 7 to 10 of generation §1.4.
func (a *Accounts) Spender(ctx context.Context, c Credential) (*User, *SharedKey, error) {
	if !horde.IsID(c.Key) {
		u, err := a.ByKey(ctx, c.Key)
		return u, nil, err
	}

	k, err := a.SharedKey(ctx, c.Key)
	switch {
	case err != nil:
		return nil, nil, err
	case k.Budget == 0 && !c.Downgrade:
		return nil, nil, horde.Errorf(horde.SharedKeyEmpty, "The kudos of this shared key are spent. Ask its owner for more.")
	case a.Expired(k):
		return nil, nil, horde.Errorf(horde.SharedKeyExpired, "This shared key has expired. Ask its owner for another one.")
	case k.Styles > 0:
		return nil, nil, ErrKeyOfStyles
	}
	return k.Owner, k, nil
}

// Expired reports whether a shared key has expired.
func (a *Accounts) Expired(k *SharedKey) bool {
	return k.Expires != 0 && k.Expires <= horde.MicrosOf(a.config.Clock())
}

// Valid reports whether a shared key can still pay for anything.
func (a *Accounts) Valid(k *SharedKey) bool { return k.Budget != 0 && !a.Expired(k) }

// CreateSharedKey creates a shared key for a user.
func (a *Accounts) CreateSharedKey(ctx context.Context, owner *User, c SharedKeyChange) (*SharedKey, error) {
	if owner.Anonymous() {
		return nil, horde.Errorf(horde.AnonForbidden,
			"The anonymous user cannot share keys. Register an account of your own.")
	}

	row := store.SharedKey{
		ID:        uuid.NewString(),
		UserID:    owner.ID,
		Budget:    horde.Whole(defaultBudget),
		MaxPixels: noLimit,
		MaxSteps:  noLimit,
		MaxTokens: noLimit,
	}
	if c.Expiry != nil && *c.Expiry == 0 { // a new key never expires then
		c.Expiry = nil
	}

	err := a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{owner.ID}, Do: func(tx *store.Tx) error {
		n, err := tx.CountSharedKeys(owner.ID)
		if err != nil {
			return err
		}

		if most := owner.keyAllowance(); n >= most {
			return horde.Errorf(horde.Forbidden,
				"You have %d shared keys, and can have %d. Delete one that is no longer used.", n, most)
		}

		row.Created = tx.Now
		c.apply(&row, tx.Now)
		return tx.InsertSharedKey(row)
	}})
	if err != nil {
		return nil, err
	}
	return &SharedKey{row, owner}, nil
}

// ModifySharedKey changes a shared key of the caller.
func (a *Accounts) ModifySharedKey(
	ctx context.Context, caller *User, k *SharedKey, c SharedKeyChange,
) (*SharedKey, error) {
	if err := k.mustBeOf(caller); err != nil {
		return nil, err
	}
	if c == (SharedKeyChange{}) {
		return nil, horde.Errorf(horde.NoSharedKeyModSelected, "No field to change was given.")
	}

	row, err := k.SharedKey, error(nil)
	err = a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{caller.ID}, Do: func(tx *store.Tx) error {
		if row, err = tx.SharedKey(k.ID); err != nil {
			return err
		}

		c.apply(&row, tx.Now)
		// If the budget was lowered below what open requests have reserved, that is all
		// they have left. What was promised to them stays the owner's to pay.
		if row.Limited() && row.Held > row.Budget {
			if row.Held, err = kudos.TrimKeyHolds(tx, row.ID, max(0, row.Budget)); err != nil {
				return err
			}
		}
		return tx.UpdateSharedKey(row)
	}})
	if errors.Is(err, store.ErrNotFound) { // deleted just now
		return nil, horde.Errorf(horde.InvalidAPIKey, "This shared key does not exist any more.")
	}
	return &SharedKey{row, caller}, err
}

// DeleteSharedKey removes a shared key of the caller. Ending the requests that were
// made with it is left to the caller (queue.DropKey).
func (a *Accounts) DeleteSharedKey(ctx context.Context, caller *User, k *SharedKey) error {
	if err := k.mustBeOf(caller); err != nil {
		return err
	}
	return a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{caller.ID}, Do: func(tx *store.Tx) error {
		return tx.DeleteSharedKey(k.ID)
	}})
}

// DeleteSharedKeys removes all shared keys of a user and returns their ids.
func (a *Accounts) DeleteSharedKeys(ctx context.Context, user horde.UserID) ([]string, error) {
	ids, err := a.store.SharedKeysOf(ctx, user)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return ids, a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{user}, Do: func(tx *store.Tx) error {
		for _, id := range ids {
			if err := tx.DeleteSharedKey(id); err != nil {
				return err
			}
		}
		return nil
	}})
}

func (k *SharedKey) mustBeOf(u *User) error {
	if k.UserID == u.ID {
		return nil
	}
	return horde.Errorf(horde.Forbidden, "Only the owner of a shared key can change it.")
}

// apply writes the given fields into a key. now is in microseconds.
func (c *SharedKeyChange) apply(k *store.SharedKey, now horde.Micros) {
	if c.Kudos != nil {
		k.Budget = horde.Whole(*c.Kudos)
	}
	if c.Name != nil {
		k.Name = *c.Name
	}
	if c.Expiry != nil {
		if k.Expires = 0; *c.Expiry != noLimit {
			k.Expires = now + horde.Micros(*c.Expiry)*horde.MicrosIn(24*time.Hour)
		}
	}

	for into, v := range map[*int64]*int64{&k.MaxPixels: c.MaxPixels, &k.MaxSteps: c.MaxSteps, &k.MaxTokens: c.MaxTokens} {
		if v != nil {
			*into = *v
		}
	}
}

// Check returns what is wrong with a change: name of the field → reason. It is
// empty for a valid one.
func (c *SharedKeyChange) Check() map[string]string {
	wrong := map[string]string{}
	within := func(name string, v *int64, limit int64) {
		if v != nil && (*v > limit || *v < -limit) {
			wrong[name] = "the number is too large"
		}
	}

	within("kudos", c.Kudos, maxAtOnce)
	within("expiry", c.Expiry, maxKeyDays)
	within("max_image_pixels", c.MaxPixels, math.MaxInt32)
	within("max_image_steps", c.MaxSteps, math.MaxInt32)
	within("max_text_tokens", c.MaxTokens, math.MaxInt32)
	if c.Name != nil && utf8.RuneCountInString(*c.Name) > maxKeyName {
		wrong["name"] = "a name has at most 255 characters"
	}
	if c.Name != nil && moderation.CheckName(*c.Name) != nil {
		wrong["name"] = "a name cannot have control characters or marks for the direction of writing"
	}
	return wrong
}

// Details returns the key as the API shows it: in whole kudos, though it is kept to the
// hundredth.
func (k *SharedKey) Details() api.SharedKey {
	whole := func(v horde.Kudos) int64 { return int64(math.RoundToEven(v.Float())) }
	return api.SharedKey{
		ID:             k.ID,
		Username:       k.Owner.Alias(),
		Name:           k.Name,
		Kudos:          whole(k.Budget),
		Expiry:         mailTime(k.Expires),
		Utilized:       whole(k.Utilized),
		MaxImagePixels: k.MaxPixels,
		MaxImageSteps:  k.MaxSteps,
		MaxTextTokens:  k.MaxTokens,
	}
}

// KeyHolder returns the public view of the owner of a shared key, for whoever holds
// the key (platform §3.1).
func (a *Accounts) KeyHolder(ctx context.Context, k *SharedKey) (*api.UserDetails, error) {
	d, err := a.Details(ctx, k.Owner, Public)
	if err != nil {
		return nil, err
	}
	if k.Name == "" {
		d.Username += " (Shared Key)"
	} else {
		d.Username += " (Shared Key: " + k.Name + ")"
	}
	return d, nil
}
