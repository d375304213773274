package node

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// trade is one kind of work as requesters and workers see it.
type trade struct {
	name                      string
	asks, pops, submits, told string // paths
	order                     string // body of a request
	offer                     string // body of a pop, with the worker's name to be filled in
	result                    string // members of a delivery besides its id
	late                      string // refusal of a result whose job somebody else has by now
	idle                      string // refusal of a result whose job waits again
	faults                    int    // that end a request
	ttl                       time.Duration
	paidOnCancel              bool // what a worker has in hand is settled by the cancel
}

var trades = []trade{
	{
		name: "image", asks: "generate/async", pops: "generate/pop", submits: "generate/submit", told: "generate/status/",
		order:  `{"prompt":"x","params":{"width":64,"height":64,"steps":1},"r2":false}`,
		offer:  `{"name":%q,"models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13:x"}`,
		result: `"generation":"` + dot + `","seed":1`,
		late:   "AbortedGen", idle: "AbortedGen", faults: 3, ttl: 150 * time.Second,
	},
	{
		name: "text", asks: "generate/text/async", pops: "generate/text/pop", submits: "generate/text/submit",
		told:  "generate/text/status/",
		order: `{"prompt":"once","models":["any model"]}`, offer: `{"name":%q,"models":["any model"]}`,
		result: `"generation":"upon a time"`,
		late:   "AbortedGen", idle: "AbortedGen", faults: 3, ttl: 160 * time.Second,
	},
	{
		name: "alchemy", asks: "interrogate/async", pops: "interrogate/pop", submits: "interrogate/submit",
		told:  "interrogate/status/",
		order: `{"forms":[{"name":"caption"}],"source_image":"` + dot + `"}`, offer: `{"name":%q,"forms":["caption"]}`,
		result: `"result":{"caption":"a dot"}`,
		late:   "WrongCredentials", idle: "DuplicateGen", faults: 4, ttl: 180 * time.Second, paidOnCancel: true,
	},
}

// deal is one request, the worker that has its job, and what became of both.
type deal struct {
	*testing.T
	trade
	n                    *Node
	time                 *hordetest.Clock
	asker, owner, rival  party
	id, job              string
	tax, price, reward   horde.Kudos // of this kind of work when all goes well
	chargedTax           bool        // the case ends with the tax alone
	paidOwner, paidRival int         // rewards that the case ends with
}

// party is a user of a deal, with what they had when it began.
type party struct {
	id  horde.UserID
	key string
	had horde.Kudos
}

func (d *deal) has(p party) horde.Kudos {
	d.Helper()
	a, err := d.n.Store.Account(d.Context(), p.id)
	if err != nil {
		d.Fatal(err)
	}
	return a.Balance + a.Escrow
}

func (d *deal) person(name string, kudos int64) party {
	d.Helper()
	u, key, _, err := d.n.Accounts.TestUser(d.Context(),
		account.NewUser{Username: name, OAuthID: "test-" + name, Roles: account.Trusted}, &kudos)
	if err != nil {
		d.Fatal(err)
	}
	p := party{id: u.ID, key: key}
	p.had = d.has(p)
	return p
}

func (d *deal) ask() {
	d.Helper()
	var accepted struct{ ID string }
	if w := d.n.call(d.T, "POST", "/api/v2/"+d.asks, d.asker.key, d.order, &accepted); w.Code != 202 {
		d.Fatalf("%d %s", w.Code, w.Body)
	}
	d.id = accepted.ID
}

// take pops for a worker; "" when it gets nothing.
func (d *deal) take(p party, worker string) string {
	d.Helper()
	var job struct {
		ID    string
		Forms []struct{ ID string }
	}
	if w := d.n.call(d.T, "POST", "/api/v2/"+d.pops, p.key, fmt.Sprintf(d.offer, worker), &job); w.Code != 200 {
		d.Fatalf("%d %s", w.Code, w.Body)
	}
	if len(job.Forms) > 0 {
		return job.Forms[0].ID
	}
	return job.ID
}

// begin asks and lets the owner's worker take the job.
func (d *deal) begin() {
	d.Helper()
	d.ask()
	if d.job = d.take(d.owner, "w"); d.job == "" {
		d.Fatal("no job")
	}
}

// submit delivers the members of a body at a path and returns "paid", "nothing"
// (reward 0), or the refusal's code.
func (d *deal) submit(path, key, id, members string) string {
	d.Helper()
	var answer struct {
		Reward *float64
		RC     string `json:"rc"`
	}
	w := d.n.call(d.T, "POST", "/api/v2/"+path, key, fmt.Sprintf(`{"id":%q,%s}`, id, members), &answer)
	switch {
	case w.Code >= 500:
		d.Errorf("%d %s", w.Code, w.Body)
	case answer.Reward == nil:
		return answer.RC
	case *answer.Reward == 0:
		return "nothing"
	}
	return "paid"
}

