// Package node puts one running horde server together: the store, the rooms of the
// domain over it, the HTTP front before them, and the background jobs beside them.
//
//	n, err := node.Open(ctx, node.Options{Data: folder, Listener: listener, …})
//	err = n.Run(ctx) // serves until ctx ends, then closes everything
//
// It is the only package that knows all rooms. They meet each other through what they
// are given here: interfaces, or functions for a single question. Nothing else is
// decided in this package.
//
// Many nodes may share one PostgreSQL and one S3 store. Each holds what it needs in
// memory and follows the changes of the others (docs/decisions/0004). Background jobs
// (platform §11) run on one node at a time: whoever has the job's lease.
//
// Open reads what is needed to answer – accounts' secrets, switches, workers, live
// requests, the last copies of the model references – and never waits for the
// network. Run ends in order: no new calls, those in progress have their time, then the
// jobs, then the store.
package node
