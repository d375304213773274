package fleet

import (
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func ptr[T any](v T) *T { return &v }

// Who may change what of a worker, and how it is refused (platform §3.4).
func TestWhoMayModify(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, mod, stranger := n.user(t, 0), n.user(t, account.Moderator), n.user(t, 0)
	w := n.checkIn(t, owner, pop("worker one")).Worker
	n.checkIn(t, stranger, pop("worker two"))

	long := strings.Repeat("x", 1001)
	for _, c := range []struct {
		name                 string
		in                   api.ModifyWorker
		owner, mod, stranger horde.Code
	}{
		{"maintenance", api.ModifyWorker{Maintenance: ptr(true)}, "", "", horde.NotOwner},
		{"info", api.ModifyWorker{Info: ptr("fine")}, "", "", horde.NotOwner},
		{"profane info", api.ModifyWorker{Info: ptr("fuck this")}, horde.ProfaneWorkerInfo, horde.ProfaneWorkerInfo,
			horde.NotOwner},
		{"long info", api.ModifyWorker{Info: &long}, horde.TooLongWorkerName, horde.TooLongWorkerName, horde.NotOwner},
		{"paused", api.ModifyWorker{Paused: ptr(true)}, horde.NotModerator, "", horde.NotModerator},
		{"name", api.ModifyWorker{Name: ptr("worker uno")}, "", "", horde.NotModerator},
		{"its own name", api.ModifyWorker{Name: ptr("worker uno")}, "", "", horde.NotModerator},
		{"taken name", api.ModifyWorker{Name: ptr("worker two")}, horde.WorkerNameAlreadyExists,
			horde.WorkerNameAlreadyExists, horde.NotModerator},
		{"profane name", api.ModifyWorker{Name: ptr("fuck this")}, horde.ProfaneWorkerName, horde.ProfaneWorkerName,
			horde.NotModerator},
		{"no name", api.ModifyWorker{Name: ptr("\x00\x00\x00\x00\x00")}, horde.BadRequest, horde.BadRequest,
			horde.NotModerator},
		{"no team", api.ModifyWorker{Team: ptr("")}, "", "", horde.NotModerator},
		{"a team", api.ModifyWorker{Team: ptr("nonsense")}, horde.TeamNotFound, horde.TeamNotFound, horde.NotModerator},
		{"a message alone", api.ModifyWorker{MaintenanceMsg: ptr("x")}, horde.NoWorkerModSelected,
			horde.NoWorkerModSelected, horde.NoWorkerModSelected},
		{"nothing", api.ModifyWorker{}, horde.NoWorkerModSelected, horde.NoWorkerModSelected, horde.NoWorkerModSelected},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, who := range []struct {
				caller *account.User
				want   horde.Code
			}{{owner, c.owner}, {mod, c.mod}, {stranger, c.stranger}} {
				_, err := n.Modify(t.Context(), who.caller, n.Worker(w.ID), c.in)
				if horde.CodeOf(err) != who.want || err != nil && who.want == "" {
					t.Errorf("%s by user %d: got %v, want code %q", c.name, who.caller.ID, err, who.want)
				}
			}
		})
	}
}

func TestWhatIsChangedOfAWorkerHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner := n.user(t, 0)
		w := n.checkIn(t, owner, pop("worker one")).Worker
		modify := func(in api.ModifyWorker) (api.ModifiedWorker, *Worker, error) {
			out, err := n.Modify(t.Context(), owner, n.Worker(w.ID), in)
			return out, n.Worker(w.ID), err
		}

		_, now, err := modify(api.ModifyWorker{Maintenance: ptr(true), MaintenanceMsg: ptr("gone <b>fishing</i>")})
		if err != nil || !now.Maintenance || now.MaintenanceMsg != "gone <b>fishing</b>" {
			t.Errorf("maintenance with a text: %+v, %v", now.MaintenanceMsg, err)
		}

		_, now, _ = modify(api.ModifyWorker{Maintenance: ptr(true)})
		if now.MaintenanceMsg != "" {
			t.Errorf("switched again without a text it keeps %q", now.MaintenanceMsg)
		}

		_, now, _ = modify(api.ModifyWorker{Maintenance: ptr(false), MaintenanceMsg: ptr("x")})
		if now.Maintenance || now.MaintenanceMsg != "" {
			t.Errorf("off: %v, %q", now.Maintenance, now.MaintenanceMsg)
		}

		out, now, err := modify(api.ModifyWorker{Info: ptr("well & good"), Name: ptr("worker uno"), Team: ptr("")})
		if err != nil || *out.Info != "well &amp; good" || *out.Name != "worker uno" || *out.Team != "None" ||
			now.Name != "worker uno" {
			t.Errorf("several: %+v, %v", out, err)
		}

		if n.ByName("worker one") != nil || n.ByName("worker uno") != now {
			t.Error("the worker is not found by its new name alone")
		}

		// What stands before a refusal is applied.
		_, now, err = modify(api.ModifyWorker{Maintenance: ptr(true), Paused: ptr(true), Name: ptr("worker dos")})
		if horde.CodeOf(err) != horde.NotModerator || !now.Maintenance || now.Paused || now.Name != "worker uno" {
			t.Errorf("after a refusal: %+v, %v", now.Worker, err)
		}

		// The database says the same.
		if err := n.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}

		if again := n.Worker(w.ID); !again.Maintenance || again.Info != "well &amp; good" || again.Name != "worker uno" {
			t.Errorf("read again: %+v", again.Worker)
		}
	})
}

// A name that another node has just given away is refused like any other field:
// what came before it stays, what comes after it is not done.
func TestFieldsBeforeANameThatIsGoneStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner := n.user(t, 0)
		w, other := n.checkIn(t, owner, pop("worker one")).Worker, n.checkIn(t, owner, pop("worker two")).Worker
		err := n.Store.Write(t.Context(),
			store.Unit{Key: other.ID, Workers: []string{other.ID}, Do: func(tx *store.Tx) error {
				_, err := tx.ChangeWorker(other.ID, func(w *store.Worker) { w.Name = "worker dos" })
				return err
			}})
		if err != nil {
			t.Fatal(err)
		}

		in := api.ModifyWorker{Maintenance: ptr(true), Info: ptr("well"), Name: ptr("worker dos"), Team: ptr("nonsense")}
		_, err = n.Modify(t.Context(), owner, n.Worker(w.ID), in)

		if horde.CodeOf(err) != horde.WorkerNameAlreadyExists {
			t.Errorf("refused with %v", err)
		}
		if err := n.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := n.Worker(w.ID); !now.Maintenance || now.Info != "well" || now.Name != "worker one" {
			t.Errorf("after the refusal: %+v", now.Worker)
		}
	})
}

func TestAnIdleWorkerCanBeDeleted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner, mod, stranger := n.user(t, 0), n.user(t, account.Moderator), n.user(t, 0)
		anon := must(n.Accounts.ByID(t.Context(), horde.AnonymousID))
		w, busy := n.checkIn(t, owner, pop("worker one")).Worker, n.checkIn(t, owner, pop("worker two")).Worker
		job := store.Job{ID: horde.NewID(), RequestID: horde.NewID(), WorkerID: busy.ID}
		if err := n.Store.Write(t.Context(),
			store.Unit{Do: func(tx *store.Tx) error { tx.InsertJob(job); return nil }}); err != nil {
			t.Fatal(err)
		}

		for _, c := range []struct {
			caller *account.User
			w      *Worker
			want   horde.Code
		}{{stranger, w, horde.NotModerator}, {anon, w, horde.NotModerator}, {owner, busy, horde.Locked},
			{mod, busy, horde.Locked}, {owner, w, ""}} {
			if err := n.Delete(t.Context(), c.caller, c.w); horde.CodeOf(err) != c.want || err != nil && c.want == "" {
				t.Errorf("%s by %d: %v, want %q", c.w.Name, c.caller.ID, err, c.want)
			}
		}

		if n.Worker(w.ID) != nil || n.ByName("worker one") != nil || n.Worker(busy.ID) == nil {
			t.Error("the deleted worker is still there, or the busy one is not")
		}

		if o := n.checkIn(t, stranger, pop("worker one")); o.Worker.ID == w.ID || o.Worker.UserID != stranger.ID {
			t.Error("the name is not free again")
		}
	})
}

