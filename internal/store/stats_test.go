package store_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// statsSpans are the spans of store.Windows, by how they are rounded.
var statsSpans = []struct{ length, grain horde.Micros }{
	{store.Minute, store.Second}, {store.Hour, store.Minute}, {store.Day, store.Hour}, {store.Month, store.Day},
	{math.MaxInt64, 1},
}

// reckon sums up deliveries one by one, as a reference for Stats and ModelStats.
func reckon(all []store.Delivery, now horde.Micros) (w store.Windows, models []store.ModelWindows) {
	byModel := map[string]*store.ModelWindows{}
	spans := []*store.Tally{&w.Minute, &w.Hour, &w.Day, &w.Month, &w.Total}
	for _, d := range all {
		m := byModel[d.Model]
		if m == nil {
			m = &store.ModelWindows{Model: d.Model}
			byModel[d.Model] = m
		}

		counts := []*int64{nil, nil, &m.Day, &m.Month, &m.Total}
		for i, span := range statsSpans {
			if from := now - span.length; d.At >= from-from%span.grain {
				spans[i].Jobs++
				spans[i].WorkUnits += d.Asked
				if counts[i] != nil {
					*counts[i]++
				}
			}
		}
	}

	for _, m := range byModel {
		models = append(models, *m)
	}

	slices.SortFunc(models, func(a, b store.ModelWindows) int { return strings.Compare(a.Model, b.Model) })
	return w, models
}

// After any mix of deliveries on several nodes, refused units, merges and time that
// passes, every window is the sum of what was delivered in it.
func TestStatsAreTheDeliveries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		var clock atomic.Int64
		now := func() time.Time { return time.UnixMicro(clock.Load()) }
		nodes := []*store.Store{db.Open(storetest.Clock(now))}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, db.Open(storetest.Clock(now)))
		}
		rapid.Check(t, func(rt *rapid.T) {
			db.Exec("DELETE FROM stats")
			db.Exec("DELETE FROM stats_buckets")
			db.Exec("DELETE FROM deliveries")
			clock.Store(time.Date(2026, 8, 1, 12, 0, 3, 500_000_000, time.UTC).UnixMicro())

			var delivered []store.Delivery
			for i := range rapid.IntRange(1, 60).Draw(rt, "steps") {
				node := nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "node")]
				switch rapid.SampledFrom([]string{"deliver", "deliver", "deliver", "refused", "merge", "seconds", "minutes",
					"hours", "days"}).Draw(rt, "step") {
				case "deliver":
					d := store.Delivery{
						JobID: fmt.Sprint(i), Kind: "image", Model: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "model"),
						At: horde.Micros(clock.Load()), Asked: rapid.Int64Range(0, 1<<40).Draw(rt, "asked"),
					}
					if err := node.Write(t.Context(),
						store.Unit{Do: func(tx *store.Tx) error { tx.Deliver(d); return nil }}); err != nil {
						rt.Fatal(err)
					}
					delivered = append(delivered, d)
				case "refused":
					_ = node.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
						tx.Deliver(store.Delivery{JobID: fmt.Sprint(i), Kind: "image", Model: "a", At: horde.Micros(clock.Load()),
							Asked: 7})
						return store.ErrLost
					}})
				case "merge":
					merge(rt, node)
				case "seconds":
					clock.Add(rapid.Int64Range(1, 90).Draw(rt, "s") * int64(store.Second))
				case "minutes":
					clock.Add(rapid.Int64Range(1, 90).Draw(rt, "min") * int64(store.Minute))
				case "hours":
					clock.Add(rapid.Int64Range(1, 30).Draw(rt, "h") * int64(store.Hour))
				case "days":
					clock.Add(rapid.Int64Range(1, 40).Draw(rt, "d") * int64(store.Day))
				}
			}

			want, wantModels := reckon(delivered, horde.Micros(clock.Load()))
			for _, n := range nodes {
				got, err := n.Stats(t.Context(), "image", horde.Micros(clock.Load()))
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					rt.Fatalf("%v, want − got +\n%s", err, diff)
				}
				models, err := n.ModelStats(t.Context(), "image", horde.Micros(clock.Load()))
				if diff := cmp.Diff(wantModels, models); err != nil || diff != "" {
					rt.Fatalf("%v, want − got +\n%s", err, diff)
				}
			}
			if w, err := nodes[0].Stats(t.Context(), "text", horde.Micros(clock.Load())); err != nil || w != (store.Windows{}) {
				rt.Fatalf("of the other kind: %+v, %v", w, err)
			}
		})
	})
}

func merge(t interface{ Fatal(...any) }, s *store.Store) {
	if err := s.MergeStats(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkStats reads the statistics after 10³ and 10⁷ finished jobs of 200 models
// within two months.
func BenchmarkStats(b *testing.B) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		for _, jobs := range []int64{1e3, 1e7} {
			b.Run(fmt.Sprintf("%s/jobs=%d", engine, jobs), func(b *testing.B) {
				var clock atomic.Int64
				clock.Store(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
				s := storetest.On(b, engine).Open(storetest.Clock(func() time.Time { return time.UnixMicro(clock.Load()) }))

				// 10⁷ jobs in 1,000 transactions are counted as 10³ are, several at once.
				const units = 1000
				for i := range int64(units) {
					write(b, s, store.Unit{Do: func(tx *store.Tx) error {
						for j := range jobs / units {
							tx.Count("image", fmt.Sprint("model ", (i+j)%200), horde.Micros(clock.Load()),
								store.Tally{Jobs: 1, WorkUnits: 1})
						}
						return nil
					}})
					clock.Add(int64(60 * store.Day / units))
					if i%50 == 0 {
						merge(b, s)
					}
				}
				merge(b, s)
				if w, err := s.Stats(context.Background(), "image", horde.Micros(clock.Load())); err != nil ||
					w.Total.Jobs != jobs {
					b.Fatalf("%d jobs were counted: %+v, %v", jobs, w, err)
				}

				for b.Loop() {
					if _, err := s.Stats(context.Background(), "image", horde.Micros(clock.Load())); err != nil {
						b.Fatal(err)
					}
					if _, err := s.ModelStats(context.Background(), "image", horde.Micros(clock.Load())); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
