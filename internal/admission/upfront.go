package admission

import (
	"fmt"
	"math"

	"horde/internal/catalog"
	"horde/internal/kudos"
)

// Load is how busy the horde is.
type Load struct {
	QueuedRequests int // jobs of the kind that wait or are in progress
	Threads        int // of the kind's workers that are online
}

// Upfront says whether a request's kudos must be available before it is
// accepted (generation §1.5, §2.4).
type Upfront struct {
	Needed       bool
	MayDowngrade bool // a smaller request would need none

	Broken          []Breach // the rules that need them, in the order of the rulebook; the first decides
	AllowsDowngrade bool     // the request has allow_downgrade
}

// upfront returns the Upfront of the rules that a request breaks. A worker list is
// never given up, so if it decides, nothing smaller would do.
func upfront(broken []Breach, c *Common) Upfront {
	return Upfront{
		Needed:          len(broken) > 0,
		MayDowngrade:    len(broken) == 0 || broken[0].Rule != RuleWorkers,
		Broken:          broken,
		AllowsDowngrade: c.AllowDowngrade,
	}
}

// Limits of accurate steps that need no kudos upfront, or to which a downgrade goes
// down to.
const (
	freeSteps          = 40 // models that do not say otherwise
	downgradeSteps     = 30 // likewise
	controlSteps       = 20
	lcmSteps           = 10
	downgradeFloor     = 5         // steps, below which it stops
	downgradeArea      = 512 * 512 // pixels
	minRes, maxFreeRes = 576, 1024 // pixels of a side
)

// Upfront applies the rules of generation §1.5 to Image: large, long or fast-only requests
// need their kudos upfront, and smaller ones too the busier the horde is.
func (r *Request) Upfront(load Load) Upfront {
	m := &r.Image
	var broken []Breach

	if !m.SlowWorkers {
		broken = append(broken, slowWorkersBreach())
	}
	if m.UsesLCM() && m.AccurateSteps > lcmSteps {
		broken = append(broken, m.stepsBreach(RuleLCMSteps, "LCM", lcmSteps))
	}
	if model, limit := r.strictest(); m.AccurateSteps > limit {
		broken = append(broken, m.stepsBreach(RuleModelSteps, clip(model), limit))
	}
	if side := r.freeSide(load); m.Pixels() > side*side {
		broken = append(broken, m.sizeBreach(side))
	}
	if r.controlled() && m.AccurateSteps > controlSteps {
		broken = append(broken, m.stepsBreach(RuleControlSteps, "control_type "+m.ControlType, controlSteps))
	}
	if r.Server.UpfrontOnWorkerList && len(m.Workers) > 0 {
		broken = append(broken, workersBreach(m.Workers))
	}

	m.remedySteps(broken)
	return upfront(broken, &m.Common)
}

// strictest returns the named model that allows the fewest steps without kudos, and how
// many; without a named model any number is allowed.
func (r *Request) strictest() (model string, limit int) {
	limit = math.MaxInt
	for _, name := range r.Image.Models {
		if n := r.maxSteps(name, freeSteps); n < limit {
			model, limit = name, n
		}
	}
	return model, limit
}

// sizeBreach is the breach of an image that is larger than a square of this side.
func (m *Image) sizeBreach(side int) Breach {
	return Breach{
		Rule: RuleSize, Fields: []string{"params.width", "params.height"}, Asked: m.Pixels(), Limit: side * side,
		Text: fmt.Sprintf("%d×%d pixels are more than the %d×%d that need no kudos upfront%s.",
			m.Width, m.Height, side, side, nowBusy(side, maxFreeRes)),
		Remedy: fmt.Sprintf("ask for at most %d×%d pixels", side, side),
	}
}

// freeSide returns the side of the largest square that needs no kudos upfront.
func (r *Request) freeSide(load Load) int { return r.clampRes(maxRes(load)) }

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
// serve it, fewer pixels, fewer steps (generation §1.5). It leaves the worker
// list alone: that is never given up.
func (r *Request) Downgrade(load Load) {
	m := &r.Image

	m.SlowWorkers = true
	res := r.freeSide(load)
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

// fit shrinks an image to at most limit pixels in steps of 64, keeping its
// shape roughly; to 512×512 if it would become smaller than that.
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
