package store_test

import (
	"context"
	"errors"
	"testing"

	"horde/internal/horde"

	"github.com/google/go-cmp/cmp"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// anonymous makes the user 0.
func anonymous(tx *store.Tx) error {
	_, err := tx.InsertUser(store.User{ID: 0, Username: "Anonymous", OAuthID: "anon", KeyHash: "anon"}, 0)
	return err
}

func TestFiltersAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := db.Open()
		write := func(do func(*store.Tx) error) {
			t.Helper()
			if err := s.Write(ctx, store.Unit{Do: do}); err != nil {
				t.Fatal(err)
			}
		}

		write(anonymous)
		insert := func(f store.Filter) (id int64) {
			write(func(tx *store.Tx) (err error) {
				id, err = tx.InsertFilter(f)
				return err
			})
			return id
		}

		about := "first"
		first := store.Filter{Type: 10, Regex: "a\nb'\"\\", Description: &about, Replacement: "é", AuthorID: 0, EditorID: 0}
		first.ID = insert(first)
		second := insert(store.Filter{Type: 20, Regex: "x", AuthorID: 7, EditorID: 7})
		got, err := s.Filter(ctx, first.ID)
		first.Created, first.Changed, first.Editor = got.Created, got.Changed, "Anonymous"
		if diff := cmp.Diff(first, got); diff != "" || err != nil || got.Created == 0 {
			t.Errorf("read: %v %s", err, diff)
		}

		if all, err := s.Filters(ctx); err != nil || len(all) != 2 || all[0].ID != first.ID || all[1].Description != nil ||
			all[1].Editor != "" {
			t.Errorf("all: %+v %v", all, err)
		}

		write(func(tx *store.Tx) error {
			all, err := tx.Filters()
			if err != nil {
				return err
			}
			all[1].Regex, all[1].Type, all[1].EditorID = "y", 11, 0
			return tx.UpdateFilter(all[1])
		})

		if got, err := s.Filter(ctx, second); err != nil || got.Regex != "y" || got.Type != 11 || got.AuthorID != 7 ||
			got.EditorID != 0 {
			t.Errorf("updated: %+v %v", got, err)
		}

		write(func(tx *store.Tx) error { return tx.DeleteFilter(second) })
		if _, err := s.Filter(ctx, second); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}

		if third := insert(store.Filter{Type: 10, Regex: "z"}); third <= second {
			t.Errorf("id %d was given a second time", third)
		}
	})
}

func TestRefusedPromptsAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := db.Open()
		write := func(do func(*store.Tx) error) {
			t.Helper()
			if err := s.Write(ctx, store.Unit{Do: do}); err != nil {
				t.Fatal(err)
			}
		}

		write(anonymous)
		for _, p := range []store.RefusedPrompt{{ID: "1", UserID: 0, Prompt: "a"}, {ID: "2", UserID: 5, Prompt: "b"},
			{ID: "3", UserID: 0, Prompt: "c"}} {
			write(func(tx *store.Tx) error { return tx.InsertRefusedPrompt(p) })
		}

		list := func(user horde.UserID, limit, offset int) (texts string) {
			t.Helper()
			found, err := s.RefusedPrompts(ctx, user, limit, offset)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range found {
				texts += p.Prompt
			}
			return texts
		}

		for _, c := range []struct {
			user          horde.UserID
			limit, offset int
			want          string
		}{{-1, 10, 0, "cba"}, {0, 10, 0, "ca"}, {5, 10, 0, "b"}, {9, 10, 0, ""}, {-1, 1, 1, "b"}} {
			if got := list(c.user, c.limit, c.offset); got != c.want {
				t.Errorf("%+v: %q", c, got)
			}
		}

		found, err := s.RefusedPrompts(ctx, 0, 1, 0)
		if err != nil || found[0].Username != "Anonymous" || found[0].Created == 0 {
			t.Errorf("%+v %v", found, err)
		}

		write(func(tx *store.Tx) error { return tx.PruneRefusedPrompts(found[0].Created) })
		if got := list(-1, 10, 0); got != "c" {
			t.Errorf("after pruning: %q", got)
		}
	})
}
