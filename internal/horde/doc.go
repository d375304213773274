// Package horde holds the nouns that every room shares: errors with a return
// code, exact kudos, ids and the clock. It imports nothing of ours but api.
package horde
