// Package queue carries a request from submission to its last result: accept,
// match with workers, hand out, take results, give up, expire.
//
// There is one index for each kind of work, pictures and texts; what they have of
// their own is described by a kind and the work of a request (files kind.go,
// images.go, texts.go), all else is the same code.
//
// The database is the truth: a request is acknowledged after its row is
// committed, a job is handed out after its claim is committed, a result counts
// after its settlement is committed. Matching happens in memory, in an index of
// the live requests that every node keeps (type index). A claim is a conditional
// update, so a node with an old index loses the race and moves on; it can never
// hand out a job twice. Each change of a request bumps its version, and the
// index only ever takes a newer one, so it does not matter in which order the
// news of several changes arrive.
//
// The waiting jobs of one model that ask the same of a worker lie together in
// one bucket, ordered by priority. A pop compares itself with buckets, not with
// requests, and then walks the heads of those it can serve in exactly the order
// of generation §1.15. Priority grows alike for all (§5.1), so the order
// is fixed when a request enters.
package queue
