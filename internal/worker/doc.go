// Package worker is the Dreamer daemon: it asks a horde for jobs, has an engine
// generate the images and delivers them.
//
//	w, err := worker.New(worker.Config{Client: c, Name: "my worker", Engines: …})
//	err = w.Run(ctx)
//
// Run pops until ctx ends and then finishes the jobs it holds; Abort gives
// those up as well. A job goes through these stages (worker §11):
//
//	popped → sources fetched → generating → encoded → uploaded → submitted
//
// and from each of them, on any failure, to faulted: the server hears of it at
// once and can hand the job to somebody else. A worker that stays silent loses
// its standing. The jobs in hand stand in a small file in the data folder, so
// that a worker which crashed faults them as soon as it is back.
//
// The worker needs no open port: everything is a call of package client.
package worker
