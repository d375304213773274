package account

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"horde/internal/horde"
	"horde/internal/store"
)

// Role is something that a user is or may do; a user's roles are a set of bits
// (platform §6.1).
type Role int64

// Roles, with the original's numbers.
const (
	Moderator Role = 1 << iota
	Trusted
	_
	Flagged
	Customizer
	VPN
	Special
	Service
	Education
	Deleted
)

// OAuth ids with a special meaning.
const (
	anonymousOAuth = "anon"
	wipedOAuth     = "<wiped>" // prefix of a wiped user's; an id follows
)

// Floors below which no debit takes a balance (generation §6.10).
var (
	floorAnonymous    = horde.Whole(-50)
	floorPseudonymous = horde.Whole(14)
	floorNamed        = horde.Whole(25)
)

// User is an account holder, without the money.
type User struct {
	ID              horde.UserID
	Username        string
	OAuthID         string
	Created         horde.Micros
	Roles           Role
	Concurrency     int
	WorkerInvited   int
	PublicWorkers   bool
	UsageMultiplier float64
	Contact         string
	AdminComment    string
	Suspicions      int // how many reasons for suspicion were given
	ProxyPasskey    string
	Monthly         int64        // whole kudos each month
	MonthlyReceived horde.Micros // 0: never
	Patron          bool         // supports the horde by Patreon
	PatreonMonthly  int64        // whole kudos each month for it
	StripeMonthly   int64        // likewise for a subscription by Stripe
}

func fromRow(u store.User) *User {
	user := &User{
		ID:              u.ID,
		Username:        u.Username,
		OAuthID:         u.OAuthID,
		Created:         u.Created,
		Roles:           Role(u.Roles),
		Concurrency:     u.Concurrency,
		WorkerInvited:   u.WorkerInvited,
		PublicWorkers:   u.PublicWorkers,
		UsageMultiplier: float64(u.UsageMultiplier) / 1000,
		Contact:         u.Contact,
		AdminComment:    u.AdminComment,
		ProxyPasskey:    u.ProxyPasskey,
		Monthly:         u.Monthly,
		MonthlyReceived: u.MonthlyReceived,
		Patron:          u.Support.Patron,
		PatreonMonthly:  u.Support.Patreon,
		StripeMonthly:   u.Support.Stripe,
	}

	if u.Suspicions != "" {
		user.Suspicions = len(reasonsOf(u.Suspicions))
	}
	return user
}

// Is reports whether the user has all of these roles. Moderators are also trusted
// because of how they are appointed, not by this test.
func (u *User) Is(r Role) bool { return u.Roles&r == r }

// Alias returns the public name: username#id.
func (u *User) Alias() string { return u.Username + "#" + u.ID.String() }

// Anonymous reports whether this is the user whose key is public.
func (u *User) Anonymous() bool { return u.OAuthID == anonymousOAuth }

// WithAccount returns a context in which shares of what callers take turns at count for the
// user too, whatever addresses the calls come from. Of the anonymous user and of services,
// who call for many, each address has its own.
func (u *User) WithAccount(ctx context.Context) context.Context {
	if u.Anonymous() || u.Is(Service) {
		return ctx
	}
	return horde.WithAccount(ctx, u.ID)
}

// modMonthly is what moderators are given each month in addition, in whole kudos
// (platform §9).
const modMonthly = 300_000

// MonthlyTotal returns what the user is given each month, in whole kudos.
func (u *User) MonthlyTotal() int64 {
	total := u.Monthly + u.PatreonMonthly + u.StripeMonthly
	if u.Is(Moderator) {
		total += modMonthly
	}
	return total
}

func wiped(row store.User) bool { return strings.HasPrefix(row.OAuthID, wipedOAuth) }

// living reads and locks a user in a unit of work; store.ErrNotFound if there is
// none or it was wiped.
func living(tx *store.Tx, id horde.UserID) (store.User, error) {
	row, err := tx.User(id)
	if err == nil && wiped(row) {
		err = store.ErrNotFound
	}
	return row, err
}

func errUserNotFound(id horde.UserID) error {
	return horde.Errorf(horde.UserNotFound, "User with id '%d' not found.", id)
}

// Pseudonymous reports whether the user registered without an identity provider.
func (u *User) Pseudonymous() bool {
	_, err := uuid.Parse(u.OAuthID)
	return err == nil && len(u.OAuthID) == 36
}

// Floor returns the balance below which the user cannot fall.
func (u *User) Floor() horde.Kudos { return floorOf(u.OAuthID) }

func floorOf(oauth string) horde.Kudos {
	switch u := (&User{OAuthID: oauth}); {
	case u.Anonymous():
		return floorAnonymous
	case u.Pseudonymous():
		return floorPseudonymous
	}
	return floorNamed
}

// IDOfAlias reads the id after the last '#' of an alias, or a bare id. ok is
// false if there is none between 0 and 2³¹−1 (platform §1.7).
func IDOfAlias(alias string) (id horde.UserID, ok bool) {
	digits := alias[strings.LastIndexByte(alias, '#')+1:]
	n, err := strconv.ParseInt(digits, 10, 32)
	return horde.UserID(n), err == nil && n >= 0 && digits[0] != '+' && digits[0] != '-'
}
