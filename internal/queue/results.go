package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/kinds"
	"horde/internal/store"
)

// resultName is where the image of a job lies in the blob store.
func resultName(job string) string { return job + ".webp" }

// finishedJob is a finished job as its requester sees it. Links are for the caller that
// ctx belongs to (horde.WithBase).
func (q *Queue) finishedJob(ctx context.Context, e *entry, j *store.Job) kinds.Finished {
	shown := j.Result
	if e.work.Stored() && j.Result == kinds.Uploaded {
		shown = q.Image(ctx, resultName(j.ID), e.work.ByLink())
	}
	return q.finishedAs(j, shown)
}

// finishedAs is a finished job whose result is shown so.
func (q *Queue) finishedAs(j *store.Job, shown string) kinds.Finished {
	return kinds.Finished{
		Job:        j,
		Shown:      shown,
		Metadata:   q.metadataOf(j),
		WorkerName: q.workerName(j.WorkerID),
	}
}

// missingImage stands for an image that was never uploaded or is gone.
const missingImage = "N/A"

// Image is an image in the blob store as its requester gets it, who is the caller that ctx
// belongs to.
func (q *Queue) Image(ctx context.Context, name string, byLink bool) string {
	if !byLink {
		if text := q.inline(ctx, name); text != "" {
			return text
		}
		return missingImage
	}

	if ok, err := q.Blobs.Exists(ctx, name); err != nil {
		q.Log.Warn("look for image", "name", name, "error", err)
	} else if !ok {
		return missingImage
	}
	return q.Blobs.SignGet(ctx, name, blob.LinkTTL)
}

// Inline is the image of a generation in base64, for clients that cannot use
// its link.
func (q *Queue) Inline(ctx context.Context, g api.Generation) string {
	return q.Image(ctx, resultName(g.ID), false)
}

// inline reads a blob as base64; "" when it is not there.
func (q *Queue) inline(ctx context.Context, name string) string {
	r, info, err := q.Blobs.Get(ctx, name)
	if err != nil {
		return ""
	}
	defer r.Close()

	data := bytes.NewBuffer(make([]byte, 0, info.Size+512))
	if _, err := io.Copy(data, r); err != nil {
		q.Log.Warn("read image", "name", name, "error", err)
		return ""
	}
	return base64.StdEncoding.EncodeToString(data.Bytes())
}