func (d *deal) deliver(want string) {
	d.Helper()
	if got := d.submit(d.submits, d.owner.key, d.job, d.result); got != want {
		d.Errorf("a delivery: %s, want %s", got, want)
	}
}

func (d *deal) fault(want string) {
	d.Helper()
	if got := d.submit(d.submits, d.owner.key, d.job,
		`"generation":"","result":{},"seed":-1,"state":"faulted"`); got != want {
		d.Errorf("a fault: %s, want %s", got, want)
	}
}

func (d *deal) cancel() {
	d.Helper()
	if w := d.n.call(d.T, "DELETE", "/api/v2/"+d.told+d.id, "", "", nil); w.Code != 200 {
		d.Errorf("cancel: %d %s", w.Code, w.Body)
	}
}

func (d *deal) pass(t time.Duration) { d.time.Advance(t) }

func (d *deal) sweep() {
	d.Helper()
	for _, job := range []func() error{func() error { return d.n.Queue.Sweep(d.Context()) },
		func() error { return d.n.Alchemy.Sweep(d.Context()) }} {
		if err := job(); err != nil {
			d.Fatal(err)
		}
	}
}

// state demands what the requester is told: waiting, working, done, cancelled,
// given up, gone.
func (d *deal) state(want string) {
	d.Helper()
	var st struct {
		api.Check
		State string
	}
	w := d.n.call(d.T, "GET", "/api/v2/"+d.told+d.id, "", "", &st)
	got := "cancelled"
	switch {
	case w.Code == 404:
		got = "gone"
	case st.Faulted || st.State == "faulted":
		got = "given up"
	case st.Finished > 0 || st.State == "done":
		got = "done"
	case st.Processing > 0 || st.State == "processing":
		got = "working"
	case st.Waiting > 0 || st.State == "waiting":
		got = "waiting"
	}
	if got != want {
		d.Errorf("the requester is told %s (%s), want %s", got, strings.TrimSpace(w.Body.String()), want)
	}
}

// settle checks who was paid and charged in the end, and the ledger.
func (d *deal) settle() {
	d.Helper()
	want := d.price
	if d.chargedTax {
		want = d.tax
	}
	if got := d.asker.had - d.has(d.asker); got != want {
		d.Errorf("the requester was charged %v, want %v", got, want)
	}
	if got := d.has(d.owner) - d.owner.had; got != d.reward*horde.Kudos(d.paidOwner) {
		d.Errorf("the worker's owner was paid %v, want %d times %v", got, d.paidOwner, d.reward)
	}
	if got := d.has(d.rival) - d.rival.had; got != d.reward*horde.Kudos(d.paidRival) {
		d.Errorf("the other worker's owner was paid %v, want %d times %v", got, d.paidRival, d.reward)
	}
	if a, err := d.n.Store.Audit(d.Context()); err != nil || !a.Sound() {
		d.Errorf("the ledger: %+v, %v", a, err)
	}
}

