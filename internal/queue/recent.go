package queue

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"horde/internal/horde"
	"horde/internal/store"
)

// lastHour is what was delivered within the last hour, for the figures of
// /status/performance and /status/models. This node's deliveries come in with their
// commits, those of others when what is new is read.
type lastHour struct {
	mu    sync.Mutex
	all   []delivered     // oldest first, but for what was committed late; guarded by mu
	lines []line          // by delivered.line; guarded by mu
	index map[line]uint32 // of lines; guarded by mu
	read  horde.Micros    // when other nodes' deliveries were read; guarded by mu
}

// delivered is what the figures need of a delivery. There are millions of them in an hour
// of a busy horde, so it has no pointers and takes 24 bytes.
type delivered struct {
	at        horde.Micros
	workUnits int64  // pixelsteps or tokens
	took      uint32 // microseconds from handing out to delivery, an hour at most
	line      uint32
}

// line is what deliveries are told apart by.
type line struct {
	kind  horde.Kind
	model string
}

const (
	recentKept  = 3_600_000_000 // microseconds
	minute      = 60_000_000    // microseconds
	rereadEvery = 10_000_000    // microseconds

	// committedLate is by how much a delivery can be older than what was read before it:
	// no commit takes longer.
	committedLate = minute
)

func (h *lastHour) add(more ...store.Delivery) {
	if len(more) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()

	h.appendLocked(more)
	if now := more[len(more)-1].At; len(h.all) > 1024 && now-h.all[0].at > recentKept+minute {
		h.trimLocked(now)
	}
}

// appendLocked adds deliveries. The caller holds mu.
func (h *lastHour) appendLocked(more []store.Delivery) {
	for _, d := range more {
		l := line{d.Kind, d.Model}
		n, known := h.index[l]
		if !known {
			n = h.addLineLocked(l)
		}
		took := uint32(min(max(d.Micros, 0), recentKept))
		h.all = append(h.all, delivered{at: d.At, workUnits: d.WorkUnits, took: took, line: n})
	}
}

// addLineLocked numbers a kind and model. The caller holds mu.
func (h *lastHour) addLineLocked(l line) uint32 {
	if h.index == nil {
		h.index = map[line]uint32{}
	}
	l.model = strings.Clone(l.model) // of which a whole body may hang
	n := uint32(len(h.lines))
	h.lines = append(h.lines, l)
	h.index[l] = n
	return n
}

// trimLocked forgets what is too old, and the models that nothing is of any more. The
// caller holds mu.
func (h *lastHour) trimLocked(now horde.Micros) {
	old := h.lines
	h.lines, h.index = nil, nil

	kept := h.all[:0]
	for _, d := range h.all {
		if d.at < now-recentKept {
			continue
		}
		n, known := h.index[old[d.line]]
		if !known {
			n = h.addLineLocked(old[d.line])
		}
		d.line = n
		kept = append(kept, d)
	}
	h.all = kept
}

// reload reads the last hour, a minute at a time.
func (h *lastHour) reload(ctx context.Context, s *store.Store, now horde.Micros) error {
	fresh := &lastHour{}
	for after := now - recentKept; ; after += minute {
		until := after + minute
		if until >= now {
			until = math.MaxInt64
		}
		part, err := s.Deliveries(ctx, after, until)
		if err != nil {
			return err
		}
		fresh.appendLocked(part)
		if until == math.MaxInt64 {
			break
		}
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.lines, h.index, h.read = fresh.all, fresh.lines, fresh.index, now
	return nil
}

// sync reads what other nodes have delivered since it was last called, now and then.
func (h *lastHour) sync(ctx context.Context, s *store.Store, now horde.Micros) error {
	h.mu.Lock()
	read := h.read
	h.mu.Unlock()
	if !s.Shared() || now-read <= rereadEvery {
		return nil
	}
	if now-read > recentKept {
		return h.reload(ctx, s, now)
	}

	since := read - committedLate
	news, err := s.Deliveries(ctx, since, math.MaxInt64)
	if err != nil {
		return err
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.read > read {
		return nil // another caller was quicker
	}
	h.all = slices.DeleteFunc(h.all, func(d delivered) bool { return d.at > since })
	h.appendLocked(news)
	h.read = now
	return nil
}

// lastMinute sums the work units delivered within 60 s.
func (h *lastHour) lastMinute(kind horde.Kind, now horde.Micros) (units float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.all) - 1; i >= 0 && h.all[i].at > now-minute; i-- {
		if d := h.all[i]; h.lines[d.line].kind == kind {
			units += float64(d.workUnits)
		}
	}
	return units
}

// speeds is the mean speed of each model within the hour, in work units per second.
func (h *lastHour) speeds(kind horde.Kind, now horde.Micros) map[string]float64 {
	type mean struct {
		sum float64
		n   int
	}
	h.mu.Lock()
	defer h.mu.Unlock()

	all := make([]mean, len(h.lines))
	for i := len(h.all) - 1; i >= 0 && h.all[i].at > now-recentKept; i-- {
		if d := h.all[i]; d.took > 0 {
			m := &all[d.line]
			m.sum += float64(d.workUnits) / (float64(d.took) / 1e6)
			m.n++
		}
	}

	speeds := map[string]float64{}
	for n, m := range all {
		if l := h.lines[n]; l.kind == kind && m.n > 0 {
			speeds[l.model] = m.sum / float64(m.n)
		}
	}
	return speeds
}
