package account

import (
	"context"
	"fmt"
	"time"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// PayMonthly pays the monthly kudos to everybody who is due
// (platform §9): the allowance that administrators set, that of moderators, and what their
// support is worth. They are due when one calendar month has passed since the last
// time, or if there was none; the date advances by exactly one month, so whoever
// was left out for long gets one month per call. A month is paid once,
// however often and wherever this is called. It returns who was paid.
func (a *Accounts) PayMonthly(ctx context.Context) ([]horde.UserID, error) {
	users, err := a.store.WithMonthly(ctx, int64(Moderator))
	if err != nil {
		return nil, err
	}

	var paid []horde.UserID
	for _, row := range users {
		if _, due := dueMonth(&row, horde.MicrosOf(a.config.Clock())); !due {
			continue
		}

		given, err := a.payMonth(ctx, row.ID)
		if err != nil {
			return paid, fmt.Errorf("monthly kudos of user %d: %w", row.ID, err)
		}
		if given {
			paid = append(paid, row.ID)
		}
		if ctx.Err() != nil {
			return paid, ctx.Err()
		}
	}
	return paid, nil
}

// payMonth pays a user if still due inside the transaction.
func (a *Accounts) payMonth(ctx context.Context, id horde.UserID) (paid bool, err error) {
	err = a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
		paid = false
		row, err := tx.User(id)
		if err != nil {
			return err
		}

		at, due := dueMonth(&row, tx.Now)
		if !due {
			return nil // another node was faster
		}

		month := at.Time().UTC().Format("2006-01")
		event := fmt.Sprintf("monthly:%d:%s", id, month)
		before, err := tx.Posted(event)
		if err != nil {
			return err
		}

		row.MonthlyReceived = at
		if !before {
			e := kudos.NewEntry(tx, event, "monthly kudos", "", "")
			e.About(kudos.About{Month: month})
			if err := e.Monthly(id, monthlyParts(fromRow(row))...); err != nil {
				return err
			}
			if err := e.Commit(); err != nil {
				return err
			}
		}

		paid = !before
		return tx.UpdateUser(row)
	}})
	return paid && err == nil, err
}

// monthlyParts returns what a user's monthly kudos consist of.
func monthlyParts(u *User) []kudos.Part {
	parts := []kudos.Part{{Kind: kudos.Allowance, Amount: horde.Whole(u.Monthly)}}
	if u.Is(Moderator) {
		parts = append(parts, kudos.Part{Kind: kudos.Moderating, Amount: horde.Whole(modMonthly)})
	}
	return append(parts, kudos.Part{Kind: kudos.ByPatreon, Amount: horde.Whole(u.PatreonMonthly)},
		kudos.Part{Kind: kudos.ByStripe, Amount: horde.Whole(u.StripeMonthly)})
}

// dueMonth reports whether a user's monthly kudos are due at now, and for what moment
// they are then paid; both in microseconds.
func dueMonth(row *store.User, now horde.Micros) (at horde.Micros, due bool) {
	u := fromRow(*row)
	switch {
	case u.MonthlyTotal() <= 0 || u.Anonymous() || wiped(*row):
		return 0, false
	case u.MonthlyReceived == 0:
		return now, true
	}
	at = horde.MicrosOf(monthAfter(u.MonthlyReceived.Time()))
	return at, now > at
}

// monthAfter returns the same time of day one calendar month later; in a month that is
// too short, on its last day.
func monthAfter(t time.Time) time.Time {
	t = t.UTC()
	first := time.Date(t.Year(), t.Month()+1, 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	days := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), days)-1)
}
