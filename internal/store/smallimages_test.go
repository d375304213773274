package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestSmallImages: they are read as they were written, also by the next process, and go by
// their names or their age.
func TestSmallImages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		s := db.Open()
		write := func(do func(*store.Tx) error) {
			t.Helper()
			if err := s.Write(t.Context(), store.Unit{Do: do}); err != nil {
				t.Fatal(err)
			}
		}
		data := func(i int) []byte { return bytes.Repeat([]byte{0, 255, byte(i)}, 10+i*500) }

		var names []string
		write(func(tx *store.Tx) error {
			names = names[:0]
			for i := range 45 {
				names = append(names, fmt.Sprintf("%d.webp", i))
				if err := tx.PutSmallImage(names[i], data(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		s = db.Open()
		sizes, err := s.SmallImageSizes(t.Context())
		if err != nil || len(sizes) != len(names) {
			t.Fatalf("%d images, %v", len(sizes), err)
		}
		for _, size := range sizes {
			got, err := s.SmallImage(t.Context(), size.Name)
			var i int
			if _, scan := fmt.Sscanf(size.Name, "%d.webp", &i); scan != nil {
				t.Fatal(scan)
			}
			if err != nil || !bytes.Equal(got.Data, data(i)) || size.Bytes != int64(len(got.Data)) ||
				got.Created != size.Created {
				t.Errorf("%s has %d bytes, said to be %d, created %d and %d: %v",
					size.Name, len(got.Data), size.Bytes, got.Created, size.Created, err)
			}
		}

		write(func(tx *store.Tx) error { return tx.DeleteSmallImages(append(names[:40:40], "none.webp")) })
		if _, err := s.SmallImage(t.Context(), names[39]); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a removed image: %v", err)
		}

		write(func(tx *store.Tx) error { return tx.PutSmallImage(names[44], data(1)) })
		if got, err := s.SmallImage(t.Context(), names[44]); err != nil || !bytes.Equal(got.Data, data(1)) {
			t.Errorf("an image that was replaced: %d bytes, %v", len(got.Data), err)
		}
		write(func(tx *store.Tx) error { return tx.DeleteSmallImages(names[44:]) })

		before := sizes[0].Created
		for _, want := range []struct {
			before horde.Micros
			left   int
		}{{before, 4}, {before + 1, 0}} {
			write(func(tx *store.Tx) error { return tx.PruneSmallImages(want.before) })
			if left, err := s.SmallImageSizes(t.Context()); err != nil || len(left) != want.left {
				t.Errorf("%d are left, want %d, %v", len(left), want.left, err)
			}
		}
	})
}
