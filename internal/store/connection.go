package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connect takes the one connection that the writer writes by, with its time-outs.
func (w *writer) connect(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	w.conn, w.stmts = conn, map[string]*sql.Stmt{}
	if !w.s.engine.shared {
		return nil
	}

	err = conn.Raw(func(raw any) error {
		pg := raw.(*stdlib.Conn).Conn()
		_, err := pg.Exec(ctx, limitWriter(pg))
		return err
	})
	if err != nil {
		return fmt.Errorf("settings of the connection: %w", err)
	}
	return w.readSeq(ctx)
}

// readSeq asks the database for the number of this node's newest change: a
// transaction whose COMMIT got no answer may have made it.
func (w *writer) readSeq(ctx context.Context) error {
	if !w.s.engine.shared {
		return nil
	}
	const query = "SELECT CAST(COALESCE(max(seq), 0) AS BIGINT) FROM changes WHERE node = $1"
	return w.conn.QueryRowContext(ctx, query, w.s.node).Scan(&w.seq)
}

func (w *writer) closeStatements() {
	for _, st := range w.stmts {
		st.Close()
	}
	w.stmts = nil
}

func (w *writer) disconnect() {
	w.closeStatements()
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// reconnect waits for the database while one of a batch waits for it.
func (w *writer) reconnect(err error, batch []*pending) {
	waits := func(p *pending) bool { return p.left() == nil }
	for try := 0; slices.ContainsFunc(batch, waits); try++ {
		w.reconnectIfLost(err)
		if w.conn != nil {
			return
		}
		time.Sleep(retryDelay(try))
	}
}

// lost reports whether the connection is of no use after err.
func (w *writer) lost(err error) bool {
	if isBroken(err) || w.conn == nil {
		return true
	}
	if !w.s.engine.shared {
		return false
	}

	closed := false
	gone := w.conn.Raw(func(raw any) error {
		closed = raw.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return closed || gone != nil
}

// reconnectIfLost opens a new connection when the old one is of no use after err.
func (w *writer) reconnectIfLost(err error) {
	ctx, cancel := context.WithTimeout(context.Background(), max(w.s.connecting, connectTimeout)+connectTimeout)
	defer cancel()

	switch {
	case w.lost(err):
		w.disconnect()
		err = w.connect(ctx)
	case isDuplicate(err): // perhaps it is the number of a change
		err = w.readSeq(ctx)
	default:
		return
	}

	if err != nil {
		w.disconnect() // the next attempt connects again
		w.s.log.Error("database connection lost", "error", err)
	}
}

// whetherCommitted finds out whether the transaction that makes this node's change seq was
// committed, after its COMMIT failed with err: when the connection broke before
// the answer came, doing it again could do it twice. It returns nil when it was,
// errUnknown when the database does not come back.
func (w *writer) whetherCommitted(seq int64, err error) error {
	if !w.s.engine.shared || !w.lost(err) {
		return err
	}

	began := time.Now()
	for try := 0; try == 0 || time.Since(began) < maxLookup; try++ {
		w.reconnectIfLost(err)
		if w.conn != nil {
			if w.seq >= seq {
				return nil
			}
			return err
		}
		time.Sleep(retryDelay(try))
	}
	return fmt.Errorf("%w: %w", errUnknown, err)
}

// rollback undoes a transaction that went wrong, where it has not gone with its
// connection. Where that fails or takes too long, the connection is closed, and the
// database undoes the transaction itself.
func (w *writer) rollback() {
	if w.conn == nil {
		return
	}

	// The context of the transaction may be what has ended.
	ctx, cancel := context.WithTimeout(context.Background(), w.rollbackTimeout)
	defer cancel()
	_, err := w.conn.ExecContext(ctx, "ROLLBACK")
	if err == nil || errors.Is(err, sql.ErrConnDone) {
		return
	}

	w.s.log.Warn("rollback", "error", err)

	// SQLite's statements must be closed before their connection is: it panics
	// otherwise. PostgreSQL's go with it, since to close one waits for an answer.
	if !w.s.engine.shared {
		w.closeStatements()
	}
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // has the pool close it
	w.disconnect()
}

// statement is a statement whose rows, if any, go to each.
type statement struct {
	text string
	args []any
	each func(scanner) error
}

// send runs statements in order: on PostgreSQL all in one round trip, which is
// what its speed hangs on.
func (w *writer) send(ctx context.Context, list []statement) error {
	if w.s.engine.shared {
		return w.pipeline(ctx, list)
	}

	for _, st := range list {
		if err := w.sendOne(ctx, st); err != nil {
			return fmt.Errorf("%.40q: %w", st.text, err)
		}
	}
	return nil
}

func (w *writer) sendOne(ctx context.Context, st statement) error {
	prepared, err := w.stmt(ctx, st.text)
	if err != nil {
		return err
	}
	if st.each == nil {
		_, err := prepared.ExecContext(ctx, st.args...)
		return err
	}

	rs, err := prepared.QueryContext(ctx, st.args...)
	if err != nil {
		return err
	}
	defer rs.Close()

	for rs.Next() {
		if err := st.each(rs); err != nil {
			return err
		}
	}
	return rs.Err()
}

// pipeline sends statements in one round trip.
func (w *writer) pipeline(ctx context.Context, list []statement) error {
	var batch pgx.Batch
	for _, st := range list {
		queued := batch.Queue(st.text, st.args...)
		if st.each == nil {
			continue
		}
		queued.Query(func(rs pgx.Rows) error {
			for rs.Next() {
				if err := st.each(rs); err != nil {
					return err
				}
			}
			return rs.Err()
		})
	}

	return w.conn.Raw(func(raw any) error {
		return raw.(*stdlib.Conn).Conn().SendBatch(ctx, &batch).Close()
	})
}

func (w *writer) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if st := w.stmts[q]; st != nil {
		return st, nil
	}

	st, err := w.conn.PrepareContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prepare %.60q: %w", q, err)
	}
	w.stmts[q] = st
	return st, nil
}
