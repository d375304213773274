package queue

import (
	"context"
	"sync"

	"horde/internal/horde"
	"horde/internal/store"
)

// recent is what was delivered within the last hour, for the figures of
// /status/performance and /status/models. This node's deliveries come in with their
// commits, those of others when it is read again.
type recent struct {
	mu   sync.Mutex
	all  []store.Delivery // oldest first; guarded by mu
	read int64            // microseconds; guarded by mu
}

const (
	recentKept  = 3_600_000_000 // microseconds
	minute      = 60_000_000    // microseconds
	rereadEvery = 10_000_000    // microseconds
)

func (r *recent) add(more ...store.Delivery) {
	if len(more) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()

	r.all = append(r.all, more...)
	if now := more[len(more)-1].At; len(r.all) > 1024 && now-r.all[0].At > recentKept+minute {
		r.trimLocked(now)
	}
}

// trimLocked forgets what is too old. The caller holds mu.
func (r *recent) trimLocked(now int64) {
	i := 0
	for i < len(r.all) && r.all[i].At < now-recentKept {
		i++
	}
	r.all = append(r.all[:0], r.all[i:]...)
}

func (r *recent) reload(ctx context.Context, s *store.Store, now int64) error {
	all, err := s.Deliveries(ctx, now-recentKept)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all, r.read = all, now
	return nil
}

// sync reads the deliveries of other nodes, now and then.
func (r *recent) sync(ctx context.Context, s *store.Store, now int64) error {
	r.mu.Lock()
	stale := s.Shared() && now-r.read > rereadEvery
	r.mu.Unlock()
	if !stale {
		return nil
	}
	return r.reload(ctx, s, now)
}

// lastMinute sums the work units delivered within 60 s.
func (r *recent) lastMinute(kind horde.Kind, now int64) (units float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.all) - 1; i >= 0 && r.all[i].At > now-minute; i-- {
		if r.all[i].Kind == kind {
			units += float64(r.all[i].WorkUnits)
		}
	}
	return units
}

// speeds is the mean speed of each model within the hour, in work units per second.
func (r *recent) speeds(kind horde.Kind, now int64) map[string]float64 {
	type mean struct {
		sum float64
		n   int
	}
	r.mu.Lock()
	defer r.mu.Unlock()

	all := map[string]mean{}
	for i := len(r.all) - 1; i >= 0 && r.all[i].At > now-recentKept; i-- {
		if d := r.all[i]; d.Kind == kind && d.Micros > 0 {
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
