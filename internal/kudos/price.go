package kudos

import (
	"math"

	"horde/internal/catalog"
	"horde/internal/horde"
)

// Order is what the price of an image request depends on.
type Order struct {
	Width            int // pixels
	Height           int
	Steps            int // as asked, not doubled for second-order samplers
	Cfg              float64
	Sampler          string
	Karras, HiresFix bool
	Denoising        *float64 // nil: not given
	HasSource        bool
	HasMask          bool
	SourceProcessing string
	ControlType      string
	ControlStrength  *float64 // nil: not given
	ReturnControlMap bool
	PostProcessing   []string
	Loras, TIs       int // how many
	Workflow         string

	N            int  // images
	ExtraSources int  // further source images of a remix
	FastOnly     bool // slow_workers false
	Blacklist    bool // worker_blacklist true
	Targeted     bool // for named workers on a horde that requires matched targeting: costs next to nothing
}

const (
	perLora       = 3   // kudos
	perTIs        = 1   // kudos, once, however many
	targetedPrice = 0.1 // kudos
)

// Pricer prices images by a net and, where the net does not know what a
// image needs, by the fixed formula. It never changes.
type Pricer struct{ net *Net }

// NewPricer returns a pricer that uses n or, if that is nil, the fixed formula alone.
func NewPricer(n *Net) *Pricer { return &Pricer{n} }

// Net returns the pricer's net, nil if it has none.
func (p *Pricer) Net() *Net { return p.net }

// Price returns the base price of one image in kudos (generation §6.1): before the model
// factor, and what the answer to a request shows.
func (p *Pricer) Price(o Order) float64 { return p.price(&o, nil) }

// price is Price; report, unless nil, is called with each step.
func (p *Pricer) price(o *Order, report func(Step)) float64 {
	if o.Targeted {
		Step{Code: StepTargeted, Kudos: targetedPrice}.to(report)
		return targetedPrice
	}

	k := p.imagePrice(o, report)
	if s := LoraSurcharge(o.Loras); s > 0 {
		k += s
		Step{Code: StepLoras, Count: o.Loras, Add: s, Kudos: k}.to(report)
	}
	if s := TISurcharge(o.TIs); s > 0 {
		k += s
		Step{Code: StepTIs, Count: o.TIs, Add: s, Kudos: k}.to(report)
	}
	return k
}

// LoraSurcharge is what n LoRAs add to the price of an image (generation §6.1).
func LoraSurcharge(n int) float64 { return float64(n) * perLora }

// TISurcharge is what n textual inversions add to the price of an image: once,
// however many (generation §6.1).
func TISurcharge(n int) float64 {
	if n > 0 {
		return perTIs
	}
	return 0
}

// imagePrice prices an image before surcharges.
func (p *Pricer) imagePrice(o *Order, report func(Step)) float64 {
	if p.net != nil {
		if seconds, ok := p.net.Seconds(o); ok {
			k := p.net.worth(seconds)
			Step{Code: StepNetwork, Name: p.net.card.Name, Seconds: seconds, Basis: p.net.basis, Kudos: k}.to(report)
			return k
		}
	}

	k := Formula(o)
	if report != nil {
		report(Step{Code: StepFormula, Name: p.unknown(o), Kudos: k})
	}
	return k
}

// unknown names what the pricer's net has no place for in a job; "" without a
// net.
func (p *Pricer) unknown(o *Order) string {
	if p.net == nil {
		return ""
	}

	e := p.net.encoding
	if _, ok := e.controls[o.ControlType]; !ok {
		return o.ControlType
	}
	for _, name := range o.PostProcessing {
		if _, ok := e.posts[name]; !ok {
			return name
		}
	}
	return o.SourceProcessing
}

// Formula is the fixed price formula of generation §6.1, for jobs that a net has no input for.
func Formula(o *Order) float64 {
	const unit = 0.1232 // kudos a step
	// Below 64×64 the area term would be no number; the schema forbids such sizes.
	area := math.Max(0, float64(o.Width)*float64(o.Height)-4096)
	ratio := math.Pow(area, 1.75) / math.Pow(1048576-4096, 1.75)
	s := float64(o.Steps)

	k := horde.Round2(unit*s + ratio*unit*s*8.75)

	for range o.PostProcessing {
		k = horde.Round2(1.2 * k)
	}
	if o.ControlType != "" && !o.ReturnControlMap {
		k = horde.Round2(3 * k)
	}
	return k
}

