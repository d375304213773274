package server

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
)

// A server that works on more calls at a time than it can serve answers all of them
// late, and most of them to nobody: their callers have gone. So of new requests, which
// are work for minutes, only as many are let in as keep Options.MaxWorking calls under
// way. The others wait a moment for one to end, which is all that a burst takes. When some
// have waited for a while without a pause there is more to do than can be done: then only
// a few wait, and hardly at all, so that what is accepted is served soon, and the others
// are refused at once. That lasts until nobody has waited for a while. What goes on with
// work that was accepted (a worker's delivery, a look at a request) passes until there are
// many times as many. Health checks and images always pass.
//
// A call counts while it is worked on: not while its body is on the way or its answer is
// being read, so that slow connections keep nobody out, nor while it waits for something
// to happen (long polls, streams) or for another server (source images at an address).
type overload struct {
	most    int64 // calls worked on at a time; 0: no bound
	working atomic.Int64
	waiting atomic.Int64           // length of line
	refused *prometheus.CounterVec // by what was refused

	mu      sync.Mutex
	line    []chan struct{} // of new requests, oldest first, each closed when it is let in; guarded by mu
	since   time.Time       // since when there has been no pause in which nobody waited; guarded by mu
	emptied time.Time       // when the line became empty last; guarded by mu

	log      *slog.Logger
	silent   atomic.Int64 // until when no line is logged, in nanoseconds since 1970
	unlogged atomic.Int64 // calls refused since the last line
}

const (
	beyondRequests = 16 // times MaxWorking, from which on other calls are refused too

	// A new request waits burstWait, but overloadWait where others have waited for longer
	// than burstWait without a pause of pauseTime (after the CoDel of network queues).
	burstWait    = time.Second
	overloadWait = 5 * time.Millisecond
	pauseTime    = 5 * time.Second
	maxLine      = 1024 // new requests that wait; others are refused at once
	overloadLine = 16   // the same, in an overload: as many as find room within overloadWait

	overloadQuiet = 10 * time.Second // between two lines of the log
	overloadRetry = 3                // seconds at most in Retry-After, so that callers come back one by one
)

// What horde_calls_refused_total counts by.
const (
	refusedRequests = "request"
	refusedOthers   = "other"
)

func newOverload(most int, log *slog.Logger, reg prometheus.Registerer) *overload {
	o := &overload{
		most: int64(most),
		log:  log,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "horde_calls_refused_total",
			Help: "Calls refused because too many were worked on: new requests first, then others.",
		}, []string{"calls"}),
	}
	o.refused.WithLabelValues(refusedRequests)
	o.refused.WithLabelValues(refusedOthers)

	reg.MustRegister(o.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "horde_calls_working",
		Help: "Calls that are worked on: without those that wait for something, or for their connection.",
	}, func() float64 { return float64(o.working.Load()) }))
	return o
}

// enter counts a call as worked on, or returns the refusal of one that is too many.
func (o *overload) enter(ctx context.Context, x *exchange, rt *Route) error {
	if o.most > 0 && rt.Sheds {
		if !o.letIn(ctx) {
			return o.refuse(ctx, refusedRequests)
		}
		x.load = o
		return nil
	}

	n := o.working.Add(1)
	x.load = o
	always := rt.Limits != nil && len(rt.Limits) == 0
	if o.most > 0 && !always && n > beyondRequests*o.most {
		return o.refuse(ctx, refusedOthers)
	}
	return nil
}

// letIn waits for room for a new request, and reports whether it is counted now as worked
// on.
func (o *overload) letIn(ctx context.Context) bool {
	if o.waiting.Load() == 0 && o.takeRoom() {
		return true
	}

	turn, patience := o.lineUp()
	if turn == nil {
		return false
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-turn:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return !o.giveUp(turn)
}

// takeRoom counts a call as worked on if there is room for it.
func (o *overload) takeRoom() bool {
	for {
		n := o.working.Load()
		if n >= o.most {
			return false
		}
		if o.working.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// lineUp puts a new request into the line, and says how long it waits there; nil: the
// line is full.
func (o *overload) lineUp() (turn chan struct{}, patience time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if len(o.line) == 0 && now.Sub(o.emptied) > pauseTime {
		o.since = now
	}

	patience, longest := burstWait, maxLine
	if now.Sub(o.since) > burstWait {
		patience, longest = overloadWait, overloadLine
	}
	if len(o.line) >= longest {
		return nil, 0
	}

	turn = make(chan struct{})
	o.line = append(o.line, turn)
	o.waiting.Store(int64(len(o.line)))

	// The calls that kept it out may have ended meanwhile.
	o.callLocked()
	return turn, patience
}

// giveUp takes a new request out of the line; false: it was let in after all.
func (o *overload) giveUp(turn chan struct{}) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.Index(o.line, turn)
	if i < 0 {
		return false
	}
	o.leaveLineLocked(i)
	return true
}

// callLocked lets in whom there is room for. mu is held.
func (o *overload) callLocked() {
	for len(o.line) > 0 && o.takeRoom() {
		close(o.line[0])
		o.leaveLineLocked(0)
	}
}

// leaveLineLocked takes number i out of the line. mu is held.
func (o *overload) leaveLineLocked(i int) {
	o.line = slices.Delete(o.line, i, i+1)
	o.waiting.Store(int64(len(o.line)))
	if len(o.line) == 0 {
		o.emptied = time.Now()
	}
}

// ended counts a call as no longer worked on.
func (o *overload) ended() {
	if o.working.Add(-1) < o.most && o.waiting.Load() > 0 {
		o.mu.Lock()
		o.callLocked()
		o.mu.Unlock()
	}
}

// refuse counts a refusal, and logs it unless one was logged a moment ago.
func (o *overload) refuse(ctx context.Context, calls string) error {
	o.refused.WithLabelValues(calls).Inc()
	n := o.unlogged.Add(1)

	now, until := time.Now(), o.silent.Load()
	if now.UnixNano() >= until && o.silent.CompareAndSwap(until, now.Add(overloadQuiet).UnixNano()) {
		o.unlogged.Add(-n)
		o.log.LogAttrs(ctx, slog.LevelWarn, "too many calls at a time: some are refused",
			slog.Int64("refused", n), slog.Int64("working", o.working.Load()), slog.Int64("bound", o.most))
	}

	return &horde.Error{
		Code:       horde.ServerBusy,
		Detail:     "This server has too much to do at the moment. Nothing was done; please try again in a few seconds.",
		RetryAfter: time.Duration(1+rand.IntN(overloadRetry)) * time.Second,
	}
}

// rest stops counting a call until resume; they may be nested.
func (x *exchange) rest() {
	if x.load != nil && x.resting.Add(1) == 1 {
		x.load.ended()
	}
}

func (x *exchange) resume() {
	if x.load != nil && x.resting.Add(-1) == 0 {
		x.load.working.Add(1)
	}
}

// PauseCounting implements horde.PauseCounting: what waits for another server is not worked on.
func (x *exchange) PauseCounting() (resume func()) {
	x.rest()
	return x.resume
}

// leave stops counting a call that was answered.
func (x *exchange) leave() {
	if x.load != nil && x.resting.Load() == 0 {
		x.load.ended()
	}
}
