package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"horde/internal/horde"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// BenchmarkWrite measures units that lock one of 64 accounts, change it and insert
// a row, from so many goroutines at once; each has to be on the disk.
func BenchmarkWrite(b *testing.B) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		for _, workers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", engine, workers), func(b *testing.B) {
				s := storetest.On(b, engine).Open()
				ids := make([]horde.UserID, 64)
				for i := range ids {
					ids[i] = user(b, s, fmt.Sprint(i))
				}

				var next atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()

				for range workers {
					wg.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							id := ids[i%64]
							write(b, s, store.Unit{Key: fmt.Sprint(i), Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
								tx.InsertJob(store.Job{ID: fmt.Sprint("j", i)})
								return add(id, 1)(tx)
							}})
						}
					})
				}

				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}

// BenchmarkChanges measures what each commit asks about its changes before anybody is
// told of them.
func BenchmarkChanges(b *testing.B) {
	c := &store.Changes{Requests: store.IDs[string]{"id"}}
	b.ReportAllocs()
	for b.Loop() {
		if store.IsNone(c) || !store.IsLight(c) {
			b.Fatal("a request's change is told without asking the database")
		}
	}
}
