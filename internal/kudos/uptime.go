package kudos

import "horde/internal/horde"

// ImageUptime is the reward for ten minutes of an image worker that offers this many
// models, and LoRAs or not (generation §6.8).
func ImageUptime(models int, loras bool) horde.Kudos {
	reward := horde.Whole(50 + 2*int64(models))
	if loras {
		reward += horde.Whole(30)
	}
	return reward
}

// FormUptime is the reward for ten minutes of an alchemist (generation §6.8).
func FormUptime() horde.Kudos { return horde.Whole(40) }

// TextUptime is the reward for ten minutes of a text worker (generation §6.8) whose
// first model has this size in billions, 0 if that is not known.
func TextUptime(maxContext int, billions float64, validated bool) horde.Kudos {
	const maxCountedContext = 262144 // tokens
	k := 25 + 15*float64(max(0, min(maxContext, maxCountedContext)))/1024
	if billions == 0 {
		return horde.KudosOf(k * 0.5)
	}
	if !validated {
		k *= 0.3
	}
	return horde.KudosOf(k * max(0.25, billions/7))
}
