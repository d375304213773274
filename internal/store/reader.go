package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"horde/internal/horde"
)

// readerConns is how many connections OpenReader opens.
const readerConns = 2

// ErrReadOnly: the store was opened by OpenReader.
var ErrReadOnly = errors.New("this database was opened for reading only")

// OpenReader opens a database to look into it: one that a server works on, or a
// copy. It takes no lock, changes no schema and writes nothing; Write fails with
// ErrReadOnly. A database of an older schema can be read as far as its tables go.
func OpenReader(ctx context.Context, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}

	s := &Store{clock: o.Clock, log: o.Log, node: horde.NewID()}
	var err error
	if o.URL != "" {
		err = s.readPostgres(ctx, o.URL)
	} else {
		err = s.readSQLite(ctx, o.Folder)
	}
	if err != nil {
		if s.read != nil {
			s.read.Close()
		}
		return nil, err
	}
	return s, nil
}

func (s *Store) readPostgres(ctx context.Context, address string) error {
	s.engine = postgresEngine
	config, err := postgresConfig(address)
	if err != nil {
		return err
	}
	config.RuntimeParams["default_transaction_read_only"] = "on"

	s.read = stdlib.OpenDB(*config)
	s.read.SetMaxOpenConns(readerConns)
	if _, err := s.read.ExecContext(ctx, "SELECT 1 FROM ledger_events LIMIT 1"); err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	return nil
}

// readSQLite opens the file as it lies there. SQLite needs its two files beside a
// database that was in use; where they cannot be made the file alone is read,
// unless there is something in the log that would be missed.
func (s *Store) readSQLite(ctx context.Context, folder string) error {
	s.engine = sqliteEngine
	path := filepath.Join(folder, "horde.db")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf(
			"there is no database in %s; name the data folder of a server, or a copy of it, or its PostgreSQL", folder)
	}

	err := s.openFile(ctx, path, "mode=ro")
	if err == nil {
		return nil
	}
	if log, e := os.Stat(path + "-wal"); errors.Is(e, os.ErrNotExist) || e == nil && log.Size() == 0 {
		if s.openFile(ctx, path, "mode=ro&immutable=1") == nil {
			return nil
		}
	}
	return fmt.Errorf("read %s: %w. "+
		"A copy must hold horde.db and horde.db-wal of one moment, in a folder that can be written to; "+
		"copy while the server is stopped, or by sqlite3 %s \".backup COPY/horde.db\"", path, err, path)
}

func (s *Store) openFile(ctx context.Context, path, how string) (err error) {
	if s.read != nil {
		s.read.Close()
	}

	file := url.URL{Path: path}
	s.read, err = sql.Open("sqlite", "file:"+file.EscapedPath()+"?"+how+
		"&_pragma=busy_timeout(10000)&_pragma=query_only(1)&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readerConns)
	_, err = s.read.ExecContext(ctx, "SELECT id FROM ledger_events LIMIT 1")
	return err
}
