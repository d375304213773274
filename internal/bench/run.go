package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"horde/api"
)

// Run does what cfg says and reports. The error is one of the set-up; what goes wrong
// while measuring is counted in the report. When ctx ends early, the
// report covers the time until then.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}

	t, err := parseTarget(cfg.URL, cfg.OwnServer)
	if err != nil {
		return nil, err
	}

	r := &run{cfg: cfg, t: t, id: newRunID(), work: cfg.work()}
	began := time.Now()
	defer r.cleanUp()
	if err := r.setUp(ctx); err != nil {
		return nil, err
	}

	setup := time.Since(began)
	r.rec = newRecorder(cfg.Warmup, cfg.Duration)
	var costs costs
	r.measure(ctx, &costs)
	return r.report(setup, costs), nil
}

// run is one run in progress.
type run struct {
	cfg Config
	t   target
	rec *recorder
	id  string // 8 hex digits
	*work

	users     []string // API keys
	dreamers  []string // API keys of the workers' owners
	idlers    []string // the same, of the worker that finds nothing
	slots     []slot
	accepted  chan struct{} // one for each accepted request: workers pop only then
	next      atomic.Uint64 // number of the next start to be scheduled
	leftovers []leftover    // requests to cancel at the end
}

// slot is where a client waits for the worker that serves its request.
type slot struct {
	number   atomic.Uint64 // the cycle in progress
	accepted atomic.Int64  // when it was accepted, nanoseconds after the run's start; 0: not yet
	done     chan delivery
}

// delivery notifies a client that its request was served, or could not be.
type delivery struct {
	number uint64
	ok     bool
	job    [idLength]byte
}

type leftover struct{ id [idLength]byte }

func newRunID() string {
	var b [4]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// setUp makes accounts, workers and the backlog before the measuring begins.
func (rn *run) setUp(ctx context.Context) (err error) {
	if _, err := rn.t.makeAccount(newConn(rn.t.addr), "bench user 0", untrusted); err != nil {
		return err // reported once, not by 16 connections
	}
	if rn.users, err = rn.requesters(ctx); err != nil {
		return err
	}

	if rn.cfg.Mode == Check {
		return rn.queueBacklog(ctx, rn.cfg.Clients, 1)
	}
	if rn.dreamers, err = rn.t.makeAccounts(ctx, "bench dreamer", rn.cfg.Workers, trusted); err != nil {
		return err
	}

	err = inParallel(ctx, rn.t, len(rn.dreamers), func(c *conn, i int) error {
		return rn.register(c, rn.dreamers[i], rn.workerName(i), rn.cfg.Model)
	})
	if err != nil || rn.cfg.Mode != Pop {
		return err
	}
	if rn.idlers, err = rn.t.makeAccounts(ctx, "bench idler", 1, trusted); err != nil {
		return err
	}
	if err := rn.register(newConn(rn.t.addr), rn.idlers[0], idlerName, rn.idleModel()); err != nil {
		return err
	}

	fmt.Fprintf(rn.cfg.Progress, "queueing %d requests that nobody serves\n", rn.cfg.Backlog)
	return rn.queueBacklog(ctx, rn.cfg.Backlog, rn.cfg.Models)
}

// requesters are the API keys of those who send requests.
func (rn *run) requesters(ctx context.Context) ([]string, error) {
	if rn.cfg.Anonymous {
		return []string{api.AnonymousKey}, nil
	}
	fmt.Fprintf(rn.cfg.Progress, "making %d users\n", rn.cfg.Users)
	return rn.t.makeAccounts(ctx, "bench user", rn.cfg.Users, untrusted)
}

func (rn *run) workerName(i int) string { return rn.worker + " " + strconv.Itoa(i) }

const idlerName = "bench idler"

// idleModel is a model that every horde knows and no request of a run names.
func (rn *run) idleModel() string {
	if rn.cfg.Model == "Deliberate" {
		return "Dreamshaper"
	}
	return "Deliberate"
}

// register lets a worker pop once, so that the server knows it and problems show. Jobs
// that an earlier run left behind are delivered.
func (rn *run) register(c *conn, key, worker, model string) error {
	pop := rn.t.request("POST", rn.path+"/pop", key, rn.pop(worker, model))
	submit := rn.t.newTemplate("POST", rn.path+"/submit", key, rn.submit, noID)
	for {
		status, body, err := c.do(pop)
		if err != nil {
			return err
		}

		if status != 200 {
			return fmt.Errorf("worker %s is not accepted: HTTP %d %.300s", worker, status, body)
		}
		id := keyID.id(body)
		if id == nil {
			return nil
		}
		if _, _, err := c.do(submit.with(append([]byte(nil), id...))); err != nil {
			return err
		}
	}
}

// requestsPerOwner is how many requests one account may have waiting: below the limit
// of 30 (generation §5.6).
const requestsPerOwner = 25

// queueBacklog queues n requests for models that nobody serves.
func (rn *run) queueBacklog(ctx context.Context, n, models int) error {
	owners := (n + requestsPerOwner - 1) / requestsPerOwner
	keys, err := rn.t.makeAccounts(ctx, "bench waiter", owners, untrusted)
	if err != nil {
		return err
	}

	rn.leftovers = make([]leftover, n)
	return inParallel(ctx, rn.t, n, func(c *conn, i int) error {
		model := fmt.Sprintf("bench other %05d", i%models)
		status, body, err := c.do(rn.t.request("POST", rn.path+"/async", keys[i/requestsPerOwner], rn.request(model)))
		if err != nil {
			return err
		}

		id := keyID.id(body)
		if status != 202 || id == nil {
			return fmt.Errorf("a request of the backlog was not accepted: HTTP %d %.300s", status, body)
		}
		copy(rn.leftovers[i].id[:], id)
		return nil
	})
}

// cleanUpTimeout is for cancelling the backlog.
const cleanUpTimeout = 5 * time.Minute

// cleanUp cancels what set-up queued, also after an interrupt.
func (rn *run) cleanUp() {
	if len(rn.leftovers) == 0 {
		return
	}
	fmt.Fprintf(rn.cfg.Progress, "cancelling %d waiting requests\n", len(rn.leftovers))

	// Not below the context of the run, which may have ended.
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTimeout)
	defer cancel()

	err := inParallel(ctx, rn.t, len(rn.leftovers), func(c *conn, i int) error {
		if id := rn.leftovers[i].id; id[0] != 0 {
			_, _, err := c.do(rn.t.request("DELETE", rn.path+"/status/"+string(id[:]), "", ""))
			return err
		}
		return nil
	})
	if err != nil {
		fmt.Fprintf(rn.cfg.Progress, "not all could be cancelled; they expire after 20 minutes: %v\n", err)
	}
}

