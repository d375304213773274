package worker

import (
	"context"
	"math"
	"time"

	"horde/api"
)

// paceLimit is a tenth below the 20 million from which a server takes a worker for a
// cheat (generation §5.10).
const paceLimit = 18e6 // pixelsteps a second

// pace waits until so much time has passed since the pop.
func (j *job) pace(ctx context.Context, least time.Duration) error {
	if j.w.cfg.NoPace {
		return nil
	}
	if !sleep(ctx, time.Until(j.popped.Add(least))) {
		return context.Cause(ctx)
	}
	return nil
}

// paceTime is how long image i should take at least.
func (t *imageTask) paceTime(i int) time.Duration {
	p := t.pop.Payload
	steps := float64(accurateSteps(p.SamplerName, p.Steps))
	return paceTime(float64(p.Width) * float64(p.Height) * steps * float64(i+1))
}

// paceTime is how long so many pixelsteps should take at least. Some servers
// count whole seconds, so times above one are whole.
func paceTime(pixelsteps float64) time.Duration {
	seconds := pixelsteps / paceLimit
	if seconds > 1 {
		seconds = math.Ceil(seconds)
	}
	return time.Duration(seconds * float64(time.Second))
}

// accurateSteps counts steps as servers do (generation §1.3): samplers
// of second order evaluate the model twice in each.
func accurateSteps(sampler string, steps int) int {
	switch {
	case sampler == api.AdaptiveSampler:
		return api.AdaptiveSteps
	case api.SecondOrderSamplers[sampler]:
		return 2 * steps
	}
	return steps
}
