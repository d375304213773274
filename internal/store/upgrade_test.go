package store_test

import (
	"database/sql"
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestUpgradeOfTheLedger: what a program of before has booked is all there in the
// new schema, with its times, and a node of before goes on booking while others
// have the new schema already.
func TestUpgradeOfTheLedger(t *testing.T) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			o := store.Options{Folder: t.TempDir()}
			driver, address, dialect := "sqlite", "file:"+o.Folder+"/horde.db", goose.DialectSQLite3
			if engine == storetest.Postgres {
				o.URL = storetest.EmptyPostgresURL(t)
				driver, address, dialect = "pgx", o.URL, goose.DialectPostgres
			}
			old, err := sql.Open(driver, address)
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			old.SetMaxOpenConns(1)
			files, err := fs.Sub(store.Migrations, "migrations")
			if err != nil {
				t.Fatal(err)
			}
			p, err := goose.NewProvider(dialect, old, files)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.UpTo(t.Context(), 42); err != nil {
				t.Fatal(err)
			}
			run := func(q string, args ...any) {
				t.Helper()
				if _, err := old.ExecContext(t.Context(), q, args...); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			run("INSERT INTO users (id, username, oauth_id, key_hash, created) VALUES (7, 'seven', 'o', 'k', 1)")
			run("INSERT INTO accounts (user_id, balance, escrow) VALUES (7, 300, 5)")
			insert, err := old.PrepareContext(t.Context(), "INSERT INTO ledger_postings (account, event_id, amount) VALUES ($1, $2, $3)")
			if err != nil {
				t.Fatal(err)
			}
			book := func(event string, at int64, postings map[string]int64) {
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
					if m.Event.ID != want[i] || m.At != int64(len(want)-i)*1000 {
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
