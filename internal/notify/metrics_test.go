package notify

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestBacklogIsMeasured: the metrics say how many webhooks wait and for how long one is
// overdue, as it was read last: whoever asks for them asks nothing of the database.
func TestBacklogIsMeasured(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		clock, figures := hordetest.NewClock(), prometheus.NewRegistry()
		s := db.Open(storetest.Clock(clock.Now))
		n, err := New(Options{Store: s, Secret: []byte("k"), Clock: clock.Now, Metrics: figures})
		if err != nil {
			t.Fatal(err)
		}
		write := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := s.Write(t.Context(), store.Unit{Do: do}); err != nil {
				t.Fatal(err)
			}
		}
		want := func(waiting, oldest float64) {
			t.Helper()
			if err := n.readBacklog(t.Context()); err != nil {
				t.Fatal(err)
			}
			w, o := gauge(t, figures, "horde_webhooks_waiting"), gauge(t, figures, "horde_webhooks_oldest_seconds")
			if w != waiting || o != oldest {
				t.Errorf("%v wait, the oldest for %v s; want %v, %v s", w, o, waiting, oldest)
			}
		}

		want(0, 0)
		hook := store.Webhook{Kind: "image", Address: "https://hook.example/", Host: "hook.example", Body: "1"}
		write(func(tx *store.Tx) error {
			for _, id := range []string{"a", "b", "c"} {
				hook.ID = id
				tx.InsertWebhook(hook)
			}
			return nil
		})
		clock.Advance(time.Minute)
		want(3, 60)

		// One is given up, one is to be called again, and the last one is being called.
		due, err := s.DueWebhooks(t.Context(), horde.MicrosOf(clock.Now()), 10, 10)
		if err != nil || len(due) != 3 {
			t.Fatal(due, err)
		}
		later := horde.MicrosOf(clock.Now().Add(time.Hour))
		write(func(tx *store.Tx) error {
			gone, again := store.Webhook{ID: "a", Due: due[0].Due}, store.Webhook{ID: "b", Due: due[1].Due}
			if err := tx.FailWebhook(&gone, store.WebhookFailure{Error: "x", Dead: true}); err != nil {
				return err
			}
			if err := tx.FailWebhook(&again, store.WebhookFailure{Error: "x", Due: later}); err != nil {
				return err
			}
			_, err := tx.ClaimWebhook(due[2], later)
			return err
		})
		want(2, 0)

		// Without a database the last figures stand.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if w := gauge(t, figures, "horde_webhooks_waiting"); w != 2 {
			t.Errorf("%v wait without a database", w)
		}
	})
}

// gauge is the value of a metric without labels.
func gauge(t *testing.T, figures prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := figures.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
