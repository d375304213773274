package queue

import (
	"slices"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/store"
)

const speedSamples = 20 // generation §5.10

// countDelivery adds a delivery to a worker's life, and suspicions when it came
// faster than any hardware could.
func countDelivery(w *store.Worker, s settlement) {
	fleet.EndFailures(w)
	t := &w.Totals
	t.Kudos += s.earned
	t.Generated += s.earned
	t.Things += s.things
	t.Fulfilments++
	t.Speeds = append(slices.Clip(t.Speeds), s.speed)
	if n := len(t.Speeds); n > speedSamples {
		t.Speeds = t.Speeds[n-speedSamples:]
	}
	for range s.suspicions {
		fleet.Suspect(w, account.SuspicionTooFast)
	}
}
