package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// What is measured. The calls come first.
const (
	callAsync = iota
	callPop
	callEmptyPop
	callSubmit
	callCheck
	callStatus
	callRefused
	spanWait  // accepted until the job is in a worker's hands
	spanCycle // due until the status is verified
	spanLate  // a start, due until sent: every client was busy
	spanOwn   // due until the bench itself woke up: in the times of all calls
	measures
)

// shown are the measures in the table of a report: all but the delays of the bench.
const shown = spanLate

var measureNames = [shown]string{
	callAsync:    "async",
	callPop:      "pop",
	callEmptyPop: "pop, nothing fits",
	callSubmit:   "submit",
	callCheck:    "check",
	callStatus:   "status",
	callRefused:  "refused (503)",
	spanWait:     "wait for a worker",
	spanCycle:    "whole cycle",
}

// recorder gathers the figures of a run.
type recorder struct {
	start    time.Time
	from, to atomic.Int64 // the measured window, nanoseconds after start

	latency [measures]*histogram
	calls   atomic.Uint64 // in the window, of any kind
	cycles  atomic.Uint64 // completed in the window
	started atomic.Uint64 // cycles, ever
	ended   atomic.Uint64 // cycles, ever, well or not
	empty   atomic.Uint64 // pops that found nothing although a request waited
	refused atomic.Uint64 // calls with 503 in the window, with Config.Refusals

	failed atomic.Uint64

	mu     sync.Mutex
	errors map[string]uint64 // what → how often; guarded by mu
}

func newRecorder(warmup, duration time.Duration) *recorder {
	r := &recorder{errors: map[string]uint64{}}
	for i := range r.latency {
		r.latency[i] = newHistogram()
	}

	r.from.Store(int64(warmup))
	r.to.Store(int64(warmup + duration))
	r.start = time.Now()
	return r
}

// now is the time since the run began.
func (rec *recorder) now() time.Duration { return time.Since(rec.start) }

func (rec *recorder) inWindow(at time.Duration) bool {
	return int64(at) >= rec.from.Load() && int64(at) < rec.to.Load()
}

// took records a measure that began at a time of the run.
func (rec *recorder) took(what int, began, ended time.Duration) {
	if !rec.inWindow(began) {
		return
	}
	rec.latency[what].add(ended - began)
	if what < spanWait {
		rec.calls.Add(1)
	}
}

// maxErrorKinds bounds the error table: messages may differ endlessly.
const maxErrorKinds = 50

// fault counts something that went wrong, inside the window or not.
func (rec *recorder) fault(format string, args ...any) {
	rec.failed.Add(1)
	text := fmt.Sprintf(format, args...)

	rec.mu.Lock()
	defer rec.mu.Unlock()
	if _, known := rec.errors[text]; !known && len(rec.errors) >= maxErrorKinds {
		text = "others"
	}
	rec.errors[text]++
}
