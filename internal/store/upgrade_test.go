package store_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"testing"

	"horde/internal/horde"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestTheLedgerIsUpgradedBesideOlderNodes: what a program of before has booked is all there in the
// new schema, with its times, and a node of before goes on booking while others
// have the new schema already.
func TestTheLedgerIsUpgradedBesideOlderNodes(t *testing.T) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			o, run, prepare := before(t, engine, 42)
			run("INSERT INTO users (id, username, oauth_id, key_hash, created) VALUES (7, 'seven', 'o', 'k', 1)")
			run("INSERT INTO accounts (user_id, balance, escrow) VALUES (7, 300, 5)")

			insert := prepare("INSERT INTO ledger_postings (account, event_id, amount) VALUES ($1, $2, $3)")
			book := func(event string, at horde.Micros, postings map[string]int64) {
				t.Helper()
				run("INSERT INTO ledger_events (id, reason, created) VALUES ($1, 'r', $2)", event, at)
				for account, n := range postings {
					if _, err := insert.ExecContext(t.Context(), account, event, n); err != nil {
						t.Fatalf("%s: %v", event, err)
					}
				}
			}

			book("b", 1000, map[string]int64{"user:7": 100, "escrow:7": 5, "mint": -105})
			book("a", 2000, map[string]int64{"user:7": 200, "mint": -200})
			s := must[*store.Store](t)(store.Open(t.Context(), o))
			defer s.Close()

			check := func(want ...string) {
				t.Helper()
				if a := must[store.Audit](t)(s.Audit(t.Context())); !a.Sound() {
					t.Errorf("%+v", a)
				}

				_, found, err := s.History(t.Context(), 7, store.Place{}, 9)
				if err != nil || len(found) != len(want) {
					t.Fatalf("%+v %v", found, err)
				}

				for i, m := range found {
					if m.Event.ID != want[i] || m.At != horde.Micros(int64(len(want)-i)*1000) {
						t.Errorf("%d: %+v", i, m)
					}
				}
			}

			check("a", "b")
			book("c", 3000, map[string]int64{"user:7": 1, "mint": -1})
			run("UPDATE accounts SET balance = balance + 1 WHERE user_id = 7")
			do(t, s, func(tx *store.Tx) error { _, err := tx.DatePostings(); return err })
			check("c", "a", "b")
		})
	}
}

// before makes a database as a program of an older schema leaves it. run is that
// program, which goes on writing when others have the new schema already.
func before(
	t *testing.T, engine string, version int64,
) (o store.Options, run func(q string, args ...any), prepare func(q string) *sql.Stmt) {
	t.Helper()
	o = store.Options{Folder: t.TempDir()}
	driver, address, dialect := "sqlite", "file:"+o.Folder+"/horde.db", goose.DialectSQLite3
	if engine == storetest.Postgres {
		o.URL = storetest.EmptyPostgresURL(t)
		driver, address, dialect = "pgx", o.URL, goose.DialectPostgres
	}

	old, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { old.Close() })
	old.SetMaxOpenConns(1)
	files, err := fs.Sub(store.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}

	p, err := goose.NewProvider(dialect, old, files)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}

	run = func(q string, args ...any) {
		t.Helper()
		if _, err := old.ExecContext(t.Context(), q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}

	prepare = func(q string) *sql.Stmt {
		t.Helper()
		st, err := old.PrepareContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}

	return o, run, prepare
}

// TestSharedKeysAreUpgradedBesideOlderNodes: keys of before have nothing set aside, and a node of
// before goes on making and spending them while others have the new schema. What it
// leaves behind is found.
func TestSharedKeysAreUpgradedBesideOlderNodes(t *testing.T) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			o, run, _ := before(t, engine, 44)
			run("INSERT INTO users (id, username, oauth_id, key_hash, created) VALUES (7, 'seven', 'o', 'k', 1)")
			run("INSERT INTO accounts (user_id) VALUES (7)")
			insert := func(id string) {
				t.Helper()
				run("INSERT INTO shared_keys (id, user_id, name, budget, utilized, created, expires, max_pixels, max_steps, "+
					"max_tokens) "+
					"VALUES ($1, 7, '', 1000, 200, 1, 0, -1, -1, -1)", id)
			}
			spend := func(id string, amount int) {
				t.Helper()
				run("UPDATE shared_keys SET utilized = utilized + $2, "+
					"budget = CASE WHEN budget = $3 THEN budget WHEN budget > $2 THEN budget - $2 ELSE 0 END WHERE id = $1 AND "+
					"budget <> 0", id, amount, -100)
			}
			insert("old")
			s := must[*store.Store](t)(store.Open(t.Context(), o))
			defer s.Close()
			insert("older")
			spend("old", 300)
			for _, id := range []string{"old", "older"} {
				if k := must[store.SharedKey](t)(s.SharedKey(t.Context(), id)); k.Held != 0 || k.Left() != k.Budget ||
					k.Budget+k.Utilized != 1200 {
					t.Errorf("%+v", k)
				}
			}
			if a := must[store.Audit](t)(s.Audit(t.Context())); !a.Sound() {
				t.Errorf("%+v", a)
			}

			do(t, s, func(tx *store.Tx) error {
				return errors.Join(tx.SetKeySums("old", 700, 600, 0),
					tx.InsertKeyHold(store.KeyHold{RequestID: "r", KeyID: "old", Remaining: 600}))
			})
			spend("old", 200) // now more is set aside than there is, and the request is nowhere
			want := []store.InconsistentKey{{ID: "old", UserID: 7, Stray: "r"}, {ID: "old", UserID: 7}}
			if diff := cmp.Diff(want, must[[]store.InconsistentKey](t)(s.InconsistentKeys(t.Context()))); diff != "" {
				t.Error(diff)
			}
			run("DELETE FROM shared_keys WHERE id = 'old'")
			want = []store.InconsistentKey{{ID: "old", Stray: "r"}}
			if diff := cmp.Diff(want, must[[]store.InconsistentKey](t)(s.InconsistentKeys(t.Context()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
