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

// FormCost is what the price of a form depends on.
type FormCost struct {
	Reward      horde.Kudos
	SlowWorkers bool // they may serve it
}

// Burn is what the requester pays for a form: one more than its reward, and another one
// where slow workers may serve it (generation §6.3; the opposite of what the field
// promises, kept because it shows on the wire).
func (c FormCost) Burn() horde.Kudos {
	burn := c.Reward + horde.Whole(1)
	if c.SlowWorkers {
		burn += horde.Whole(1)
	}
	return burn
}
