// Package horde holds what every package shares: errors with a return
// code, exact kudos, ids and the clock. It imports nothing of ours.
package horde
