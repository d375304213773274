package worker

import "github.com/prometheus/client_golang/prometheus"

// metrics count what the worker does. Without a registerer they are counted all the
// same, and shown nowhere.
type metrics struct {
	results *prometheus.CounterVec // images or texts, by model
	faults  *prometheus.CounterVec // by reason
	pops    *prometheus.CounterVec // by answer
	kudos   prometheus.Counter
	seconds prometheus.Histogram
	running prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, n names) *metrics {
	prefix := "horde_" + n.worker + "_"
	m := &metrics{
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + n.results + "_total", Help: "Delivered " + n.results + ", by model."}, []string{"model"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "faults_total", Help: "What was not delivered, by reason."}, []string{"reason"}),
		pops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "pops_total", Help: "Pops by answer: job, empty, error."}, []string{"answer"}),
		kudos: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "kudos_total", Help: "Kudos that deliveries were answered with."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "job_seconds", Help: "Seconds from pop to the last submit of a job.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "running_jobs", Help: "Jobs in hand."}),
	}

	if reg != nil {
		reg.MustRegister(m.results, m.faults, m.pops, m.kudos, m.seconds, m.running)
	}
	return m
}

func (m *metrics) success(model string, reward float64) {
	m.results.WithLabelValues(model).Inc()
	m.kudos.Add(max(0, reward))
}

func (m *metrics) fault(reason string) { m.faults.WithLabelValues(reason).Inc() }

func (m *metrics) pop(answer string) { m.pops.WithLabelValues(answer).Inc() }
