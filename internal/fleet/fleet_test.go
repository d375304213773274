package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// minParallel is how many tests run at a time at least: most of them wait for a database.
const minParallel = 6

func TestMain(m *testing.M) {
	storetest.Parallel(minParallel)
	os.Exit(m.Run())
}

// node is a fleet and what it stands on.
type node struct {
	*Fleet
	clock *hordetest.Clock
	house *hordetest.House
}

func newNode(t testing.TB, db *storetest.DB, c *hordetest.Clock) *node {
	t.Helper()
	h := hordetest.Open(t, db, c)
	f, err := New(context.Background(), Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog, Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &node{Fleet: f, clock: c, house: h}
}

func (n *node) user(t testing.TB, roles account.Role) *account.User {
	t.Helper()
	return n.house.User(t, "u", roles).User
}

func pop(name string, models ...string) api.ImagePop {
	if models == nil {
		models = []string{catalog.Sketch}
	}
	return api.ImagePop{Name: name, Models: models, BridgeAgent: "Horde Worker:1:x"}
}

// checkIn pops and has to succeed.
func (n *node) checkIn(t testing.TB, u *account.User, p api.ImagePop) *Offer {
	t.Helper()
	o, err := n.CheckInImage(context.Background(), u, p, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestPopsAreRefusedInOrder goes through the refusals of generation §1.14. Each pop is wrong in all the
// ways of the rows from its own on: so the first counts.
func TestPopsAreRefusedInOrder(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, anon := n.user(t, 0), must(n.Accounts.ByID(t.Context(), horde.AnonymousID))
	special := n.user(t, account.Special)
	n.checkIn(t, owner, pop("taken"))
	text := store.Worker{ID: horde.NewID(), Kind: horde.KindText, UserID: owner.ID, Name: "scribe", Settings: "{}"}
	if err := errors.Join(n.Store.Write(t.Context(),
		store.Unit{Do: func(tx *store.Tx) error { return tx.InsertWorker(text) }}), n.Reload(t.Context())); err != nil {
		t.Fatal(err)
	}

	as := func(roles account.Role) *account.User {
		u := *n.user(t, roles)
		return &u
	}

	for _, tt := range []struct {
		name string
		user *account.User
		pop  api.ImagePop
		code horde.Code
		text string
	}{
		{"friend without a number", as(account.Deleted | account.Flagged),
			api.ImagePop{Name: "scribe", PriorityUsernames: []string{"a#1", "b"}}, horde.InvalidPriorityUsername,
			"lacks its number"},
		{"deleted", as(account.Deleted | account.Flagged), api.ImagePop{Name: "scribe"}, horde.DeletedUser, ""},
		{"flagged", as(account.Flagged), api.ImagePop{Name: "scribe"}, horde.WorkerFlaggedMaintenance, "maintenance mode"},
		{"anonymous", anon, api.ImagePop{Name: "scribe"}, horde.AnonForbiddenWorker, ""},
		{"name of another kind", as(0), api.ImagePop{Name: "scribe"}, horde.PolymorphicNameConflict, ""},
		{"profane name", as(0), api.ImagePop{Name: "fuck google", BridgeAgent: "fuck"}, horde.ProfaneWorkerName, ""},
		{"profane agent", as(0), api.ImagePop{Name: "google", BridgeAgent: "fuck"}, horde.ProfaneBridgeAgent, ""},
		{"reserved name", as(0), api.ImagePop{Name: "My GoOgle box"}, horde.BadRequest, "colab, tpu or google"},
		{"no name", as(0), api.ImagePop{Name: " \x00 "}, horde.BadRequest, "needs a name"},
		{"worker of somebody else", as(0), api.ImagePop{Name: "taken", PriorityUsernames: []string{"a#"}},
			horde.WrongCredentials, "Wrong credentials to submit as this worker"},
		{"no models", as(0), api.ImagePop{Name: "new", PriorityUsernames: []string{"a#"}}, horde.BadRequest,
			"unrecognised models"},
		{"unknown models", as(0), api.ImagePop{Name: "new", Models: []string{"nope", "x::" + special.Alias()}},
			horde.BadRequest, "unrecognised models"},
		{"special model of another", special,
			api.ImagePop{Name: "new", Models: []string{"x::a#1"}, PriorityUsernames: []string{"a#"}}, horde.BadRequest,
			"belongs to another user"},
		{"friend without digits", as(0),
			api.ImagePop{Name: "new", Models: []string{catalog.Sketch}, PriorityUsernames: []string{"a#"}},
			horde.InvalidPriorityUsername, ""},
		{"friend with letters", as(0),
			api.ImagePop{Name: "new", Models: []string{catalog.Sketch}, PriorityUsernames: []string{"a#x"}},
			horde.InvalidPriorityUsername, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.CheckInImage(t.Context(), tt.user, tt.pop, "10.0.0.9")
			if horde.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("%s: %v, want %s %q", tt.name, err, tt.code, tt.text)
			}
		})
	}

	if w := n.ByName("new"); w != nil {
		t.Error("a refused pop made a worker")
	}

	n.checkIn(t, special, pop("special", "x::"+special.Alias()))
	n.checkIn(t, as(account.Customizer), pop("custom", "whatever"))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAnOwnerHasSoManyWorkers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		roles   account.Role
		invited int
		closed  bool // by invitation only
		sameIP  bool
		kind    horde.Kind // of the workers that are there
		most    int
		code    horde.Code
	}{
		{"untrusted", 0, 0, false, false, horde.KindImage, 4, horde.TooManyWorkers},
		{"untrusted, one address", 0, 0, false, true, horde.KindImage, 4, horde.TooManyWorkers},
		{"untrusted, of alchemists elsewhere none counts", 0, 0, false, false, horde.KindAlchemy, 9, ""},
		{"untrusted, alchemists at one address", 0, 0, false, true, horde.KindAlchemy, 9, ""},
		{"untrusted, scribes count", 0, 0, false, false, horde.KindText, 4, horde.TooManyWorkers},
		{"trusted", account.Trusted, 0, false, false, horde.KindImage, 21, horde.TooManyWorkersTrusted},
		{"trusted, invited", account.Trusted, 23, false, false, horde.KindImage, 24, horde.TooManyWorkersTrusted},
		{"trusted, alchemists at one address", account.Trusted, 0, false, true, horde.KindAlchemy, 29, ""},
		{"by invitation", 0, 2, true, false, horde.KindImage, 2, horde.WorkerInviteOnly},
		{"by invitation, none", 0, 0, true, false, horde.KindImage, 0, horde.WorkerInviteOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
			n.InviteOnly = func() bool { return tt.closed }
			u := *n.user(t, tt.roles)
			u.WorkerInvited = tt.invited

			for i := range 30 {
				addr := "10.0.0.1"
				if !tt.sameIP {
					addr = fmt.Sprint("10.0.1.", i)
				}

				err := n.mayCreate(t.Context(), &u, horde.KindImage, fmt.Sprint("w", i), "", addr)
				if code := horde.CodeOf(err); err != nil {
					if code != tt.code || i != tt.most {
						t.Errorf("worker %d: %v, want %s with %d", i, err, tt.code, tt.most)
					}
					if !strings.Contains(err.Error(), fmt.Sprintf("can run %d", tt.most)) &&
						!strings.Contains(err.Error(), fmt.Sprintf("may run %d", tt.most)) {
						t.Errorf("the refusal does not name %d: %v", tt.most, err)
					}
					return
				}

				if tt.code == "" && i == tt.most {
					return
				}

				row := store.Worker{ID: horde.NewID(), Kind: tt.kind, UserID: u.ID, Name: fmt.Sprint("w", i), Addr: addr,
					Settings: "{}"}
				insert(t, n, row)
			}

			t.Error("30 workers, and no end")
		})
	}
}

