package queue

import (
	"context"
	"math"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/fleet"
)

// Performance sums the horde up (platform rulebook §3.9).
func (q *Queue) Performance(ctx context.Context) (api.Performance, error) {
	now := q.Clock().UnixMicro()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return api.Performance{}, err
	}
	b := q.Busy()
	p := api.Performance{QueuedRequests: b.Jobs, QueuedMegapixelsteps: mega(b.Pixelsteps),
		PastMinuteMegapixelsteps: mega(q.recent.lastMinute(fleet.Image, now))}
	p.WorkerCount, p.ThreadCount = q.Fleet.Count(fleet.Image)
	p.TextWorkerCount, p.TextThreadCount = q.Fleet.Count(fleet.Text)
	p.InterrogatorCount, p.InterrogatorThreadCount = q.Fleet.Count(fleet.Forms)
	return p, nil
}

func mega(v float64) api.Float { return api.Float(math.Round(v/1e4) / 100) }

// noETA is the time until a model's queue is empty when nobody serves it.
const noETA = 10000

// Models lists the image models that are served or waited for.
func (q *Queue) Models(ctx context.Context) ([]api.ActiveModel, error) {
	now := q.Clock().UnixMicro()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return nil, err
	}
	all := map[string]*api.ActiveModel{}
	model := func(name string) *api.ActiveModel {
		if all[name] == nil {
			all[name] = &api.ActiveModel{Name: name, Type: fleet.Image}
		}
		return all[name]
	}
	q.Fleet.Online(fleet.Image, func(w *fleet.Worker) bool {
		if !w.Maintenance {
			for _, m := range w.Settings.Models {
				model(m).Count += w.Settings.Threads
			}
		}
		return true
	})
	known := q.Catalog.Snapshot()
	for name, load := range q.index.load() {
		if all[name] != nil || known.KnownImage(name) {
			m := model(name)
			m.Queued, m.Jobs = api.Float(load.things), api.Float(load.jobs)
		}
	}
	speeds := q.recent.speeds(fleet.Image, now)
	list := make([]api.ActiveModel, 0, len(all))
	for name, m := range all {
		if strings.Contains(name, "horde_special") {
			continue
		}
		m.Performance = api.Float(math.Round(speeds[name]*10) / 10)
		m.ETA = etaOf(m)
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b api.ActiveModel) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func etaOf(m *api.ActiveModel) int {
	rate := float64(m.Count) * float64(m.Performance)
	switch {
	case m.Queued == 0:
		return 0
	case rate == 0:
		return noETA
	}
	return int(float64(m.Queued) / rate)
}

// Model is one image model, in a list of at most one: those of the reference and
// the special ones, served or not. Nobody serving it counts as no end in sight,
// even when nothing waits (platform rulebook §3.9).
func (q *Queue) Model(ctx context.Context, name string) ([]api.ActiveModel, error) {
	if !q.Catalog.Snapshot().KnownImage(name) && !strings.HasPrefix(name, "horde_special") {
		return []api.ActiveModel{}, nil
	}
	now := q.Clock().UnixMicro()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return nil, err
	}
	m := api.ActiveModel{Name: name, Type: fleet.Image}
	q.Fleet.Online(fleet.Image, func(w *fleet.Worker) bool {
		if !w.Maintenance && w.Offers(name) {
			m.Count += w.Settings.Threads
		}
		return true
	})
	load := q.index.load()[name]
	m.Queued, m.Jobs = api.Float(load.things), api.Float(load.jobs)
	m.Performance = api.Float(math.Round(q.recent.speeds(fleet.Image, now)[name]*10) / 10)
	if m.ETA = etaOf(&m); float64(m.Count)*float64(m.Performance) == 0 {
		m.ETA = noETA
	}
	return []api.ActiveModel{m}, nil
}

type modelLoad struct{ jobs, things float64 }

// load is what waits for each model that requests name.
func (x *index) load() map[string]modelLoad {
	x.mu.Lock()
	defer x.mu.Unlock()
	loads := map[string]modelLoad{}
	for m, lines := range x.models {
		if m == anyModel {
			continue
		}
		var l modelLoad
		for _, line := range lines {
			line.Scan(func(e *entry) bool {
				waiting := float64(e.state.Waiting)
				l.jobs += waiting
				l.things += waiting * float64(e.record.Image.Things())
				return true
			})
		}
		loads[m] = l
	}
	return loads
}
