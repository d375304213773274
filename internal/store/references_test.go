package store_test

import (
	"errors"
	"testing"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

func put(t *testing.T, s *store.Store, v store.Reference) (changed bool) {
	t.Helper()
	do(t, s, func(tx *store.Tx) (err error) {
		changed, err = tx.PutReference(v)
		return err
	})
	return changed
}

func TestCopiesOfReferencesAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		if _, err := s.Reference(ctx, "image"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no copy: %v", err)
		}

		text := store.Reference{Slot: "text", Source: "b", Digest: "2", Models: 2, Fetched: 2, Changed: 2,
			Document: `{"ü": "\u0000"}`}
		first := store.Reference{Slot: "image", Source: "a", Digest: "1", Models: 1, Fetched: 1, Changed: 1, Document: "{}"}
		if !put(t, s, text) || !put(t, s, first) {
			t.Error("a first copy is no change")
		}

		same := first
		same.Source, same.Fetched, same.Changed, same.Document = "c", 5, 5, "ignored"
		if put(t, s, same) {
			t.Error("the same digest is a change")
		}

		same.Changed, same.Document = 1, "{}"
		if got := must[store.Reference](t)(s.Reference(ctx, "image")); got != same {
			t.Errorf("after the same again: %+v", got)
		}

		other := store.Reference{Slot: "image", Source: "d", Digest: "3", Models: 3, Fetched: 9, Changed: 9, Document: "[]"}
		if !put(t, s, other) {
			t.Error("another digest is no change")
		}

		list := must[[]store.Reference](t)(s.References(ctx))
		other.Document, text.Document = "", ""
		if len(list) != 2 || list[0] != other || list[1] != text {
			t.Errorf("listed: %+v", list)
		}

		do(t, s, func(tx *store.Tx) error { return tx.DeleteReference("image") })
		if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
			return tx.DeleteReference("image")
		}}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}

		if list := must[[]store.Reference](t)(s.References(ctx)); len(list) != 1 {
			t.Errorf("left: %+v", list)
		}
	})
}

// TestNodesHearOfNewReferences: other nodes hear of new documents alone, and also from a
// store that does not watch, once it has announced itself.
func TestNodesHearOfNewReferences(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	a, b := db.Open(), db.Open()
	f := follow(t, a)
	if err := b.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}

	heard := func(what string) {
		t.Helper()
		f.until(t, what, func() bool { return f.heard.References })
		f.mu.Lock()
		f.heard.References = false
		f.mu.Unlock()
	}

	v := store.Reference{Slot: "image", Digest: "1", Document: "{}"}
	put(t, b, v)
	heard("the first")
	put(t, b, v)
	u := user(t, b, "x")
	f.until(t, "what came after the same again", func() bool { return len(f.heard.Users) > 0 && f.heard.Users[0] == u })
	if f.heard.References {
		t.Error("the same document is news")
	}

	do(t, b, func(tx *store.Tx) error { return tx.DeleteReference("image") })
	heard("the deletion")
}
