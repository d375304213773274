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
	var free []*entry
	for _, x := range q.indexes() {
		x.mu.Lock()
		for _, row := range emptied {
			if row.Kind != x.kind.name {
				continue
			}
			e := x.entries[row.ID]
			if e != nil {
				x.apply(e, row.RequestState)
			} else if e, err = x.readEntry(row); err != nil { // another node took it in just now
				q.Log.Error("unreadable request", "error", err)
				continue
			}
			if e.record.reserves() {
				free = append(free, e)
			}
		}
		x.mu.Unlock()
	}
	for _, e := range free {
		if err := settle.Release(ctx, q.Store, e.row.ID, e.funds()); err != nil {
			return err
		}
	}
	return nil
}
