package admission

import (
	"fmt"
	"slices"

	"horde/api"
	"horde/internal/catalog"
)

// NoAvailableWorker is the warning that nobody online can serve the request
// now; its text is also the answer's message.
func NoAvailableWorker() api.Warning {
	return api.Warning{
		Code: "NoAvailableWorker",
		Message: "No worker online can serve this request at the moment. It waits in the queue and expires " +
			"after 20 minutes unless one appears.",
	}
}

// Warnings reports where the request differs from what the models it names ask
// for (generation §1.8), each kind once. It considers what was asked; omitted settings
// count with the defaults that the contract publishes.
func (r *Request) Warnings() []api.Warning {
	var out []api.Warning
	for _, name := range r.Image.Models {
		m, ok := r.Models.Image(name)
		if !ok {
			continue
		}

		for _, w := range mismatches(m, r.params()) {
			if !slices.ContainsFunc(out, func(o api.Warning) bool { return o.Code == w.Code }) {
				out = append(out, w)
			}
		}
	}
	return out
}

func mismatches(m catalog.Image, p *api.ImageParams) (out []api.Warning) {
	warn := func(code, format string, args ...any) {
		text := fmt.Sprintf("The model %s asks for %s; the image may look wrong.", m.Name, fmt.Sprintf(format, args...))
		out = append(out, api.Warning{Code: code, Message: text})
	}

	need := m.Requirements
	if skip := or(p.ClipSkip, 1); need.ClipSkip > 0 && need.ClipSkip != skip {
		warn("ClipSkipMismatch", "clip_skip %d, not %d", need.ClipSkip, skip)
	}

	steps := or(p.Steps, 30)
	if need.MinSteps > steps {
		warn("StepsTooFew", "at least %d steps, not %d", need.MinSteps, steps)
	}
	if need.MaxSteps > 0 && need.MaxSteps < steps {
		warn("StepsTooMany", "at most %d steps, not %d", need.MaxSteps, steps)
	}

	cfg := or(p.CfgScale, 7.5)
	if need.CfgScale != nil && *need.CfgScale != cfg {
		warn("CfgScaleMismatch", "cfg_scale %g, not %g", *need.CfgScale, cfg)
	}
	if need.MinCfgScale != nil && *need.MinCfgScale > cfg {
		warn("CfgScaleTooSmall", "a cfg_scale of at least %g, not %g", *need.MinCfgScale, cfg)
	}
	if need.MaxCfgScale != nil && *need.MaxCfgScale < cfg {
		warn("CfgScaleTooLarge", "a cfg_scale of at most %g, not %g", *need.MaxCfgScale, cfg)
	}

	if sampler := orText(p.SamplerName, "k_euler_a"); len(need.Samplers) > 0 && !slices.Contains(need.Samplers, sampler) {
		warn("SamplerMismatch", "one of the samplers %v, not %s", need.Samplers, sampler)
	}

	scheduler := "simple"
	if or(p.Karras, true) {
		scheduler = "karras"
	}
	if len(need.Schedulers) > 0 && !slices.Contains(need.Schedulers, scheduler) {
		warn("SchedulerMismatch", "one of the schedulers %v, not %s", need.Schedulers, scheduler)
	}
	return out
}
