// Package storetest gives tests a fresh database on each of the two engines.
//
//	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
//		s := db.Open()            // one node
//		…
//	})
//
// SQLite lies in the test's temporary folder. PostgreSQL is the server that
// HORDE_TEST_POSTGRES names (scripts/postgres.sh start prints such a URL). Every
// test gets a database of its own, copied from a template that holds the newest
// schema; that of PostgreSQL is dropped at the test's end. Without the variable the
// PostgreSQL half of a test is skipped.
package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"

	"horde/internal/horde"
	"horde/internal/store"
)

// Variable names the PostgreSQL server that tests use.
const Variable = "HORDE_TEST_POSTGRES"

// Engines a test can run on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// DB is the database of one test.
type DB struct {
	Engine string
	t      testing.TB
	o      store.Options
}

// Each runs test on SQLite and on PostgreSQL, as subtests.
func Each(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	for _, engine := range []string{SQLite, Postgres} {
		t.Run(engine, func(t *testing.T) { test(t, On(t, engine)) })
	}
}

// On makes a fresh database on one engine. It skips the test when that is
// PostgreSQL and there is none.
func On(t testing.TB, engine string) *DB {
	t.Helper()
	db := &DB{Engine: engine, t: t}
	if engine == SQLite {
		db.o.Folder = Folder(t)
		return db
	}

	db.o = store.Options{URL: PostgresURL(t), Folder: filepath.Join(t.TempDir(), "data")}
	return db
}

// Options are what the database is opened with.
func (db *DB) Options() store.Options { return db.o }

// Open opens a store on the database and closes it at the test's end. On
// PostgreSQL each call is a node of its own; on SQLite the one before has to be
// closed first. edit may set a clock or a log.
func (db *DB) Open(edit ...func(*store.Options)) *store.Store {
	db.t.Helper()
	o := db.o
	for _, f := range edit {
		f(&o)
	}

	s, err := store.Open(context.Background(), o)
	if err != nil {
		db.t.Fatalf("open store: %v", err)
	}
	db.t.Cleanup(func() { s.Close() })
	return s
}

// Raw opens a connection to the database beside the store, for tests that look
// or meddle behind its back.
func (db *DB) Raw() *sql.DB {
	db.t.Helper()
	open := func() (*sql.DB, error) { return sql.Open("pgx", db.o.URL) }
	if db.Engine == SQLite {
		open = func() (*sql.DB, error) { return rawSQLite(db.o.Folder) }
	}

	raw, err := open()
	if err != nil {
		db.t.Fatal(err)
	}
	db.t.Cleanup(func() { raw.Close() })
	return raw
}

// Exec runs a statement beside the store and returns how many rows it changed.
func (db *DB) Exec(q string, args ...any) int64 {
	db.t.Helper()
	raw := db.Raw()
	defer raw.Close()
	result, err := raw.ExecContext(context.Background(), q, args...)
	if err != nil {
		db.t.Fatalf("%s: %v", q, err)
	}
	n, _ := result.RowsAffected()
	return n
}

// Clock sets the clock of a store: for use with DB.Open.
func Clock(c horde.Clock) func(*store.Options) { return func(o *store.Options) { o.Clock = c } }

// PostgresURL makes a fresh database with the newest schema and returns its
// address.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return database(t, func(ctx context.Context, server *pgx.Conn, name string) error {
		template, err := templates.get(ctx, server)
		if err != nil {
			return err
		}
		return retryWhileInUse(ctx, func() error {
			_, err := server.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template)
			return err
		})
	})
}

// EmptyPostgresURL makes a fresh database without any schema.
func EmptyPostgresURL(t testing.TB) string {
	t.Helper()
	return database(t, createEmpty)
}

func createEmpty(ctx context.Context, server *pgx.Conn, name string) error {
	return retryWhileInUse(ctx, func() error {
		_, err := server.Exec(ctx, "CREATE DATABASE "+name+
			" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
		return err
	})
}

func database(t testing.TB, create func(context.Context, *pgx.Conn, string) error) string {
	t.Helper()
	address := os.Getenv(Variable)
	if address == "" {
		t.Skipf("%s is not set: start a server with scripts/postgres.sh start and set it to what that prints", Variable)
	}

	ctx := context.Background()
	server, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("PostgreSQL of %s: %v", Variable, err)
	}
	defer server.Close(ctx)
	sweepOnce.Do(func() { dropLeftovers(ctx, server) })

	name := fmt.Sprintf("%s%d_%s", prefix, time.Now().Unix(), strings.ReplaceAll(horde.NewID(), "-", "")[16:])
	if err := create(ctx, server, name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() { drop(ctx, address, name) })
	return inDatabase(address, name)
}

