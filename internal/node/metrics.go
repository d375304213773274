package node

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/account"
	"horde/internal/horde"
)

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
	jobsWaiting = prometheus.NewDesc("horde_jobs_waiting",
		"Jobs of the whole horde that wait for a worker; of alchemy forms that wait or run.", []string{"kind"}, nil)
	workersOnline = prometheus.NewDesc("horde_workers",
		"Workers of the whole horde that are there.", []string{"kind"}, nil)
	accountBytes = prometheus.NewDesc("horde_account_bytes",
		"Bytes by class of account: of requests that are not done (waiting), and of images stored within two hours (images).",
		[]string{"what", "class"}, nil)
	readyChecks = prometheus.NewDesc("horde_ready",
		"Whether what the node needs is there, as /readyz says: 1 or 0.", []string{"check"}, nil)
)

// labelAlchemy is what figures call the kind that is an interrogation on the wire.
const labelAlchemy = "alchemy"

// kindLabel is what figures call a kind of work.
func kindLabel(k horde.Kind) string {
	if k == horde.KindAlchemy {
		return labelAlchemy
	}
	return string(k)
}

// readyPatience is how long /metrics waits for the checks of readiness.
const readyPatience = readyTime + time.Second

// newFirstPop makes the figure of how long requests wait for a worker.
func newFirstPop() *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "horde_first_pop_seconds",
		Help:    "How long a request, or a form of alchemy, waited until a worker got the first job of it from this node.",
		Buckets: []float64{.01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200},
	}, []string{"kind"})
	for _, k := range []horde.Kind{horde.KindImage, horde.KindText, horde.KindAlchemy} {
		h.WithLabelValues(kindLabel(k)) // so that it is there before the first
	}
	return h
}

// observeFirstPop counts that a worker got the first job of a request.
func (n *Node) observeFirstPop(kind horde.Kind, waited time.Duration) {
	n.firstPop.WithLabelValues(kindLabel(kind)).Observe(waited.Seconds())
}

// registerFigures puts the figures of a node into its registry, if it has one.
func (n *Node) registerFigures() {
	if n.options.Metrics != nil {
		n.options.Metrics.MustRegister(figures{n}, n.firstPop)
	}
}

// Describe implements prometheus.Collector.
func (f figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		writeQueue, writeOldest, liveRequests, liveJobs, jobsWaiting, workersOnline, accountBytes, readyChecks,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (f figures) Collect(out chan<- prometheus.Metric) {
	n := f.n
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}

	units, oldest := n.Store.WriteQueue()
	gauge(writeQueue, float64(units))
	gauge(writeOldest, oldest.Seconds())

	size := func(kind string, requests, jobs int) {
		gauge(liveRequests, float64(requests), kind)
		gauge(liveJobs, float64(jobs), kind)
	}
	n.Queue.Size(size)
	requests, forms := n.Alchemy.Size()
	size(labelAlchemy, requests, forms)

	n.Queue.Waiting(func(kind string, jobs int) { gauge(jobsWaiting, float64(jobs), kind) })
	gauge(jobsWaiting, float64(n.Alchemy.Open()), labelAlchemy)
	for _, k := range []horde.Kind{horde.KindImage, horde.KindText, horde.KindAlchemy} {
		workers, _ := n.Fleet.Count(k)
		gauge(workersOnline, float64(workers), kindLabel(k))
	}

	counted := n.byClass.Load()
	for _, what := range countedBytes {
		for _, class := range account.Classes {
			gauge(accountBytes, float64((*counted)[countedAs{what, class}]), what, string(class))
		}
	}

	// Last, as it writes.
	ctx, cancel := context.WithTimeout(context.Background(), readyPatience)
	defer cancel()
	n.ready.Each(ctx, func(check string, err error) {
		if err != nil {
			gauge(readyChecks, 0, check)
			return
		}
		gauge(readyChecks, 1, check)
	})
}
