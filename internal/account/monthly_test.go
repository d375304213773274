package account

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/patron"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestAMonthEndsWithinTheNextOne(t *testing.T) {
	for from, want := range map[string]string{
		"2026-11-24T12:00:00Z": "2026-12-24T12:00:00Z", "2026-12-31T23:59:59Z": "2027-01-31T23:59:59Z",
		"2027-01-31T01:02:03Z": "2027-02-28T01:02:03Z",
		"2028-01-30T00:00:00Z": "2028-02-29T00:00:00Z", "2027-02-28T00:00:00Z": "2027-03-28T00:00:00Z",
		"2027-03-31T00:00:00Z": "2027-04-30T00:00:00Z",
	} {
		t.Run(from, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, from)
			if err != nil {
				t.Fatal(err)
			}
			if got := monthAfter(at).Format(time.RFC3339); got != want {
				t.Errorf("a month after %s: %s, want %s", from, got, want)
			}
		})
	}
}

// pay pays what is due and returns who got it.
func (w *world) pay() []horde.UserID {
	w.t.Helper()
	paid, err := w.PayMonthly(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return paid
}

func (w *world) support(s Source, list ...patron.Supporter) (users, unknown int) {
	w.t.Helper()
	users, unknown, err := w.SetSupporters(w.t.Context(), s, list)
	if err != nil {
		w.t.Fatal(err)
	}
	return users, unknown
}

// The calendar of monthly kudos: at once what was added by hand, everything else a
// calendar month after the last time, one month at a time (platform §9).
func TestMonthlyKudosFollowTheCalendar(t *testing.T) {
	each(t, func(w *world) {
		root := w.user("root", Moderator|Trusted, 1000)
		alice, bob, carol := w.user("alice", 0, 1000), w.user("bob", 0, 1000), w.user("carol", 0, 1000)
		w.support(Patreon, patron.Supporter{User: bob.Alias(), Monthly: 10_000})

		grant := func(n int64) {
			t.Helper()
			if _, err := w.Modify(t.Context(), root, alice.ID, api.ModifyUser{MonthlyKudos: &n}); err != nil {
				t.Fatal(err)
			}
		}

		begin := w.now
		month := func(n int, d time.Duration) time.Time { return begin.AddDate(0, n, 0).Add(d) }

		has := func(what string, rootHas, aliceHas, bobHas float64) {
			t.Helper()
			for u, want := range map[*User]float64{root: rootHas, alice: aliceHas, bob: bobHas, carol: 1000} {
				if got := w.balance(u); got != want {
					t.Errorf("%s: %s has %v, want %v", what, u.Alias(), got, want)
				}
			}
		}

		grant(500)
		has("given by hand", 1000, 1500, 1000)
		w.pay()
		has("the first time", 301_000, 1500, 11_000)
		w.pay()
		has("again", 301_000, 1500, 11_000)
		grant(100)
		has("raised", 301_000, 1600, 11_000)
		grant(-300)
		has("lowered", 301_000, 1600, 11_000)
		w.now = month(1, 0)
		w.pay()
		has("to the moment", 301_000, 1600, 11_000)
		w.now = month(1, time.Second)
		w.pay()
		has("a month later", 601_000, 1900, 21_000)
		if got := w.again(alice); got.MonthlyReceived != horde.MicrosOf(month(1, 0)) {
			t.Errorf("alice was paid for %s", got.MonthlyReceived.Time())
		}

		// Bob is no patron any more; two months were missed.
		w.support(Patreon)
		w.now = month(3, time.Hour)
		w.pay()
		has("two months missed", 901_000, 2200, 21_000)
		w.pay()
		has("the other of them", 1_201_000, 2500, 21_000)
		w.pay()
		has("nothing is left", 1_201_000, 2500, 21_000)
		d, err := w.Details(t.Context(), w.again(alice), Oversight)
		if err != nil || d.MonthlyKudos.Amount != 300 || d.MonthlyKudos.LastReceived != "Wed, 24 Feb 2027 12:00:00 -0000" ||
			d.KudosDetails.Recurring.Sum != 1500 {
			t.Errorf("%+v %+v, %v", d.MonthlyKudos, d.KudosDetails, err)
		}

		if m := w.history(root, "", 1).Movements[0]; m.Text != "Monthly kudos for February 2027" || m.Amount != 300_000 ||
			m.Parts[0].What != "moderator" {
			t.Errorf("%+v", m)
		}

		w.sound()
	})
}

// A month is paid once, also when all nodes pay at the same time, and when the
// date of the last time is lost.
func TestAMonthIsPaidOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := newWorld(t, db)
		mod := w.user("mod", Moderator, 1000)

		nodes := []*Accounts{w.Accounts}
		if db.Engine == storetest.Postgres {
			s := db.Open(func(o *store.Options) { o.Clock = w.config.Clock })
			other, err := New(context.Background(), s, w.config)
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, other)
		}

		var paid atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				got, err := nodes[i%len(nodes)].PayMonthly(context.Background())
				if err != nil {
					t.Error(err)
				}
				paid.Add(int64(len(got)))
			})
		}

		wg.Wait()
		if got := w.balance(mod); got != 301_000 || paid.Load() != 1 {
			t.Errorf("%v after %d payments", got, paid.Load())
		}

		db.Exec("UPDATE users SET monthly_received = 0")
		if got := w.pay(); len(got) != 0 || w.balance(mod) != 301_000 {
			t.Errorf("paid again: %v, %v", got, w.balance(mod))
		}

		w.now = w.now.AddDate(0, 1, 1)
		if got := w.pay(); len(got) != 1 || w.balance(mod) != 601_000 {
			t.Errorf("the month after: %v, %v", got, w.balance(mod))
		}

		w.sound()
	})
}