func TestAWorkerDeletedWhileItPopsIsMadeAnew(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)
	w := n.checkIn(t, owner, pop("worker one")).Worker
	if err := n.Store.Write(t.Context(),
		store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteWorker(w.ID) }}); err != nil {
		t.Fatal(err)
	}
	n.clock.Advance(time.Minute)
	if o := n.checkIn(t, owner, pop("worker one")); o.Worker.ID == w.ID {
		t.Error("the worker lives on without a row")
	}
}

func TestAnotherNodeForgetsADeletedWorker(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	here, there := newNode(t, db, c), newNode(t, db, c)
	owner := here.user(t, 0)
	w := here.checkIn(t, owner, pop("worker one")).Worker
	found, err := there.Find(t.Context(), w.ID) // before any news
	if err != nil || found.Name != "worker one" {
		t.Fatalf("made on another node: %v", err)
	}

	if _, err := here.Modify(t.Context(), owner, w, api.ModifyWorker{Name: ptr("worker uno")}); err != nil {
		t.Fatal(err)
	}

	if err := there.Refresh(t.Context(), []string{w.ID}); err != nil || there.ByName("worker one") != nil ||
		there.ByName("worker uno") == nil {
		t.Errorf("after the new name: %v", err)
	}

	if err := here.Delete(t.Context(), owner, here.Worker(w.ID)); err != nil {
		t.Fatal(err)
	}

	if err := there.Refresh(t.Context(), []string{w.ID}); err != nil || there.Worker(w.ID) != nil ||
		there.ByName("worker uno") != nil {
		t.Errorf("after the deletion: %v", err)
	}

	if _, err := there.Find(t.Context(), w.ID); horde.CodeOf(err) != horde.WorkerNotFound {
		t.Errorf("find: %v", err)
	}
}

// A revision grows when something of a worker changes that whoever hands out jobs looks
// at, and with no other news: these come several times a second.
func TestARevisionGrowsWithWhatMatchingLooksAt(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)

	w := n.checkIn(t, owner, pop("worker one")).Worker
	for _, tt := range []struct {
		name    string
		revises bool
		do      func() error
	}{
		{"no workers changed", false, func() error { return n.Refresh(t.Context(), nil) }},
		{"a worker that is as before", false, func() error { return n.Refresh(t.Context(), []string{w.ID}) }},
		{"a worker that nobody knows", false, func() error { return n.Refresh(t.Context(), []string{horde.NewID()}) }},
		{"all as before", false, func() error { return n.Reload(t.Context()) }},
		{"an owner as before", false, func() error { return n.refreshOwners(t.Context(), []horde.UserID{owner.ID}) }},
		{"an owner without workers", false,
			func() error { return n.refreshOwners(t.Context(), []horde.UserID{n.user(t, account.Trusted).ID}) }},
		{"an owner who is trusted now", true, func() error {
			if _, err := n.Accounts.Modify(t.Context(), n.user(t, account.Moderator), owner.ID,
				api.ModifyUser{Trusted: ptr(true)}); err != nil {
				return err
			}
			return n.refreshOwners(t.Context(), []horde.UserID{owner.ID})
		}},
		{"maintenance", true, func() error {
			return n.change(t.Context(), w.ID,
				func(w *store.Worker) { w.Maintenance = true })
		}},
		{"deleted", true, func() error { return n.remove(t.Context(), w.ID) }},
		{"deleted already", false, func() error { return n.Refresh(t.Context(), []string{w.ID}) }},
	} {
		before := n.Revision()
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if turned := n.Revision() != before; turned != tt.revises {
			t.Errorf("%s: turned %v", tt.name, turned)
		}
	}
}

