package queue

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/store"
)

// DefaultMaintenance is what a worker in maintenance hears when its owner left
// no words. Workers look for "maintenance mode" in it.
const DefaultMaintenance = "This worker has been put into maintenance mode by its owner"

// claim is jobs that one pop took of one request.
type claim struct {
	e     *entry
	model string
	n     int
	left  int // jobs waiting before this pop
	fake  bool
}

// Pop hands out jobs to a worker that has checked in, waiting for at most wait
// when there is nothing (0: not at all). Without a job the answer says what the
// worker was withheld from.
func (q *Queue) Pop(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.ImageJob, error) {
	known := q.Catalog.Snapshot()
	v := viewOf(o, known)
	v.matched = q.Modes().MatchedTargeting
	deadline := time.Now().Add(wait)
	var w *waiter
	if wait > 0 {
		w = q.waiters.add(v)
		defer q.waiters.remove(w)
	}
	for last := w == nil; ; {
		job, why, err := q.tryPop(ctx, v, o)
		if job != nil || err != nil {
			return job, err
		}
		if last {
			return q.nothing(v, why)
		}
		last = !w.wait(ctx, time.Until(deadline)) // then it looks once more, for counters of now
		if ctx.Err() != nil {                     // but not for somebody who is gone
			return q.nothing(v, why)
		}
	}
}

