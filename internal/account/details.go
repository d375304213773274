package account

import (
	"context"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Privilege is how much someone may see of a user (platform §4.1).
type Privilege int

// Privileges; each includes the one before it.
const (
	Public    Privilege = iota // anybody
	Own                        // the user
	Oversight                  // a moderator
)

// PrivilegeOf returns what caller may see of user; a nil caller is a stranger.
func PrivilegeOf(caller, user *User) Privilege {
	switch {
	case caller == nil:
		return Public
	case caller.Is(Moderator):
		return Oversight
	case caller.ID == user.ID:
		return Own
	}
	return Public
}

// Details describes a user as someone with this privilege sees it. Adding workers and
// live requests is left to the caller.
func (a *Accounts) Details(ctx context.Context, u *User, p Privilege) (*api.UserDetails, error) {
	acc, err := a.store.Account(ctx, u.ID)
	if err != nil {
		return nil, err
	}

	d := a.details(u, acc, p)
	if p >= Own {
		keys, err := a.store.SharedKeysOf(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		d.SharedKeyIDs = append(d.SharedKeyIDs, keys...)
	}
	return &d, a.addStyles(ctx, p, &d)
}

// addStyles adds the styles that users created, private ones from Own on.
func (a *Accounts) addStyles(ctx context.Context, p Privilege, users ...*api.UserDetails) error {
	ids := make([]horde.UserID, len(users))
	byID := make(map[horde.UserID]*api.UserDetails, len(users))
	for i, d := range users {
		ids[i] = horde.UserID(d.ID)
		byID[ids[i]] = d
	}

	styles, err := a.store.StylesOf(ctx, store.StyleOwners{Users: ids, Private: p >= Own})
	if err != nil {
		return err
	}

	for _, v := range styles {
		d := byID[v.UserID]
		d.Styles = append(d.Styles, api.UserStyle{Name: d.Username + "::style::" + v.Name, ID: v.ID, Type: string(v.Kind)})
	}
	return nil
}

// details describes a user without what takes further queries.
func (a *Accounts) details(u *User, acc *store.Account, p Privilege) api.UserDetails {
	d := api.UserDetails{
		Username:      u.Alias(),
		ID:            int(u.ID),
		Kudos:         api.Float(acc.Balance.Float()),
		Concurrency:   u.Concurrency,
		WorkerInvited: u.WorkerInvited,
		Moderator:     u.Is(Moderator),
		Trusted:       u.Is(Trusted),
		Flagged:       u.Is(Flagged),
		Service:       u.Is(Service),
		Education:     u.Is(Education),
		Customizer:    u.Is(Customizer),
		Deleted:       u.Is(Deleted),
		Pseudonymous:  u.Pseudonymous(),
		AccountAge:    int((horde.MicrosOf(a.config.Clock()) - u.Created) / 1_000_000),
		Styles:        []api.UserStyle{},
		KudosDetails:  kudosDetails(&acc.Totals),
		Records:       records(&acc.Totals),
	}

	if p >= Own || u.PublicWorkers {
		d.WorkerIDs = []string{}
	}
	if p >= Own {
		vpn, special := u.Is(VPN), u.Is(Special)
		d.VPN, d.Special, d.SharedKeyIDs = &vpn, &special, []string{}
		d.Contact = textOrNil(u.Contact)
	}
	if p >= Oversight {
		escrow, suspicions := api.Float(acc.Escrow.Float()), u.Suspicions
		d.EvaluatingKudos, d.Suspicious = &escrow, &suspicions
		d.MonthlyKudos = &api.MonthlyKudos{Amount: int(u.MonthlyTotal()), LastReceived: mailTime(u.MonthlyReceived)}
		d.AdminComment, d.ProxyPasskey = textOrNil(u.AdminComment), textOrNil(u.ProxyPasskey)
	}
	return d
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// mailTime formats a time in microseconds as in mail headers; "" for 0.
func mailTime(micros horde.Micros) string {
	if micros == 0 {
		return ""
	}
	return micros.Time().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}

func kudosDetails(t *store.Totals) api.KudosDetails {
	tally := func(k horde.Kudos) api.Tally {
		if k == 0 {
			return api.Tally{}
		}
		return api.TallyOf(k.Float())
	}
	return api.KudosDetails{
		Accumulated: tally(t.Accumulated),
		Gifted:      tally(t.Gifted),
		Donated:     tally(t.Donated),
		Admin:       tally(t.Admin),
		Received:    tally(t.Received),
		Recurring:   tally(t.Recurring),
		Awarded:     tally(t.Awarded),
		Styled:      tally(t.Styled),
	}
}

func records(t *store.Totals) api.UserRecords {
	work := func(p, begun store.PerKind) api.WorkRecords {
		r := api.WorkRecords{Tokens: p[store.TextPlace]}
		if begun[store.ImagePlace] > 0 {
			r.Megapixelsteps = api.TallyOf(float64(p[store.ImagePlace]) / 100)
		}
		return r
	}

	amounts := func(p store.PerKind) api.AmountRecords {
		return api.AmountRecords{
			Image:         int(p[store.ImagePlace]),
			Text:          int(p[store.TextPlace]),
			Interrogation: int(p[store.FormPlace]),
		}
	}

	return api.UserRecords{
		Usage:        work(t.Usage, t.Requests),
		Contribution: work(t.Contribution, t.Fulfilments),
		Fulfillment:  amounts(t.Fulfilments),
		Request:      amounts(t.Requests),
		Style:        amounts(t.Styles),
	}
}
