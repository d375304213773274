package account

import (
	"context"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Details describes a user as the user sees it (platform rulebook §4.1,
// privilege 1). Workers and live requests are the caller's to add.
func (a *Accounts) Details(ctx context.Context, u *User) (*api.UserDetails, error) {
	acc, err := a.store.Account(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	vpn, special := u.Is(VPN), u.Is(Special)
	d := &api.UserDetails{
		Username: u.Alias(), ID: int(u.ID), Kudos: api.Float(acc.Balance.Float()), Concurrency: u.Concurrency,
		WorkerInvited: u.WorkerInvited, Moderator: u.Is(Moderator), Trusted: u.Is(Trusted), Flagged: u.Is(Flagged),
		VPN: &vpn, Service: u.Is(Service), Education: u.Is(Education), Customizer: u.Is(Customizer), Special: &special,
		Deleted: u.Is(Deleted), Pseudonymous: u.Pseudonymous(),
		AccountAge: int((a.config.Clock().UnixMicro() - u.Created) / 1_000_000),
		WorkerIDs:  []string{}, Styles: []api.UserStyle{}, SharedKeyIDs: []string{},
		KudosDetails: kudosDetails(&acc.Totals), Records: records(&acc.Totals),
	}
	if u.Contact != "" {
		d.Contact = &u.Contact
	}
	return d, nil
}

func kudosDetails(t *store.Totals) api.KudosDetails {
	tally := func(k horde.Kudos) api.Tally {
		if k == 0 {
			return api.Tally{}
		}
		return api.TallyOf(k.Float())
	}
	return api.KudosDetails{Accumulated: tally(t.Accumulated), Gifted: tally(t.Gifted), Donated: tally(t.Donated), Admin: tally(t.Admin),
		Received: tally(t.Received), Recurring: tally(t.Recurring), Awarded: tally(t.Awarded), Styled: tally(t.Styled)}
}

func records(t *store.Totals) api.UserRecords {
	things := func(p, begun store.PerKind) api.ThingRecords {
		r := api.ThingRecords{Tokens: p[1]}
		if begun[0] > 0 {
			r.Megapixelsteps = api.TallyOf(float64(p[0]) / 1e6)
		}
		return r
	}
	amounts := func(p store.PerKind) api.AmountRecords {
		return api.AmountRecords{Image: int(p[0]), Text: int(p[1]), Interrogation: int(p[2])}
	}
	return api.UserRecords{Usage: things(t.Usage, t.Requests), Contribution: things(t.Contribution, t.Fulfilments),
		Fulfillment: amounts(t.Fulfilments), Request: amounts(t.Requests), Style: amounts(t.Styles)}
}
