package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// occupy keeps the writer busy until release is called.
func occupy(t *testing.T, s *store.Store) (release func()) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Write(t.Context(), store.Unit{Do: func(*store.Tx) error {
			once.Do(func() { close(busy) })
			<-free
			return nil
		}})
		if err != nil {
			t.Errorf("the unit in front: %v", err)
		}
	})
	<-busy
	return func() { close(free); wg.Wait() }
}

// TestNothingIsCommittedForACallerWhoLeft: nothing is committed for a caller whose context ended before
// the unit had begun; one that has begun is seen through.
func TestNothingIsCommittedForACallerWhoLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		a := user(t, s, "a")
		deposit := store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)}
		balance := func(t *testing.T) int64 {
			t.Helper()
			return int64(must[*store.Account](t)(s.Account(t.Context(), a)).Balance)
		}

		t.Run("before the call", func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			leave()
			for range 50 {
				if err := s.Write(ctx, deposit); !errors.Is(err, context.Canceled) {
					t.Errorf("written for nobody: %v", err)
				}
			}
			if got := balance(t); got != 0 {
				t.Errorf("balance %d", got)
			}
		})

		t.Run("while it waits", func(t *testing.T) {
			release := occupy(t, s)
			ctx, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer leave()
			if err := s.Write(ctx, deposit); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the answer has to come at the deadline: %v", err)
			}
			release()
			write(t, s, store.Unit{Do: func(*store.Tx) error { return nil }})
			if got := balance(t); got != 0 {
				t.Errorf("balance %d", got)
			}
		})

		t.Run("when it had begun", func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			err := s.Write(ctx, store.Unit{Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error {
				leave()
				return add(a, 1)(tx)
			}})
			if got := balance(t); err != nil || got != 1 {
				t.Errorf("balance %d, error %v", got, err)
			}
		})

		t.Run("when its batch was rolled back", func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			units := []store.Unit{
				{Key: "1", Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error { leave(); return add(a, 100)(tx) }},
				{Key: "2", Do: func(tx *store.Tx) error {
					return errors.Join(tx.DeleteMessage("m"), tx.InsertMessage(store.WorkerMessage{ID: "m"}), errRefused)
				}},
			}
			release := occupy(t, s)
			var first, second error
			var wg sync.WaitGroup
			wg.Go(func() { first = s.Write(ctx, units[0]) })
			wg.Go(func() { second = s.Write(t.Context(), units[1]) })
			for s.Waiting() < len(units) {
				time.Sleep(time.Millisecond)
			}
			release()
			wg.Wait()
			if !errors.Is(first, context.Canceled) || !errors.Is(second, errRefused) || balance(t) != 1 {
				t.Errorf("%v, %v, balance %d", first, second, balance(t))
			}
		})
	})
}

// TestAHungRollbackStopsNobodyElse: a database that does not answer a rollback stops nobody but the
// caller whose transaction it was.
func TestAHungRollbackStopsNobodyElse(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	p := newProxy(t, db.Options().URL)
	s := db.Open(func(o *store.Options) { o.URL = p.url })
	s.SetRollbackTimeout(100 * time.Millisecond)
	a := user(t, s, "a")

	p.hangAt.Store("ROLLBACK")
	done := make(chan error, 1)
	go func() {
		done <- s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{a}, Do: func(tx *store.Tx) error {
			return errors.Join(tx.InsertMessage(store.WorkerMessage{ID: "m"}), tx.InsertMessage(store.WorkerMessage{ID: "m"}))
		}})
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a message was written twice")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the writer hangs")
	}
	if !p.hung.Load() {
		t.Fatal("there was no rollback to hang")
	}

	write(t, s, store.Unit{Accounts: []horde.UserID{a}, Do: add(a, 1)})
	if got := must[*store.Account](t)(s.Account(t.Context(), a)).Balance; got != 1 {
		t.Errorf("balance %d", got)
	}
}

// proxy stands before PostgreSQL and stops passing on what a client sends once it
// has sent a certain text.
type proxy struct {
	url    string
	hangAt atomic.Value // string; "": never
	hung   atomic.Bool
}

func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	u.Host = l.Addr().String()

	p := &proxy{url: u.String()}
	p.hangAt.Store("")
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			go func() { _, _ = io.Copy(client, behind); client.Close() }()
			go p.pass(client, behind)
		}
	}()
	return p
}

func (p *proxy) pass(from, to net.Conn) {
	defer to.Close()
	buf := make([]byte, 64<<10)
	hangs := false
	for {
		n, err := from.Read(buf)
		if text := p.hangAt.Load().(string); text != "" && bytes.Contains(buf[:n], []byte(text)) &&
			p.hung.CompareAndSwap(false, true) {
			hangs = true
		}
		if err != nil {
			return
		}
		if hangs {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