func TestChangesOfOwnersReachTheirWorkers(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, mod := n.user(t, 0), n.user(t, account.Moderator)
	w := n.checkIn(t, owner, pop("worker one")).Worker
	err := n.change(t.Context(), w.ID, func(w *store.Worker) { w.Paused, w.Totals.Suspicions = true, []int{5, 5} })
	if err != nil {
		t.Fatal(err)
	}

	if _, err := n.Accounts.Modify(t.Context(), mod, owner.ID,
		api.ModifyUser{Trusted: ptr(true), Contact: ptr("a@b.org"), PublicWorkers: ptr(true)}); err != nil {
		t.Fatal(err)
	}

	for _, err := range []error{n.refreshOwners(t.Context(), []horde.UserID{owner.ID, 999}),
		n.Unpause(t.Context(), owner.ID), n.ClearSuspicions(t.Context(), owner.ID)} {
		if err != nil {
			t.Error(err)
		}
	}

	d := n.Details(n.Worker(w.ID), account.Oversight)
	if !d.Trusted || *d.Paused || *d.Suspicious != 0 || *d.Contact != "a@b.org" || *d.IPAddr != "10.0.0.1" {
		t.Errorf("in the eyes of a moderator: %+v", d)
	}

	if d = n.Details(n.Worker(w.ID), account.Public); d.Owner == nil || d.Messages == nil || d.Paused != nil ||
		d.IPAddr != nil || d.Contact != nil || d.Suspicious != nil {
		t.Errorf("a public worker in the eyes of all: %+v", d)
	}

	if err := n.RemoveOwned(t.Context(), owner.ID); err != nil || len(n.Owned(owner.ID)) != 0 {
		t.Errorf("remove all: %v", err)
	}
}

func TestDetailsShowWhatABridgeCan(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)
	p := pop("worker one")
	p.AllowImg2Img, p.AllowPainting, p.AllowLora = ptr(true), ptr(true), ptr(true)
	p.BridgeAgent = "something:1:else"
	w := n.checkIn(t, owner, p).Worker
	d := n.Details(w, account.Public)
	if *d.Img2Img || *d.Painting || !*d.Lora {
		t.Errorf("a bridge that cannot inpaint says img2img %v, painting %v, lora %v", *d.Img2Img, *d.Painting, *d.Lora)
	}

	if d.Performance != "1.0 megapixelsteps per second" || d.KudosDetails.Generated != nil ||
		d.KudosDetails.Uptime != nil || d.Owner != nil || d.Messages != nil || d.Info != nil {
		t.Errorf("a fresh worker: %+v", d)
	}

	err := n.change(t.Context(), w.ID, func(w *store.Worker) {
		w.Totals = store.WorkerTotals{
			Generated: horde.Whole(12), UptimeKudos: horde.Whole(50), Kudos: horde.Whole(62), WorkUnits: 2_400_000,
			Fulfilments: 3, Uncompleted: 1, Uptime: 700, Speeds: []float64{2_000_000, 3_000_000},
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	d = n.Details(n.Worker(w.ID), account.Public)
	if d.Performance != "2.5 megapixelsteps per second" || *d.KudosDetails.Generated != 12 ||
		*d.KudosDetails.Uptime != 50 ||
		d.KudosRewards != 62 || *d.MegapixelstepsDone != 2 || d.RequestsFulfilled != 3 || d.UncompletedJobs != 1 ||
		d.Uptime != 700 {
		t.Errorf("after some work: %+v", d)
	}

	n.clock.Advance(staleAfter + time.Second)
	if n.Details(n.Worker(w.ID), account.Public).Online {
		t.Error("online after 301 s of silence")
	}
}

func TestListsShowWorkersThatAreThere(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)
	n.checkIn(t, owner, pop("Gone"))
	n.clock.Advance(staleAfter + time.Second)
	n.checkIn(t, owner, pop("Older"))
	n.clock.Advance(time.Second)
	n.checkIn(t, owner, pop("newer"))

	for _, c := range []struct {
		l    Listing
		want string
	}{
		{Listing{}, "Older newer"},
		{Listing{Kind: horde.KindImage}, "Older newer"},
		{Listing{Kind: horde.KindText}, ""},
		{Listing{Kind: "nonsense"}, ""},
		{Listing{Name: "NEWER"}, "newer"},
		{Listing{Name: "newer", Kind: horde.KindText}, "newer"},
		{Listing{Name: "gone"}, ""},
	} {
		t.Run(c.want, func(t *testing.T) {
			var names []string
			for _, w := range n.List(c.l) {
				names = append(names, w.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%+v: %q, want %q", c.l, got, c.want)
			}
		})
	}
}
