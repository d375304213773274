package catalog

import (
	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
)

// metrics are the metrics of the references, by slot.
type metrics struct {
	reads   *prometheus.CounterVec
	models  *prometheus.GaugeVec
	fetched *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "horde_model_reference_reads_total",
			Help: "Reads of a model reference from its file or URL; result ok or failed.",
		}, []string{"reference", "result"}),
		models: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "horde_model_reference_models",
			Help: "Models that are known by the references, image and text.",
		}, []string{"reference"}),
		fetched: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "horde_model_reference_fetched_seconds",
			Help: "When the kept copy of a reference came from its source, in seconds since 1970; 0: there is none.",
		}, []string{"reference"}),
	}

	if reg != nil {
		reg.MustRegister(m.reads, m.models, m.fetched)
	}
	return m
}

// read counts a read of a source.
func (m metrics) read(slot string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.reads.WithLabelValues(slot, result).Inc()
}

func (m metrics) known(slot string, n int) { m.models.WithLabelValues(slot).Set(float64(n)) }

// copied records when a copy was fetched, in microseconds since 1970.
func (m metrics) copied(slot string, at horde.Micros) {
	m.fetched.WithLabelValues(slot).Set(float64(at) / 1e6)
}
