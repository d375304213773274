package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// For how long PostgreSQL puts up with a node that stands in the way of others, and
// they with it. A node that is frozen in the middle of a transaction loses its rows
// after idleTimeout; one that works on a statement is frozen after it, so that the two
// together stay below 15 seconds. lockTimeout is longer than the first: who waits for a
// frozen node gets the rows, and is refused only where somebody else keeps them.
const (
	idleTimeout        = 5 * time.Second       // of a node inside a transaction that says nothing
	statementTimeout   = 9 * time.Second       // of one statement of the writer
	lockTimeout        = 8 * time.Second       // for a row
	shortLockTimeout   = 50 * time.Millisecond // where others have waited for the row in vain
	transactionTimeout = 14 * time.Second      // of the writer; PostgreSQL 17 and later watch it too
)

// How long a connection to PostgreSQL may be silent or in the making.
const (
	connectTimeout  = 3 * time.Second  // of one host, unless the URL says otherwise
	unansweredLimit = 10 * time.Second // until the other side counts as gone
	keepAliveIdle   = 5 * time.Second
	keepAliveEvery  = 2 * time.Second
	keepAliveCount  = 3
)

// postgresConfig reads a postgres:// URL, which may name several hosts. Of several, the
// one that takes writes is connected to: after a failover that is another one.
func postgresConfig(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("this is no postgres:// URL that can be understood")
	}

	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if len(config.Fallbacks) > 0 && config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}

	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable:   true,
			Idle:     keepAliveIdle,
			Interval: keepAliveEvery,
			Count:    keepAliveCount,
		},
		Control: limitUnanswered,
	}
	config.DialFunc = dialer.DialContext
	return config, nil
}

// connectingTime bounds one try to connect: every host has its time.
func connectingTime(c *pgx.ConnConfig) time.Duration {
	return time.Duration(1+len(c.Fallbacks)) * c.ConnectTimeout
}

// limitSession has PostgreSQL end a session whose node is frozen inside a transaction,
// or cut off, so that its rows become free.
func limitSession(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, setting("idle_in_transaction_session_timeout", idleTimeout))
	if err != nil {
		return fmt.Errorf("settings of the connection: %w", err)
	}

	// Not every system has these.
	for _, optional := range []string{
		setting("tcp_user_timeout", unansweredLimit),
		fmt.Sprintf("SET tcp_keepalives_idle = %d", keepAliveIdle/time.Second),
		fmt.Sprintf("SET tcp_keepalives_interval = %d", keepAliveEvery/time.Second),
		fmt.Sprintf("SET tcp_keepalives_count = %d", keepAliveCount),
	} {
		if _, err := conn.Exec(ctx, optional); conn.IsClosed() {
			return fmt.Errorf("settings of the connection: %w", err)
		}
	}
	return nil
}

// limitWriter has PostgreSQL bound what the writer does on its connection.
func limitWriter(conn *pgx.Conn) string {
	settings := []string{setting("statement_timeout", statementTimeout), setting("lock_timeout", lockTimeout)}
	if majorVersion(conn.PgConn().ParameterStatus("server_version")) >= 17 {
		settings = append(settings, setting("transaction_timeout", transactionTimeout))
	}
	return strings.Join(settings, "; ")
}

// majorVersion is that of a server, 0 where it cannot be told.
func majorVersion(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	return n
}

// setting is a statement that sets a time.
func setting(name string, d time.Duration) string {
	return fmt.Sprintf("SET %s = %d", name, d.Milliseconds())
}
