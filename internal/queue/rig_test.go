package queue

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kinds/image"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
	"horde/internal/style"
)

const betaModel = image.BetaModel

// minParallel is how many tests run at a time at least: most of them wait for a database.
const minParallel = 6

func TestMain(m *testing.M) {
	storetest.Checks(8)
	storetest.Parallel(minParallel)
	os.Exit(m.Run())
}

// each runs a test on both engines, beside each other and beside other tests.
func each(t *testing.T, test func(t *testing.T, db *storetest.DB)) {
	t.Helper()
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, storetest.On(t, engine))
		})
	}
}

// node is one queue and what it stands on.
type node struct {
	*Queue
	clock *hordetest.Clock
	house *hordetest.House
	modes admission.Server
}

// newNode opens a node on a database. Nodes of one test share a folder of
// images.
func newNode(t testing.TB, db *storetest.DB, c *hordetest.Clock) *node {
	t.Helper()
	h := hordetest.Open(t, db, c)
	workers, err := fleet.New(context.Background(),
		fleet.Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog, Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}

	n := &node{clock: c, house: h}
	n.Queue, err = New(context.Background(), Config{
		Config: requests.Config{
			Store:    h.Store,
			Accounts: h.Accounts,
			Fleet:    workers,
			Blobs:    h.Blobs,
			Clock:    c.Now,
			Modes:    func() admission.Server { return n.modes },
		},
		Catalog: h.Catalog,
		Styles:  style.New(style.Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// nodes opens one node on SQLite, and on PostgreSQL two that follow each other.
func nodes(t testing.TB, db *storetest.DB, c *hordetest.Clock) []*node {
	t.Helper()
	all := []*node{newNode(t, db, c)}
	if db.Engine == storetest.Postgres {
		all = append(all, newNode(t, db, c))
	}
	for _, n := range all {
		n.follow(t)
	}
	return all
}

// follow does what a running node does with the news of others.
func (n *node) follow(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	begun := make(chan struct{})
	var once sync.Once
	n.Store.Follow(func(_ context.Context, c *store.Changes) error {
		if c.Missed { // with that a watch begins
			once.Do(func() { close(begun) })
		}
		return nil
	})
	wg.Go(func() { n.Store.Watch(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	if n.Store.Shared() {
		<-begun
	}
}

func (n *node) person(t interface{ Fatal(...any) }, trusted bool, balance int64) hordetest.Person {
	return n.house.Person(t, "u", trusted, balance)
}

func ptr[T any](v T) *T { return &v }

// ask is a small request that needs no kudos upfront.
func ask(p hordetest.Person, n int, models ...string) ImageRequest {
	if models == nil {
		models = []string{catalog.Sketch}
	}
	return ImageRequest{From: From{Key: p.Key}, Body: api.ImageRequest{Prompt: "a red fox", Models: &models,
		Params: &api.ImageParams{N: &n, Width: ptr(64), Height: ptr(64), Steps: ptr(4)}}}
}

func (n *node) accept(t testing.TB, a ImageRequest) string {
	t.Helper()
	answer, err := n.Accept(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Accepted.ID
}

// pop is a worker's pop; it takes all that the table of generation §1.14 lets it.
func pop(name string, models ...string) api.ImagePop {
	if models == nil {
		models = []string{catalog.Sketch}
	}
	return api.ImagePop{Name: name, Models: models, BridgeAgent: "Horde Worker:1:x", AllowControlnet: ptr(true),
		AllowSDXLControlnet: ptr(true), AllowLora: ptr(true), MaxPixels: ptr(4 << 20)}
}

func (n *node) offer(t testing.TB, owner hordetest.Person, p api.ImagePop) *fleet.Offer {
	t.Helper()
	o, err := n.Fleet.CheckInImage(context.Background(), owner.User, p, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// take pops without waiting; nil when there is nothing.
func (n *node) take(t testing.TB, owner hordetest.Person, p api.ImagePop) *api.ImageJob {
	t.Helper()
	job, err := n.Pop(context.Background(), n.offer(t, owner, p), 0)
	if err != nil {
		t.Fatal(err)
	}
	if job.ID == nil {
		return nil
	}
	return job
}

func (n *node) submit(key, id, state string) (float64, error) {
	return n.Submit(context.Background(), key, api.ImageSubmit{ID: id, Generation: "R2", State: state, Seed: 7})
}

// truth is what the database says of the live requests.
type truth struct {
	requests map[string]store.Request
	jobs     map[string][]store.Job // by request
}

func readTruth(n *node) (truth, error) {
	ctx := context.Background()
	t := truth{map[string]store.Request{}, map[string][]store.Job{}}
	live, err := n.Store.LiveRequests(ctx, 0)
	if err != nil {
		return t, err
	}
	var ids []string
	for _, q := range live {
		t.requests[q.ID] = q
		ids = append(ids, q.ID)
	}
	jobs, err := n.Store.JobsOf(ctx, ids)
	for _, j := range jobs {
		t.jobs[j.RequestID] = append(t.jobs[j.RequestID], j)
	}
	return t, err
}

// differs tells what the index of a node holds other than the database, "" when
// they are equal. It recounts every counter of the index.
func (n *node) differs() string {
	want, err := readTruth(n)
	if err != nil {
		return err.Error()
	}
	for _, x := range n.indexes() {
		if what := differsFrom(want, x, n.clock.Micros()); what != "" {
			return what
		}
	}
	return ""
}

func differsFrom(want truth, x *index, now horde.Micros) string {
	x.Lock()
	defer x.Unlock()
	if len(x.claims) > 0 {
		return fmt.Sprintf("%d claims have not given back what they reserved", len(x.claims))
	}

	ghosts := map[string]bool{}
	for e := range x.Requests.All() {
		id := e.Key()
		row, ok := want.requests[id]
		if !ok {
			ghosts[id] = true
			continue
		}

		if diff := cmp.Diff(row.RequestState, e.state); diff != "" {
			return fmt.Sprintf("request %s: database − index +\n%s", id, diff)
		}

		if e.item.Reserved != 0 {
			return fmt.Sprintf("request %s: %d jobs are reserved though nobody claims", id, e.item.Reserved)
		}

		if diff := differentJobs(want.jobs[id], e); diff != "" {
			return fmt.Sprintf("request %s: database − index +\n%s", id, diff)
		}
	}

	for id, row := range want.requests {
		open := row.Waiting > 0 && !row.Faulted || slices.ContainsFunc(want.jobs[id], func(j store.Job) bool {
			return j.State == store.JobRunning
		})
		if open && row.Kind == x.kind.name && x.Requests.Get(id) == nil && row.Expires > now {
			return "request " + id + " is not in the index"
		}
	}

	if len(ghosts) > 0 {
		return fmt.Sprintf("%d requests of the index are not in the database", len(ghosts))
	}

	return recount(x)
}

func differentJobs(rows []store.Job, e *entry) string {
	want, got := map[string]store.JobResult{}, map[string]store.JobResult{}
	decoys := map[string]bool{}
	for _, j := range rows {
		want[j.ID] = store.JobResult{State: j.State, Result: j.Result, Censored: j.Censored}
		if len(j.Result) > maxKept { // it is in its row alone
			want[j.ID] = store.JobResult{State: j.State, Censored: j.Censored}
		}
		if j.Decoy {
			decoys[j.WorkerID] = true
			delete(want, j.ID) // only that there is one, counts
		}
	}
	for _, j := range e.jobs {
		if !j.Decoy {
			got[j.ID] = store.JobResult{State: j.State, Result: j.Result, Censored: j.Censored}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return diff
	}
	if len(decoys)+len(e.item.DecoyWorkers) > 0 {
		return cmp.Diff(decoys, e.item.DecoyWorkers)
	}
	return ""
}

// recount compares the parts of an index that are derived with their source.
func recount(x *index) string {
	fresh := newIndex(x.kind, newPartials())
	for e := range x.Requests.All() {
		row := e.row
		row.RequestState = e.state
		twin := fresh.newEntry(row, e.record)
		fresh.AddLocked(twin)
		for _, j := range e.jobs {
			fresh.setJobLocked(twin, *j)
		}
	}
	type counted struct {
		Queue    match.Tally
		Requests live.Tally
	}
	count := func(x *index) counted {
		return counted{Queue: x.Queue.Tally(), Requests: x.Requests.Tally()}
	}
	if diff := cmp.Diff(count(fresh), count(x)); diff != "" {
		return "recount − index +\n" + diff
	}
	return ""
}

// balanced checks the accounting of every request in the database. A job that is
// given up goes back to the waiting ones and leaves a faulted row, so at every
// moment, with decoys left out,
//
//	jobs + faults = waiting + processing + finished + faulted, and faults = faulted
//
// of a request that is not cancelled. A cancelled one has nothing waiting, and
// counts as its jobs those that were finished at the cancel.
func balanced(n *node) string {
	db, err := readTruth(n)
	if err != nil {
		return err.Error()
	}

	for id, q := range db.requests {
		e, err := n.indexOf(q.Kind).readEntry(q)
		if err != nil {
			return err.Error()
		}

		for _, j := range db.jobs[id] {
			e.jobs = append(e.jobs, &j)
		}

		c := e.counts()
		asked := e.record.common.N

		ok := q.Faults == c.restarted && q.Waiting >= 0 && c.finished+c.processing <= asked
		if q.Cancelled {
			ok = ok && q.Waiting == 0 && q.Jobs <= c.finished
		} else {
			ok = ok && q.Jobs == asked && q.Jobs+q.Faults == q.Waiting+c.processing+c.finished+c.restarted
		}

		tried := map[string]bool{}
		for _, j := range db.jobs[id] {
			if j.State == store.JobFaulted && !j.Decoy {
				tried[j.WorkerID] = true
			}
		}

		// Three workers end a request; three faults do where nobody else is left.
		ok = ok && (!q.Faulted || q.Faults >= settle.Images.MaxFailures) && (q.Faulted || len(tried) < settle.MaxWorkers)
		if !ok {
			return fmt.Sprintf("request %s of %d jobs: %+v, %+v", id, asked, q.RequestState, c)
		}
	}

	return ""
}

// settled checks that every finished job was paid once and every request taxed
// once, and that the ledger is sound.
func settled(db *storetest.DB, n *node) string {
	raw := db.Raw()
	defer raw.Close()

	for _, q := range []string{
		`SELECT 'job without a delivery ' || id FROM jobs WHERE state = 1 AND NOT fake AND 'deliver:' || id NOT IN (SELECT id FROM ledger_events)`,
		`SELECT 'delivery of a job that is not done ' || e.job_id FROM ledger_events e JOIN jobs j ON j.id = e.job_id WHERE j.state <> 1 OR j.fake`,
		`SELECT 'request without its tax ' || id FROM requests WHERE 'accept:' || id NOT IN (SELECT id FROM ledger_events)`,
		`SELECT 'delivery without its figures ' || id FROM jobs WHERE state = 1 AND NOT fake AND id NOT IN (SELECT job_id FROM deliveries)`,
		`SELECT 'statistics other than the deliveries' WHERE (SELECT COALESCE(SUM(total_jobs), 0) FROM stats WHERE model = '') + (SELECT COALESCE(SUM(jobs), 0) FROM stats_buckets WHERE model = '' AND grain = 1000000) <> (SELECT count(*) FROM ledger_events WHERE reason IN ('picture delivered', 'text delivered'))`,
		`SELECT 'statistics of models other than the deliveries' WHERE (SELECT COALESCE(SUM(total_jobs), 0) FROM stats WHERE model <> '') + (SELECT COALESCE(SUM(jobs), 0) FROM stats_buckets WHERE model <> '' AND grain = 60000000) <> (SELECT count(*) FROM ledger_events WHERE reason IN ('picture delivered', 'text delivered'))`,
		`SELECT 'hold of nothing ' || id FROM holds WHERE substr(id, 9) NOT IN (SELECT id FROM requests)`,
		`SELECT 'job of nothing ' || id FROM jobs WHERE request_id NOT IN (SELECT id FROM requests)`,
	} {
		rows, err := raw.Query(q)
		if err != nil {
			return err.Error()
		}

		if rows.Next() {
			var text string
			_ = rows.Scan(&text)
			rows.Close()
			return text
		}

		rows.Close()
	}

	a, err := n.Store.Audit(context.Background())
	if err != nil || !a.Sound() {
		return fmt.Sprintf("ledger: %+v, %v", a, err)
	}

	return ""
}
