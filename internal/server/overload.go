package server

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
)

// A server that works on more calls at a time than it can serve answers all of them
// late, and most of them to nobody: their callers have gone. So beyond Options.MaxWorking
// calls new requests are refused at once, which are work for minutes. What goes on with
// work that was accepted (a worker's delivery, a look at a request) passes until there
// are twice as many. Health checks and images always pass.
//
// A call counts while it is worked on: not while its body is on the way or its answer is
// being read, so that slow connections keep nobody out, nor while it waits for something
// to happen (long polls, streams).
type overload struct {
	most    int64 // calls worked on at a time; 0: no bound
	working atomic.Int64
	refused *prometheus.CounterVec // by what was refused

	log      *slog.Logger
	silent   atomic.Int64 // until when no line is logged, in nanoseconds since 1970
	unlogged atomic.Int64 // calls refused since the last line
}

const (
	beyondRequests = 2                // times MaxWorking, from which on other calls are refused too
	overloadQuiet  = 10 * time.Second // between two lines of the log
	overloadRetry  = 3                // seconds at most in Retry-After, so that callers come back one by one
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
	n := o.working.Add(1)
	x.load = o

	always := rt.Limits != nil && len(rt.Limits) == 0
	switch {
	case o.most == 0 || always || n <= o.most:
		return nil
	case rt.Sheds:
		return o.refuse(ctx, refusedRequests)
	case n > beyondRequests*o.most:
		return o.refuse(ctx, refusedOthers)
	}
	return nil
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
		x.load.working.Add(-1)
	}
}

func (x *exchange) resume() {
	if x.load != nil && x.resting.Add(-1) == 0 {
		x.load.working.Add(1)
	}
}

// leave stops counting a call that was answered.
func (x *exchange) leave() {
	if x.load != nil && x.resting.Load() == 0 {
		x.load.working.Add(-1)
	}
}
