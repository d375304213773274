package node

import (
	"context"
	"strconv"
	"strings"
	"time"

	"horde/internal/account"
	"horde/internal/content"
	"horde/internal/patron"
	"horde/internal/store"
)

// rarely is a job that runs when period has passed since it was last begun,
// whichever node that was on: it is written down in the database, so that nodes
// may come and go more often. In a new database it runs first when period has
// passed, or at once with atOnce.
func (n *Node) rarely(name string, period time.Duration, atOnce bool, job func(context.Context) error) func(context.Context) error {
	setting := "job-" + name
	return func(ctx context.Context) error {
		text, err := n.Store.Setting(ctx, setting)
		if err != nil {
			return err
		}
		last, _ := strconv.ParseInt(text, 10, 64) // "": never
		now := n.options.Clock().UnixMicro()
		if last != 0 && now-last < period.Microseconds() && last <= now {
			return nil
		}
		err = n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.SetSetting(setting, strconv.FormatInt(now, 10)) }})
		if err != nil || last == 0 && !atOnce {
			return err
		}
		return job(ctx)
	}
}

// followSupporters is the job that asks a service again and again who supports the
// horde. A node that has no key for it leaves that to the others.
func (n *Node) followSupporters(source account.Source, period time.Duration, service Supporters) func(context.Context) {
	name := source.String()
	read := n.rarely(name, period, true, func(ctx context.Context) error { return n.readSupporters(ctx, source, service) })
	return func(ctx context.Context) {
		if service != nil {
			n.every(ctx, name, rareEvery, read)
		}
	}
}

// readSupporters asks who supports the horde. Where the service does not answer,
// all stays as it was.
func (n *Node) readSupporters(ctx context.Context, source account.Source, service Supporters) error {
	list, err := service.Supporters(ctx)
	if err != nil {
		return err
	}
	if source == account.Patreon {
		if err := n.Documents.SetSupporters(ctx, named(list)); err != nil {
			return err
		}
	}
	users, unknown, err := n.Accounts.SetSupporters(ctx, source, list)
	n.options.Log.Info("supporters of the horde", "source", source.String(), "users", users, "unknown", unknown)
	return err
}

// Pledges that bring a patron onto the sponsors' page (platform §9), in
// whole units of currency each month.
const (
	patronPledge  = 3
	sponsorPledge = 100
)

// named are those of a list of patrons that the sponsors' page names.
func named(list []patron.Supporter) (s content.Supporters) {
	for _, p := range list {
		name := p.Name
		if name == "" {
			name, _, _ = strings.Cut(p.User, "#")
		}
		switch {
		case p.Pledge >= sponsorPledge:
			s.Sponsors = append(s.Sponsors, content.Supporter{Name: name, Link: p.Link})
		case p.Pledge >= patronPledge:
			s.Patrons = append(s.Patrons, content.Supporter{Name: name})
		}
	}
	return s
}

// payMonthly gives all who are due their kudos of the month.
func (n *Node) payMonthly(ctx context.Context) error {
	paid, err := n.Accounts.PayMonthly(ctx)
	if len(paid) > 0 {
		n.options.Log.Info("monthly kudos", "users", len(paid))
	}
	return err
}
