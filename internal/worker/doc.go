// Package worker is the worker daemon: it asks a horde for jobs, has an engine generate
// and delivers the results. A Dreamer makes images, a Scribe texts.
//
//	w, err := worker.New(worker.Config{Client: c, Name: "my worker", Work: worker.Texts{Engines: …}})
//	err = w.Run(ctx)
//
// Run pops until ctx ends and then finishes the jobs it holds; Abort gives
// those up as well. RunAll runs workers of several kinds in one process. A job goes
// through these stages (worker §11):
//
//	popped → sources fetched → generating → encoded → uploaded → submitted
//
// (a text knows neither sources nor uploads) and from each of them, on any failure, to
// faulted: the server hears of it at once and can hand the job to somebody else. A
// worker that stays silent loses its standing. The jobs in hand stand in a small file in
// the data folder, with their results, until the horde has them or knows that they failed:
// a worker which crashed, or could not reach the horde to the end, delivers the results as
// soon as it is started again, and faults the other jobs.
//
// Loop, journal, watchdogs and shutdown know no kind of work. What differs is behind
// kind and task (kind.go): images.go, source.go and upload.go, or texts.go and
// format.go.
//
// The worker needs no open port: everything is a call of package client.
package worker
