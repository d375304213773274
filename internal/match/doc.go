// Package match decides which waiting work a worker gets next, and says what it was
// withheld from. It knows no database and no network: an Index holds what waits, a
// Worker is what does not change of a worker while it looks, a Pop is one look, and
// a Result is all that the look brought.
//
// The waiting items of one model that ask the same of a worker lie together in one
// bucket, ordered by priority. A pop compares itself with buckets, not with items,
// and then walks the heads of those that it can serve in exactly the order of
// generation §1.15. Priority grows alike for all (§5.1), so the order is
// fixed when an item enters.
//
// What images, texts and forms have of their own is brought in by the packages below
// internal/kinds: the Features of an item, the Skills of a worker, the Counters of an
// index.
package match