// TestOneNameMakesOneWorker: one name makes one worker, on two nodes too, and
// limits hold against many names at once.
func TestOneNameMakesOneWorker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
		}
		u := nodes[0].user(t, 0)
		other := nodes[0].user(t, 0)
		var wg sync.WaitGroup
		ids := make([]string, 24)
		for i := range ids {
			wg.Go(func() {
				if i%6 == 5 { // somebody else wants the name
					o, err := nodes[i%len(nodes)].CheckInImage(t.Context(), other, pop("Tower"), "10.0.0.1")
					if err == nil {
						ids[i] = o.Worker.ID
					} else if horde.CodeOf(err) != horde.WrongCredentials {
						t.Error(err)
					}
					return
				}
				o, err := nodes[i%len(nodes)].CheckInImage(t.Context(), u, pop("Tower"), "10.0.0.1")
				if err == nil {
					ids[i] = o.Worker.ID
				} else if horde.CodeOf(err) != horde.WrongCredentials {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) != 1 {
			t.Errorf("one name made the workers %v", ids)
		}
		all := must(nodes[0].Store.WorkersSince(t.Context(), 0, 1000))
		if len(all) != 1 {
			t.Errorf("%d rows", len(all))
		}

		v := nodes[0].user(t, 0)
		var made atomic.Int64
		for i := range 12 {
			wg.Go(func() {
				_, err := nodes[i%len(nodes)].CheckInImage(t.Context(), v, pop(fmt.Sprint("Many ", i)), fmt.Sprint("10.0.2.", i))
				if err == nil {
					made.Add(1)
				} else if horde.CodeOf(err) != horde.TooManyWorkers {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != untrustedWorkers+1 {
			t.Errorf("an untrusted user made %d workers at once", made.Load())
		}
		// The last of them is known to every node, though there is no room for another.
		for _, n := range nodes {
			for _, w := range must(n.Store.WorkersSince(t.Context(), 0, 1000)) {
				if w.UserID != v.ID {
					continue
				}
				if _, err := n.CheckInImage(t.Context(), v, pop(w.Name), w.Addr); err != nil {
					t.Errorf("worker %q comes again: %v", w.Name, err)
				}
			}
		}
	})
}

// TestCheckInsAreStoredNowAndThen: within 30 s of a full check-in nothing is stored, once the
// worker is older than that; models, friends and require_upfront_kudos are those
// of each pop all the same.
func TestCheckInsAreStoredNowAndThen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		u := n.user(t, 0)
		stored := func() Settings { return n.ByName("Tower").Settings }

		with := func(pixels int, models ...string) api.ImagePop {
			p := pop("Tower", models...)
			p.MaxPixels = &pixels
			return p
		}

		n.checkIn(t, u, with(1000))
		c.Advance(time.Second)
		n.checkIn(t, u, with(2000)) // young: stored at once
		if got := stored().MaxPixels; got != 2000 {
			t.Errorf("young worker: max_pixels %d", got)
		}

		c.Advance(29500 * time.Millisecond) // 30.5 s old, 29.5 s after the check-in
		yes := true
		p := with(3000, "Deliberate", "no such model")
		p.RequireUpfrontKudos, p.PriorityUsernames = &yes, []string{"a#77"}
		o := n.checkIn(t, u, p)
		if s := stored(); s.MaxPixels != 2000 || !slices.Equal(s.Models, []string{catalog.Sketch}) {
			t.Errorf("debounced, but stored: %+v", s)
		}

		if o.Worker.Settings.MaxPixels != 2000 {
			t.Error("the offer has settings that were not stored")
		}

		if _, friend := o.PriorityUsers[77]; !slices.Equal(o.ModelList, []string{"Deliberate"}) || !o.RequireKudos ||
			!friend {
			t.Errorf("the offer is not that of this pop: %+v", o)
		}

		row := must(n.Store.WorkerByName(t.Context(), "Tower"))
		if row.LastCheckIn != c.Micros()-29_500_000 {
			t.Error("the check-in was moved")
		}

		c.Advance(500 * time.Millisecond)
		n.checkIn(t, u, with(4000, "Deliberate"))
		if s := stored(); s.MaxPixels != 4000 || !slices.Equal(s.Models, []string{"Deliberate"}) {
			t.Errorf("30 s later: %+v", s)
		}

		again := newNode2(t, n)
		if w := again.ByName("Tower"); w == nil || w.Settings.MaxPixels != 4000 || w.Owner == nil || w.Owner.ID != u.ID {
			t.Errorf("read again: %+v", w)
		}
	})
}

// newNode2 is another fleet on the same store.
func newNode2(t testing.TB, n *node) *node {
	f, err := New(context.Background(), n.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &node{Fleet: f, clock: n.clock, house: n.house}
}

func TestAPopHasDefaults(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	o := n.checkIn(t, n.user(t, 0),
		api.ImagePop{Name: "  <b>T</b>\x00 ", Models: []string{"nope", catalog.Sketch, catalog.Sketch}})
	want := Settings{BridgeAgent: "unknown:0:unknown", Threads: 1, Models: []string{catalog.Sketch}, NSFW: true,
		MaxPixels: 262144, AllowImg2Img: true,
		AllowPainting: true, AllowUnsafeIP: true, AllowPostProcessing: true}
	if fmt.Sprint(o.Worker.Settings) != fmt.Sprint(want) {
		t.Errorf("%+v", o.Worker.Settings)
	}
	if o.Amount != 1 || o.RequireKudos || len(o.PriorityUsers) != 1 {
		t.Errorf("%+v", o)
	}
	long := pop("long")
	for range 300 {
		long.Blacklist = append(long.Blacklist, strings.Repeat("Ä", 20))
	}
	s := n.checkIn(t, n.user(t, 0), long).Worker.Settings
	if len(s.Blacklist) != 200 || s.Blacklist[0] != strings.Repeat("ä", 15) {
		t.Errorf("blacklist of %d words, the first %q", len(s.Blacklist), s.Blacklist[0])
	}
}

// TestAWorkerIsGoneAfterItsLastPop: a worker is gone 300 s after its last pop.
func TestAWorkerIsGoneAfterItsLastPop(t *testing.T) {
	t.Parallel()
	c := hordetest.NewClock()
	n := newNode(t, storetest.On(t, storetest.SQLite), c)
	u := n.user(t, 0)
	p := pop("Tower")
	threads := 3
	p.Threads = &threads
	n.checkIn(t, u, p)
	n.checkIn(t, u, pop("Attic"))
	c.Advance(300 * time.Second)
	if w, th := n.Count(horde.KindImage); w != 2 || th != 4 {
		t.Errorf("%d workers, %d threads", w, th)
	}

	c.Advance(time.Microsecond)
	if w, _ := n.Count(horde.KindImage); w != 0 {
		t.Errorf("%d workers after 300 s", w)
	}

	n.checkIn(t, u, p)
	if w, th := n.Count(horde.KindImage); w != 1 || th != 3 {
		t.Errorf("%d workers, %d threads after one came back", w, th)
	}

	if w, _ := n.Count(horde.KindText); w != 0 {
		t.Errorf("%d scribes", w)
	}

	if own := n.Owned(u.ID); len(own) != 2 || own[0].Name != "Tower" {
		t.Errorf("owned: %v", own)
	}
}

// TestUptimeIsPaidByModels: more than 600 s of uptime are worth 50 kudos and 2 for each model,
// 30 more with LoRAs; all of it in escrow for untrusted owners.
func TestUptimeIsPaidByModels(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		trusted, stranger := n.user(t, account.Trusted), n.user(t, 0)
		yes := true
		p, q := pop("A", "Deliberate", catalog.Sketch), pop("B")
		p.AllowLora = &yes
		balance := func(u *account.User) (spendable, escrow horde.Kudos) {
			a := must(n.Store.Account(t.Context(), u.ID))
			return a.Balance, a.Escrow
		}

		step := func(d time.Duration) {
			c.Advance(d)
			n.checkIn(t, trusted, p)
			n.checkIn(t, stranger, q)
		}

		step(0)
		for range 10 {
			step(time.Minute)
		}

		if b, e := balance(trusted); b != 0 || e != 0 {
			t.Errorf("after exactly 600 s: %s, %s", b, e)
		}

		step(time.Minute)
		if b, e := balance(trusted); b != horde.Whole(84) || e != 0 {
			t.Errorf("trusted owner has %s, escrow %s", b, e)
		}

		if b, e := balance(stranger); b != 0 || e != horde.Whole(52) {
			t.Errorf("untrusted owner has %s, escrow %s", b, e)
		}

		if w := n.ByName("A"); w.Totals.UptimeKudos != horde.Whole(84) || w.Totals.Kudos != horde.Whole(84) ||
			w.Totals.Uptime != 660 {
			t.Errorf("%+v", w.Totals)
		}

		// Whoever comes back from being stale begins anew.
		for range 10 {
			step(time.Minute)
		}

		step(301 * time.Second)
		for range 10 {
			step(time.Minute)
		}

		if b, _ := balance(trusted); b != horde.Whole(84) {
			t.Errorf("paid for an absence: %s", b)
		}

		step(time.Minute)
		if b, _ := balance(trusted); b != horde.Whole(168) {
			t.Errorf("second reward: %s", b)
		}

		// So does one in maintenance, and a paused one.
		set(t, n, "A", func(w *store.Worker) { w.Maintenance = true })
		set(t, n, "B", func(w *store.Worker) { w.Paused = true })
		for range 30 {
			step(time.Minute)
		}

		if b, _ := balance(trusted); b != horde.Whole(168) {
			t.Errorf("paid in maintenance: %s", b)
		}

		if _, e := balance(stranger); e != horde.Whole(104) {
			t.Errorf("paid a paused worker: %s", e)
		}

		if a := must(n.Store.Audit(t.Context())); !a.Sound() {
			t.Errorf("%+v", a)
		}
	})
}

