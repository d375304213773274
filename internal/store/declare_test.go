package store_test

import (
	"errors"
	"testing"

	"horde/internal/horde"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestAnUndeclaredRowIsAnErrorOfItsOwn: a unit that uses a row which it has not declared fails with an
// error of its own, even when it ignores it and when another unit of the batch has
// declared the row. A declared row that is not there is missing.
func TestAnUndeclaredRowIsAnErrorOfItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		a, b := user(t, s, "a"), user(t, s, "b")
		key := store.SharedKey{ID: "0d3ad2b8-6a5d-4a4f-8f0c-3b6b6f1a8a11", UserID: a}
		do(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.InsertWorker(store.Worker{ID: "w", Name: "w", Settings: "{}"}), tx.InsertSharedKey(key))
		})

		for name, use := range map[string]func(*store.Tx) error{
			"account":        func(tx *store.Tx) error { _, err := tx.Account(a); return err },
			"change account": add(a, 1),
			"change worker":  func(tx *store.Tx) error { _, err := tx.ChangeWorker("w", func(*store.Worker) {}); return err },
			"unknown worker": func(tx *store.Tx) error {
				_, err := tx.ChangeWorker("none", func(*store.Worker) {})
				return err
			},
			"join a team":      func(tx *store.Tx) error { _, err := tx.JoinTeam("w", ""); return err },
			"shared key":       func(tx *store.Tx) error { _, err := tx.SharedKey(key.ID); return err },
			"ignore the error": func(tx *store.Tx) error { _, _ = tx.Account(a); return nil },
		} {
			t.Run(name, func(t *testing.T) {
				declared := store.Unit{Key: "1", Accounts: []horde.UserID{a, b}, Workers: []string{"w"}, Do: add(b, 1)}
				results := together(t, s, declared, store.Unit{Key: "2", Accounts: []horde.UserID{b}, Do: use})
				if results[0] != nil || !errors.Is(results[1], store.ErrUndeclared) || errors.Is(results[1], store.ErrNotFound) {
					t.Errorf("with a unit that declared the row: %v, without: %v", results[0], results[1])
				}
			})
		}

		if got := must[*store.Account](t)(s.Account(t.Context(), b)).Balance; got != 7 {
			t.Errorf("the units that declared their rows added %d, want 7", got)
		}
		err := s.Write(t.Context(), store.Unit{Workers: []string{"none"}, Do: func(tx *store.Tx) error {
			_, err := tx.ChangeWorker("none", func(*store.Worker) {})
			return err
		}})
		if !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUndeclared) {
			t.Errorf("a declared worker that is not there: %v", err)
		}
	})
}
