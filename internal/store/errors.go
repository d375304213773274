package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"horde/internal/horde"
)

var (
	// ErrNotFound: no row has that id or name.
	ErrNotFound = errors.New("not found")
	// ErrInUse: another process holds the data folder.
	ErrInUse = errors.New("another horde is running on the data folder")
	// ErrLost: a conditional update found the row changed by somebody else.
	ErrLost = errors.New("lost the race for a row")
	// ErrDuplicate: a row with this key exists.
	ErrDuplicate = errors.New("exists already")
	// ErrUndeclared: a unit used a row that its Accounts or Workers do not name. It is
	// a mistake in the program.
	ErrUndeclared = errors.New("the unit of work has not declared the row that it uses")
	// ErrClosed: the store is shutting down; nothing was written.
	ErrClosed = errors.New("the store is closing")
	// ErrUnavailable: the database could not do it in time, and may be able to a moment
	// later. Nothing was written.
	ErrUnavailable = fmt.Errorf("the database: %w", horde.ErrUnavailable)
)

// isDuplicate reports whether err is a violated uniqueness, by code.
func isDuplicate(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}

	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// isTransient reports whether err is a conflict that goes away when the transaction
// is tried again: serialisation failure, deadlock, busy.
func isTransient(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}

	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	return false
}

// isLocked reports whether somebody else kept a row for too long.
func isLocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// isShortage reports whether the database lacks the time or the room to do it: a
// statement took too long, the disk or the memory is full.
func isShortage(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57014" || strings.HasPrefix(pg.Code, "53")
	}

	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN:
			return true
		}
	}
	return false
}

// isBroken reports whether the connection is of no use any more.
func isBroken(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}

	var network *net.OpError
	if errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}

	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || pgconn.SafeToRetry(err) {
		return true
	}

	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.Contains(endings, pg.Code)
	}
	return false
}

// endings are the codes by which PostgreSQL ends a session, or says that another server
// has to be asked.
var endings = []string{
	"57P01", "57P02", "57P03", // shut down by the administrator, crashed, starting
	"57P05", "25P03", "25P04", // the node was silent, inside a transaction or not, or was too slow
	"25006", // it takes no writes (any more): a standby
}