// badWorkers are the ways in which a job goes wrong, each with the state it ends
// in.
var badWorkers = []struct {
	name string
	play func(d *deal)
}{
	{"it delivers", func(d *deal) {
		d.begin()
		d.state("working")
		d.deliver("paid")
		d.state("done")
		d.paidOwner = 1
	}},
	{"it dies, another one takes over, it comes back", func(d *deal) {
		d.begin()
		d.pass(d.ttl - time.Second)
		d.sweep()
		d.state("working")
		if d.take(d.rival, "other") != "" {
			d.Error("a job was given away before its time was over")
		}
		d.pass(2 * time.Second)
		d.sweep()
		d.state("waiting")
		second := d.take(d.rival, "other")
		d.deliver(d.late)
		d.state("working")
		if got := d.submit(d.submits, d.rival.key, second, d.result); got != "paid" {
			d.Errorf("the second worker: %s", got)
		}
		d.state("done")
		if got := d.submit(d.submits, d.owner.key, d.job, d.result); got != d.late {
			d.Errorf("after all: %s", got)
		}
		d.paidRival = 1
	}},
	{"it is late, but nobody has noticed", func(d *deal) {
		d.begin()
		d.pass(d.ttl + time.Minute)
		d.deliver("paid")
		d.sweep()
		d.state("done")
		d.paidOwner = 1
	}},
	{"it is late, and the job waits again", func(d *deal) {
		d.begin()
		d.pass(d.ttl + time.Second)
		d.sweep()
		d.deliver(d.idle)
		d.state("waiting")
		d.chargedTax = true
	}},
	{"it delivers twice", func(d *deal) {
		d.begin()
		d.deliver("paid")
		d.deliver("DuplicateGen")
		d.pass(d.ttl + time.Second)
		d.sweep()
		d.deliver("DuplicateGen")
		d.state("done")
		d.paidOwner = 1
	}},
	{"it delivers eight times at once", func(d *deal) {
		d.begin()
		var paid, refused atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				switch d.submit(d.submits, d.owner.key, d.job, d.result) {
				case "paid":
					paid.Add(1)
				case "DuplicateGen":
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if paid.Load() != 1 || refused.Load() != 7 {
			d.Errorf("%d paid, %d refused", paid.Load(), refused.Load())
		}
		d.paidOwner = 1
	}},
	{"it delivers after the cancel", func(d *deal) {
		d.begin()
		d.cancel()
		if d.paidOnCancel {
			d.state("cancelled")
			d.deliver("DuplicateGen")
		} else {
			d.state("working")
			d.deliver("paid")
			d.state("done")
		}
		d.cancel()
		d.deliver("DuplicateGen")
		d.paidOwner = 1
	}},
	{"it faults after the cancel", func(d *deal) {
		d.begin()
		d.cancel()
		if d.paidOnCancel {
			d.fault("DuplicateGen")
			d.paidOwner = 1
		} else {
			d.fault("nothing")
			d.chargedTax = true
		}
		d.state("cancelled")
		if d.take(d.rival, "other") != "" {
			d.Error("a cancelled job was given out")
		}
	}},
	{"it dies after the cancel", func(d *deal) {
		d.begin()
		d.cancel()
		d.pass(d.ttl + time.Second)
		d.sweep()
		if d.paidOnCancel {
			d.paidOwner = 1
		} else {
			d.deliver(d.late)
			d.chargedTax = true
		}
		d.state("cancelled")
	}},
	{"it delivers after the request expired", func(d *deal) {
		d.begin()
		d.pass(20*time.Minute + time.Second)
		d.state("gone")
		d.deliver("InvalidJobID")
		d.sweep()
		d.state("gone")
		d.deliver("InvalidJobID")
		d.chargedTax = true
	}},
	{"others deliver for it", func(d *deal) {
		d.begin()
		for who, key := range map[string]string{"a rival": d.rival.key, "the requester": d.asker.key,
			"anonymous": api.AnonymousKey} {
			if got := d.submit(d.submits, key, d.job, d.result); got != "WrongCredentials" {
				d.Errorf("%s: %s", who, got)
			}
		}
		if got := d.submit(d.submits, "nobody's key", d.job, d.result); got != "InvalidAPIKey" {
			d.Errorf("an unknown key: %s", got)
		}
		d.state("working")
		d.deliver("paid")
		d.paidOwner = 1
	}},
	{"it delivers to the wrong address", func(d *deal) {
		d.begin()
		for _, other := range trades {
			if other.name == d.name {
				continue
			}
			if got := d.submit(other.submits, d.owner.key, d.job, other.result); got != "InvalidJobID" {
				d.Errorf("at %s: %s", other.submits, got)
			}
		}
		if got := d.submit(d.submits, d.owner.key, d.id, d.result); got != "InvalidJobID" {
			d.Errorf("the id of the request: %s", got)
		}
		d.state("working")
		d.chargedTax = true
	}},
	{"it gives up, again and again", func(d *deal) {
		d.ask()
		for i := range d.faults {
			d.state("waiting")
			if d.job = d.take(d.owner, "w"); d.job == "" {
				d.Fatalf("no job after %d faults", i)
			}
			d.fault("nothing")
		}
		d.state("given up")
		if d.take(d.rival, "other") != "" {
			d.Error("a job of a request that was given up")
		}
		if got := d.submit(d.submits, d.owner.key, d.job, d.result); got == "paid" || got == "nothing" {
			d.Errorf("a result after the fault: %s", got)
		}
		d.state("given up")
		d.chargedTax = true
	}},
	{"it gives up one job twice", func(d *deal) {
		d.begin()
		d.fault("nothing")
		d.submit(d.submits, d.owner.key, d.job, `"generation":"","result":{},"seed":-1,"state":"faulted"`)
		d.submit(d.submits, d.owner.key, d.job, `"generation":"","result":{},"seed":-1,"state":"faulted"`)
		d.state("waiting") // three reports of one job are one fault
		if d.job = d.take(d.owner, "w"); d.job == "" {
			d.Fatal("no job")
		}
		d.deliver("paid")
		d.state("done")
		d.paidOwner = 1
	}},
	{"it hangs, again and again", func(d *deal) {
		d.ask()
		for range d.faults {
			if d.take(d.owner, "w") == "" {
				d.Fatal("no job")
			}
			d.pass(d.ttl + time.Second)
			d.sweep()
		}
		d.state("given up")
		d.chargedTax = true
	}},
	{"it delivers nothing at all", func(d *deal) {
		d.begin()
		if got := d.submit(d.submits, d.owner.key, d.job, `"generation":"","result":{},"seed":1`); got != "paid" {
			d.Errorf("an empty result: %s", got)
		}
		d.state("done")
		d.deliver("DuplicateGen")
		d.paidOwner = 1
	}},
	{"it delivers something else", func(d *deal) {
		d.begin()
		if got := d.submit(d.submits, d.owner.key, d.job,
			`"generation":"upon a mess","result":{"caption":"<script>"},"seed":1`); got != "paid" {
			d.Errorf("no image: %s", got)
		}
		d.state("done")
		d.paidOwner = 1
	}},
	{"it lies about what it is and what it wants", func(d *deal) {
		d.begin()
		lies := `,"reward":1000000,"kudos":1000000,"model":"better","worker_id":"00000000-0000-4000-8000-000000000000","worker_name":"better","things":1000000000,"user_id":1,"fake":false`
		if got := d.submit(d.submits, d.owner.key, d.job, d.result+lies); got != "paid" {
			d.Errorf("%s", got)
		}
		if w := d.n.call(d.T, "GET", "/api/v2/"+d.told+d.id, "", "", nil); strings.Contains(w.Body.String(), "better") {
			d.Errorf("the requester is told lies: %s", w.Body)
		}
		d.paidOwner = 1
	}},
	{"it is deleted with the job in hand", func(d *deal) {
		d.begin()
		id := d.n.Fleet.Owned(d.owner.id)[0].ID
		w := d.n.call(d.T, "DELETE", "/api/v2/workers/"+id, d.owner.key, "", nil)
		if w.Code != 423 && w.Code != 200 {
			d.Errorf("%d %s", w.Code, w.Body)
		}
		d.pass(d.ttl + time.Second)
		d.sweep()
		d.state("waiting")
		second := d.take(d.rival, "other")
		if got := d.submit(d.submits, d.rival.key, second, d.result); got != "paid" {
			d.Errorf("the next worker: %s", got)
		}
		d.state("done")
		d.paidRival = 1
	}},
}

// TestABadWorkerHarmsNobody: whatever a worker does with a job, the requester is told a
// defined state, nobody is paid twice, nothing is lost (generation §1.20,
// §2.8, §3.4, §5.8).
func TestABadWorkerHarmsNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n, clock := clockedNode(t, db)
		for _, kind := range trades {
			tax, price, reward := priceOf(t, n, clock, kind)
			if reward <= 0 || price <= tax {
				t.Fatalf("%s: tax %v, price %v, reward %v", kind.name, tax, price, reward)
			}
			for _, bad := range badWorkers {
				t.Run(kind.name+": "+bad.name, func(t *testing.T) {
					d := newDeal(t, n, clock, kind)
					d.tax, d.price, d.reward = tax, price, reward
					bad.play(d)
					d.settle()
				})
			}
		}
	})
}