func set(t testing.TB, n *node, name string, f func(*store.Worker)) {
	t.Helper()
	id := n.ByName(name).ID
	if err := n.Store.Write(t.Context(),
		store.Unit{Workers: []string{id},
			Do: func(tx *store.Tx) error { _, err := tx.ChangeWorker(id, f); return err }}); err != nil {
		t.Fatal(err)
	}
}

func TestOneUptimeIsPaidOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
		}

		u := nodes[0].user(t, account.Trusted)
		nodes[0].checkIn(t, u, pop("Tower"))

		for i := range 61 {
			c.Advance(10 * time.Second)
			if i < 60 {
				nodes[0].checkIn(t, u, pop("Tower"))
				continue
			}

			var wg sync.WaitGroup
			for k := range 16 {
				wg.Go(func() {
					if _, err := nodes[k%len(nodes)].CheckInImage(t.Context(), u, pop("Tower"), "10.0.0.1"); err != nil {
						t.Error(err)
					}
				})
			}

			wg.Wait()
		}

		c.Advance(30 * time.Second)
		nodes[0].checkIn(t, u, pop("Tower"))
		if a := must(nodes[0].Store.Account(t.Context(), u.ID)); a.Balance != horde.Whole(52) {
			t.Errorf("balance %s, want one reward", a.Balance)
		}
	})
}

