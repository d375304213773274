package queue

import (
	"context"

	"horde/internal/settle"
	"horde/internal/store"
)

// EmptyAll takes the waiting jobs of all live requests away: the horde goes into
// maintenance. What workers have already is still delivered. Kudos that were set
// aside for a request with nothing left to come are free again.
func (q *Queue) EmptyAll(ctx context.Context) error {
	var emptied []store.Request
	err := q.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
		emptied, err = tx.EmptyRequests()
		return err
	}})
	if err != nil {
		return err
	}

	for _, e := range q.emptied(emptied) {
		if err := settle.Release(ctx, q.Store, e.row.ID, e.funds()); err != nil {
			return err
		}
	}
	return nil
}

// emptied brings requests whose jobs were taken away into the indexes, and returns
// those that have anything set aside.
func (q *Queue) emptied(rows []store.Request) (reserving []*entry) {
	for _, x := range q.indexes() {
		x.mu.Lock()
		for _, row := range rows {
			if row.Kind != x.kind.name {
				continue
			}
			e := x.requests.Get(row.ID)
			if e != nil {
				x.applyLocked(e, row.RequestState)
			} else if read, err := x.readEntry(row); err == nil { // another node took it in just now
				e = read
			} else {
				q.Log.Error("unreadable request", "error", err)
				continue
			}
			if e.record.reserves() {
				reserving = append(reserving, e)
			}
		}
		x.mu.Unlock()
	}
	return reserving
}
