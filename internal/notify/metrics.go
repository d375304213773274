package notify

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How often the backlog is read, for the metrics alone.
const (
	backlogEvery = 5 * time.Second
	backlogRest  = 100 // times as long as a reading took, before the next one
)

// What became of a call, for the metrics.
const (
	callTaken   = "taken"
	callFailed  = "failed"
	callGivenUp = "given_up"
)

// backlog is what there was to call at a moment.
type backlog struct {
	waiting int
	late    time.Duration // since the one that has been due for longest is
}

// measure makes the metrics known.
func (n *Notifier) measure() {
	if n.Metrics == nil {
		return
	}
	n.called = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "horde_webhook_calls_total",
		Help: "Webhooks that this node has called, by what became of it: taken, failed or given_up.",
	}, []string{"result"})
	for _, result := range []string{callTaken, callFailed, callGivenUp} {
		n.called.WithLabelValues(result) // so that it is there before the first
	}

	gauge := func(name, help string, value func(backlog) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if last := n.backlog.Load(); last != nil {
				return value(*last)
			}
			return 0
		})
	}
	n.Metrics.MustRegister(n.called,
		gauge("horde_webhooks_waiting", "Webhooks of the whole horde that are to be called, or called again.",
			func(b backlog) float64 { return float64(b.waiting) }),
		gauge("horde_webhooks_oldest_seconds", "For how long one of them has been due that nobody has called.",
			func(b backlog) float64 { return b.late.Seconds() }),
	)
}

// watchBacklog reads the backlog again and again for the metrics, at most a hundredth of
// the time: however often somebody asks for them, and however long it is.
func (n *Notifier) watchBacklog(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		if err := n.readBacklog(ctx); err != nil && ctx.Err() == nil {
			n.Log.Warn("count webhooks", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(backlogEvery, backlogRest*time.Since(began))):
		}
	}
}

func (n *Notifier) readBacklog(ctx context.Context) error {
	read, err := n.Store.WebhookBacklog(ctx)
	if err != nil {
		return err
	}

	b := backlog{waiting: read.Waiting}
	if read.Waiting > 0 {
		b.late = max(0, n.Clock().Sub(read.Due.Time()))
	}
	n.backlog.Store(&b)
	return nil
}

func (n *Notifier) count(result string) {
	if n.called != nil {
		n.called.WithLabelValues(result).Inc()
	}
}
