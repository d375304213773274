package queue

import (
	"context"
	"sync"

	"horde/internal/horde"
	"horde/internal/store"
)

// lastHour is what was delivered within the last hour, for the figures of
// /status/performance and /status/models. This node's deliveries come in with their
// commits, those of others when it is read again.
type lastHour struct {
	mu   sync.Mutex
	all  []store.Delivery // oldest first; guarded by mu
	read horde.Micros     // microseconds; guarded by mu
}

const (
	recentKept  = 3_600_000_000 // microseconds
	minute      = 60_000_000    // microseconds
	rereadEvery = 10_000_000    // microseconds
)

func (h *lastHour) add(more ...store.Delivery) {
	if len(more) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()

	known := len(h.all)
	h.all = append(h.all, more...)
	forgetJobs(h.all[known:])
	if now := more[len(more)-1].At; len(h.all) > 1024 && now-h.all[0].At > recentKept+minute {
		h.trimLocked(now)
	}
}

// forgetJobs takes the ids of jobs off deliveries: the figures need none, and there are
// many of them in an hour.
func forgetJobs(all []store.Delivery) {
	for i := range all {
		all[i].JobID = ""
	}
}

// trimLocked forgets what is too old. The caller holds mu.
func (h *lastHour) trimLocked(now horde.Micros) {
	i := 0
	for i < len(h.all) && h.all[i].At < now-recentKept {
		i++
	}
	h.all = append(h.all[:0], h.all[i:]...)
}

func (h *lastHour) reload(ctx context.Context, s *store.Store, now horde.Micros) error {
	all, err := s.Deliveries(ctx, now-recentKept)
	if err != nil {
		return err
	}
	forgetJobs(all)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.read = all, now
	return nil
}

// sync reads the deliveries of other nodes, now and then.
func (h *lastHour) sync(ctx context.Context, s *store.Store, now horde.Micros) error {
	h.mu.Lock()
	stale := s.Shared() && now-h.read > rereadEvery
	h.mu.Unlock()
	if !stale {
		return nil
	}
	return h.reload(ctx, s, now)
}

// lastMinute sums the work units delivered within 60 s.
func (h *lastHour) lastMinute(kind horde.Kind, now horde.Micros) (units float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.all) - 1; i >= 0 && h.all[i].At > now-minute; i-- {
		if h.all[i].Kind == kind {
			units += float64(h.all[i].WorkUnits)
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

	all := map[string]mean{}
	for i := len(h.all) - 1; i >= 0 && h.all[i].At > now-recentKept; i-- {
		if d := h.all[i]; d.Kind == kind && d.Micros > 0 {
			m := all[d.Model]
			all[d.Model] = mean{m.sum + float64(d.WorkUnits)/(float64(d.Micros)/1e6), m.n + 1}
		}
	}

	speeds := make(map[string]float64, len(all))
	for model, m := range all {
		speeds[model] = m.sum / float64(m.n)
	}
	return speeds
}