// Two fresh workers, one of which faults at once and always asks first: nobody's
// request ends by it while the other one stands by.
func TestOneBrokenWorkerHarmsNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n, clock := clockedNode(t, db)
		for _, kind := range trades {
			t.Run(kind.name, func(t *testing.T) {
				d := newDeal(t, n, clock, kind)
				d.take(d.rival, "good")
				for range 5 {
					d.ask()
					for range d.faults {
						if d.job = d.take(d.owner, "bad"); d.job != "" {
							d.fault("nothing")
						}
					}
					d.state("waiting")
					job := d.take(d.rival, "good")
					if got := d.submit(d.submits, d.rival.key, job, d.result); got != "paid" {
						t.Errorf("the good worker: %s", got)
					}
					d.state("done")
				}
			})
		}
	})
}

// newDeal makes a requester and two workers' owners, and lets what was before
// expire.
func newDeal(t *testing.T, n *Node, clock *hordetest.Clock, kind trade) *deal {
	t.Helper()
	d := &deal{T: t, trade: kind, n: n, time: clock}
	d.pass(3 * time.Hour)
	d.sweep()
	number := clock.Now().Unix()
	d.asker = d.person(fmt.Sprint("asker", number), 1000)
	d.owner, d.rival = d.person(fmt.Sprint("owner", number), 0), d.person(fmt.Sprint("rival", number), 0)
	d.offer = strings.Replace(kind.offer, "%q", fmt.Sprintf(`"%%s %d"`, number), 1)
	return d
}

// priceOf plays one delivery of a kind.
func priceOf(t *testing.T, n *Node, clock *hordetest.Clock, kind trade) (tax, price, reward horde.Kudos) {
	t.Helper()
	d := newDeal(t, n, clock, kind)
	d.ask()
	tax = d.asker.had - d.has(d.asker)
	d.job = d.take(d.owner, "w")
	d.deliver("paid")
	return tax, d.asker.had - d.has(d.asker), d.has(d.owner) - d.owner.had
}
