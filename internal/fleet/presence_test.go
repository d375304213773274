package fleet

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// insert writes workers behind the fleet's back, as another program would.
func insert(t testing.TB, n *node, rows ...store.Worker) {
	t.Helper()
	err := n.Store.Write(context.Background(), store.Unit{Do: func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.InsertWorker(row); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWorkersAwayAreReadWhenAskedFor: a worker that has been away for long takes no memory,
// and nobody sees that: it is found by id and name, listed with its owner and team, changed,
// keeps its name, and comes back with its next pop.
func TestWorkersAwayAreReadWhenAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		u, ctx := n.user(t, account.Trusted), t.Context()
		w := n.checkIn(t, u, pop("Tower")).Worker
		team := must(n.CreateTeam(ctx, u, api.TeamInput{Name: ptr("Builders")}))
		must(n.Modify(ctx, u, w, api.ModifyWorker{Team: &team.ID}))

		type seen struct {
			details, named api.WorkerDetails
			owned          []string
			team           api.TeamDetails
		}
		look := func() seen {
			byName := must(n.FindByName(ctx, "Tower"))
			if byName == nil {
				t.Fatal("no worker of this name")
			}
			return seen{
				details: n.Details(must(n.Find(ctx, w.ID)), account.Oversight),
				named:   n.Details(byName, account.Public),
				owned:   must(n.OwnedIDs(ctx, u.ID)),
				team:    must(n.Team(ctx, team.ID)),
			}
		}
		n.clock.Advance(keptAway + time.Minute)
		before := look()
		if !before.named.Online && len(before.owned) == 1 && before.team.WorkerCount == 1 {
			n.Forget(nil)
		}
		if n.Worker(w.ID) != nil || n.ByName("Tower") != nil || len(n.Owned(u.ID)) != 0 || n.held != (roomTaken{}) {
			t.Fatalf("still in memory: %+v, %+v", n.held, before)
		}
		if diff := cmp.Diff(before, look(), cmp.AllowUnexported(seen{})); diff != "" {
			t.Error(diff)
		}

		// A change, which all nodes hear of, brings it back to nobody's memory.
		must(n.Modify(ctx, u, must(n.Find(ctx, w.ID)), api.ModifyWorker{Info: ptr("away")}))
		if err := n.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		if got := look(); n.Worker(w.ID) != nil || got.details.Info == nil || *got.details.Info != "away" {
			t.Errorf("after a change: %+v, in memory: %v", got, n.Worker(w.ID) != nil)
		}

		// Its name stays its own, and so does its place among its owner's.
		other := n.user(t, 0)
		_, err := n.CheckInImage(ctx, other, pop("Tower"), "10.0.0.2")
		refused(t, err, horde.WrongCredentials)
		_, err = n.CheckInText(ctx, u, textPop("Tower", "m"), "10.0.0.1")
		refused(t, err, horde.PolymorphicNameConflict)

		again := n.checkIn(t, u, pop("Tower")).Worker
		if again.ID != w.ID || again.Created != w.Created || again.Info != "away" || n.Worker(w.ID) == nil ||
			!n.Worker(w.ID).Online(horde.MicrosOf(n.clock.Now())) || again.Owner == nil {
			t.Errorf("back with %+v", again)
		}
		if ids := must(n.OwnedIDs(ctx, u.ID)); !slices.Equal(ids, []string{w.ID}) {
			t.Errorf("owned: %v", ids)
		}
	})
}

// TestWorkersAwayCountForTheirOwner: who may run four has as many, though they are away.
func TestWorkersAwayCountForTheirOwner(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	u := n.user(t, 0)
	for i := range untrustedWorkers + 1 {
		n.checkIn(t, u, pop(fmt.Sprint("w", i)))
	}
	n.clock.Advance(keptAway + time.Minute)
	n.Forget(nil)

	_, err := n.CheckInImage(t.Context(), u, pop("one more"), "10.0.0.1")
	refused(t, err, horde.TooManyWorkers)
	if err := n.RemoveOwned(t.Context(), u.ID); err != nil || len(must(n.OwnedIDs(t.Context(), u.ID))) != 0 {
		t.Errorf("not all are removed: %v", err)
	}
}

