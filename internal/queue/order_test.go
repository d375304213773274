package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// The models of random requests and workers: two small ones, one whose bridge
// has to know it, one that asks for few steps.
var someModels = []string{"Deliberate", "Dreamshaper", "Flux.1-Schnell fp8 (Compact)", "DreamShaper XL"}

var someAgents = []string{"Horde Worker:1:x", "AI Horde Worker reGen:8:x", "AI Horde Worker reGen:1:x",
	"AI Horde Worker:11:x", "SD-WebUI Stable Horde Worker Bridge:1:x", "stranger:1:x"}

// world is a queue with users and workers, and what a test knows of them.
type world struct {
	t       *rapid.T
	n       *node
	people  []hordetest.Person
	workers []string // names; worker i belongs to people[i]
	running map[string]hordetest.Person
}

func newWorld(t *rapid.T, n *node) *world {
	w := &world{t: t, n: n, running: map[string]hordetest.Person{}}
	for i, balance := range []int64{3000, 100, 100, 20, -40} {
		w.people = append(w.people, n.person(t, i == 1, balance))
	}
	for i := range 4 {
		w.workers = append(w.workers, fmt.Sprint(w.people[i].ID, "'s"))
	}
	return w
}

func (w *world) flip(what string) bool { return rapid.Bool().Draw(w.t, what) }

// seldom is true in one of n cases.
func (w *world) seldom(n int, what string) bool { return rapid.IntRange(1, n).Draw(w.t, what) == n }

func (w *world) someOf(list []string, what string) []string {
	var out []string
	for _, v := range list {
		if w.flip(what + " " + v) {
			out = append(out, v)
		}
	}
	return out
}

func (w *world) accept() {
	p := rapid.SampledFrom(w.people).Draw(w.t, "requester")
	a := ask(p, rapid.IntRange(1, 4).Draw(w.t, "n"), w.someOf(someModels, "request")...)
	b := &a.Body
	if b.Models = ptr(*b.Models); w.seldom(5, "any model") {
		*b.Models = []string{}
	}

	a.UnsafeIP = w.seldom(6, "unsafe address")
	b.NSFW = ptr(w.flip("nsfw"))
	b.TrustedWorkers = ptr(w.seldom(6, "trusted workers"))
	b.SlowWorkers = ptr(!w.seldom(5, "fast workers"))
	b.ExtraSlowWorkers = ptr(w.flip("extra slow workers"))
	b.R2 = ptr(w.flip("r2"))

	if w.seldom(4, "worker list") {
		b.WorkerBlacklist = ptr(w.flip("worker blacklist"))
		for i, name := range w.workers {
			if known := w.n.Fleet.ByName(name); known != nil && w.flip(fmt.Sprint("worker ", i)) {
				b.Workers = append(b.Workers, known.ID)
			}
		}
	}

	b.Prompt += rapid.SampledFrom([]string{"", " in the snow", " in a wood"}).Draw(w.t, "prompt")
	b.Params.Width = ptr(rapid.SampledFrom([]int{64, 512, 576}).Draw(w.t, "width"))
	b.Params.Steps = ptr(rapid.SampledFrom([]int{4, 6, 30}).Draw(w.t, "steps"))
	b.Params.SamplerName = rapid.SampledFrom([]string{"k_euler", "DDIM", "lcm"}).Draw(w.t, "sampler")
	b.Params.Karras = ptr(w.flip("karras"))
	b.Params.Tiling = ptr(w.seldom(5, "tiling"))
	if w.seldom(5, "loras") {
		b.Params.Loras = []api.Lora{{Name: "GlowingRunesAI"}}
	}

	answer, err := w.n.Accept(context.Background(), a)
	if err != nil {
		if horde.CodeOf(err) == "" {
			w.t.Fatalf("accept: %v", err)
		}
		return
	}

	if rows, err := w.n.Store.Requests(context.Background(), []string{answer.Accepted.ID}); err != nil || len(rows) != 1 {
		w.t.Fatalf("acknowledged but not stored: %v", err)
	}
}

