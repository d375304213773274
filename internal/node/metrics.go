package node

import "github.com/prometheus/client_golang/prometheus"

// figures are what a node has in memory and in its queues, read when somebody asks
// /metrics. What counts something by itself (calls, connections, images, references) has
// its figures beside it.
type figures struct{ n *Node }

var (
	writeQueue = prometheus.NewDesc("horde_write_queue",
		"Writes that wait for the database.", nil, nil)
	writeOldest = prometheus.NewDesc("horde_write_queue_oldest_seconds",
		"How long the oldest write has waited that the database has not taken; 0: none waits.", nil, nil)
	liveRequests = prometheus.NewDesc("horde_live_requests",
		"Requests kept in memory, finished ones that are still to be fetched among them.", []string{"kind"}, nil)
	liveJobs = prometheus.NewDesc("horde_live_jobs",
		"Jobs or forms of requests kept in memory.", []string{"kind"}, nil)
)

// registerFigures puts the figures of a node into its registry, if it has one.
func (n *Node) registerFigures() {
	if n.options.Metrics != nil {
		n.options.Metrics.MustRegister(figures{n})
	}
}

// Describe implements prometheus.Collector.
func (f figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{writeQueue, writeOldest, liveRequests, liveJobs} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (f figures) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}

	units, oldest := f.n.Store.WriteQueue()
	gauge(writeQueue, float64(units))
	gauge(writeOldest, oldest.Seconds())

	size := func(kind string, requests, jobs int) {
		gauge(liveRequests, float64(requests), kind)
		gauge(liveJobs, float64(jobs), kind)
	}
	f.n.Queue.Size(size)
	requests, forms := f.n.Alchemy.Size()
	size("alchemy", requests, forms)
}