// tryPop takes the first request that fits, going on to the next when another
// node was faster.
func (q *Queue) tryPop(ctx context.Context, v *view, o *fleet.Offer) (*api.ImageJob, map[string]int, error) {
	v.balances = nil // they may have changed while it waited
	for {
		c, why := q.match(v, o.Amount)
		if len(v.unknown) > 0 {
			if err := q.lookUp(ctx, v); err != nil {
				return nil, nil, err
			}
			continue
		}
		if c == nil {
			return nil, why, nil
		}
		jobs, err := q.take1(c, v)
		if errors.Is(err, store.ErrLost) {
			if err := q.Refresh(ctx, []string{c.e.row.ID}); err != nil {
				return nil, nil, err
			}
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		job, err := q.assignment(ctx, c, jobs, v)
		return job, nil, err
	}
}

// lookUp reads the balances that the walk missed.
func (q *Queue) lookUp(ctx context.Context, v *view) error {
	found, err := q.Store.Accounts(ctx, slices.Collect(maps.Keys(v.unknown)))
	if err != nil {
		return err
	}
	if v.balances == nil {
		v.balances = map[int64]*store.Account{}
	}
	for id := range v.unknown {
		v.balances[id] = &store.Account{UserID: id} // of somebody who is gone
	}
	for _, a := range found {
		v.balances[a.UserID] = a
	}
	v.unknown = nil
	return nil
}

// match finds the first request for the worker and reserves its jobs in the
// index; nil when there is none, with what the walk refused by reason, or when it
// came to balances that have to be looked up before it can tell.
func (q *Queue) match(v *view, amount int) (*claim, map[string]int) {
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	e, why := x.first(v, q.Clock().UnixMicro())
	if len(v.unknown) > 0 {
		return nil, nil
	}
	if e == nil {
		x.skipped(v, why)
		return nil, why
	}
	m := e.record.Image
	c := &claim{e: e, left: e.available(q.Clock().UnixMicro()), model: chooseModel(m.Models, v)}
	c.fake = v.worker.Paused && e.row.UserID != v.owner
	c.n = batch(m, v.settings.MaxPixels, amount, c.left, v.known.Baseline(c.model))
	if !c.fake {
		e.reserved += c.n
	}
	return c, nil
}

// chooseModel picks the model that all pictures of a batch share: a random one
// of those that both name, or of the worker's when the request names none.
func chooseModel(wanted []string, v *view) string {
	if len(wanted) == 0 {
		return v.list[rand.IntN(len(v.list))]
	}
	var both []string
	for _, m := range wanted {
		if _, ok := v.models[m]; ok {
			both = append(both, m)
		}
	}
	return both[rand.IntN(len(both))]
}

// batch is how many pictures one pop gets (§1.18 "Batch size"; the factor of
// large models by baseline, decisions #21).
func batch(m *admission.Image, maxPixels, amount, left int, baseline string) int {
	if m.DisableBatching {
		return 1
	}
	load := float64(m.Pixels()) * (1 + 0.4*float64(len(m.PostProcessing)))
	if m.Transparent || anyHeavy(m.PostProcessing) {
		load *= 1.8
	}
	switch baseline {
	case catalog.Flux1:
		load *= 5
	case catalog.ZImageTurbo:
		load *= 8
	case catalog.QwenImage:
		load *= 10
	}
	n := int(math.RoundToEven(float64(maxPixels) / 3.5 * float64(amount) / load))
	return max(1, min(n, amount, left))
}

func anyHeavy(post []string) bool {
	for _, p := range post {
		if known, _ := api.PostProcessorByName(p); known.Heavy {
			return true
		}
	}
	return false
}

// take1 commits a claim: the request gives up the jobs and the jobs exist, or
// neither. ErrLost: the request had fewer by now.
func (q *Queue) take1(c *claim, v *view) ([]store.Job, error) {
	e, m := c.e, c.e.record.Image
	seed := m.PopSeed(c.left, rand.Uint32)
	now := q.Clock().UnixMicro()
	ttl := ttlOf(m, v)
	jobs := make([]store.Job, c.n)
	for i := range jobs {
		jobs[i] = store.Job{ID: horde.NewID(), RequestID: e.row.ID, WorkerID: v.worker.ID, Model: c.model,
			Seed: int64(seed), Fake: c.fake, Started: now, TTL: ttl.Microseconds()}
		jobs[i].JobResult.Seed = int64(seed)
	}
	life := requestLife
	if v.settings.ExtraSlow {
		life = extraSlowLife
	}
	var state store.RequestState
	err := q.Store.Write(store.Unit{Key: e.row.ID, Do: func(tx *store.Tx) (err error) {
		k, expires := c.n, now+life.Microseconds()
		if c.fake { // takes nothing, but the request has to be there, and the other nodes to hear of it
			k, expires = 0, 0
		}
		if state, err = tx.Claim(e.row.ID, k, expires); err != nil {
			return err
		}
		for _, j := range jobs {
			tx.InsertJob(j)
		}
		return nil
	}})
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if !c.fake {
		e.reserved -= c.n
	}
	if err != nil {
		return nil, err
	}
	x.apply(e, state)
	for _, j := range jobs {
		x.setJob(e, j)
	}
	return jobs, nil
}

const (
	extraSlowLife = 60 * time.Minute
	leastTTL      = 150 * time.Second
)

// ttlOf is how long a worker may take over a job (§1.18 "TTL").
func ttlOf(m *admission.Image, v *view) time.Duration {
	s := 30 + float64(m.AccurateSteps)*2*float64(m.Pixels())/262144
	if m.ControlType != "" {
		s *= 2
	}
	for _, name := range m.Models {
		if b := v.known.Baseline(name); b == catalog.Flux1 || b == catalog.QwenImage || b == catalog.ZImageTurbo {
			s *= 3
			break
		}
	}
	d := max(time.Duration(s)*time.Second, leastTTL)
	if v.settings.ExtraSlow {
		d *= 3
	}
	return d
}

// assignment is the answer that hands out jobs (§1.18).
func (q *Queue) assignment(ctx context.Context, c *claim, jobs []store.Job, v *view) (*api.ImageJob, error) {
	m := c.e.record.Image
	ttl := int(jobs[0].TTL / 1_000_000)
	a := &api.ImageJob{ID: &jobs[0].ID, Model: &c.model, TTL: &ttl, Skipped: map[string]int{},
		SourceProcessing: m.SourceProcessing, Messages: []api.WorkerMessage{},
		Payload: m.Payload(uint32(jobs[0].Seed), len(jobs))}
	for _, j := range jobs {
		a.IDs = append(a.IDs, j.ID)
		a.R2Uploads = append(a.R2Uploads, q.Blobs.SignPut(resultName(j.ID), blob.LinkTTL))
	}
	a.R2Upload = &a.R2Uploads[0]
	if v.agent.Has(bridge.Img2Img) {
		q.attachSources(ctx, a, &c.e.record, v.agent.Has(bridge.R2Source))
	}
	return a, nil
}

// attachSources adds the source pictures: links for bridges that fetch them,
// base64 for older ones.
func (q *Queue) attachSources(ctx context.Context, a *api.ImageJob, r *record, byLink bool) {
	get := func(name string) *string {
		if name == "" {
			return nil
		}
		var text string
		if byLink {
			text = q.Blobs.SignGet(name, blob.LinkTTL)
		} else {
			text = q.inline(ctx, name)
		}
		return &text
	}
	a.SourceImage, a.SourceMask = get(r.Source), get(r.Mask)
	for _, e := range r.Extra {
		strength := e.Strength
		a.ExtraSourceImages = append(a.ExtraSourceImages, api.ExtraSource{Image: *get(e.Blob), Strength: &strength})
	}
}

func resultName(job string) string { return job + ".webp" }

// nothing is the answer without a job: a worker in maintenance is told so, all
// others get the default payload and the counters.
func (q *Queue) nothing(v *view, why map[string]int) (*api.ImageJob, error) {
	if w := v.worker; w.Maintenance {
		text := w.MaintenanceMsg
		if text == "" {
			text = DefaultMaintenance
		}
		return nil, horde.Errorf("WorkerMaintenance", "%s", text)
	}
	return &api.ImageJob{IDs: []string{}, Skipped: why, SourceProcessing: "img2img", Messages: []api.WorkerMessage{},
		Payload: api.ImagePayload{Steps: 30, N: 1, SamplerName: "k_euler_a", CfgScale: 7.5, Height: 512, Width: 512}}, nil
}