// ModelFactor multiplies the base price by the baseline of the model used (generation §6.2).
func (o Order) ModelFactor(baseline string) float64 {
	switch baseline {
	case catalog.SDXL:
		if o.Workflow == "qr_code" {
			return 4
		}
		return 2
	case catalog.StableCascade:
		if o.HiresFix {
			return 7
		}
		return 4
	case catalog.Flux1, catalog.ZImageTurbo:
		return 8
	case catalog.QwenImage:
		return 12
	}
	return 1
}

// Reward is the worth of one delivered image: what the answer to the worker and
// the webhook show. base is the request's Price, baseline that of the model used.
func (o Order) Reward(base float64, baseline string) float64 {
	return base * o.ModelFactor(baseline)
}

// Earned is what a reward is worth to the worker's owner; bridgeFactor depends on the
// of the worker's bridge (generation §6.4).
func Earned(reward, bridgeFactor float64) float64 { return reward * bridgeFactor }

// Burn is what the requester pays for a delivered image of this reward (generation §6.3).
// A censored image has the reward 0.
func (o Order) Burn(reward float64) float64 { return o.burn(reward, nil) }

const (
	sourceFactor    = 1.3
	fastFactor      = 1.2
	blacklistFactor = 1.1
)

// burn is Burn; report, unless nil, is called with each step.
func (o *Order) burn(reward float64, report func(Step)) float64 {
	k := reward
	times := func(code, name string, factor float64) {
		k *= factor
		if report != nil && factor != 1 {
			report(Step{Code: code, Name: name, Factor: factor, Kudos: k})
		}
	}

	if o.HasSource {
		times(StepSource, "", sourceFactor)
	}
	for _, name := range o.PostProcessing {
		times(StepPostProcessing, name, BurnFactor(name))
	}

	k++
	Step{Code: StepBurn, Add: 1, Kudos: k}.to(report)

	if o.FastOnly {
		times(StepFastOnly, "", fastFactor)
	}
	if o.Blacklist {
		times(StepBlacklist, "", blacklistFactor)
	}
	return k
}

// BurnFactor is the surcharge of a post-processor for the requester (generation §1.3).
func BurnFactor(name string) float64 {
	switch name {
	case "GFPGAN", "GFPGANv1.3", "CodeFormers", "RestoreFormer", "strip_background":
		return 1
	}
	return 1.05
}

// Tax is charged once when a request is accepted, and never returned: 3, and 5
// for each extra source image (generation §6.3).
func (o Order) Tax() horde.Kudos { return horde.Whole(baseTax + perExtraSource*int64(o.ExtraSources)) }

const (
	baseTax        = 3
	perExtraSource = 5
)

// Quote is what a request will cost if nothing is censored or faulted; each
// part is one posting.
type Quote struct {
	Base     float64     // Price of one image
	Factor   float64     // model factor that was applied
	Tax      horde.Kudos // at acceptance
	PerImage horde.Kudos // for each image
	N        int         // images
}

// Total is the whole cost: the answer to a dry run, and what is held where
// kudos are needed upfront.
func (q Quote) Total() horde.Kudos { return q.Tax + horde.Kudos(q.N)*q.PerImage }

// Quote prices a request before it is certain which models will serve it (decisions
// (decision 6, which replaces the estimate of generation §6.6): baselines are those of
// the models it names or, where it names none, of the models that live workers offer; the
// most expensive one counts.
func (p *Pricer) Quote(o Order, baselines []string) Quote { return p.quote(&o, baselines, nil) }

// quote is Quote; report, unless nil, is called with each step.
func (p *Pricer) quote(o *Order, baselines []string, report func(Step)) Quote {
	// The most expensive of the models counts.
	factor, costliest := 0.0, ""
	for _, b := range baselines {
		if f := o.ModelFactor(b); f > factor {
			factor, costliest = f, b
		}
	}
	if factor == 0 {
		factor = 1
	}

	q := Quote{Base: p.price(o, report), Factor: factor, Tax: o.Tax(), N: o.N}
	reward := q.Base * factor
	if factor != 1 {
		Step{Code: StepModel, Name: costliest, Factor: factor, Kudos: reward}.to(report)
	}

	q.PerImage = horde.KudosOf(o.burn(reward, report))
	return q
}

// AccurateSteps is how many steps a sampler really takes: k_dpm_adaptive always
// 40, second-order samplers twice what was asked (generation §1.3).
func AccurateSteps(sampler string, steps int) int {
	switch sampler {
	case "k_dpm_adaptive":
		return 40
	case "k_heun", "k_dpm_2", "k_dpm_2_a", "k_dpmpp_2s_a", "k_dpmpp_sde":
		return 2 * steps
	}
	return steps
}
