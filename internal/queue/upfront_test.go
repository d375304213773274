package queue

import (
	"context"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// dearAsk is a request that needs its kudos upfront.
func dearAsk(p hordetest.Person) ImageRequest {
	a := ask(p, 2)
	a.Body.Params.Width, a.Body.Params.Height, a.Body.Params.Steps = ptr(1024), ptr(1088), ptr(30)
	return a
}

func (n *node) setBalance(t testing.TB, p hordetest.Person, amount horde.Kudos) {
	t.Helper()
	err := n.Store.Write(t.Context(), store.Unit{Accounts: []horde.UserID{p.ID}, Do: func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "test:"+horde.NewID(), "test", "", "")
		if err := e.SetBalance(p.ID, amount); err != nil {
			return err
		}
		return e.Commit()
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) record(t testing.TB, id string) *record {
	t.Helper()
	e, err := n.find(context.Background(), n.images, id, "Status")
	if err != nil {
		t.Fatal(err)
	}
	return &e.record
}

// TestKudosUpfrontAreThoseAboveTheFloor: a request that needs its kudos upfront is taken when they are
// above the account's floor and not held for another, to the hundredth; what is
// held is what the dry run says (generation §1.5 step 5).
func TestKudosUpfrontAreThoseAboveTheFloor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		n := newNode(t, db, hordetest.NewClock())
		rich := n.person(t, false, 10_000)
		dry := dearAsk(rich)
		dry.Body.DryRun = ptr(true)
		answer, err := n.Accept(ctx, dry)
		if err != nil {
			t.Fatal(err)
		}
		price := horde.KudosOf(float64(answer.DryRun.Kudos))

		anonymous, err := n.Accounts.ByID(ctx, horde.AnonymousID)
		if err != nil {
			t.Fatal(err)
		}
		github, githubKey, err := n.Accounts.Create(ctx, account.NewUser{Username: "registered", OAuthID: "g_1"})
		if err != nil {
			t.Fatal(err)
		}
		key, alias, err := n.Accounts.Register(ctx, "pseudonym")
		if err != nil {
			t.Fatal(err)
		}
		pseudonym, err := n.Accounts.ByKey(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name  string
			p     hordetest.Person
			floor int64
		}{{"registered", hordetest.Person{User: github, Key: githubKey}, 25},
			{alias, hordetest.Person{User: pseudonym, Key: key}, 14},
			{"anonymous", hordetest.Person{User: anonymous, Key: api.AnonymousKey}, -50}} {
			n.setBalance(t, c.p, horde.Whole(c.floor)+price-1)
			_, err := n.Accept(ctx, dearAsk(c.p))
			wantCode(t, c.name+", a hundredth short", err, horde.KudosUpfront)
			poor := dearAsk(c.p)
			poor.Body.DryRun = ptr(true)
			_, err = n.Accept(ctx, poor)
			wantCode(t, c.name+", dry run", err, horde.KudosUpfront)
			if m := n.money(t, c.p); m.Held != 0 || m.Balance != horde.Whole(c.floor)+price-1 {
				t.Errorf("%s: a refusal moved kudos: %+v", c.name, m)
			}

			n.setBalance(t, c.p, horde.Whole(c.floor)+price)
			id := n.accept(t, dearAsk(c.p))
			if m := n.money(t, c.p); m.Held != price-horde.Whole(3) || !n.record(t, id).Held || kudos.Spendable(m) != 0 {
				t.Errorf("%s: held %v of %v, %v left", c.name, m.Held, price, kudos.Spendable(m))
			}
			_, err = n.Accept(ctx, dearAsk(c.p))
			wantCode(t, c.name+", a second one", err, horde.KudosUpfront)
			n.accept(t, ask(c.p, 1)) // what needs nothing upfront is taken all the same
		}
	})
}

