package alchemy

import (
	"context"

	"horde/internal/blob"
	kind "horde/internal/kinds/form"
	"horde/internal/requests"
	"horde/internal/store"
)

// This file is what becomes of the images of a request in the blob store when its forms
// end (platform §10.2). What cannot be removed now goes when all old ones do.

// Uploads is what may be uploaded as the result of a form.
func (q *Queue) Uploads(ctx context.Context, id string) (blob.Access, error) {
	known := func(id string) *store.Form {
		f := q.formInIndex(id)
		if f == nil {
			return nil
		}
		row := q.snapshot(f)
		return &row
	}
	return requests.Uploads(ctx, q.Store, id, known, q.Store.Form, uploadsOf)
}

func uploadsOf(f *store.Form) blob.Access {
	switch f.State {
	case store.FormRunning:
		return blob.Open
	case store.FormDone:
		return blob.CreateOnly // claimed without an upload (decision 44)
	}
	return blob.Closed
}

// dropUndelivered deletes what workers have uploaded for forms of a request that ended
// without a delivery, and its source image where it is of no more use.
func (q *Queue) dropUndelivered(ctx context.Context, e *entry, forms ...string) {
	for _, id := range forms {
		q.DropObjects(ctx, kind.BlobName(id))
	}
	q.dropIdleSource(ctx, e)
}

// dropIdleSource deletes the source image of a request of which nothing waits or runs.
func (q *Queue) dropIdleSource(ctx context.Context, e *entry) {
	if e.record.Source != "" && q.index.Over(e) {
		q.DropObjects(ctx, e.record.Source)
	}
}

// uploading are the forms of a request in workers' hands that bring an image.
func (q *Queue) uploading(id string) (forms []string) {
	x := q.index
	x.Lock()
	defer x.Unlock()

	e := x.Requests.Get(id)
	if e == nil {
		return nil
	}
	for _, f := range e.forms {
		if f.State == store.FormRunning && f.work().Uploads() {
			forms = append(forms, f.ID)
		}
	}
	return forms
}
