package store_test

import (
	"errors"
	"testing"

	"horde/internal/horde"

	"github.com/google/go-cmp/cmp"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

func timings(t testing.TB, s *store.Store) (all []store.Timing) {
	t.Helper()
	err := s.Timings(t.Context(), func(v store.Timing) error { all = append(all, v); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTimingsAreKeptAndForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		var want []store.Timing
		for hour := range int64(5) {
			for i := range horde.Micros(10) {
				want = append(want, store.Timing{Hour: 100 + hour, Machine: "m", Baseline: "b", Batch: 1,
					Micros: 1 << 40 * (i + 1), Features: "{}"})
			}
		}

		do(t, s, func(tx *store.Tx) error {
			for _, v := range want {
				tx.Time(v)
			}
			return nil
		})

		if diff := cmp.Diff(want, timings(t, s)); diff != "" {
			t.Error(diff)
		}

		stop := errors.New("stop")
		if err := s.Timings(t.Context(), func(store.Timing) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("reading went on: %v", err)
		}

		// A refused unit records nothing.
		_ = s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { tx.Time(want[0]); return stop }})
		for _, c := range []struct {
			before int64
			most   int
			left   int // newest ones
		}{{0, 50, 50}, {101, 50, 40}, {0, 39, 30}, {0, 30, 30}, {104, 1, 0}} {
			do(t, s, func(tx *store.Tx) error { return tx.PruneTimings(c.before, c.most) })
			if diff := cmp.Diff(want[50-c.left:], timings(t, s),
				cmp.Transformer("empty", func(v []store.Timing) []store.Timing {
					return append([]store.Timing{},
						v...)
				})); diff != "" {
				t.Errorf("%+v: %s", c, diff)
			}
		}
	})
}
