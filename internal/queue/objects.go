package queue

import (
	"context"

	"horde/internal/blob"
	"horde/internal/kinds"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
)

// This file is what becomes of the images of a request in the blob store when its jobs
// end (platform §10.2). What cannot be removed now goes when all old ones do.

// Uploads is what may be uploaded as the result of a job.
func (q *Queue) Uploads(ctx context.Context, id string) (blob.Access, error) {
	known := func(id string) *store.Job { return q.jobInIndexes(id).job }
	return requests.Uploads(ctx, q.Store, id, known, q.Store.Job, uploadsOf)
}

func uploadsOf(j *store.Job) blob.Access {
	switch {
	case j.State == store.JobRunning:
		return blob.Open
	case j.State == store.JobDone && j.Result == kinds.Uploaded && !j.Decoy:
		return blob.CreateOnly // claimed without an upload (decision 44)
	}
	return blob.Closed
}

// uploadedAs is what a worker has uploaded of a result, or this node has put there for it.
func uploadedAs(a assigned, kept kinds.Kept) (u settle.Uploaded) {
	if !a.e.work.Objects().Stored || kept.Row != kinds.Uploaded {
		return u
	}
	u.Name = resultName(a.job.ID)
	if kept.Image == nil { // else its size is known
		u.MaxBytes = a.e.work.Objects().MaxBytes
	}
	return u
}

// dropUndelivered deletes what a worker has uploaded for a job that ended without a
// delivery, and the source images where they are of no more use.
func (q *Queue) dropUndelivered(ctx context.Context, a assigned) {
	if !a.e.work.Objects().Stored {
		return
	}
	q.DropObjects(ctx, resultName(a.job.ID))
	q.dropIdleSources(ctx, a.e)
}

// dropIdleSources deletes the source images of a request of which nothing waits or runs.
func (q *Queue) dropIdleSources(ctx context.Context, e *entry) {
	if len(e.record.sources()) > 0 && e.home.Over(e) {
		q.dropSources(ctx, &e.record)
	}
}

// dropExpired deletes what a request leaves that has expired, but for results: links to
// them may still be in use.
func (q *Queue) dropExpired(ctx context.Context, e *entry) {
	q.dropSources(ctx, &e.record)
	if !e.work.Objects().Stored {
		return
	}

	e.home.Lock()
	var undelivered []string
	for _, j := range e.jobs {
		if j.State == store.JobRunning {
			undelivered = append(undelivered, resultName(j.ID))
		}
	}
	e.home.Unlock()
	q.DropObjects(ctx, undelivered...)
}
