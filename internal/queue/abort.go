package queue

import (
	"context"
	"maps"
	"slices"

	"horde/internal/settle"
	"horde/internal/store"
)

// fault gives a job up: it goes back to the queue, or the request is given up with
// it (generation §5.8).
func (q *Queue) fault(ctx context.Context, a assigned, why settle.Excuse) error {
	job := &settle.Job{
		Row:    a.job,
		Result: store.JobResult{State: store.JobFaulted, Seed: a.job.Seed, Excused: why != settle.NoExcuse},
	}
	abort := &settle.Abort{
		Rules:       a.e.home.kind.rules,
		Assignment:  job,
		Funds:       a.e.funds(),
		Worker:      a.worker,
		Pop:         a.job.PopID(),
		Excuse:      why,
		Before:      a.e.failedWorkers(),
		AnotherLeft: func(tried map[string][]string) bool { return q.anotherCouldGet(a.e, tried) },
	}
	if err := q.GiveUp(ctx, abort); err != nil {
		return err
	}
	q.dropUndelivered(ctx, a)
	return nil
}

// failedWorkers are those that gave a job of the request up.
func (e *entry) failedWorkers() []string {
	e.home.Lock()
	defer e.home.Unlock()
	return slices.Sorted(maps.Keys(e.failed))
}

// excuseOf finds out whether the server itself made a worker fault.
func (q *Queue) excuseOf(ctx context.Context, a assigned) settle.Excuse {
	if a.job.Decoy || !a.e.work.Objects().Stored {
		return settle.NoExcuse
	}
	return q.Server().ExcuseNow(ctx, settle.Needs{Sources: a.e.record.sources(), Upload: true})
}
