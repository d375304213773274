package worker

import (
	"context"
	"math"
	"time"
)

// paceLimit is in pixelsteps a second: a tenth below the 20 million from which
// a server takes a worker for a cheat (generation §5.10).
const paceLimit = 18e6

// pace waits until picture i may be delivered.
func (j *job) pace(ctx context.Context, i int) error {
	if j.w.cfg.NoPace {
		return nil
	}
	p := j.pop.Payload
	things := float64(p.Width) * float64(p.Height) * float64(accurateSteps(p.SamplerName, p.Steps)) * float64(i+1)
	if !sleep(ctx, time.Until(j.popped.Add(paceTime(things)))) {
		return context.Cause(ctx)
	}
	return nil
}

// paceTime is how long so many pixelsteps should take at least. Some servers
// count whole seconds, so times above one are whole.
func paceTime(things float64) time.Duration {
	seconds := things / paceLimit
	if seconds > 1 {
		seconds = math.Ceil(seconds)
	}
	return time.Duration(seconds * float64(time.Second))
}

// accurateSteps counts steps as servers do (generation §1.3): samplers
// of second order evaluate the model twice in each.
func accurateSteps(sampler string, steps int) int {
	switch sampler {
	case "k_dpm_adaptive":
		return 40
	case "k_heun", "k_dpm_2", "k_dpm_2_a", "k_dpmpp_2s_a", "k_dpmpp_sde":
		return 2 * steps
	}
	return steps
}
