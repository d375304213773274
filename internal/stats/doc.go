// Package stats tells how much the horde has made: images and text generations
// within the last minute, hour, day and 30 days, and ever, and by model
// (platform §3.10).
//
// A delivery counts itself in its own transaction ([store.Tx.Deliver]), into a
// bucket of a second and, for its model, of an hour. [Stats.Merge] brings old
// buckets together, so that a reading sums up some hundred rows, however many jobs
// there were. [Stats.Begin] and [Stats.Backfill] count once what was delivered
// before there were statistics.
package stats
