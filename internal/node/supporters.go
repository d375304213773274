package node

import (
	"context"
	"strconv"
	"strings"
	"time"

	"horde/internal/horde"

	"horde/internal/account"
	"horde/internal/content"
	"horde/internal/patron"
	"horde/internal/store"
)

// rareJob is a job that runs when a period has passed since it was last begun,
// whichever node that was on.
type rareJob struct {
	name   string
	period time.Duration
	atOnce bool // in a new database; else it first runs when period has passed
	run    func(context.Context) error
}

// rarely returns a check that runs a job if it is due. When it was last begun is
// recorded in the database, so that nodes may be restarted more often than it runs.
func (n *Node) rarely(j rareJob) func(context.Context) error {
	setting := "job-" + j.name
	return func(ctx context.Context) error {
		text, err := n.Store.Setting(ctx, setting)
		if err != nil {
			return err
		}

		number, _ := strconv.ParseInt(text, 10, 64) // "": never
		last := horde.Micros(number)
		now := horde.MicrosOf(n.options.Clock())
		if last != 0 && now-last < horde.MicrosIn(j.period) && last <= now {
			return nil
		}

		err = n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			return tx.SetSetting(setting, strconv.FormatInt(int64(now), 10))
		}})
		if err != nil || last == 0 && !j.atOnce {
			return err
		}
		return j.run(ctx)
	}
}

// followSupporters returns the job that keeps asking a service who supports the
// horde. A node that has no key for it leaves that to the others.
func (n *Node) followSupporters(source account.Source, period time.Duration, service Supporters) func(context.Context) {
	name := source.String()
	read := n.rarely(rareJob{
		name:   name,
		period: period,
		atOnce: true,
		run:    func(ctx context.Context) error { return n.readSupporters(ctx, source, service) },
	})
	return func(ctx context.Context) {
		if service != nil {
			n.every(ctx, name, rareEvery, read)
		}
	}
}

// readSupporters asks who supports the horde. If the service does not answer,
// everything stays as it was.
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

// Pledges that put a patron on the sponsors' page (platform §9), in
// whole units of currency each month.
const (
	patronPledge  = 3
	sponsorPledge = 100
)

// named returns the patrons that the sponsors' page names.
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

// payMonthly pays the monthly kudos to everybody who is due.
func (n *Node) payMonthly(ctx context.Context) error {
	paid, err := n.Accounts.PayMonthly(ctx)
	if len(paid) > 0 {
		n.options.Log.Info("monthly kudos", "users", len(paid))
	}
	return err
}