// measure runs clients and workers until the window ends.
func (rn *run) measure(ctx context.Context, costs *costs) {
	rn.slots = make([]slot, rn.cfg.Clients)
	for i := range rn.slots {
		rn.slots[i].done = make(chan delivery, 4)
	}

	rn.accepted = make(chan struct{}, 2*rn.cfg.Clients)

	watch, stop := context.WithCancel(ctx)
	var watchers, workers, clients sync.WaitGroup
	watchers.Go(func() { rn.progress(watch) })
	watchers.Go(func() { *costs = rn.costs(watch) })
	watchers.Go(func() { rn.ownDelay(watch) })
	if rn.cfg.Mode == Pop {
		watchers.Go(func() { rn.idle(watch) })
	}

	if rn.cfg.Mode != Check {
		for i, key := range rn.dreamers {
			workers.Go(func() { rn.serve(ctx, key, rn.workerName(i)) })
		}
	}

	for i := range rn.cfg.Clients {
		clients.Go(func() {
			if rn.cfg.Mode == Check {
				rn.checkAgain(ctx, i)
			} else {
				rn.play(ctx, i)
			}
		})
	}

	clients.Wait()
	close(rn.accepted)
	workers.Wait()
	stop()
	watchers.Wait()
	// Interrupted: what was measured until now counts.
	if now := int64(rn.rec.now()); now < rn.rec.to.Load() {
		rn.rec.to.Store(max(now, rn.rec.from.Load()))
	}
}

// ownPause is how often the bench's own delay is measured.
const ownPause = 5 * time.Millisecond

// ownDelay measures how late this program wakes up when it wants to: as late are answers
// read, and all times of calls hold it.
func (rn *run) ownDelay(ctx context.Context) {
	for {
		due := rn.rec.now() + ownPause
		if !rn.pause(ctx, ownPause) {
			return
		}
		rn.rec.took(spanOwn, due, rn.rec.now())
	}
}

