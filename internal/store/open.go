package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // driver "sqlite"

	"horde/internal/horde"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say where the data lies, and by which clock and log the store goes.
type Options struct {
	// URL is postgres://…; empty means SQLite in Folder.
	URL string

	// Folder holds horde.db; it is made when absent.
	Folder string

	Clock horde.Clock
	Log   *slog.Logger
}

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	engine engine
	read   *sql.DB
	clock  horde.Clock
	log    *slog.Logger
	writer *writer
	node   string
	lock   *os.File

	connecting  time.Duration // that one try to connect to PostgreSQL may take
	readTimeout time.Duration // of one read; 0: none

	followers followers

	prepared sync.Map // query → *sql.Stmt on read

	// heard is how far the changes of other nodes are applied; nil: Watch has not
	// begun.
	heard atomic.Pointer[heard]

	mergedStats atomic.Int64 // buckets that MergeStats took since it last vacuumed

	closing sync.Once
	closed  error // what Close returns
}

// engine holds the few things in which the two databases differ.
type engine struct {
	name      string // sqlite, postgres
	dialect   goose.Dialect
	begin     string
	forUpdate string
	snapshot  *sql.TxOptions // of a transaction whose reads all see one moment
	shared    bool           // several nodes may use the database

	steadyStats []string // statements of the migration steadyStatsPlan
	vacuumStats string   // "": it has nothing to vacuum
}

var (
	sqliteEngine = engine{
		name:     "sqlite",
		dialect:  goose.DialectSQLite3,
		begin:    "BEGIN IMMEDIATE",
		snapshot: &sql.TxOptions{ReadOnly: true},
	}
	postgresEngine = engine{
		name:        "postgres",
		dialect:     goose.DialectPostgres,
		begin:       "BEGIN",
		forUpdate:   " FOR UPDATE",
		snapshot:    &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		shared:      true,
		steadyStats: postgresSteadyStats,
		vacuumStats: "VACUUM stats_buckets",
	}
)

// Open opens the database, brings it to the newest schema and starts the
// writer. Close ends it.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{clock: o.Clock, log: o.Log, node: horde.NewID(), readTimeout: readTimeout}

	var write *sql.DB
	var err error
	if o.URL != "" {
		write, err = s.openPostgres(o.URL)
	} else {
		write, err = s.openSQLite(o.Folder)
	}
	if err != nil {
		s.unlock()
		return nil, err
	}

	if err := s.migrate(ctx, write); err != nil {
		write.Close()
		s.read.Close()
		s.unlock()
		return nil, err
	}

	s.writer = newWriter(s, write)
	if err := s.writer.connect(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.writer.start()
	return s, nil
}

// sqliteReadConns is how many connections of SQLite serve reads.
const sqliteReadConns = 4

func (s *Store) openSQLite(folder string) (*sql.DB, error) {
	s.engine = sqliteEngine
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := s.lockFolder(folder); err != nil {
		return nil, err
	}

	path := filepath.Join(folder, "horde.db")
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	file := url.URL{Path: path} // a folder may have "?" or "%" in its name
	dsn := "file:" + file.EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(4000)" +
		"&_pragma=journal_size_limit(33554432)" // so that the disk gets back what a storm took

	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)

	if s.read, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)"); err != nil {
		write.Close()
		return nil, err
	}
	s.read.SetMaxOpenConns(sqliteReadConns)
	s.read.SetMaxIdleConns(sqliteReadConns)
	return write, nil
}

// makePrivate makes sure that only its owner can read the database; SQLite gives
// the files beside it the same mode.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(0o600)
}

const (
	readConns   = 8                // of PostgreSQL that serve reads
	writeConns  = 3                // of PostgreSQL, for the writer, hints to other nodes and migrations
	readTimeout = 30 * time.Second // of one read of a node
)

func (s *Store) openPostgres(address string) (*sql.DB, error) {
	s.engine = postgresEngine
	config, err := postgresConfig(address)
	if err != nil {
		return nil, fmt.Errorf("--db: %w", err)
	}
	s.connecting = connectingTime(config)

	write := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(limitSession))
	write.SetMaxOpenConns(writeConns)
	s.read = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(limitSession))
	s.read.SetMaxOpenConns(readConns)
	s.read.SetMaxIdleConns(readConns)
	return write, nil
}

// migrate brings the database to the newest schema.
func (s *Store) migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}

	opts := []goose.ProviderOption{goose.WithGoMigrations(steadyStatsPlan(s.engine))}
	if s.engine.shared { // two nodes that start at once must not both migrate
		release, err := migrationLock(ctx, db)
		if err != nil {
			return fmt.Errorf("connect to the database: %w", err)
		}
		defer release()
	}

	p, err := goose.NewProvider(s.engine.dialect, db, files, opts...)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the database to the newest schema: %w", err)
	}
	return nil
}

// migrationLock serialises migrations of several nodes with an advisory lock of
// the session. That of goose does not do: it looks for what is pending, and makes its
// table, before it locks, and then asks for the lock once a second at most.
func migrationLock(ctx context.Context, db *sql.DB) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}

	const key = 7001 // of the lock
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		conn.Close()
		return nil, err
	}

	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
		conn.Close()
	}, nil
}

// Close waits for the writes under way and closes the database. Every call waits
// until that is done.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.writer != nil {
			s.writer.close()
		}

		s.prepared.Range(func(_, v any) bool {
			v.(*sql.Stmt).Close()
			return true
		})
		s.closed = s.read.Close()
		s.unlock()
	})
	return s.closed
}

// Node is the id of this open store; changes of other nodes carry theirs.
func (s *Store) Node() string { return s.node }

// Shared reports whether other nodes may work on the same database.
func (s *Store) Shared() bool { return s.engine.shared }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// query runs a prepared read.
func (s *Store) query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	st, err := s.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

func (s *Store) prepare(ctx context.Context, q string) (*sql.Stmt, error) {
	if st, ok := s.prepared.Load(q); ok {
		return st.(*sql.Stmt), nil
	}

	st, err := s.read.PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	if old, raced := s.prepared.LoadOrStore(q, st); raced {
		st.Close()
		return old.(*sql.Stmt), nil
	}
	return st, nil
}

// rows reads all rows of a query with one scan function. It tries again when the
// connection was of no use: one that a cancelled read or the server has ended.
// All idle connections of the pool may be.
func rows[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), q string, args ...any) ([]T, error) {
	bounded, cancel := s.bounded(ctx)
	defer cancel()

	for try := 0; ; try++ {
		out, err := readAll(bounded, s, scan, q, args...)
		switch {
		case err == nil || ctx.Err() != nil || !isBroken(err):
			return out, err
		case try == readConns+2 || bounded.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// bounded is ctx with the bound of one read.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.readTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.readTimeout)
}

func readAll[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), q string, args ...any) ([]T, error) {
	rs, err := s.query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return collect(rs, scan)
}

func collect[T any](rs *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rs.Close()
	var out []T
	for rs.Next() {
		v, err := scan(rs)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rs.Err()
}

// one reads the only row of a query; ErrNotFound when there is none.
func one[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), q string, args ...any) (T, error) {
	all, err := rows(ctx, s, scan, q, args...)
	if err != nil || len(all) == 0 {
		var zero T
		if err == nil {
			err = ErrNotFound
		}
		return zero, err
	}
	return all[0], nil
}

type scanner interface{ Scan(...any) error }

// in writes a list of placeholders: in(2, 3) is "($2,$3,$4)".
func in(first, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	b.WriteByte(')')
	return b.String()
}
