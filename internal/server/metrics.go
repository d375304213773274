package server

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of the HTTP front by route pattern; paths and keys are
// never labels.
type metrics struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	bytes   *prometheus.CounterVec
	running atomic.Int64 // calls being answered
}

// What bytes are counted of, and the class of those that no account is known of.
const (
	bytesOfBodies  = "body"
	bytesOfAnswers = "answer"
	classNone      = "none"
)

func newMetrics(reg prometheus.Registerer, classes []string, streams, bodies func() float64) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "horde_http_calls_total",
			Help: "Calls answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "horde_http_seconds",
			Help:    "Time from the header of a call to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route", "method"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "horde_http_bytes_total",
			Help: "Bytes of bodies that were read and of answers, by class of the account whose key was sent.",
		}, []string{"what", "class"}),
	}
	for _, class := range append([]string{classNone}, classes...) { // so that they are there before the first
		m.bytes.WithLabelValues(bytesOfBodies, class)
		m.bytes.WithLabelValues(bytesOfAnswers, class)
	}

	reg.MustRegister(m.calls, m.seconds, m.bytes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "horde_event_streams",
		Help: "Event streams that are open.",
	}, streams), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "horde_body_bytes",
		Help: "Memory that large bodies of calls hold.",
	}, bodies))
	return m
}

// observe counts a call that was answered.
func (m *metrics) observe(pattern, method string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "unknown"
	}
	if !knownMethod(method) {
		method = "other" // callers can invent any word
	}
	if status == 0 {
		status = http.StatusOK
	}

	m.calls.WithLabelValues(pattern, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(pattern, method).Observe(took.Seconds())
}

// observeBytes counts what a call has read and answered.
func (m *metrics) observeBytes(class string, body, answer int64) {
	if class == "" {
		class = classNone
	}
	m.bytes.WithLabelValues(bytesOfBodies, class).Add(float64(body))
	m.bytes.WithLabelValues(bytesOfAnswers, class).Add(float64(answer))
}

// knownMethod reports whether a method is one that calls have.
func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions,
		http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// ActiveCalls is how many calls are being answered by the server that answers r.
func ActiveCalls(r *http.Request) int { return int(exchangeOf(r).server.metrics.running.Load()) }
