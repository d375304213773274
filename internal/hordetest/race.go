//go:build race

package hordetest

// UnderRace: the race detector watches. What computes for long in one goroutine does less
// of it then; scripts/test.sh runs all of it without the detector.
const UnderRace = true
