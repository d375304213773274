package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/store"
)

const hour = horde.Micros(time.Hour / time.Microsecond)

// timing is what is kept of a finished image to train price networks on; ok is false
// for what is not recorded: texts, censored images, all but a sample on a busy horde,
// and everything where the operator wants it so.
func (q *Queue) timing(a assigned, made kinds.Delivered, micros, now horde.Micros) (t store.Timing, ok bool) {
	if !q.Timings || !a.e.home.kind.trains || made.Censored || micros == 0 || !q.sampler.allow(now) {
		return t, false
	}

	found, ok := a.e.work.Timing(made)
	if !ok {
		return t, false
	}
	return store.Timing{
		Hour:     int64(now / hour),
		Machine:  machineOf(a.worker.ID),
		Baseline: found.Baseline,
		Batch:    a.e.batchOf(a.job),
		Micros:   micros,
		Features: found.Features,
	}, true
}

// machineOf is a name by which the images of one worker are told from those of
// others.
func machineOf(worker string) string {
	sum := sha256.Sum256([]byte(worker))
	return hex.EncodeToString(sum[:8])
}

// batchOf is how many jobs of the request were handed out together with j.
func (e *entry) batchOf(j *store.Job) (n int) {
	e.home.Lock()
	defer e.home.Unlock()
	for _, k := range e.jobs {
		if k.WorkerID == j.WorkerID && k.Started == j.Started {
			n++
		}
	}
	return max(n, 1)
}
