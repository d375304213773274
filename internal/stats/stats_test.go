package stats_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/stats"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Checks(10)
	os.Exit(m.Run())
}

var noon = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

func newStats(t *testing.T, db *storetest.DB, clock horde.Clock) *stats.Stats {
	t.Helper()
	models, err := catalog.New(catalog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &stats.Stats{Store: db.Open(storetest.Clock(clock)), Catalog: models, Clock: clock}
}

func deliver(t *testing.T, s *stats.Stats, d ...store.Delivery) {
	t.Helper()
	err := s.Store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
		for _, d := range d {
			d.JobID, d.At = horde.NewID(), tx.Now
			tx.Deliver(d)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Which models a listing names, by model_state (platform §3.10).
func TestModelStateChoosesTheModels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newStats(t, db, func() time.Time { return noon })
		deliver(t, s, store.Delivery{Kind: "image", Model: catalog.Sketch}, store.Delivery{Kind: "image", Model: "my own"},
			store.Delivery{Kind: "image", Model: "my own"}, store.Delivery{Kind: "text", Model: "a scribe's"})

		for state, want := range map[string]api.ModelJobs{
			stats.Known:  {catalog.Sketch: 1},
			stats.Custom: {"my own": 2},
			stats.All:    {catalog.Sketch: 1, "my own": 2},
		} {
			t.Run(state, func(t *testing.T) {
				got, err := s.ImageModels(t.Context(), state)
				if diff := cmp.Diff(api.ImageModelTotals{Day: want, Month: want, Total: want}, got); err != nil || diff != "" {
					t.Errorf("%v, want − got +\n%s", err, diff)
				}
			})
		}
		for _, state := range []string{"", "KNOWN", "x"} {
			if _, err := s.ImageModels(t.Context(), state); horde.CodeOf(err) != horde.BadRequest {
				t.Errorf("state %q: %v", state, err)
			}
		}
		if got, err := s.TextModels(t.Context()); err != nil || got.Total["a scribe's"] != 1 || len(got.Total) != 1 {
			t.Errorf("of text generation: %+v, %v", got, err)
		}
	})
}

