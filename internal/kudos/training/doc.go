// Package training makes price networks and judges them.
//
// [ReadJobs] reads a data file, [Train] makes a [kudos.Net] from its jobs,
// [Evaluate] says how well a pricer meets them and [Plot] draws how the loss
// fell. "horde kudos" is its command line.
//
// The net learns seconds. Its loss is the pseudo-Huber function of the relative
// error, so that a job of 2 seconds counts as much as one of 200 and the last
// per cent as much as the first; the optimiser is Adam with batches of 64 jobs
// and a learning rate that rises over 500 batches and then falls along a cosine
// to nothing. The basis job (generation §6.1) is added once per
// 256 jobs, with the seconds that the columns seconds and kudos_basis11 imply:
// every price is a share of it.
//
// Jobs also come from a horde's own life: [ReadTimings] reads what a server has
// recorded of finished images, [Normalize] turns the times of many machines
// into times of one and drops those of stalled ones, and says how.
//
// [Compare] tells what would change for requesters if one net took the place of
// another; nothing switches nets but the operator.
//
// Some jobs are kept back and never learnt from, chosen by a hash of what was
// asked and the seed ([Split]).
package training