func (w *world) pop() {
	i := rapid.IntRange(0, len(w.workers)-1).Draw(w.t, "worker")
	p := api.ImagePop{Name: w.workers[i], Models: w.someOf(someModels, "offer"),
		BridgeAgent: rapid.SampledFrom(someAgents).Draw(w.t, "agent"),
		Amount:      ptr(rapid.IntRange(1, 4).Draw(w.t, "amount")),
		MaxPixels:   ptr(rapid.SampledFrom([]int{64 * 64, 512 * 64, 1 << 22}).Draw(w.t, "max pixels")),
		NSFW:        ptr(w.flip("nsfw")), AllowUnsafeIPAddr: ptr(w.flip("unsafe addresses")), AllowLora: ptr(w.flip("loras")),
		RequireUpfrontKudos: ptr(w.seldom(3, "upfront")), LimitMaxSteps: ptr(w.seldom(3, "limit steps")),
		ExtraSlowWorker: ptr(w.seldom(5, "extra slow"))}
	if w.seldom(3, "blacklist") {
		p.Blacklist = []string{"SNOW"}
	}

	if w.seldom(4, "friends") {
		p.PriorityUsernames = []string{rapid.SampledFrom(w.people).Draw(w.t, "friend").Alias()}
	}

	if len(p.Models) == 0 {
		p.Models = someModels[:1]
	}

	o, err := w.n.Fleet.CheckInImage(context.Background(), w.people[i].User, p, "10.0.0.1")
	if err != nil {
		w.t.Fatalf("check in: %v", err)
	}

	want := matcher{w.t, w.n, o}.first()
	job, err := w.n.Pop(context.Background(), o, 0)
	switch {
	case o.Worker.Maintenance && want == "" && horde.CodeOf(err) == horde.WorkerMaintenance:
		return
	case err != nil:
		w.t.Fatalf("pop: %v", err)
	}

	got := ""
	if job.ID != nil {
		row, err := w.n.Store.Job(context.Background(), *job.ID)
		if err != nil {
			w.t.Fatalf("handed out but not stored: %v", err)
		}
		got = row.RequestID
	}

	if got != want {
		w.t.Fatalf("worker %s got a job of %q; the rulebook gives it one of %q\n%+v", o.Worker.Name, got, want,
			o.Worker.Settings)
	}

	for _, id := range job.IDs {
		if _, again := w.running[id]; again {
			w.t.Fatalf("job %s was handed out twice", id)
		}
		w.running[id] = w.people[i]
	}
}

// matcher is the slow way to find a worker's next request, straight from
// generation §1.15 and §1.16: all requests of the database, sorted, one after the other.
type matcher struct {
	t *rapid.T
	n *node
	o *fleet.Offer
}

func (m matcher) first() string {
	if m.o.Worker.Totals.SuspendedUntil > m.n.clock.Micros() {
		return ""
	}

	db, err := readTruth(m.n)
	if err != nil {
		m.t.Fatal(err)
	}

	now := m.n.clock.Micros()
	var all []*entry
	for _, row := range db.requests {
		e, err := newIndex(images, newPartials()).readEntry(row)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, j := range db.jobs[row.ID] {
			e.jobs = append(e.jobs, &j)
		}
		all = append(all, e)
	}

	priority := func(e *entry) int64 {
		return e.row.Priority + 50*int64(now/10_000_000-e.row.Created/10_000_000) // 50 at each tick of ten seconds
	}

	slices.SortFunc(all, func(a, b *entry) int {
		switch {
		case priority(a) != priority(b):
			return int(priority(b) - priority(a))
		case a.row.Created != b.row.Created:
			return int(a.row.Created - b.row.Created)
		}
		return strings.Compare(a.row.ID, b.row.ID)
	})

	friends := func(e *entry) bool { _, ok := m.o.PriorityUsers[e.row.UserID]; return ok }
	for _, e := range all {
		if friends(e) && m.fits(e, now) && !m.leaves(e, now) {
			return e.row.ID
		}
	}

	for _, e := range all {
		if !friends(e) && m.fits(e, now) && !m.leaves(e, now) {
			return e.row.ID
		}
	}

	return ""
}

// leaves tells whether a request that has failed is left to another worker
// (decision 48): to any that has not failed on it if this one has,
// else to one that stands better.
func (m matcher) leaves(e *entry, now horde.Micros) bool {
	failed := map[string]bool{}
	for _, j := range e.jobs {
		if j.State == store.JobFaulted && !j.Decoy && !j.Excused {
			failed[j.WorkerID] = true
		}
	}

	standing := func(w *fleet.Worker) int {
		switch {
		case failed[w.ID]:
			return 3
		case len(w.Totals.FailedPops) > 0:
			return 2
		case w.Totals.Fulfilments == 0:
			return 1
		}
		return 0
	}

	for _, w := range m.n.Fleet.List(fleet.Listing{Kind: horde.KindImage}) {
		o := &fleet.Offer{Worker: w, Owner: w.Owner, ModelList: w.Settings.Models,
			RequireKudos:  w.Settings.RequireUpfrontKudos,
			PriorityUsers: map[horde.UserID]struct{}{w.UserID: {}}}
		for _, id := range w.Settings.PriorityUsers {
			o.PriorityUsers[id] = struct{}{}
		}
		away := w.Totals.SuspendedUntil > now || w.Paused && e.row.UserID != w.UserID
		if len(failed) > 0 && !away && standing(w) < standing(m.o.Worker) && (matcher{m.t, m.n, o}).fits(e, now) {
			return true
		}
	}

	return false
}

