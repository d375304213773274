package stats

import (
	"context"
	"time"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

const (
	// chunk is how many events of the ledger one transaction of the backfill reads.
	chunk = 2000
	// chunkPause leaves the database to others between two of them.
	chunkPause = 50 * time.Millisecond
	// backfillTime is how long one call goes on: less than its lease lasts.
	backfillTime = time.Minute
)

// Begin is called before a node serves. On the first start with statistics it records
// that jobs count themselves from now on, and takes how much was ever made
// from the accounts: pixelsteps and tokens are recorded nowhere else. They are known for
// all time only, not for the last day and month.
func (s *Stats) Begin(ctx context.Context) error {
	begun, err := s.Store.BackfillBegun(ctx)
	if err != nil || begun {
		return err
	}

	var images, texts int64
	for after := horde.UserID(-1); ; {
		page, err := s.Store.AccountsAfter(ctx, after, chunk)
		if err != nil {
			return err
		}
		for _, a := range page {
			images += a.Totals.Contribution[store.ImagePlace]
			texts += a.Totals.Contribution[store.TextPlace]
			after = a.UserID
		}
		if len(page) < chunk {
			break
		}
	}

	return s.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		first, err := tx.BeginBackfill()
		if err != nil || !first {
			return err
		}
		tx.CountPast(horde.KindImage, "", 0, store.Tally{WorkUnits: images * imageUnit})
		tx.CountPast(horde.KindText, "", 0, store.Tally{WorkUnits: texts})
		return nil
	}})
}

// imageUnit is how many pixelsteps one unit of the accounts' records is.
const imageUnit = 10_000

// Backfill counts the jobs that were delivered before Begin, from the ledger, in
// transactions of their own, for a minute or until all are counted. The next call
// goes on where it stopped, and so does one after an interruption.
func (s *Stats) Backfill(ctx context.Context) error {
	return s.backfillFor(ctx, backfillTime)
}

func (s *Stats) backfillFor(ctx context.Context, limit time.Duration) error {
	begun := time.Now()
	for ctx.Err() == nil {
		done := false
		err := s.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
			done, err = backfill(tx)
			return err
		}})
		if err != nil || done || time.Since(begun) >= limit {
			return err
		}

		select {
		case <-ctx.Done():
		case <-time.After(chunkPause):
		}
	}
	return nil
}

// backfill counts the next chunk and reports whether it was the last.
func backfill(tx *store.Tx) (done bool, err error) {
	b, err := tx.Backfill()
	if err != nil || b.Done {
		return true, err
	}
	events, err := tx.PastEvents(b, chunk)
	if err != nil {
		return true, err
	}

	for _, e := range events {
		b.Cursor = e.ID
		kind := deliveredKinds[e.Reason]
		if kind == "" || e.At >= b.Until {
			continue
		}
		detail, err := kudos.ReadDetail(e.Detail)
		if err != nil { // written by an unknown program: count the job, not its model
			detail.Model = ""
		}
		tx.CountPast(kind, detail.Model, e.At, store.Tally{Jobs: 1})
	}

	b.Done = len(events) < chunk
	return b.Done, tx.SetBackfill(b)
}

// deliveredKinds are the kinds of work by the reason of a delivery's event.
var deliveredKinds = map[string]horde.Kind{
	kudos.ImageDelivered: horde.KindImage,
	kudos.TextDelivered:  horde.KindText,
}
