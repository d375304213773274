package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"

	"horde/internal/blob"
	"horde/internal/kinds"
	"horde/internal/store"
)

// resultName is where the image of a job lies in the blob store.
func resultName(job string) string { return job + ".webp" }

// A Show makes what an answer says of a job's image in the blob store: its link, or the
// image itself.
type Show func(ctx context.Context, job string, byLink bool) string

// finishedJob is a finished job as its requester sees it. Links are for the caller that
// ctx belongs to (horde.WithBase).
func (q *Queue) finishedJob(ctx context.Context, e *entry, j *store.Job, show Show) kinds.Finished {
	shown := j.Result
	if e.work.Objects().Stored && j.Result == kinds.Uploaded {
		shown = show(ctx, j.ID, e.work.Objects().ByLink)
	}
	return q.finishedAs(ctx, j, shown)
}

// finishedAs is a finished job whose result is shown so.
func (q *Queue) finishedAs(ctx context.Context, j *store.Job, shown string) kinds.Finished {
	return kinds.Finished{
		Job:        j,
		Shown:      shown,
		Metadata:   q.metadataOf(j),
		WorkerName: q.workerName(ctx, j.WorkerID),
	}
}

// missingImage stands for an image that was never uploaded or is gone.
const missingImage = "N/A"

// maxShown is how much of images an answer holds that is made in memory: an event or a
// webhook. What is beyond comes by its link.
const maxShown = 8 << 20 // bytes

// showInMemory is a Show for one answer that is made in memory.
func (q *Queue) showInMemory() Show {
	left := int64(maxShown)
	return func(ctx context.Context, job string, byLink bool) string {
		return q.image(ctx, resultName(job), byLink, &left)
	}
}

// Image is an image in the blob store as its requester gets it, who is the caller that ctx
// belongs to.
func (q *Queue) Image(ctx context.Context, name string, byLink bool) string {
	left := int64(maxShown)
	return q.image(ctx, name, byLink, &left)
}

// image is Image for an answer that may still hold so many bytes of images.
func (q *Queue) image(ctx context.Context, name string, byLink bool, left *int64) string {
	if byLink {
		return q.linkTo(ctx, name)
	}

	r, info, err := q.Blobs.Get(ctx, name)
	if err != nil {
		return missingImage
	}
	defer r.Close()
	if info.Size > *left {
		return q.linkTo(ctx, name)
	}
	*left -= info.Size

	if text := q.encoded(name, r, info.Size); text != "" {
		return text
	}
	return missingImage
}

// Link is the link to the image of a job, for the caller that ctx belongs to.
func (q *Queue) Link(ctx context.Context, job string) string { return q.linkTo(ctx, resultName(job)) }

// linkTo is the link to an image in the blob store.
func (q *Queue) linkTo(ctx context.Context, name string) string {
	if ok, err := q.Blobs.Exists(ctx, name); err != nil {
		q.Log.Warn("look for image", "name", name, "error", err)
	} else if !ok {
		return missingImage
	}
	return q.Blobs.SignGet(ctx, name, blob.LinkTTL)
}

// OpenImage opens the image of a job, for answers that hold it.
func (q *Queue) OpenImage(ctx context.Context, job string) (r io.ReadCloser, size int64, err error) {
	r, info, err := q.Blobs.Get(ctx, resultName(job))
	if err != nil {
		return nil, 0, err
	}
	return r, info.Size, nil
}

// inline reads a blob as base64; "" when it is not there.
func (q *Queue) inline(ctx context.Context, name string) string {
	r, info, err := q.Blobs.Get(ctx, name)
	if err != nil {
		return ""
	}
	defer r.Close()
	return q.encoded(name, r, info.Size)
}

// encoded reads a blob as base64; "" when that fails.
func (q *Queue) encoded(name string, r io.Reader, size int64) string {
	data := bytes.NewBuffer(make([]byte, 0, size+512))
	if _, err := io.Copy(data, r); err != nil {
		q.Log.Warn("read image", "name", name, "error", err)
		return ""
	}
	return base64.StdEncoding.EncodeToString(data.Bytes())
}