func (m matcher) fits(e *entry, now horde.Micros) bool {
	w, q := m.o.Worker, e.record.Image
	s := w.Settings
	trusted := m.o.Owner.Is(account.Trusted)
	live := e.state.Waiting > 0 && !e.state.Faulted && !e.state.Cancelled && e.state.Expires > now
	named := len(q.Models) == 0 ||
		slices.ContainsFunc(q.Models, func(name string) bool { return slices.Contains(m.o.ModelList, name) })
	query := q.Width*q.Height <= s.MaxPixels && (!q.NSFW || s.NSFW) && (!e.record.UnsafeIP || s.AllowUnsafeIP) &&
		(!q.R2 || w.Agent.Has(bridge.R2)) && (q.Loras == nil || s.AllowLora && w.Agent.Has(bridge.Lora)) &&
		(q.SlowWorkers || w.Speed() >= 500_000) && (!s.ExtraSlow || q.ExtraSlowWorkers)
	listed := len(q.Workers) == 0 || slices.Contains(q.Workers, w.ID) != q.WorkerBlacklist
	gates := (!q.TrustedWorkers || trusted) && !(e.record.UnsafeIP && !e.record.Trusted && !trusted) &&
		!slices.ContainsFunc(s.Blacklist,
			func(word string) bool { return strings.Contains(strings.ToLower(q.Prompt), word) }) &&
		w.Agent.SupportsSampler(bridge.Sampler{Name: q.Sampler, Karras: q.Karras}) &&
		(!q.Tiling || w.Agent.Has(bridge.Tiling)) &&
		(!slices.Contains(m.o.ModelList, "Flux.1-Schnell fp8 (Compact)") || w.Agent.Has(bridge.Flux))
	secret := slices.ContainsFunc(e.jobs, func(j *store.Job) bool { return j.Decoy && j.WorkerID == w.ID })
	kept := w.Maintenance && e.row.UserID != w.UserID
	return live && named && query && listed && gates && !secret && !kept && (!s.LimitMaxSteps || m.fewSteps(e)) &&
		(!m.o.RequireKudos || m.pays(e))
}

// fewSteps: the middle of what each model wants is not below the steps asked for.
// The models are the request's when it names several, else the worker's.
func (m matcher) fewSteps(e *entry) bool {
	middle := map[string]float64{"Flux.1-Schnell fp8 (Compact)": 5.5, "DreamShaper XL": 4.5}
	models := m.o.ModelList
	if len(e.record.Image.Models) > 1 {
		models = e.record.Image.Models
	}
	for _, name := range models {
		limit, ok := middle[name]
		if !ok {
			limit = 30
		}
		if limit < float64(e.record.Image.AccurateSteps) {
			return false
		}
	}
	return true
}

func (m matcher) pays(e *entry) bool {
	if _, friend := m.o.PriorityUsers[e.row.UserID]; friend || e.record.Trusted {
		return true
	}
	a, err := m.n.Store.Account(context.Background(), e.row.UserID)
	if err != nil {
		m.t.Fatal(err)
	}
	funds := a.Balance
	if funds > 0 {
		funds -= a.Lowest
	}
	return funds.Float() >= e.record.Price
}

func (w *world) submit(state string) {
	if len(w.running) == 0 {
		return
	}

	var ids []string
	for id := range w.running {
		ids = append(ids, id)
	}

	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(w.t, "job")
	owner := w.running[id]

	if w.seldom(6, "somebody else") {
		if _, err := w.n.submit(w.people[4].Key, id, state); horde.CodeOf(err) != horde.WrongCredentials &&
			horde.CodeOf(err) != horde.InvalidJobID {
			w.t.Fatalf("somebody else submitted job %s: %v", id, err)
		}
	}

	before, jobErr := w.n.Store.Job(context.Background(), id)
	reward, err := w.n.submit(owner.Key, id, state)
	switch code := horde.CodeOf(err); {
	case jobErr != nil && code == horde.InvalidJobID, before.State == store.JobFaulted &&
		(code == horde.AbortedGen || state == "faulted" && err == nil && reward == 0):
	case before.State == store.JobRunning && err == nil && (reward > 0) == (state != "faulted"):
	case before.State == store.JobRunning && code == horde.InvalidJobID: // its request has expired
	default:
		w.t.Fatalf("submit of a job in state %d: reward %v, %v", before.State, reward, err)
	}

	again, err := w.n.submit(owner.Key, id, state)
	if err == nil && again > 0 {
		w.t.Fatalf("job %s was paid twice", id)
	}

	delete(w.running, id)
}

