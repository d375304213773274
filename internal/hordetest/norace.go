//go:build !race

package hordetest

// UnderRace: the race detector does not watch.
const UnderRace = false
