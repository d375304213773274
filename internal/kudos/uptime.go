package kudos

import "horde/internal/horde"

// ImageOffer is what the uptime reward of an image worker depends on.
type ImageOffer struct {
	Models int
	Loras  bool
}

// Uptime is the reward for ten minutes of an image worker (generation §6.8).
func (io ImageOffer) Uptime() horde.Kudos {
	reward := horde.Whole(50 + 2*int64(io.Models))
	if io.Loras {
		reward += horde.Whole(30)
	}
	return reward
}

// FormUptime is the reward for ten minutes of an alchemist (generation §6.8).
func FormUptime() horde.Kudos { return horde.Whole(40) }

// TextOffer is what the uptime reward of a text worker depends on.
type TextOffer struct {
	MaxContext int     // tokens
	Billions   float64 // size of its first model; 0: not known
	Validated  bool    // the back end is
}

// Uptime is the reward for ten minutes of a text worker (generation §6.8).
func (to TextOffer) Uptime() horde.Kudos {
	const maxCountedContext = 262144 // tokens
	k := 25 + 15*float64(max(0, min(to.MaxContext, maxCountedContext)))/1024
	if to.Billions == 0 {
		return horde.KudosOf(k * 0.5)
	}
	if !to.Validated {
		k *= 0.3
	}
	return horde.KudosOf(k * max(0.25, to.Billions/7))
}
