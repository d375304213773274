package queue

import (
	"context"

	"horde/internal/settle"
	"horde/internal/store"
)

// EmptyAll takes the waiting jobs of all live requests for images and text away: the
// horde goes into maintenance (decision 64). What workers have already is still delivered.
// Kudos that were set aside for a request with nothing left to come are free again.
func (q *Queue) EmptyAll(ctx context.Context) error {
	var emptied []store.Request
	err := q.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
		emptied, err = tx.EmptyRequests()
		return err
	}})
	if err != nil {
		return err
	}

	for _, e := range q.reserving(emptied) {
		if err := settle.Release(ctx, q.Store, e.row.ID, e.funds()); err != nil {
			return err
		}
	}
	return nil
}

// reserving are those of these requests that have anything set aside.
func (q *Queue) reserving(rows []store.Request) (reserving []*entry) {
	for _, x := range q.indexes() {
		x.Lock()
		for _, row := range rows {
			if row.Kind != x.kind.name {
				continue
			}

			e := x.Requests.Get(row.ID)
			if e == nil { // another node took it in just now
				var err error
				if e, err = x.readEntry(row); err != nil {
					q.Log.Error("unreadable request", "error", err)
					continue
				}
			}

			if e.record.reserves() {
				reserving = append(reserving, e)
			}
		}
		x.Unlock()
	}
	return reserving
}
