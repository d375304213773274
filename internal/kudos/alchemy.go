package kudos

import (
	"horde/api"
	"horde/internal/horde"
)

// TileSide is the side of the tiles that images of alchemy are measured by, in
// pixels.
const TileSide = 512

// Tiles is how many tiles an image of this size takes, each side rounded up.
func Tiles(width, height int) int {
	up := func(side int) int { return (side + TileSide - 1) / TileSide }
	return up(width) * up(height)
}

// FormReward is the worth of a filled-in form about an image of so many tiles
// (generation §6.7): what its worker's owner earns.
func FormReward(name string, tiles int) horde.Kudos {
	if _, post := api.PostProcessorByName(name); post {
		return horde.Whole(3 * int64(tiles))
	}
	if name == "interrogation" {
		return horde.Whole(3)
	}
	return horde.Whole(1)
}

// FormBurn is what the requester pays for a form of this reward: one more, and
// another one where slow workers may serve it (generation §6.3; the opposite of what the
// field promises, kept because it shows on the wire).
func FormBurn(reward horde.Kudos, slowWorkers bool) horde.Kudos {
	if slowWorkers {
		reward += horde.Whole(1)
	}
	return reward + horde.Whole(1)
}