func inDatabase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // pgx has connected to it
	}
	u.Path = "/" + name
	return u.String()
}

func drop(ctx context.Context, address, name string) {
	if server, err := pgx.Connect(ctx, address); err == nil {
		_, _ = server.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		server.Close(ctx)
	}
}

const (
	prefix      = "horde_test_" // of the names of tests' databases
	leftoverAge = time.Hour     // of a database whose test is long over
)

var sweepOnce sync.Once

// dropLeftovers removes databases of test runs that were killed.
func dropLeftovers(ctx context.Context, server *pgx.Conn) {
	found, _ := server.Query(ctx, "SELECT datname FROM pg_database WHERE datname LIKE $1", prefix+"%")
	names, _ := pgx.CollectRows(found, pgx.RowTo[string])

	for _, name := range names {
		born, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		at, err := strconv.ParseInt(born, 10, 64)
		if err == nil && time.Since(time.Unix(at, 0)) > leftoverAge {
			_, _ = server.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
	}
}

const (
	maxBusyRetries = 50
	busyDelay      = 20 * time.Millisecond // between two of them
	objectInUse    = "55006"               // PostgreSQL's code
)

// retryWhileInUse tries again while the database that is copied or renamed still has
// connections that are closing.
func retryWhileInUse(ctx context.Context, f func() error) error {
	for try := 0; ; try++ {
		err := f()
		if err == nil || try == maxBusyRetries || !strings.Contains(err.Error(), objectInUse) {
			return err
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busyDelay):
		}
	}
}

// template is the database that tests copy. It is kept for later runs, under a
// name that tells its schema.
type template struct {
	mu   sync.Mutex
	name string // guarded by mu; "": it is not known to exist
}

var templates template

func (p *template) get(ctx context.Context, server *pgx.Conn) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.name != "" {
		return p.name, nil
	}

	schema, err := schemaHash(ctx)
	if err != nil {
		return "", err
	}
	name := "horde_template_" + schema

	// Of several test programs, one builds it.
	const key = 70010 // of the lock
	if _, err := server.Exec(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return "", err
	}
	defer server.Exec(ctx, "SELECT pg_advisory_unlock($1)", key)

	var there bool
	const query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
	if err := server.QueryRow(ctx, query, name).Scan(&there); err != nil {
		return "", err
	}
	if !there {
		if err := build(ctx, server, name); err != nil {
			return "", fmt.Errorf("template database: %w", err)
		}
	}
	p.name = name
	return name, nil
}

// build makes the template under another name and renames it, so that a half-made one
// is never used.
func build(ctx context.Context, server *pgx.Conn, name string) error {
	aside := fmt.Sprintf("%s%d_template", prefix, time.Now().Unix())
	if err := createEmpty(ctx, server, aside); err != nil {
		return err
	}

	// To open a database is to bring it to the newest schema.
	s, err := store.Open(ctx, store.Options{URL: inDatabase(server.Config().ConnString(), aside)})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}

	return retryWhileInUse(ctx, func() error {
		_, err := server.Exec(ctx, "ALTER DATABASE "+aside+" RENAME TO "+name)
		return err
	})
}

// schemaHash tells schemas apart: by what the migrations make of an empty
// SQLite database.
func schemaHash(ctx context.Context) (string, error) {
	file, err := sqliteTemplate()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "horde-schema")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, sqliteFile), file, 0o600); err != nil {
		return "", err
	}

	db, err := rawSQLite(folder)
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT COALESCE(sql, name) FROM sqlite_master "+
		"UNION ALL SELECT CAST(version_id AS TEXT) FROM goose_db_version ORDER BY 1")
	if err != nil {
		return "", err
	}
	defer rows.Close()

	h := sha256.New()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return "", err
		}
		io.WriteString(h, text+"\n")
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), rows.Err()
}