// TestWorkersAwayMakeRoom: of workers that are not there only so much is kept, those that
// left last; those that are there or have a job in hand stay.
func TestWorkersAwayMakeRoom(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	now := horde.MicrosOf(n.clock.Now())
	row := func(i int, seen horde.Micros) store.Worker {
		return store.Worker{ID: horde.NewID(), Kind: horde.KindImage, UserID: 7, Name: fmt.Sprint("w", i), Addr: "10.0.0.9",
			LastCheckIn: seen, Settings: "{}"}
	}

	there := row(0, now)
	last, first := row(1, now-horde.MicrosIn(staleAfter+time.Minute)), row(2, now-horde.MicrosIn(time.Hour))
	busy := row(3, now-horde.MicrosIn(time.Hour+time.Minute))
	rows := []store.Worker{there, first, last, busy}
	for i := range maxAway / (workerBytes + len("{}")) {
		rows = append(rows, row(10+i, now-horde.MicrosIn(time.Hour)+1))
	}
	for _, r := range rows {
		if err := n.put(r, nil); err != nil {
			t.Fatal(err)
		}
	}

	n.Forget(map[string]bool{busy.ID: true})
	if n.Worker(there.ID) == nil || n.Worker(last.ID) == nil || n.Worker(first.ID) != nil {
		t.Errorf("there: %v, the last: %v, the first: %v",
			n.Worker(there.ID) != nil, n.Worker(last.ID) != nil, n.Worker(first.ID) != nil)
	}
	if n.Worker(busy.ID) == nil {
		t.Error("one with a job in hand is gone")
	}
	if n.held.short > maxAway+3*workerBytes {
		t.Errorf("%d bytes", n.held.short)
	}
}

// TestWorkersAtOneAddressHaveABound: accounts cost nothing, so many of them have workers for
// nothing. Those of trusted accounts and of others elsewhere find room.
func TestWorkersAtOneAddressHaveABound(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	now := horde.MicrosOf(n.clock.Now())
	fill := func(addr string, bytes int) {
		t.Helper()
		for range bytes / (workerBytes + len("{}")) {
			id := horde.NewID()
			if err := n.put(store.Worker{ID: id, Name: id, Kind: horde.KindImage, UserID: 7, Addr: addr,
				LastCheckIn: now, Settings: "{}"}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	try := func(name string, u *account.User, addr string) horde.Code {
		t.Helper()
		_, err := n.CheckInImage(t.Context(), u, pop(name), addr)
		if err != nil && horde.CodeOf(err) == "" {
			t.Fatal(err)
		}
		return horde.CodeOf(err)
	}

	stranger, trusted := n.user(t, 0), n.user(t, account.Trusted)
	if code := try("early", stranger, "10.0.0.1"); code != "" {
		t.Fatal(code)
	}
	fill("10.0.0.1", maxAtAddress)
	for _, tt := range []struct {
		what, name string
		owner      *account.User
		addr       string
		want       horde.Code
	}{
		{"one more of a stranger", "late", stranger, "10.0.0.1", horde.ServerBusy},
		{"one that is there", "early", stranger, "10.0.0.1", ""},
		{"one of a trusted account", "trusted", trusted, "10.0.0.1", ""},
		{"one elsewhere", "late", stranger, "10.0.0.2", ""},
	} {
		if code := try(tt.name, tt.owner, tt.addr); code != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, code, tt.want)
		}
	}

	fill("10.0.0.3", shortDeclarations-n.held.short)
	if code := try("full", trusted, "10.0.0.4"); code != horde.ServerBusy {
		t.Errorf("in a full horde: %q", code)
	}
}

// BenchmarkAway measures what a worker takes in memory that has been away for a day.
func BenchmarkAway(b *testing.B) {
	const workers = 100_000
	clock := hordetest.NewClock()
	db := storetest.On(b, storetest.SQLite)
	n := newNode(b, db, clock)
	owner := n.user(b, 0)
	text := settingsText(Settings{
		BridgeAgent: "AI Horde Worker reGen:10.0.0:https://github.com/Haidra-Org/horde-worker-reGen",
		Threads:     2,
		Models:      []string{catalog.Sketch, "AlbedoBase XL (SDXL)", "Deliberate", "Dreamshaper"},
		Blacklist:   []string{"one", "another"},
	})
	seen := horde.MicrosOf(clock.Now().Add(-24 * time.Hour))
	for part := range slices.Chunk(make([]store.Worker, workers), 1000) {
		for i := range part {
			id := horde.NewID()
			part[i] = store.Worker{ID: id, Name: "worker " + id, Kind: horde.KindImage, UserID: owner.ID, Created: seen,
				LastCheckIn: seen, Addr: "10.0.0.1", Settings: text}
		}
		insert(b, n, part...)
	}

	for b.Loop() {
		before := heap()
		f, err := New(context.Background(), n.Config)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/workers, "B/worker")
		runtime.KeepAlive(f)
	}
}

func refused(t *testing.T, err error, code horde.Code) {
	t.Helper()
	if horde.CodeOf(err) != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
