package kudos

import (
	"horde/api"
	"horde/internal/horde"
)

// TileSide is the side of the tiles that the source images of forms are measured in, in
// pixels.
const TileSide = 512

// Tiles is how many tiles an image of this size covers, each side rounded up.
func Tiles(width, height int) int {
	up := func(side int) int { return (side + TileSide - 1) / TileSide }
	return up(width) * up(height)
}

// formInterrogation is the name of the form that describes an image by tags.
const formInterrogation = "interrogation"

// FormReward is the worth of a completed form about an image of this many tiles
// (generation §6.7): what its worker's owner earns.
func FormReward(name string, tiles int) horde.Kudos {
	if _, post := api.PostProcessorByName(name); post {
		return horde.Whole(3 * int64(tiles))
	}
	if name == formInterrogation {
		return horde.Whole(3)
	}
	return horde.Whole(1)
}

// FormBurn is what the requester pays for a form with this reward: one more, and
// another one where slow workers may serve it (generation §6.3; the opposite of what the
// field promises, kept because it shows on the wire).
func FormBurn(reward horde.Kudos, slowWorkers bool) horde.Kudos {
	if slowWorkers {
		reward += horde.Whole(1)
	}
	return reward + horde.Whole(1)
}