// Windows slide: what was delivered leaves the minute, the hour, the day and the
// month one after the other, merged or not, and stays in the total.
func TestWindowsSlide(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		now := noon
		s := newStats(t, db, func() time.Time { return now })
		deliver(t, s, store.Delivery{Kind: "image", Model: catalog.Sketch, Asked: 512 * 512 * 30})

		one, none := api.ImagesMade{Images: 1, Pixelsteps: 512 * 512 * 30}, api.ImagesMade{}
		for _, c := range []struct {
			after time.Duration
			want  api.ImageTotals
		}{
			{0, api.ImageTotals{Minute: one, Hour: one, Day: one, Month: one, Total: one}},
			{60 * time.Second, api.ImageTotals{Minute: one, Hour: one, Day: one, Month: one, Total: one}},
			{62 * time.Second, api.ImageTotals{Minute: none, Hour: one, Day: one, Month: one, Total: one}},
			{60 * time.Minute, api.ImageTotals{Minute: none, Hour: one, Day: one, Month: one, Total: one}},
			{62 * time.Minute, api.ImageTotals{Minute: none, Hour: none, Day: one, Month: one, Total: one}},
			{24 * time.Hour, api.ImageTotals{Minute: none, Hour: none, Day: one, Month: one, Total: one}},
			{26 * time.Hour, api.ImageTotals{Minute: none, Hour: none, Day: none, Month: one, Total: one}},
			{30 * 24 * time.Hour, api.ImageTotals{Minute: none, Hour: none, Day: none, Month: one, Total: one}},
			{32 * 24 * time.Hour, api.ImageTotals{Minute: none, Hour: none, Day: none, Month: none, Total: one}},
		} {
			t.Run(c.after.String(), func(t *testing.T) {
				now = noon.Add(c.after)
				for _, when := range []string{"before", "after"} {
					got, err := s.Images(t.Context())
					if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
						t.Errorf("%s merging: %v, want − got +\n%s", when, err, diff)
					}
					if err := s.Merge(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
}

// What was delivered before there were statistics is counted once, from the ledger,
// also when the backfill is interrupted and by whoever goes on with it; what is
// delivered meanwhile counts itself.
func TestTheLedgerIsCountedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		now := noon.Add(-40 * 24 * time.Hour)
		s := newStats(t, db, func() time.Time { return now })
		owner := newOwner(t, s, 3000)

		// 3,000 images and 2,000 text generations, the later half of them this month.
		var early, late []event
		for i := range 5000 {
			e := event{fmt.Sprintf("deliver:%d", i), kudos.ImageDelivered, "stable_diffusion"}
			if i%5 < 2 {
				e.reason, e.model = kudos.TextDelivered, "aphrodite/Marx-3B"
			}
			if i < 2500 {
				early = append(early, e)
			} else {
				late = append(late, e)
			}
		}
		record(t, s, owner, early...)
		now = noon.Add(-3 * time.Hour)
		record(t, s, owner, append(late, event{"uptime:x", "uptime", ""})...)

		now = noon.Add(-10 * time.Minute)
		record(t, s, owner, event{"deliver:just now", kudos.ImageDelivered, "stable_diffusion"})

		now = noon
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		deliver(t, s, store.Delivery{Kind: "image", Model: "stable_diffusion", Asked: 5})
		record(t, s, owner, event{"deliver:new", kudos.ImageDelivered, "stable_diffusion"})

		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Backfill(interrupted); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Begin(t.Context()); err != nil { // a restart
				t.Fatal(err)
			}
			if err := s.Backfill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		images, err := s.Images(t.Context())
		if err != nil || images.Total != (api.ImagesMade{Images: 3002, Pixelsteps: 3000*10_000 + 5}) ||
			images.Month.Images != 1502 ||
			images.Hour.Images != 2 || images.Minute.Images != 1 {
			t.Errorf("images: %+v, %v", images, err)
		}
		models, err := s.TextModels(t.Context())
		if want := (api.TextModelTotals{
			Day:   api.ModelJobs{"aphrodite/Marx-3B": 1000},
			Month: api.ModelJobs{"aphrodite/Marx-3B": 1000},
			Total: api.ModelJobs{"aphrodite/Marx-3B": 2000},
		}); err != nil || cmp.Diff(want, models) != "" {
			t.Errorf("text models: %+v, %v", models, err)
		}
	})
}

// One call of the backfill ends when its time is over, with what it has counted; the
// next one goes on there.
func TestABackfillEndsInTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		now := noon.Add(-time.Hour)
		s := newStats(t, db, func() time.Time { return now })
		owner := newOwner(t, s, 0)
		var events []event
		for i := range 4500 {
			events = append(events, event{fmt.Sprintf("deliver:%d", i), kudos.ImageDelivered, "stable_diffusion"})
		}
		record(t, s, owner, events...)
		now = noon
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{2000, 4000, 4500, 4500} {
			if err := s.BackfillFor(t.Context(), time.Nanosecond); err != nil {
				t.Fatal(err)
			}
			if images, err := s.Images(t.Context()); err != nil || images.Total.Images != want {
				t.Errorf("after %d calls: %+v, %v", i+1, images.Total, err)
			}
		}
	})
}

// newOwner is a user who has contributed so many units of images.
func newOwner(t *testing.T, s *stats.Stats, units int64) (id horde.UserID) {
	t.Helper()
	name := horde.NewID()
	err := s.Store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) (err error) {
		id, err = tx.InsertUser(store.User{ID: -1, OAuthID: name, KeyHash: name}, 0)
		return err
	}})
	if err == nil {
		err = s.Store.Write(t.Context(), store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
			return tx.ChangeAccount(id, func(a *store.Account) { a.Totals.Contribution[store.ImagePlace] = units })
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// event is one of the ledger, as a delivery of a model writes it.
type event struct{ id, reason, model string }

// record writes events of an owner into the ledger.
func record(t *testing.T, s *stats.Stats, owner horde.UserID, events ...event) {
	t.Helper()
	err := s.Store.Write(t.Context(), store.Unit{Accounts: []horde.UserID{owner}, Do: func(tx *store.Tx) error {
		for _, ev := range events {
			e := kudos.NewEntry(tx, ev.id, ev.reason, "", "")
			e.About(kudos.About{Model: ev.model})
			if err := e.Reward(owner, kudos.Earning{Amount: 100, Trusted: true}); err != nil {
				return err
			}
			if err := e.Commit(); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}
