package queue

import (
	"context"
	"errors"

	"horde/internal/horde"
	"horde/internal/store"
)

const maxMetadata = 50 // entries of one result

// stateFaulted is the state of a submission that gives its job up.
const stateFaulted = "faulted"

// submit accepts what a worker has for a job of a kind (generation §1.20) and returns
// its reward in kudos.
func (q *Queue) submit(ctx context.Context, x *index, key string, s submission) (float64, error) {
	a, err := q.assignedTo(ctx, s.id, func(id string) assigned { return q.jobInIndex(x, id) })
	if err != nil {
		return 0, err
	}

	user, err := q.Accounts.ByKey(ctx, key)
	if err != nil {
		return 0, err
	}
	if a.worker == nil || a.worker.UserID != user.ID {
		return 0, errForeignJob
	}

	if len(s.metadata) > maxMetadata {
		return 0, horde.Errorf(horde.BadRequest,
			"A result can have at most %d gen_metadata entries, not %d.", maxMetadata, len(s.metadata))
	}
	faulted := s.state == stateFaulted
	if a.job.State != store.JobRunning {
		return 0, ended(a, faulted)
	}

	switch {
	case faulted:
		// A worker that hangs up once it has said so is not to be blamed for the job's time.
		err = q.fault(context.WithoutCancel(ctx), a, q.excuseOf(ctx, a))
	case a.job.Fake:
		return a.e.work.Value(q.delivered(a, s.generation, false)).Reward, q.endDecoy(ctx, a, s.seed)
	default:
		return q.deliver(ctx, a, user, s)
	}
	if errors.Is(err, store.ErrLost) {
		return 0, q.lost(ctx, a, faulted)
	}
	return 0, err
}

var errForeignJob = horde.Errorf(horde.WrongCredentials, "Wrong credentials to submit as this worker.")
