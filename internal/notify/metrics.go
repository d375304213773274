package notify

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const measureTimeout = time.Second // of one reading for a metric

// measure makes the metrics known.
func (n *Notifier) measure() {
	if n.Metrics == nil {
		return
	}
	n.called = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "horde_webhook_calls_total",
		Help: "Webhooks that this node has called, by what became of it: taken, failed or given_up.",
	}, []string{"result"})

	n.Metrics.MustRegister(n.called,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "horde_webhooks_waiting",
			Help: "Webhooks of the whole horde that are to be called, or called again.",
		}, func() float64 { waiting, _ := n.backlog(); return waiting }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "horde_webhooks_oldest_seconds",
			Help: "Age of the oldest of them.",
		}, func() float64 { _, age := n.backlog(); return age }),
	)
}

// backlog reads how many webhooks wait, and how old the oldest is in seconds.
func (n *Notifier) backlog() (waiting, age float64) {
	ctx, cancel := context.WithTimeout(context.Background(), measureTimeout)
	defer cancel()
	count, oldest, err := n.Store.WebhookBacklog(ctx)
	if err != nil || count == 0 {
		return 0, 0
	}
	return float64(count), max(0, n.Clock().Sub(time.UnixMicro(oldest)).Seconds())
}

func (n *Notifier) count(result string) {
	if n.called != nil {
		n.called.WithLabelValues(result).Inc()
	}
}