// TestWhoCannotPayUpfrontGetsASmallerRequest: who is poor and allows it gets a smaller request, without a hold;
// who is not poor gets what was asked for.
func TestWhoCannotPayUpfrontGetsASmallerRequest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	poor, rich := n.person(t, false, 26), n.person(t, false, 10_000)
	allowed := func(p hordetest.Person, edit func(*api.ImageRequest)) ImageRequest {
		a := dearAsk(p)
		a.Body.AllowDowngrade = ptr(true)
		edit(&a.Body)
		return a
	}
	same := func(*api.ImageRequest) {}

	id := n.accept(t, allowed(poor, func(b *api.ImageRequest) { b.SlowWorkers = ptr(false) }))
	if r := n.record(t, id); r.Held || r.Image.Pixels() > 1024*1024 || !r.Image.SlowWorkers || r.Image.Steps != 30 {
		t.Errorf("of the poor: held %v, %d×%d, %d steps", r.Held, r.Image.Width, r.Image.Height, r.Image.Steps)
	}
	if live, err := n.Store.Requests(ctx, []string{id}); err != nil || live[0].Priority != 26 {
		t.Errorf("it waits with priority %d, want the balance; %v", live[0].Priority, err)
	}
	id = n.accept(t, allowed(rich, same))
	if r := n.record(t, id); !r.Held || r.Image.Height != 1088 {
		t.Errorf("of the rich: held %v, %d×%d", r.Held, r.Image.Width, r.Image.Height)
	}

	// A worker list that needs kudos upfront cannot be downgraded away.
	worker := n.offer(t, rich, pop("w")).Worker.ID
	n.modes.UpfrontOnWorkerList = true
	n.setBalance(t, poor, horde.Whole(15)) // one above the floor
	listed := func(edit func(*api.ImageRequest)) ImageRequest {
		a := ask(poor, 1)
		a.Body.AllowDowngrade, a.Body.Workers = ptr(true), []string{worker}
		edit(&a.Body)
		return a
	}
	_, err := n.Accept(ctx, listed(same))
	wantCode(t, "for named workers", err, horde.KudosUpfront)
	n.modes.UpfrontOnWorkerList = false
	n.accept(t, listed(same))

	// Texts: fewer tokens.
	text := TextRequest{From: From{Key: poor.Key}, Body: api.TextRequest{Prompt: "x",
		Params: &api.TextParams{MaxLength: ptr(1000), MaxContextLength: ptr(2048)}}}
	_, err = n.AcceptText(ctx, text)
	wantCode(t, "a long text", err, horde.KudosUpfront)
	text.Body.AllowDowngrade = ptr(true)
	got, err := n.AcceptText(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	e, err := n.find(ctx, n.texts, got.Accepted.ID, "Status")
	if err != nil || e.record.Text.MaxLength != 512 || e.record.Held {
		t.Errorf("of a long text: %+v, %v", e.record.Text, err)
	}
}

// TestABusyHordeGivesLessForNothing: the busier the horde, the smaller what needs no kudos; the load
// is taken as it was counted for a minute.
func TestABusyHordeGivesLessForNothing(t *testing.T) {
	t.Parallel()
	c := hordetest.NewClock()
	n := newNode(t, storetest.On(t, storetest.SQLite), c)

	poor := n.person(t, false, 26)
	large := func() error {
		a := ask(poor, 1)
		a.Body.Params.Width, a.Body.Params.Height = ptr(960), ptr(960)
		_, err := n.Accept(t.Context(), a)
		return err
	}
	if err := large(); err != nil {
		t.Fatal(err)
	}

	for range 10 { // 200 jobs leave 1024 − 181 pixels
		n.accept(t, ask(n.person(t, false, 26), 20))
	}

	if err := large(); err != nil {
		t.Errorf("before it was counted again: %v", err)
	}

	c.Advance(time.Minute + time.Second)
	wantCode(t, "on a busy horde", large(), horde.KudosUpfront)
	worker := n.person(t, true, 0)
	p := pop("w")
	p.Threads = ptr(50)
	n.offer(t, worker, p)
	c.Advance(time.Minute + time.Second)
	if err := large(); err != nil {
		t.Errorf("with many threads: %v", err)
	}
}

// TestARequestStartsWithTheBalance: a request starts with the balance before the tax, or that
// of the key's owner (generation §5.1).
func TestARequestStartsWithTheBalance(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	anonymous, err := n.Accounts.ByID(ctx, horde.AnonymousID)
	if err != nil {
		t.Fatal(err)
	}

	alice, flagged, poor := n.person(t, false, 777), n.person(t, false, 123_456), n.person(t, false, 30)
	n.become(t, flagged, account.Flagged)
	n.become(t, poor, account.Flagged)
	n.setBalance(t, poor, horde.Whole(10))
	n.setBalance(t, hordetest.Person{User: anonymous, Key: api.AnonymousKey}, horde.Whole(-50))

	for _, c := range []struct {
		name string
		key  string
		want int64
	}{
		{"balance", alice.Key, 777},
		{"after the tax", alice.Key, 774},
		{"by a shared key", n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(100))}), 771},
		{"by a shared key without budget", n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(0))}), -50},
		{"flagged", flagged.Key, 123},
		{"flagged, by a shared key without budget", n.key(t, flagged, account.SharedKeyChange{Kudos: ptr(int64(0))}), 123},
		{"flagged and poor", poor.Key, -100},
		{"anonymous", api.AnonymousKey, -50},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ask(hordetest.Person{Key: c.key}, 1)
			a.Body.AllowDowngrade = ptr(true)
			id := n.accept(t, a)
			if live, err := n.Store.Requests(ctx, []string{id}); err != nil || live[0].Priority != c.want {
				t.Errorf("%s: priority %d, want %d; %v", c.name, live[0].Priority, c.want, err)
			}
		})
	}
}
