package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	longestMeasure = 20 * time.Minute // longer ones count as this long
	significant    = 3                // digits that percentiles are right to
)

// histogram counts durations; percentiles are right to a thousandth. Safe for
// concurrent use; adding allocates nothing.
type histogram struct {
	mu     sync.Mutex
	counts *hdrhistogram.Histogram // in nanoseconds; guarded by mu
	sum    time.Duration           // guarded by mu
	max    time.Duration           // guarded by mu
}

func newHistogram() *histogram {
	return &histogram{counts: hdrhistogram.New(1, longestMeasure.Nanoseconds(), significant)}
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()

	d = min(max(d, 0), longestMeasure)
	_ = h.counts.RecordValue(d.Nanoseconds()) // fails only beyond the range
	h.sum += d
	h.max = max(h.max, d)
}

// summary is what a histogram holds.
type summary struct {
	count         int64
	mean, max     time.Duration
	p50, p95, p99 time.Duration
}

func (h *histogram) summary() summary {
	h.mu.Lock()
	defer h.mu.Unlock()

	at := func(percentile float64) time.Duration {
		return min(time.Duration(h.counts.ValueAtPercentile(percentile)), h.max)
	}
	n := h.counts.TotalCount()
	return summary{
		count: n,
		mean:  h.sum / time.Duration(max(n, 1)),
		max:   h.max,
		p50:   at(50),
		p95:   at(95),
		p99:   at(99),
	}
}
