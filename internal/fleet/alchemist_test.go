package fleet

import (
	"slices"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestAlchemistsEarnUptimeToSpend: 40 kudos, and to spend at once for untrusted owners too.
func TestAlchemistsEarnUptimeToSpend(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		for _, roles := range []account.Role{0, account.Trusted} {
			u := n.user(t, roles)
			name := horde.NewID()
			for range 12 {
				if _, err := n.CheckInForms(t.Context(), u, api.AlchemyPop{Name: name, Forms: []string{"nsfw"}},
					"10.0.0.1"); err != nil {
					t.Fatal(err)
				}
				c.Advance(time.Minute)
			}
			a, err := n.Store.Account(t.Context(), u.ID)
			if err != nil || a.Balance != horde.Whole(40) || a.Escrow != 0 {
				t.Errorf("%+v %v", a, err)
			}
			if w := n.ByName(name); w.Totals.UptimeKudos != horde.Whole(40) || w.Totals.Kudos != horde.Whole(40) {
				t.Errorf("%+v", w.Totals)
			}
		}
	})
}

// Nobody pays for uptime: what it earns a day is bounded, by account and by address.
func TestUptimeIsBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		bounds := account.Unpaid{Account: horde.Whole(100), Address: horde.Whole(290)}
		n.Accounts = must(account.New(t.Context(), n.Store, account.Config{Clock: c.Now, Unpaid: bounds}))

		const addr = "203.0.113.7"
		form := api.AlchemyPop{Name: "form", Forms: []string{"nsfw"}}
		alchemist, dreamer, last := n.user(t, 0), n.user(t, 0), n.user(t, 0)
		for range 45 {
			_, err := n.CheckInForms(t.Context(), alchemist, form, addr)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range []*account.User{dreamer, last} {
				if _, err := n.CheckInImage(t.Context(), u, pop(u.ID.String()), addr); err != nil {
					t.Fatal(err)
				}
			}
			c.Advance(time.Minute)
		}

		for _, tt := range []struct {
			of                *account.User
			worker            string
			spendable, escrow horde.Kudos
		}{
			{alchemist, "form", horde.Whole(90), 0},
			{dreamer, dreamer.ID.String(), 0, bounds.Account},
			{last, last.ID.String(), 0, bounds.Account},
		} {
			a, w := must(n.Store.Account(t.Context(), tt.of.ID)), n.ByName(tt.worker)
			if a.Balance != tt.spendable || a.Escrow != tt.escrow {
				t.Errorf("the owner of %q has earned %s and %s in escrow", tt.worker, a.Balance, a.Escrow)
			}
			if w.Totals.UptimeKudos != a.Balance+a.Escrow || w.Totals.Kudos != a.Balance+a.Escrow || w.Totals.Uptime < 2600 {
				t.Errorf("the worker %q: %+v", tt.worker, w.Totals)
			}
		}
		if sum := must(n.Store.Audit(t.Context())); !sum.Sound() {
			t.Errorf("%+v", sum)
		}
	})
}

// TestIdleWorkersEarnOneUptime: of an account's workers of a kind, those that have
// delivered nothing within a day earn no uptime beyond the first that is online
// (decision 53).
func TestIdleWorkersEarnOneUptime(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"images", "forms"} {
		t.Run(kind, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) { testIdleWorkers(t, db, kind) })
		})
	}
}

func testIdleWorkers(t *testing.T, db *storetest.DB, kind string) {
	c := hordetest.NewClock()
	n := newNode(t, db, c)
	u := n.user(t, account.Trusted)
	checkIn := func(name string) {
		if kind == "images" {
			n.checkIn(t, u, pop(name))
			return
		}
		pop := api.AlchemyPop{Name: name, Forms: []string{"nsfw"}}
		if _, err := n.CheckInForms(t.Context(), u, pop, "10.0.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	hour := func(names ...string) {
		for range 60 {
			c.Advance(time.Minute)
			for _, name := range names {
				checkIn(name)
			}
		}
	}
	rewards := func(name string) horde.Kudos {
		reward := n.uptimeReward(n.ByName(name).Kind, n.ByName(name).Settings)
		return n.ByName(name).Totals.UptimeKudos / reward
	}
	want := func(what string, first, second, third horde.Kudos) {
		t.Helper()
		if a, b, z := rewards("first"), rewards("second"), rewards("third"); a != first || b != second || z != third {
			t.Errorf("%s: %d, %d and %d rewards, want %d, %d and %d", what, a, b, z, first, second, third)
		}
	}

	all := []string{"first", "second", "third"}
	for _, name := range all {
		checkIn(name)
		c.Advance(time.Second)
	}
	hour(all...)
	want("all are idle", 5, 0, 0)
	if up := n.ByName("third").Totals.Uptime; up < 3500 {
		t.Errorf("an idle worker is said to be up for %d s", up)
	}

	set(t, n, "third", func(w *store.Worker) { w.Totals.Delivered = c.Micros() })
	hour(all...)
	want("the third has delivered", 11, 0, 5)

	c.Advance(time.Hour)
	hour("second", "third")
	want("the first is away", 11, 5, 10)

	c.Advance(24 * time.Hour)
	hour(all...)
	want("the delivery is a day ago", 16, 5, 10)
}

func TestAlchemistsCheckIn(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	u := n.user(t, 0)
	three, nine := 3, 9
	o, err := n.CheckInForms(t.Context(), u,
		api.AlchemyPop{Name: "x", Forms: []string{"nsfw", "caption", "nsfw"}, Threads: &three, Amount: &nine,
			PriorityUsernames: []string{"a#7"}}, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}

	d := n.Details(o.Worker, account.Public)
	_, friend := o.PriorityUsers[7]
	_, own := o.PriorityUsers[u.ID]
	if !slices.Equal(o.Forms, []string{"caption", "nsfw"}) || o.MaxTiles != 80 || o.Amount != 9 || !friend || !own {
		t.Errorf("%+v", o)
	}

	if d.Type != string(horde.KindAlchemy) || !slices.Equal(d.Forms, o.Forms) || d.Models != nil || d.NSFW ||
		d.Threads != 3 ||
		d.BridgeAgent != "unknown:0:unknown" || d.Performance != "No requests fulfilled yet" {
		t.Errorf("%+v", d)
	}

	for name, code := range map[string]horde.Code{"x": horde.PolymorphicNameConflict, "": horde.BadRequest} {
		if _, err := n.CheckInImage(t.Context(), u, pop(name), "10.0.0.1"); horde.CodeOf(err) != code {
			t.Errorf("dreamer %q: %v", name, err)
		}
	}

	n.checkIn(t, u, pop("y"))
	if _, err := n.CheckInForms(t.Context(), u, api.AlchemyPop{Name: "y"},
		"10.0.0.1"); horde.CodeOf(err) != horde.PolymorphicNameConflict {
		t.Error(err)
	}

	if _, err := n.CheckInForms(t.Context(), n.user(t, 0), api.AlchemyPop{Name: "x"},
		"10.0.0.1"); horde.CodeOf(err) != horde.WrongCredentials {
		t.Error(err)
	}
}
