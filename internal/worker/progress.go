package worker

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/jpeg"
	"net/http"
	"sync"
	"time"

	"golang.org/x/image/draw"

	"horde/api"
)

const (
	reportEvery    = 250 * time.Millisecond
	reportLimit    = 5 * time.Second // for one report
	previewSide    = 128             // pixels
	previewQuality = 75              // of a JPEG, of 100
	maxPreview     = 64 << 10        // bytes of base64
)

// reporter tells the server how far a job is. It works beside the engine and
// only ever sends the newest state: a slow network makes reports rarer, never
// the job slower.
type reporter struct {
	w   *Worker
	j   *job
	end context.CancelCauseFunc // of the job

	mu     sync.Mutex
	index  int                  // the id that newest is about; guarded by mu
	newest func() *api.Progress // the report, made when it is sent; guarded by mu

	wake chan struct{} // newest has changed
	stop context.CancelFunc
	done chan struct{} // closed when run has returned
}

func newReporter(w *Worker, j *job, end context.CancelCauseFunc) *reporter {
	ctx, stop := context.WithCancel(w.abort)
	r := &reporter{
		w:    w,
		j:    j,
		end:  end,
		wake: make(chan struct{}, 1),
		stop: stop,
		done: make(chan struct{}),
	}
	go r.run(ctx)
	return r
}

// put notes the newest state of what id number index stands for.
func (r *reporter) put(index int, report func() *api.Progress) {
	if r.w.noProgress.Load() {
		return
	}

	r.mu.Lock()
	r.index, r.newest = index, report
	r.mu.Unlock()

	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reporter) close() {
	r.stop()
	<-r.done
}

func (r *reporter) run(ctx context.Context) {
	defer close(r.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}

		r.mu.Lock()
		i, report := r.index, r.newest
		r.mu.Unlock()
		if i >= 0 && i < len(r.j.ids) {
			r.send(ctx, r.j.ids[i], report())
		}
		if r.w.noProgress.Load() || !sleep(ctx, reportEvery) {
			return
		}
	}
}

func (r *reporter) send(ctx context.Context, id string, p *api.Progress) {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()

	err := r.w.horde.ReportProgress(ctx, id, p)
	var e *api.Error
	if !errors.As(err, &e) {
		return // reported, or the network failed: the next report is newer anyway
	}

	switch {
	case e.Status == http.StatusGone:
		r.j.log.Info("the job is not wanted any more; stopping it", "err", e)
		r.end(errUnwanted)
	case e.Status == http.StatusNotFound && e.RC != "InvalidJobID", e.Status == http.StatusMethodNotAllowed:
		if r.w.noProgress.CompareAndSwap(false, true) {
			r.w.log.Info("this horde does not accept progress reports; none are sent")
		}
	}
}

// preview encodes a small image as a JPEG in base64; "" where there is none.
func preview(img image.Image) string {
	if img == nil || img.Bounds().Empty() {
		return ""
	}

	if b := img.Bounds(); b.Dx() > previewSide || b.Dy() > previewSide {
		f := float64(previewSide) / float64(max(b.Dx(), b.Dy()))
		small := image.NewRGBA(image.Rect(0, 0, max(1, int(f*float64(b.Dx()))), max(1, int(f*float64(b.Dy())))))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), img, b, draw.Src, nil)
		img = small
	}

	var b bytes.Buffer
	if jpeg.Encode(&b, img, &jpeg.Options{Quality: previewQuality}) != nil {
		return ""
	}
	if text := base64.StdEncoding.EncodeToString(b.Bytes()); len(text) <= maxPreview {
		return text
	}
	return ""
}
