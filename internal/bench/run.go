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
func (r *run) setUp(ctx context.Context) (err error) {
	if _, err := r.t.makeAccount(newConn(r.t.addr), "bench user 0", untrusted); err != nil {
		return err // reported once, not by 16 connections
	}
	if r.users, err = r.requesters(ctx); err != nil {
		return err
	}

	if r.cfg.Mode == Check {
		return r.queueBacklog(ctx, r.cfg.Clients, 1)
	}
	if r.dreamers, err = r.t.makeAccounts(ctx, "bench dreamer", r.cfg.Workers, trusted); err != nil {
		return err
	}

	err = inParallel(ctx, r.t, len(r.dreamers), func(c *conn, i int) error {
		return r.register(c, r.dreamers[i], r.workerName(i), r.cfg.Model)
	})
	if err != nil || r.cfg.Mode != Pop {
		return err
	}
	if r.idlers, err = r.t.makeAccounts(ctx, "bench idler", 1, trusted); err != nil {
		return err
	}
	if err := r.register(newConn(r.t.addr), r.idlers[0], idlerName, r.idleModel()); err != nil {
		return err
	}

	fmt.Fprintf(r.cfg.Progress, "queueing %d requests that nobody serves\n", r.cfg.Backlog)
	return r.queueBacklog(ctx, r.cfg.Backlog, r.cfg.Models)
}

// requesters are the API keys of those who send requests.
func (r *run) requesters(ctx context.Context) ([]string, error) {
	if r.cfg.Anonymous {
		return []string{api.AnonymousKey}, nil
	}
	fmt.Fprintf(r.cfg.Progress, "making %d users\n", r.cfg.Users)
	return r.t.makeAccounts(ctx, "bench user", r.cfg.Users, untrusted)
}

func (r *run) workerName(i int) string { return r.worker + " " + strconv.Itoa(i) }

const idlerName = "bench idler"

// idleModel is a model that every horde knows and no request of a run names.
func (r *run) idleModel() string {
	if r.cfg.Model == "Deliberate" {
		return "Dreamshaper"
	}
	return "Deliberate"
}

// register lets a worker pop once, so that the server knows it and problems show. Jobs
// that an earlier run left behind are delivered.
func (r *run) register(c *conn, key, worker, model string) error {
	pop := r.t.request("POST", r.path+"/pop", key, r.pop(worker, model))
	submit := r.t.newTemplate("POST", r.path+"/submit", key, r.submit, noID)
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
func (r *run) queueBacklog(ctx context.Context, n, models int) error {
	owners := (n + requestsPerOwner - 1) / requestsPerOwner
	keys, err := r.t.makeAccounts(ctx, "bench waiter", owners, untrusted)
	if err != nil {
		return err
	}

	r.leftovers = make([]leftover, n)
	return inParallel(ctx, r.t, n, func(c *conn, i int) error {
		model := fmt.Sprintf("bench other %05d", i%models)
		status, body, err := c.do(r.t.request("POST", r.path+"/async", keys[i/requestsPerOwner], r.request(model)))
		if err != nil {
			return err
		}

		id := keyID.id(body)
		if status != 202 || id == nil {
			return fmt.Errorf("a request of the backlog was not accepted: HTTP %d %.300s", status, body)
		}
		copy(r.leftovers[i].id[:], id)
		return nil
	})
}

// cleanUpTimeout is for cancelling the backlog.
const cleanUpTimeout = 5 * time.Minute

// cleanUp cancels what set-up queued, also after an interrupt.
func (r *run) cleanUp() {
	if len(r.leftovers) == 0 {
		return
	}
	fmt.Fprintf(r.cfg.Progress, "cancelling %d waiting requests\n", len(r.leftovers))

	// Not below the context of the run, which may have ended.
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTimeout)
	defer cancel()

	err := inParallel(ctx, r.t, len(r.leftovers), func(c *conn, i int) error {
		if id := r.leftovers[i].id; id[0] != 0 {
			_, _, err := c.do(r.t.request("DELETE", r.path+"/status/"+string(id[:]), "", ""))
			return err
		}
		return nil
	})
	if err != nil {
		fmt.Fprintf(r.cfg.Progress, "not all could be cancelled; they expire after 20 minutes: %v\n", err)
	}
}

