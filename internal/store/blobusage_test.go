package store_test

import (
	"slices"
	"testing"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestBlobUsageIsSharedByProcesses: each writes its own sums, newer ones in place of older
// ones, and reads those of the others, which are summed up.
func TestBlobUsageIsSharedByProcesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		// One after the other, as SQLite has one process at a time.
		write := func(usage ...store.BlobUsage) {
			t.Helper()
			s := db.Open()
			for range 2 {
				err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.SetBlobUsage(usage) }})
				if err != nil {
					t.Fatal(err)
				}
			}
			if others, err := s.BlobUsageOfOthers(t.Context(), 1000); err != nil || len(others) > 0 {
				t.Errorf("others: %v, %v", others, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		write()

		var many []store.BlobUsage
		for i := range int64(45) {
			many = append(many, store.BlobUsage{UserID: 7, Slot: 100 + i, Bytes: i})
		}
		write(many...)
		write(store.BlobUsage{UserID: 7, Slot: 144, Bytes: 6}, store.BlobUsage{UserID: 8, Slot: 99, Bytes: 1})

		s := db.Open()
		got, err := s.BlobUsageOfOthers(t.Context(), 143)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b store.BlobUsage) int { return int(a.Slot - b.Slot) })
		want := []store.BlobUsage{{UserID: 7, Slot: 143, Bytes: 43}, {UserID: 7, Slot: 144, Bytes: 50}}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}

		err = s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.PruneBlobUsage(144) }})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.BlobUsageOfOthers(t.Context(), 0); err != nil || len(got) != 1 || got[0].Bytes != 50 {
			t.Errorf("after pruning: %v, %v", got, err)
		}
	})
}
