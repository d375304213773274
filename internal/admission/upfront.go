package admission

import (
	"math"

	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// Load is how busy the horde is.
type Load struct {
	QueuedRequests int // jobs of the kind that wait or are in progress
	Threads        int // of its workers that are online
}

// Upfront is the answer to whether a request's kudos must be there before it is
// taken (§1.5, §2.4).
type Upfront struct {
	Needed       bool
	Limit        int  // what needs none: pixels of the largest square's side, or tokens of the longest text
	MayDowngrade bool // a smaller request would need none
}

// Limits of accurate steps that need no kudos upfront, or that a downgrade goes
// down to.
const (
	freeSteps          = 40 // models that do not say otherwise
	downgradeSteps     = 30 // likewise
	controlSteps       = 20
	lcmSteps           = 10
	downgradeFloor     = 5 // steps; it stops below
	downgradeArea      = 512 * 512
	minRes, maxFreeRes = 576, 1024
)

// Upfront applies the rule of §1.5 to Image: large, long or fast-only requests
// need their kudos upfront, the more so the busier the horde is.
func (r *Request) Upfront(load Load) Upfront {
	m := &r.Image
	open := maxRes(load)
	if !m.SlowWorkers {
		return Upfront{Needed: true, Limit: open, MayDowngrade: true}
	}
	u := Upfront{Limit: r.clampRes(open), MayDowngrade: true}
	switch {
	case m.UsesLCM() && m.AccurateSteps > lcmSteps,
		r.anyModel(func(name string) bool { return r.maxSteps(name, freeSteps) < m.AccurateSteps }),
		m.Pixels() > u.Limit*u.Limit,
		r.controlled() && m.AccurateSteps > controlSteps:
		u.Needed = true
	case r.Server.UpfrontOnWorkerList && len(m.Workers) > 0:
		u.Needed, u.MayDowngrade = true, false
	}
	return u
}

func maxRes(load Load) int {
	return 1024 + 10*load.Threads - int(math.RoundToEven(0.9*float64(load.QueuedRequests)))
}

// clampRes keeps the limit within reason: never below what is always free,
// never above 1024.
func (r *Request) clampRes(res int) int {
	floor := minRes
	if r.anyBaseline(catalog.SDXL, catalog.StableCascade, catalog.Flux1) {
		floor = maxFreeRes
	}
	return min(max(res, floor), maxFreeRes)
}

func (r *Request) maxSteps(model string, fallback int) int {
	if m, ok := r.Models.Image(model); ok && m.Requirements.MaxSteps > 0 {
		return m.Requirements.MaxSteps
	}
	return fallback
}

// Downgrade makes Image small enough to need no kudos upfront: any worker may
// serve it, fewer pixels, fewer steps (§1.5). It does not look at the worker
// list: that is never given up.
func (r *Request) Downgrade(load Load) {
	m := &r.Image
	m.SlowWorkers = true
	res := r.clampRes(maxRes(load))
	m.Width, m.Height = fit(m.Width, m.Height, res*res)

	limit := downgradeSteps
	if len(m.Models) > 0 {
		limit = math.MaxInt
		for _, name := range m.Models {
			limit = min(limit, r.maxSteps(name, downgradeSteps))
		}
	}
	if r.controlled() {
		limit = min(limit, controlSteps)
	}
	if m.UsesLCM() {
		limit = min(limit, lcmSteps)
	}
	for m.AccurateSteps > limit && m.Steps >= downgradeFloor {
		m.Steps--
		m.AccurateSteps = kudos.AccurateSteps(m.Sampler, m.Steps)
	}
}

// fit shrinks a picture to at most limit pixels in steps of 64, keeping its
// shape about; to 512×512 where it would become smaller than that.
func fit(w, h, limit int) (int, int) {
	area := w * h
	if area <= limit {
		return w, h
	}
	scale := math.Sqrt(float64(limit) / float64(area))
	w, h = int(float64(w)*scale)/64*64, int(float64(h)*scale)/64*64
	for w*h > limit {
		if w >= h {
			w -= 64
		} else {
			h -= 64
		}
	}
	if w*h < downgradeArea {
		return 512, 512
	}
	return w, h
}

// Refusal tells the owner of a request why their kudos do not suffice, and what
// would need none.
func (r *Request) Refusal(u Upfront, price horde.Kudos) error {
	res := max(u.Limit, 0)
	return horde.Errorf("KudosUpfront",
		"This request needs %s kudos upfront, more than this account can commit now. As busy as the horde is, pictures over "+
			"%d×%d pixels or of more than 40 steps (50 steps, say; fewer with control types, LCM and some models) and requests "+
			"without slow_workers need their kudos upfront. Ask for less, set allow_downgrade, or earn kudos by running a worker.",
		price, res, res)
}
