package queue

import (
	"context"
	"math"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
)

// Performance sums the horde up (platform §3.9).
func (q *Queue) Performance(ctx context.Context) (api.Performance, error) {
	now := q.Clock.Micros()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return api.Performance{}, err
	}

	var p api.Performance
	var pixelsteps, tokens float64
	p.QueuedRequests, pixelsteps = q.images.queued()
	p.QueuedTextRequests, tokens = q.texts.queued()
	p.QueuedMegapixelsteps, p.PastMinuteMegapixelsteps = mega(pixelsteps), mega(q.recent.lastMinute(horde.KindImage, now))
	p.QueuedTokens, p.PastMinuteTokens = api.Float(tokens), api.Float(q.recent.lastMinute(horde.KindText, now))
	p.WorkerCount, p.ThreadCount = q.Fleet.Count(horde.KindImage)
	p.TextWorkerCount, p.TextThreadCount = q.Fleet.Count(horde.KindText)
	p.InterrogatorCount, p.InterrogatorThreadCount = q.Fleet.Count(horde.KindAlchemy)
	return p, nil
}

func mega(v float64) api.Float { return api.Float(math.Round(v/1e4) / 100) }

// noETA is the time until a model's queue is empty when nobody serves it.
const noETA = 10000

// Models lists the models of a kind (horde.KindImage, horde.KindText) that are served or
// waited for; other kinds have none.
func (q *Queue) Models(ctx context.Context, kind horde.Kind) ([]api.ActiveModel, error) {
	list := []api.ActiveModel{}
	x := q.indexOf(kind)
	if x == nil {
		return list, nil
	}
	now := q.Clock.Micros()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return nil, err
	}

	all := map[string]*api.ActiveModel{}
	model := func(name string) *api.ActiveModel {
		if all[name] == nil {
			all[name] = &api.ActiveModel{Name: name, Type: string(kind)}
		}
		return all[name]
	}

	// What is served.
	known := q.Catalog.Snapshot()
	q.eachServed(kind, known, func(name string, threads int) { model(name).Count += threads })

	// What is waited for, as far as the reference knows it.
	for name, load := range x.loads() {
		if all[name] != nil || x.kind.known(known, name) {
			m := model(name)
			m.Queued, m.Jobs = api.Float(load.units), api.Float(load.jobs)
		}
	}

	speeds := q.recent.speeds(kind, now)
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

// mostForeign is how many models are listed that no reference knows: workers may call
// theirs as they like.
const mostForeign = 5000

// eachServed calls each with the models that workers of a kind offer, and with their
// threads. Where the offers of models that no reference knows are too many, only the
// first ones of every worker count.
func (q *Queue) eachServed(kind horde.Kind, known *catalog.Snapshot, each func(model string, threads int)) {
	var workers []*fleet.Worker
	q.Fleet.Online(kind, func(w *fleet.Worker) bool {
		if !w.Maintenance {
			workers = append(workers, w)
		}
		return true
	})

	isKnown, foreign := q.indexOf(kind).kind.known, 0
	for _, w := range workers {
		for _, m := range w.Settings.Models {
			if !isKnown(known, m) {
				foreign++
			}
		}
	}
	most := foreign // of each worker
	if foreign > mostForeign {
		most = max(1, mostForeign/len(workers))
	}

	for _, w := range workers {
		left := most
		for _, m := range w.Settings.Models {
			if !isKnown(known, m) {
				if left--; left < 0 {
					continue
				}
			}
			each(m, w.Settings.Threads)
		}
	}
}

// indexOf is the index of a kind of work; nil for others.
func (q *Queue) indexOf(kind horde.Kind) *index {
	for _, x := range q.indexes() {
		if x.kind.name == kind {
			return x
		}
	}
	return nil
}

// indexOfModel is that of the kind which has a model of this name; nil: none has.
func (q *Queue) indexOfModel(known *catalog.Snapshot, name string) *index {
	for _, x := range q.indexes() {
		if x.kind.known(known, name) || x.kind.takesSpecials && strings.HasPrefix(name, "horde_special") {
			return x
		}
	}
	return nil
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

// Model is one model, in a list of at most one: those of the references and the
// special ones, served or not. Nobody serving it counts as no end in sight, even
// when nothing waits (platform §3.9).
func (q *Queue) Model(ctx context.Context, name string) ([]api.ActiveModel, error) {
	known := q.Catalog.Snapshot()
	x := q.indexOfModel(known, name)
	if x == nil {
		return []api.ActiveModel{}, nil
	}

	now := q.Clock.Micros()
	if err := q.recent.sync(ctx, q.Store, now); err != nil {
		return nil, err
	}

	kind := x.kind.name
	m := api.ActiveModel{Name: name, Type: string(kind)}
	q.Fleet.Online(kind, func(w *fleet.Worker) bool {
		if !w.Maintenance && w.Offers(name) {
			m.Count += w.Settings.Threads
		}
		return true
	})

	load := x.loads()[name]
	m.Queued, m.Jobs = api.Float(load.units), api.Float(load.jobs)
	m.Performance = api.Float(math.Round(q.recent.speeds(kind, now)[name]*10) / 10)
	if m.ETA = etaOf(&m); float64(m.Count)*float64(m.Performance) == 0 {
		m.ETA = noETA
	}
	return []api.ActiveModel{m}, nil
}

// modelLoad is what waits for a model.
type modelLoad struct {
	jobs  float64
	units float64 // of work
}

// loads is what waits for each model that requests name, those for named workers
// among them.
func (x *index) loads() map[string]modelLoad {
	x.Lock()
	defer x.Unlock()

	loads := map[string]modelLoad{}
	for e := range x.Requests.All() {
		if !e.item.Queued() {
			continue
		}
		waiting := float64(e.state.Waiting)
		for i, m := range e.models() {
			if !slices.Contains(e.models()[:i], m) {
				l := loads[m]
				loads[m] = modelLoad{l.jobs + waiting, l.units + waiting*float64(e.work.WorkUnits())}
			}
		}
	}
	return loads
}
