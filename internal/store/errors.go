package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
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
		return pg.Code >= "57P01" && pg.Code <= "57P03" // shut down by the administrator, crashed, starting
	}
	return false
}