// turn waits for the next start. due is when it was planned if every client was busy
// then, else now, since a timer's lateness is ours and not the server's. A cycle is
// measured from then, its calls from when they are sent. false ends the client.
func (rn *run) turn(ctx context.Context) (due time.Duration, ok bool) {
	now, end := rn.rec.now(), time.Duration(rn.rec.to.Load())
	if rn.cfg.Rate == 0 {
		return now, ctx.Err() == nil && now < end
	}
	due = time.Duration(float64(rn.next.Add(1)-1) / rn.cfg.Rate * float64(time.Second))
	if due >= end || ctx.Err() != nil {
		return 0, false
	}

	if due <= now {
		return due, true
	}
	ok = rn.pause(ctx, due-now)
	return rn.rec.now(), ok
}

// pause sleeps; false if ctx ended meanwhile.
func (rn *run) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// progress prints the progress, each second.
func (rn *run) progress(ctx context.Context) {
	var last uint64
	for rn.pause(ctx, time.Second) {
		n := rn.rec.ended.Load()
		phase := ""
		if !rn.rec.inWindow(rn.rec.now()) {
			phase = "  (not measured)"
		}
		fmt.Fprintf(rn.cfg.Progress, "%4.0f s  %6d/s  %d errors%s\n",
			rn.rec.now().Seconds(), n-last, rn.rec.failed.Load(), phase)
		last = n
	}
}

// costs is the processor time used during the window; 0 where it is unknown.
type costs struct{ own, server time.Duration }

func (rn *run) costs(ctx context.Context) costs {
	c := newConn(rn.t.addr)
	defer c.close()
	if !rn.pause(ctx, time.Duration(rn.rec.from.Load())-rn.rec.now()) {
		return costs{}
	}
	own, server, known := ownCPU(), time.Duration(0), false
	server, known = rn.serverCPU(c)
	rn.pause(ctx, time.Duration(rn.rec.to.Load())-rn.rec.now())
	out := costs{own: ownCPU() - own}
	if end, ok := rn.serverCPU(c); ok && known {
		out.server = end - server
	}
	return out
}

var cpuMetric = []byte("\nprocess_cpu_seconds_total ")

// serverCPU reads the server's processor time from its metrics, if it has them.
func (rn *run) serverCPU(c *conn) (time.Duration, bool) {
	status, body, err := c.do([]byte("GET " + rn.t.path + "/metrics HTTP/1.1\r\nHost: " + rn.t.host + "\r\n\r\n"))
	if err != nil || status != 200 {
		return 0, false
	}

	i := bytes.Index(body, cpuMetric)
	if i < 0 {
		return 0, false
	}
	line, _, _ := bytes.Cut(body[i+len(cpuMetric):], []byte("\n"))
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(line)), 64)
	return time.Duration(seconds * float64(time.Second)), err == nil
}

func (rn *run) report(setup time.Duration, c costs) *Report {
	seconds := time.Duration(rn.rec.to.Load() - rn.rec.from.Load()).Seconds()
	rep := &Report{
		Mode:      rn.cfg.Mode,
		Text:      rn.cfg.Text,
		URL:       rn.cfg.URL,
		Model:     rn.cfg.Model,
		Clients:   rn.cfg.Clients,
		Workers:   len(rn.dreamers),
		Users:     len(rn.users),
		Rate:      rn.cfg.Rate,
		Seconds:   seconds,
		Completed: rn.rec.cycles.Load(),
		EmptyPops: rn.rec.empty.Load(),
		Refused:   rn.rec.refused.Load(),
		Failed:    rn.rec.failed.Load(),
		Errors:    rn.rec.errors,
		LateStart: micros(rn.rec.latency[spanLate].summary().p99),
		OwnDelay:  micros(rn.rec.latency[spanOwn].summary().p99),
		SetupTime: setup.Seconds(),
		Started:   rn.rec.start.UTC(),
		Calls:     []CallReport{},
	}

	if rn.cfg.Mode == Pop {
		rep.Backlog, rep.Models = rn.cfg.Backlog, rn.cfg.Models
	}
	if seconds > 0 {
		rep.PerSecond = float64(rep.Completed) / seconds
		rep.Calls = rn.rec.rows(seconds)
	}

	if n := rn.rec.calls.Load(); n > 0 {
		rep.ClientCost = micros(c.own) / float64(n)
	}
	if rep.Completed > 0 {
		rep.ServerCost = micros(c.server) / float64(rep.Completed)
	}
	return rep
}
