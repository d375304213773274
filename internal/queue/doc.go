// Package queue carries a request for images or texts from submission to its last
// result: accept, match with workers, hand out, take results, give up, expire.
//
// There is one index for each kind of work; what they have of their own is in the
// packages below internal/kinds, which a kind (file kind.go) names, all else is the same
// code. What moves when a request is taken, a job delivered or given up is described to
// package settle, which carries it out in one unit of work.
//
// The database is the truth: a request is acknowledged after its row is committed, a
// job is handed out after its claim is committed, a result counts after its settlement
// is committed. Every node keeps the live requests in memory (package live) and matches
// them with workers there (package match). A claim is a conditional update, so a node
// that is behind loses the race and moves on; it can never hand out a job twice. Each
// change of a request bumps its version, and memory only ever takes a newer one, so it
// does not matter in which order the news of several changes arrive.
package queue
