// Package rating accepts what requesters think of the images that they shared
// (generation §1.13, platform §10.1) and keeps it in our own
// store (decision 32): who rated, the images' models and seeds, and what was
// asked for, so that the ratings stay meaningful when the request is long gone.
package rating