// TestNewestSnapshotWins: news of several changes arrive in any order.
func TestNewestSnapshotWins(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	n.checkIn(t, n.user(t, 0), pop("Tower"))
	id := n.ByName("Tower").ID
	var rows []store.Worker
	for i := range 5 {
		err := n.Store.Write(t.Context(), store.Unit{Workers: []string{id}, Do: func(tx *store.Tx) error {
			row, err := tx.ChangeWorker(id, func(w *store.Worker) { w.Totals.Fulfilments++; w.Paused = i == 4 })
			rows = append(rows, row)
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{1, 4, 0, 3, 2} {
		if err := n.put(rows[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	if w := n.Worker(id); w.Totals.Fulfilments != 5 || !w.Paused {
		t.Errorf("an old row took the place of a newer one: %+v", w.Worker)
	}
}

// TestDeliveriesDecodeNoSettings: what a worker declares is decoded when it changes, not
// with each change of its row.
func TestDeliveriesDecodeNoSettings(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)
	old := n.checkIn(t, owner, pop("A")).Worker

	set(t, n, "A", func(w *store.Worker) { w.Totals.Fulfilments++ })
	now := n.ByName("A")
	if now.Totals.Fulfilments != 1 || &now.Settings.Models[0] != &old.Settings.Models[0] {
		t.Errorf("%d deliveries, or the models were decoded again", now.Totals.Fulfilments)
	}

	n.clock.Advance(time.Minute)
	if now := n.checkIn(t, owner, pop("A", "Deliberate")).Worker; !now.Offers("Deliberate") {
		t.Errorf("still offers %v", now.Settings.Models)
	}
}

func TestSpeedIsTheMeanOfTheLastJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   horde.Kind
		speeds []float64
		want   float64
	}{
		{horde.KindImage, nil, 1_000_000}, {horde.KindText, nil, 1}, {horde.KindImage, []float64{0, 0}, 1_000_000},
		{horde.KindImage, []float64{1, 2}, 1.5},
	} {
		t.Run(fmt.Sprint(tt.kind, tt.speeds), func(t *testing.T) {
			w := &Worker{Worker: store.Worker{Kind: tt.kind, Totals: store.WorkerTotals{Speeds: tt.speeds}}}
			if got := w.Speed(); got != tt.want {
				t.Errorf("%v: %v", tt, got)
			}
		})
	}
}

// A long name is cut and remembered against its owner, unless that is somebody
// trusted (platform §6.5).
func TestALongNameIsCutAndRemembered(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	for _, tt := range []struct {
		length     int
		roles      account.Role
		suspicions []int
	}{
		{100, 0, nil},
		{101, 0, []int{account.SuspicionName}},
		{200, 0, []int{account.SuspicionName}},
		{201, 0, []int{account.SuspicionName, account.SuspicionExtreme}},
		{201, account.Trusted, nil},
	} {
		t.Run(fmt.Sprint(tt.length, " ", tt.roles), func(t *testing.T) {
			u := n.user(t, tt.roles)
			name := u.Alias() + strings.Repeat("é", tt.length-len(u.Alias()))
			for range 2 { // the name finds its worker again
				o := n.checkIn(t, u, pop(name))
				if got := o.Worker.Totals.Suspicions; !slices.Equal(got, tt.suspicions) || o.Worker.Name != clip(name, 100) ||
					o.Worker.Paused {
					t.Errorf("%d characters: %q, suspicions %v", tt.length, o.Worker.Name, got)
				}
				if u = must(n.Accounts.ByID(t.Context(), u.ID)); u.Suspicions != len(tt.suspicions) {
					t.Errorf("%d characters: %d suspicions of the owner", tt.length, u.Suspicions)
				}
			}
		})
	}
}

// TestAFirstPopSucceedsThoughItsNewsFail: the first pop of a worker succeeds, though what was
// committed of it could not be brought into memory.
func TestAFirstPopSucceedsThoughItsNewsFail(t *testing.T) {
	t.Parallel()
	c := hordetest.NewClock()
	h := hordetest.Open(t, storetest.On(t, storetest.SQLite), c)
	h.Store.Follow(func(_ context.Context, changed *store.Changes) error {
		if len(changed.Workers) > 0 {
			return errors.New("a read that failed")
		}
		return nil
	})
	f, err := New(t.Context(), Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog, Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}

	o, err := f.CheckInImage(t.Context(), h.User(t, "u", 0).User, pop("fresh"), "10.0.0.1")
	if err != nil || o.Worker.Name != "fresh" {
		t.Errorf("first pop: %+v, %v", o, err)
	}
}