// Who a supporter is, and what becomes of one who is none any more.
func TestSupportersAreWhoTheServicesSay(t *testing.T) {
	each(t, func(w *world) {
		alice, bob, carol, dora := w.user("alice", 0, 0), w.user("bob", 0, 0), w.user("carol", 0, 0), w.user("dora", 0, 0)
		contact := func(u *User, mail string) {
			t.Helper()
			if _, err := w.Modify(t.Context(), u, u.ID, api.ModifyUser{Contact: &mail}); err != nil {
				t.Fatal(err)
			}
		}

		contact(bob, "Bob@example.org")
		contact(carol, "shared@example.org")
		contact(dora, "shared@example.org")

		is := func(what string, u *User, isPatron bool, total int64) {
			t.Helper()
			if now := w.again(u); now.Patron != isPatron || now.MonthlyTotal() != total {
				t.Errorf("%s: %s: patron %v, %d a month", what, u.Alias(), now.Patron, now.MonthlyTotal())
			}
		}

		users, unknown := w.support(Patreon,
			patron.Supporter{User: "Alice of old#1", Monthly: 10_000}, patron.Supporter{User: "1", Monthly: 20_000},
			patron.Supporter{User: "carol#3"},
			patron.Supporter{User: "77", Monthly: 1}, patron.Supporter{User: "nobody", Monthly: 1},
			patron.Supporter{User: "0", Monthly: 1})
		if users != 2 || unknown != 3 {
			t.Errorf("%d users, %d unknown", users, unknown)
		}

		users, unknown = w.support(Stripe, patron.Supporter{Email: "bob@EXAMPLE.org", Monthly: 75_000},
			patron.Supporter{User: "1", Email: "bob@example.org", Monthly: 5},
			patron.Supporter{Email: "shared@example.org", Monthly: 75_000}, patron.Supporter{Email: "x@example.org", Monthly: 1})
		if users != 2 || unknown != 2 {
			t.Errorf("Stripe: %d users, %d unknown", users, unknown)
		}

		is("both", alice, true, 30_005)
		is("by e-mail", bob, false, 75_000)
		is("with a pledge that is worth nothing", carol, true, 0)
		is("with the e-mail of two", dora, false, 0)
		w.support(Patreon, patron.Supporter{User: "3", Monthly: 10_000})
		is("no patron any more", alice, false, 5)
		is("by Stripe still", bob, false, 75_000)
		is("more", carol, true, 10_000)
		w.support(Stripe)
		is("nothing", alice, false, 0)
		is("nothing", bob, false, 0)
		d, err := w.Details(t.Context(), w.again(carol), Oversight)
		if err != nil || d.MonthlyKudos.Amount != 10_000 {
			t.Errorf("%+v %v", d.MonthlyKudos, err)
		}

		// What others change of a user leaves the support alone.
		yes := true
		if _, err := w.Modify(t.Context(), carol, carol.ID, api.ModifyUser{PublicWorkers: &yes}); err != nil {
			t.Fatal(err)
		}

		is("changed", carol, true, 10_000)
	})
}
