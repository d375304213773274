package queue

import (
	"context"
	"encoding/json"
	"errors"

	"horde/internal/kudos"
	"horde/internal/store"
)

const sweepBatch = 500

// Sweep gives up overdue jobs and removes expired requests (generation §5.8), as any node
// may do at any time.
func (q *Queue) Sweep(ctx context.Context) error {
	if err := q.sweepOverdue(ctx); err != nil {
		return err
	}
	if err := q.sweepExpired(ctx); err != nil {
		return err
	}
	return q.mendKeys(ctx)
}

// mendKeys frees what nodes of the version before have left set aside on shared
// keys: they end requests without knowing of it.
func (q *Queue) mendKeys(ctx context.Context) error {
	odd, err := q.Store.OddKeys(ctx)
	for _, k := range odd {
		if err != nil {
			return err
		}
		err = q.Store.Write(store.Unit{Key: k.ID, Accounts: []int64{k.UserID}, Do: func(tx *store.Tx) error { return kudos.RepairKey(tx, k) }})
	}
	return err
}

func (q *Queue) sweepOverdue(ctx context.Context) error {
	for {
		late, err := q.Store.Overdue(ctx, q.Clock().UnixMicro(), sweepBatch)
		if err != nil {
			return err
		}
		for _, j := range late {
			if err := q.timeOut(ctx, j); err != nil {
				return err
			}
		}
		if len(late) < sweepBatch {
			return nil
		}
	}
}

func (q *Queue) timeOut(ctx context.Context, j store.Job) error {
	a := q.jobInIndexes(j.ID)
	if a.job == nil {
		if err := q.Refresh(ctx, []string{j.RequestID}); err != nil {
			return err
		}
		if a = q.jobInIndexes(j.ID); a.job == nil { // its request has expired; that sweep removes it
			return nil
		}
	}
	a.worker = q.Fleet.Worker(j.WorkerID)
	why, err := q.excuseOfLate(ctx, &j)
	if err != nil {
		return err
	}
	err = q.fault(a, why)
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	if err == nil {
		q.Log.Info("job took too long", "job", j.ID, "request", j.RequestID, "worker", j.WorkerID)
	}
	return err
}

func (q *Queue) sweepExpired(ctx context.Context) error {
	for {
		now := q.Clock().UnixMicro()
		old, err := q.Store.Expired(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, r := range old {
			if err := q.removeExpired(ctx, r, now); err != nil && !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		if len(old) < sweepBatch {
			return nil
		}
	}
}

// removeExpired removes a request that has expired at now, with its holds; ErrLost
// when it was renewed or is gone.
func (q *Queue) removeExpired(ctx context.Context, r store.Request, now int64) error {
	onKey := q.usesKey(&r)
	err := q.Store.Write(store.Unit{Key: r.ID, Accounts: []int64{r.UserID}, Do: func(tx *store.Tx) error {
		if err := tx.DeleteRequest(r.ID, now); err != nil {
			return err
		}
		if onKey {
			if err := kudos.ReleaseKeyHold(tx, r.ID); err != nil {
				return err
			}
		}
		return kudos.ReleaseHolds(tx, holdID(r.ID))
	}})
	if err == nil {
		q.forget(ctx, r.ID)
	}
	return err
}

// usesKey reports whether a shared key pays for a request, or may, by what the
// index knows of it or by its row.
func (q *Queue) usesKey(r *store.Request) bool {
	for _, x := range q.indexes() {
		x.mu.Lock()
		e := x.entries[r.ID]
		x.mu.Unlock()
		if e != nil {
			return e.record.SharedKey != ""
		}
	}
	var paid struct {
		SharedKey string `json:"shared_key"`
	}
	err := json.Unmarshal([]byte(r.Body), &paid)
	return err != nil || paid.SharedKey != ""
}

// forget removes an expired request from the index, and its source pictures.
func (q *Queue) forget(ctx context.Context, id string) {
	for _, x := range q.indexes() {
		x.mu.Lock()
		e := x.entries[id]
		if e != nil {
			x.remove(e)
		}
		x.mu.Unlock()
		if e != nil {
			q.dropSources(ctx, &e.record)
		}
	}
}
