//go:build race

package queue

// underRace: the race detector watches. What compares functions of one goroutine tries
// fewer cases then; scripts/test.sh runs all of them without it.
const underRace = true
