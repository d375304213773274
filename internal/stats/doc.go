// Package stats reports how much the horde has generated: images and text generations
// within the last minute, hour, day and 30 days, and ever, and by model
// (platform §3.10).
//
// A delivery counts itself in its own transaction ([store.Tx.Deliver]), into a
// bucket of a second and, for its model, of an hour. [Stats.Merge] brings old
// buckets together, so that a query sums up a few hundred rows, however many jobs
// there were. [Stats.Begin] and [Stats.Backfill] count, once, what was delivered
// before statistics were introduced.
package stats
