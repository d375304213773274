package node

import (
	"context"
	"strconv"
	"time"

	"horde/internal/account"
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
		err = n.Store.Write(store.Unit{Do: func(tx *store.Tx) error { return tx.SetSetting(setting, strconv.FormatInt(now, 10)) }})
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
	users, unknown, err := n.Accounts.SetSupporters(ctx, source, list)
	n.options.Log.Info("supporters of the horde", "source", source.String(), "users", users, "unknown", unknown)
	return err
}

// payMonthly gives all who are due their kudos of the month.
func (n *Node) payMonthly(ctx context.Context) error {
	paid, err := n.Accounts.PayMonthly(ctx)
	if len(paid) > 0 {
		n.options.Log.Info("monthly kudos", "users", len(paid))
	}
	return err
}
