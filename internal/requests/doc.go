// Package requests is what queue and alchemy have in common of handling requests: what
// they depend on, how many may wait, how one is admitted, the course of a worker's pop, how
// work in hand is given up, and what may be uploaded.
// It knows no kind of request; what one asks for and what becomes of it is the business of
// those two.
package requests
