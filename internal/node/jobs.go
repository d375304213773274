package node

import (
	"context"
	"errors"
	"time"

	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Periods of the background jobs.
const (
	sweepEvery      = 60 * time.Second // generation §5.8
	pruneEvery      = 10 * time.Minute
	pruneHooksEvery = time.Minute
	promoteEvery    = 60 * time.Second
	escrowEvery     = 10 * time.Minute
	dateEvery       = 60 * time.Second
	dateTime        = time.Minute // how long one call goes on
	datePause       = 50 * time.Millisecond
	mergeEvery      = 60 * time.Second
	backfillEvery   = 60 * time.Second
	monthlyEvery    = time.Hour // platform §11
	patreonEvery    = time.Hour
	stripeEvery     = 30 * time.Minute
	bucketRetry     = 15 * time.Second
	shareUseEvery   = 15 * time.Second
	forgetEvery     = time.Minute
	lastTime        = 5 * time.Second // how long the last time may take
	flushEvery      = time.Second
	rareEvery       = 60 * time.Second // how often rare jobs check whether they are due
	imagesKept      = 2 * time.Hour
	deliveriesKept  = time.Hour
	timingsKept     = 90 * 24 * time.Hour
	maxTimings      = 500_000             // rows, about 150 MB
	messagesKept    = 30 * 24 * time.Hour // after they have expired
)

// jobs are what runs beside the HTTP server until the node stops. Those with a
// lease run on one node at a time.
func (n *Node) jobs() []func(context.Context) {
	every := func(name string, period time.Duration, run func(context.Context) error) func(context.Context) {
		return func(ctx context.Context) { n.every(ctx, name, period, run) }
	}

	return []func(context.Context){
		// On every node: follow other nodes and the sources of models, call webhooks.
		n.Catalog.Run,
		n.Store.Watch,
		n.prepareBuckets,
		n.measureBlobs,
		n.shareBlobUse,
		n.flushSmallObjects,
		n.countBytes,
		n.forgetWorkers,
		func(ctx context.Context) {
			n.Switches.Reread(ctx, func(err error) { n.options.Log.Error("switches", "error", err) })
		},
		n.callHooks,

		// Requests, forms and what remains of them.
		every("sweep", sweepEvery, n.Queue.Sweep),
		every("sweep-forms", sweepEvery, n.Alchemy.Sweep),
		every("prune", pruneEvery, n.prune),
		every("prune-webhooks", pruneHooksEvery, n.pruneHooks),

		// Accounts and their kudos.
		every("promote", promoteEvery, n.promote),
		every("free-escrow", escrowEvery, n.Accounts.FreeEscrow),
		n.followSupporters(account.Patreon, patreonEvery, n.options.Patreon),
		n.followSupporters(account.Stripe, stripeEvery, n.options.Stripe),
		every("monthly", rareEvery, n.rarely(rareJob{name: "monthly", period: monthlyEvery, run: n.payMonthly})),

		// Statistics, and rows that older versions wrote.
		every("merge-stats", mergeEvery, n.Stats.Merge),
		every("backfill-stats", backfillEvery, n.Stats.Backfill),
		every("date-postings", dateEvery, n.datePostings),
	}
}

// prepareBuckets creates missing buckets of an S3 store, while the node answers
// its first calls.
func (n *Node) prepareBuckets(ctx context.Context) {
	s3, ok := n.Blobs.(*blob.S3)
	if !ok {
		return
	}

	for {
		err := s3.Prepare(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		n.options.Log.Error("S3 buckets; trying again", "in", bucketRetry, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(bucketRetry):
		}
	}
}

// forgetWorkers periodically drops workers from memory that have been away for long.
func (n *Node) forgetWorkers(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(forgetEvery):
			n.Fleet.Forget(n.Queue.Busy())
		}
	}
}

// callHooks calls the webhooks of requests.
func (n *Node) callHooks(ctx context.Context) {
	if n.options.Hooks != nil {
		n.hooks.Run(ctx)
	}
}

// pruneHooks bounds how many webhooks wait and are kept.
func (n *Node) pruneHooks(ctx context.Context) error {
	return n.hooks.Prune(ctx, horde.AnonymousID)
}

// every runs a job again and again while this node holds its lease.
func (n *Node) every(ctx context.Context, name string, period time.Duration, job func(context.Context) error) {
	for {
		if err := n.once(ctx, name, period, job); err != nil && ctx.Err() == nil {
			n.options.Log.Error("background job", "job", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(period):
		}
	}
}

// once runs a job if this node gets its lease, which outlasts one period.
func (n *Node) once(ctx context.Context, name string, period time.Duration, job func(context.Context) error) error {
	err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		return tx.Lease(name, tx.Now+horde.MicrosIn(period*3/2))
	}})
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	if err != nil {
		return err
	}
	return job(ctx)
}

// promote makes those users trusted who have earned it, if the operator set how much
// that is.
func (n *Node) promote(ctx context.Context) error {
	if n.options.TrustThreshold == nil {
		return nil
	}
	promoted, err := n.Accounts.PromoteEarners(ctx, horde.Whole(*n.options.TrustThreshold))
	for _, user := range promoted {
		n.options.Log.Info("user became trusted", "user", user)
		err = errors.Join(err, n.Fleet.Unpause(context.WithoutCancel(ctx), user)) // nobody comes back to it
	}
	return err
}

// datePostings backfills the times of postings written by nodes on the previous schema,
// write: by which histories find them. Each call ends before its lease does, and
// leaves the database to others between transactions.
func (n *Node) datePostings(ctx context.Context) error {
	begun := time.Now()
	for ctx.Err() == nil {
		var dated int64
		err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
			dated, err = tx.DatePostings()
			return err
		}})
		if err != nil || dated == 0 || time.Since(begun) >= dateTime {
			return err
		}

		select {
		case <-ctx.Done():
		case <-time.After(datePause):
		}
	}
	return nil
}

// prune deletes what nobody asks for any more, each kind of row in a transaction of its
// own, so that none holds up other writes for long.
func (n *Node) prune(ctx context.Context) error {
	now := n.options.Clock()
	for _, rows := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return tx.PruneDeliveries(horde.MicrosOf(now.Add(-deliveriesKept))) },
		func(tx *store.Tx) error { return tx.PruneTimings(hoursSince1970(now.Add(-timingsKept)), maxTimings) },
		(*store.Tx).PruneKnownResults,
		(*store.Tx).PruneAddresses,
		(*store.Tx).PruneUnpaid,
		func(tx *store.Tx) error { return tx.PruneMessages(horde.MicrosOf(now.Add(-messagesKept))) },
		func(tx *store.Tx) error {
			return tx.PruneRefusedPrompts(horde.MicrosOf(now.Add(-moderation.RefusedKept)))
		},
		func(tx *store.Tx) error { return tx.PruneActions(horde.MicrosOf(now.Add(-account.AuditKept))) },
		func(tx *store.Tx) error { return tx.PruneBlobUsage(blob.FirstSlot(now)) },
		func(tx *store.Tx) error { return tx.PruneSmallImages(horde.MicrosOf(now.Add(-imagesKept))) },
		(*store.Tx).PruneChanges,
	} {
		if err := n.Store.Write(ctx, store.Unit{Do: rows}); err != nil {
			return err
		}
	}

	_, err := n.Blobs.Prune(ctx, now.Add(-imagesKept))
	return err
}

func hoursSince1970(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }
