package account

import (
	"context"
	"maps"
	"slices"
	"strings"

	"horde/internal/horde"

	"horde/internal/patron"
	"horde/internal/store"
)

// Source is a service by which people support the horde.
type Source int

// Sources.
const (
	Patreon Source = iota
	Stripe
)

func (s Source) String() string {
	if s == Patreon {
		return "patreon"
	}
	return "stripe"
}

// SetSupporters records who currently supports the horde by one source: those in
// the list and nobody else. A supporter who names none of our users is skipped;
// one known only by an e-mail address is the user with that contact, if there is
// exactly one: anybody can write any address there. It returns how many users are
// supporters, and how many of the list were skipped.
func (a *Accounts) SetSupporters(
	ctx context.Context, source Source, list []patron.Supporter,
) (users, unknown int, err error) {
	now, err := a.supporters(ctx, list)
	if err != nil {
		return 0, 0, err
	}
	unknown = now.unknown

	rows, err := a.store.Supporters(ctx)
	if err != nil {
		return 0, unknown, err
	}

	// Users who are not in the list any more support the horde no longer.
	var gone []horde.UserID
	for _, row := range rows {
		if _, still := now.monthly[row.ID]; !still && source.of(row.Support) != source.of(store.Support{}) {
			gone = append(gone, row.ID)
		}
	}

	for _, id := range append(slices.Sorted(maps.Keys(now.monthly)), gone...) {
		monthly, supports := now.monthly[id]
		if err := a.setSupport(ctx, id, source, given{supports, monthly}); err != nil {
			return 0, unknown, err
		}
	}
	return len(now.monthly), unknown, nil
}

// given is what a user gives by one source.
type given struct {
	supports bool
	monthly  int64 // whole kudos each month
}

// of returns what a user gives by the source. Support by Stripe shows only in
// what it is worth.
func (s Source) of(all store.Support) given {
	if s == Patreon {
		return given{all.Patron, all.Patreon}
	}
	return given{all.Stripe != 0, all.Stripe}
}

// set records what a user gives by the source.
func (s Source) set(all *store.Support, g given) {
	if s == Patreon {
		all.Patron, all.Patreon = g.supports, g.monthly
	} else {
		all.Stripe = g.monthly
	}
}

// setSupport records what one user gives.
func (a *Accounts) setSupport(ctx context.Context, id horde.UserID, source Source, g given) error {
	return a.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		row, err := tx.User(id)
		if err != nil {
			return err
		}

		before := row.Support
		source.set(&row.Support, g)
		if row.Support == before {
			return nil
		}
		return tx.SetSupport(id, row.Support)
	}})
}

// supported is what the supporters of a list give together.
type supported struct {
	monthly map[horde.UserID]int64 // user → whole kudos each month
	unknown int                    // supporters who are none of our users
}

// supporters finds the users behind a list of supporters.
func (a *Accounts) supporters(ctx context.Context, list []patron.Supporter) (*supported, error) {
	now := &supported{monthly: map[horde.UserID]int64{}}
	byMail := map[string][]horde.UserID{}
	var mails []string

	// Look up at once all who are known only by their e-mail address.
	for _, p := range list {
		if p.User == "" && p.Email != "" {
			mails = append(mails, strings.ToLower(p.Email))
		}
	}
	slices.Sort(mails)
	found, err := a.store.WithContact(ctx, slices.Compact(mails))
	if err != nil {
		return nil, err
	}

	for _, row := range found {
		if !wiped(row) && row.OAuthID != anonymousOAuth {
			mail := strings.ToLower(row.Contact)
			byMail[mail] = append(byMail[mail], row.ID)
		}
	}

	for _, p := range list {
		id, known, err := a.supporter(ctx, p, byMail)
		if err != nil {
			return nil, err
		}
		if !known {
			now.unknown++
			continue
		}
		now.monthly[id] += p.Monthly
	}
	return now, nil
}

// supporter finds the user behind a supporter.
func (a *Accounts) supporter(
	ctx context.Context, p patron.Supporter, byMail map[string][]horde.UserID,
) (horde.UserID, bool, error) {
	if p.User == "" {
		ids := byMail[strings.ToLower(p.Email)]
		if len(ids) != 1 {
			return 0, false, nil
		}
		return ids[0], true, nil
	}

	id, ok := IDOfAlias(p.User)
	if !ok || id == horde.AnonymousID {
		return 0, false, nil
	}
	users, err := a.store.Names(ctx, []horde.UserID{id}, nil, nil)
	_, known := users.Users[id]
	return id, known && err == nil, err
}
