package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// longestBlock is for how long one node may keep another from writing.
const longestBlock = 15 * time.Second

// A node that stops in the middle of a transaction holds the rows that it has locked.
// The others get them back, and what the frozen node has not committed is written once
// when it goes on.
func TestFrozenNodeBlocksNobodyForLong(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for PostgreSQL to give a node up")
	}
	t.Parallel()

	db := storetest.On(t, storetest.Postgres)
	frozen, other := db.Open(), db.Open()
	a := user(t, other, "a")

	inside, thaw := make(chan struct{}, 9), make(chan struct{})
	thawed := make(chan error, 1)
	go func() {
		thawed <- frozen.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error {
			inside <- struct{}{}
			<-thaw
			return add(a, 1)(tx)
		}})
	}()
	<-inside

	began := time.Now()
	err := other.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 10)})
	took := time.Since(began)
	t.Logf("the other node wrote after %v: %v", took.Round(time.Millisecond), err)
	if err != nil || took > longestBlock {
		t.Errorf("the other node wrote after %v: %v", took, err)
	}

	close(thaw)
	if err := <-thawed; err != nil && !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the thawed node: %v", err)
	} else if got := must[*store.Account](t)(other.Account(t.Context(), a)).Balance; err == nil && got != 11 {
		t.Errorf("balance %d, want 11", got)
	}
}

// Where a node cannot write, its callers hear so in time, and nothing is written for
// them later.
func TestWritesThatWaitInVainAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		s := db.Open()
		a := user(t, s, "a")
		s.SetMaxWait(2 * time.Second)

		release := occupy(t, s)
		began := time.Now()
		err := s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)})
		if !errors.Is(err, store.ErrUnavailable) || time.Since(began) > 8*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, oldest := s.WriteQueue(); oldest < 2*time.Second {
			t.Errorf("the oldest write waits for %v", oldest)
		}

		release()
		write(t, s, store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 10)})
		if got := must[*store.Account](t)(s.Account(t.Context(), a)).Balance; got != 10 {
			t.Errorf("balance %d", got)
		}
		if _, oldest := s.WriteQueue(); oldest != 0 {
			t.Errorf("something waits for %v", oldest)
		}
	})
}

// A row that somebody else keeps locked (an administrator's session) costs those that
// need it, and not the others of their batch.
func TestLockedRowStopsOnlyThoseWhoNeedIt(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for PostgreSQL to give a lock up")
	}
	t.Parallel()

	db := storetest.On(t, storetest.Postgres)
	s := db.Open()
	locked, free := user(t, s, "locked"), user(t, s, "free")
	session, err := db.Raw().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Rollback()
	_, err = session.ExecContext(t.Context(), "SELECT 1 FROM accounts WHERE user_id = $1 FOR UPDATE", locked)
	if err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	results := together(t, s,
		store.Unit{Key: "1", Accounts: []horde.UserID{locked}, Do: add(locked, 1)},
		store.Unit{Key: "2", Accounts: []horde.UserID{free}, Do: add(free, 1)},
		store.Unit{Key: "3", Accounts: []horde.UserID{locked, free}, Do: add(locked, 1)},
	)
	if took := time.Since(began); took > longestBlock {
		t.Errorf("answered after %v", took)
	}
	for i, refused := range []bool{true, false, true} {
		if got := results[i]; errors.Is(got, store.ErrUnavailable) != refused || !refused && got != nil {
			t.Errorf("unit %d: %v", i+1, got)
		}
	}
}

// Writes that come while the database is away wait for it, and are done soon after its
// return: within a second, which TestDatabaseComesBack measures, or longer on a machine
// that tests keep busy, but not by the pauses between tries of a long absence.
func TestWritesAreBackWithTheDatabase(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	g := newGate(t, db.Options().URL)
	s := db.Open(func(o *store.Options) { o.URL = g.url })
	a := user(t, s, "a")

	g.shut()
	const writes = 8
	done := make(chan error, writes)
	for range writes {
		go func() { done <- s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)}) }()
	}
	_, oldest := s.WriteQueue()
	for oldest < 2*time.Second {
		time.Sleep(10 * time.Millisecond)
		_, oldest = s.WriteQueue()
	}

	g.open(t)
	began := time.Now()
	for range writes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	took := time.Since(began)
	t.Logf("%d writes were done %v after the return", writes, took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("they were done %v after the return", took)
	}
	if got := must[*store.Account](t)(s.Account(t.Context(), a)).Balance; got != writes {
		t.Errorf("balance %d", got)
	}
}

func TestANodeIsReadyWhileItCanWrite(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	g := newGate(t, db.Options().URL)
	s := db.Open(func(o *store.Options) { o.URL = g.url })
	ready := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return s.Ready(ctx)
	}

	if err := ready(); err != nil {
		t.Error(err)
	}
	g.shut()
	if ready() == nil {
		t.Error("ready without a database")
	}
	g.open(t)
	if err := ready(); err != nil {
		t.Error(err)
	}
}

// gate stands before PostgreSQL: while it is shut nobody gets through, and whoever was
// is cut off.
type gate struct {
	url, address, server string

	mu       sync.Mutex
	listener net.Listener // nil: it is shut
	conns    []net.Conn
}

func newGate(t *testing.T, address string) *gate {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{address: "127.0.0.1:0", server: u.Host}
	g.open(t)
	u.Host = g.address
	g.url = u.String()
	t.Cleanup(g.shut)
	return g
}

func (g *gate) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener, g.address = l, l.Addr().String()
	g.mu.Unlock()

	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", g.server)
			if err != nil {
				client.Close()
				continue
			}

			g.mu.Lock()
			g.conns = append(g.conns, client, behind)
			g.mu.Unlock()
			go func() { _, _ = io.Copy(client, behind); client.Close() }()
			go func() { _, _ = io.Copy(behind, client); behind.Close() }()
		}
	}()
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		g.listener.Close()
	}
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}