func (w *world) cancel() {
	db, err := readTruth(w.n)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for id := range db.requests {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	if _, err := w.n.Cancel(context.Background(), rapid.SampledFrom(ids).Draw(w.t, "request")); err != nil &&
		horde.CodeOf(err) != horde.RequestNotFound {
		w.t.Fatalf("cancel: %v", err)
	}
}

func (w *world) maintain() {
	known := w.n.Fleet.ByName(rapid.SampledFrom(w.workers).Draw(w.t, "worker"))
	if known == nil {
		return
	}
	on, paused := w.seldom(3, "maintenance"), w.seldom(3, "paused")
	err := w.n.Store.Write(context.Background(), store.Unit{Workers: []string{known.ID}, Do: func(tx *store.Tx) error {
		_, err := tx.ChangeWorker(known.ID, func(r *store.Worker) { r.Maintenance, r.Paused = on, paused })
		return err
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sweep() {
	if err := w.n.Sweep(context.Background()); err != nil {
		w.t.Fatalf("sweep: %v", err)
	}
}

// sound is what has to hold at every step.
func (w *world) sound(*rapid.T) {
	if what := w.n.differs(); what != "" {
		w.t.Fatalf("index: %s", what)
	}
	if what := balanced(w.n); what != "" {
		w.t.Fatalf("accounting: %s", what)
	}
}

// TestJobsAreHandedOutInTheRulebooksOrder compares each hand-out of a random history with what the rulebook
// gives, and the index with the database after each step.
func TestJobsAreHandedOutInTheRulebooksOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(rt, n)
			rt.Repeat(map[string]func(*rapid.T){
				"accept":   func(*rapid.T) { w.accept() },
				"accept 2": func(*rapid.T) { w.accept() },
				"pop":      func(*rapid.T) { w.pop() },
				"pop 2":    func(*rapid.T) { w.pop() },
				"submit":   func(*rapid.T) { w.submit("ok") },
				"censored": func(*rapid.T) { w.submit("censored") },
				"fault":    func(*rapid.T) { w.submit("faulted") },
				"cancel":   func(*rapid.T) { w.cancel() },
				"maintain": func(*rapid.T) { w.maintain() },
				"sweep":    func(*rapid.T) { w.sweep() },
				"wait":     func(*rapid.T) { n.clock.Advance(time.Duration(rapid.IntRange(0, 40).Draw(rt, "s")) * time.Second) },
				"wait long": func(*rapid.T) {
					if w.seldom(3, "long") {
						n.clock.Advance(time.Duration(rapid.IntRange(3, 25).Draw(rt, "min")) * time.Minute)
					}
				},
				"": w.sound,
			})

			w.reload()
			w.end(db)
		})
	})
}

// reload checks that a queue that starts now sees the same.
func (w *world) reload() {
	again, err := New(context.Background(), w.n.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	if what := (&node{Queue: again, clock: w.n.clock}).differs(); what != "" {
		w.t.Fatalf("index after a start: %s", what)
	}
}

// end lets everything expire: nothing may be left but the ledger.
func (w *world) end(db *storetest.DB) {
	if what := settled(db, w.n); what != "" {
		w.t.Fatalf("settlement: %s", what)
	}
	w.n.clock.Advance(3 * time.Hour)
	w.sweep()
	w.sound(w.t)
	if n := len(w.n.images.Keys()); n > 0 {
		w.t.Fatalf("%d requests outlive their time", n)
	}
	if what := settled(db, w.n); what != "" {
		w.t.Fatalf("settlement after the end: %s", what)
	}
	for _, p := range w.people {
		a, err := w.n.Store.Account(context.Background(), p.ID)
		if err != nil || a.Held != 0 {
			w.t.Fatalf("%s kudos of user %d are held for nothing (%v)", a.Held, p.ID, err)
		}
	}
}