// measure runs clients and workers until the window ends.
func (r *run) measure(ctx context.Context, costs *costs) {
	r.slots = make([]slot, r.cfg.Clients)
	for i := range r.slots {
		r.slots[i].done = make(chan delivery, 4)
	}

	r.accepted = make(chan struct{}, 2*r.cfg.Clients)

	watch, stop := context.WithCancel(ctx)
	var watchers, workers, clients sync.WaitGroup
	watchers.Go(func() { r.progress(watch) })
	watchers.Go(func() { *costs = r.costs(watch) })
	if r.cfg.Mode == Pop {
		watchers.Go(func() { r.idle(watch) })
	}

	if r.cfg.Mode != Check {
		for i, key := range r.dreamers {
			workers.Go(func() { r.serve(ctx, key, r.workerName(i)) })
		}
	}

	for i := range r.cfg.Clients {
		clients.Go(func() {
			if r.cfg.Mode == Check {
				r.checkAgain(ctx, i)
			} else {
				r.play(ctx, i)
			}
		})
	}

	clients.Wait()
	close(r.accepted)
	workers.Wait()
	stop()
	watchers.Wait()
	// Interrupted: what was measured until now counts.
	if now := int64(r.rec.now()); now < r.rec.to.Load() {
		r.rec.to.Store(max(now, r.rec.from.Load()))
	}
}

// turn waits for the next start. due is the moment it is measured from: the planned one
// if every client was busy then, else now, since a timer's lateness is ours and not the
// server's. false ends the client.
func (r *run) turn(ctx context.Context) (due time.Duration, ok bool) {
	now, end := r.rec.now(), time.Duration(r.rec.to.Load())
	if r.cfg.Rate == 0 {
		return now, ctx.Err() == nil && now < end
	}
	due = time.Duration(float64(r.next.Add(1)-1) / r.cfg.Rate * float64(time.Second))
	if due >= end || ctx.Err() != nil {
		return 0, false
	}

	if due <= now {
		return due, true
	}
	ok = r.pause(ctx, due-now)
	return r.rec.now(), ok
}

// pause sleeps; false if ctx ended meanwhile.
func (r *run) pause(ctx context.Context, d time.Duration) bool {
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
func (r *run) progress(ctx context.Context) {
	var last uint64
	for r.pause(ctx, time.Second) {
		n := r.rec.ended.Load()
		phase := ""
		if !r.rec.inWindow(r.rec.now()) {
			phase = "  (not measured)"
		}
		fmt.Fprintf(r.cfg.Progress, "%4.0f s  %6d/s  %d errors%s\n",
			r.rec.now().Seconds(), n-last, r.rec.failed.Load(), phase)
		last = n
	}
}

// costs is the processor time used during the window; 0 where it is unknown.
type costs struct{ own, server time.Duration }

func (r *run) costs(ctx context.Context) costs {
	c := newConn(r.t.addr)
	defer c.close()
	if !r.pause(ctx, time.Duration(r.rec.from.Load())-r.rec.now()) {
		return costs{}
	}
	own, server, known := ownCPU(), time.Duration(0), false
	server, known = r.serverCPU(c)
	r.pause(ctx, time.Duration(r.rec.to.Load())-r.rec.now())
	out := costs{own: ownCPU() - own}
	if end, ok := r.serverCPU(c); ok && known {
		out.server = end - server
	}
	return out
}

var cpuMetric = []byte("\nprocess_cpu_seconds_total ")

// serverCPU reads the server's processor time from its metrics, if it has them.
func (r *run) serverCPU(c *conn) (time.Duration, bool) {
	status, body, err := c.do([]byte("GET " + r.t.path + "/metrics HTTP/1.1\r\nHost: " + r.t.host + "\r\n\r\n"))
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

func (r *run) report(setup time.Duration, c costs) *Report {
	seconds := time.Duration(r.rec.to.Load() - r.rec.from.Load()).Seconds()
	rep := &Report{
		Mode:      r.cfg.Mode,
		Text:      r.cfg.Text,
		URL:       r.cfg.URL,
		Model:     r.cfg.Model,
		Clients:   r.cfg.Clients,
		Workers:   len(r.dreamers),
		Users:     len(r.users),
		Rate:      r.cfg.Rate,
		Seconds:   seconds,
		Completed: r.rec.cycles.Load(),
		EmptyPops: r.rec.empty.Load(),
		Refused:   r.rec.refused.Load(),
		Failed:    r.rec.failed.Load(),
		Errors:    r.rec.errors,
		SetupTime: setup.Seconds(),
		Started:   r.rec.start.UTC(),
		Calls:     []CallReport{},
	}

	if r.cfg.Mode == Pop {
		rep.Backlog, rep.Models = r.cfg.Backlog, r.cfg.Models
	}
	if seconds > 0 {
		rep.PerSecond = float64(rep.Completed) / seconds
		rep.Calls = r.rec.rows(seconds)
	}

	if n := r.rec.calls.Load(); n > 0 {
		rep.ClientCost = micros(c.own) / float64(n)
	}
	if rep.Completed > 0 {
		rep.ServerCost = micros(c.server) / float64(rep.Completed)
	}
	return rep
}
