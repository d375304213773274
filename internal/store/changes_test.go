package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// follower collects what a store tells of other nodes.
type follower struct {
	mu     sync.Mutex
	heard  store.Changes
	missed int
	fail   int // the next calls of hear fail
	news   chan struct{}
}

// follow watches a store until the test's end, and returns once the watch has
// begun.
func follow(t *testing.T, s *store.Store) *follower {
	t.Helper()
	f := &follower{news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	s.Follow(f.hear)
	go func() { defer close(done); s.Watch(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	f.until(t, "the watch has begun", func() bool { return f.missed > 0 })
	return f
}

func (f *follower) hear(_ context.Context, c *store.Changes) error {
	f.mu.Lock()
	defer f.mu.Unlock()

	defer func() {
		select {
		case f.news <- struct{}{}:
		default:
		}
	}()

	if c.Own {
		return nil
	}

	if c.Missed {
		f.missed++
	}

	if f.fail > 0 {
		f.fail--
		return errors.New("no")
	}

	payload, err := json.Marshal(c)
	if err != nil {
		return err
	}

	if err := json.Unmarshal(payload, &f.heard); err != nil {
		return err
	}

	return nil
}

func (f *follower) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		there := ok()
		f.mu.Unlock()
		if there {
			return
		}
		select {
		case <-f.news:
		case <-timeout:
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("%s: not after 20 s; heard %+v, missed %d times", what, f.heard, f.missed)
		}
	}
}

func TestSQLiteHasNoNewsOfOthers(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	s.Follow(func(context.Context, *store.Changes) error {
		t.Error("news on an engine without other nodes")
		return nil
	})
	s.Watch(t.Context())
}

func TestNodesHearOfEachOthersCommits(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	a, b := db.Open(), db.Open()
	fa, fb := follow(t, a), follow(t, b)
	now := horde.MicrosOf(time.Now())
	var ids []string
	for range 150 {
		ids = append(ids, insert(t, a, request(now, 1)).ID)
	}

	fb.until(t, "all requests of the other node", func() bool { return len(fb.heard.Requests) >= len(ids) })
	if !slices.Equal(ids, fb.heard.Requests) {
		t.Error("changes came in another order, or twice")
	}

	do(t, b, func(tx *store.Tx) error { return tx.InsertWorker(store.Worker{ID: "w", Name: "w", Settings: "{}"}) })
	u := user(t, b, "x")
	fa.until(t, "worker and user", func() bool {
		return slices.Equal(fa.heard.Workers, []string{"w"}) && slices.Equal(fa.heard.Users, []horde.UserID{u})
	})

	if len(fa.heard.Requests) != 0 {
		t.Error("a node hears of its own changes")
	}

	for what, f := range map[string]func(*store.Tx) error{
		"claim":   func(tx *store.Tx) error { _, err := tx.Claim(ids[0], 1, 0); return err },
		"charge":  func(tx *store.Tx) error { _, err := tx.Charge(ids[0], 1, 0); return err },
		"requeue": func(tx *store.Tx) error { _, err := tx.Requeue(ids[0]); return err },
		"cancel":  func(tx *store.Tx) error { _, err := tx.Cancel(ids[0]); return err },
		"delete":  func(tx *store.Tx) error { return tx.DeleteRequest(ids[0], now+1e9) },
	} {
		fb.mu.Lock()
		fb.heard = store.Changes{}
		fb.mu.Unlock()
		if err := a.Write(t.Context(), store.Unit{Do: f}); err != nil {
			continue // deleted before it was claimed: the order of a map
		}
		fb.until(t, what, func() bool { return slices.Equal(fb.heard.Requests, ids[:1]) })
	}

	// A notification is faster than the poll: most news arrive within a few
	// milliseconds, and then none is left for the poll.
	start := time.Now()
	for i := range 5 {
		fb.mu.Lock()
		fb.heard = store.Changes{}
		fb.mu.Unlock()
		insert(t, a, request(now, 1))
		fb.until(t, fmt.Sprint("hint ", i), func() bool { return len(fb.heard.Requests) == 1 })
	}

	t.Logf("five changes one after the other took %v to arrive", time.Since(start))
}

// unheard is what a unit of a store is told of what others did.
func unheard(t *testing.T, s *store.Store) (c store.Changes) {
	t.Helper()
	write(t, s, store.Unit{Unheard: true, Do: func(tx *store.Tx) (err error) {
		c, err = tx.Unheard()
		return err
	}})
	return c
}

// TestAUnitIsToldWhatItsNodeHasNotHeard: a unit that asks is told what other nodes have committed and its own
// has not applied yet; or that it may be anything, when its node does not follow
// them yet or any more, when another has just started, and when it is a lot.
func TestAUnitIsToldWhatItsNodeHasNotHeard(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	a, b := db.Open(storetest.Clock(c.Now)), db.Open(storetest.Clock(c.Now))
	if !unheard(t, b).Missed {
		t.Error("a node that does not follow the others yet knows what they did")
	}
	follow(t, a)
	f := follow(t, b)
	insert(t, a, request(c.Micros(), 1))
	f.until(t, "the first change", func() bool { return len(f.heard.Requests) == 1 })

	f.mu.Lock() // nothing is applied until it is unlocked
	q := insert(t, a, request(c.Micros(), 1))
	if got := unheard(t, b); got.Missed || !slices.Contains(got.Requests, q.ID) {
		t.Errorf("of one new request: %+v", got)
	}
	for range 100 {
		insert(t, a, request(c.Micros(), 1))
	}
	if got := unheard(t, b); !got.Missed {
		t.Errorf("of more than a hundred new requests: %d", len(got.Requests))
	}
	f.mu.Unlock()
	f.until(t, "all changes", func() bool { return len(f.heard.Requests) == 102 })

	third := db.Open(storetest.Clock(c.Now))
	if err := third.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, third, request(c.Micros(), 1))
	if got := unheard(t, b); !got.Missed && len(got.Requests) == 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.heard.Requests) != 103 {
			t.Error("what a node does that has just started is not known")
		}
	}
}

func TestANodeThatFallsBehindSaysSo(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	a, b := db.Open(storetest.Clock(c.Now)), db.Open(storetest.Clock(c.Now))
	follow(t, a)
	f := follow(t, b)
	insert(t, a, request(c.Micros(), 1))
	f.until(t, "the first change", func() bool { return len(f.heard.Requests) == 1 })
	insert(t, a, request(c.Micros(), 1))
	f.until(t, "the second change", func() bool { return len(f.heard.Requests) == 2 })
	f.mu.Lock()
	f.fail = 1 << 30
	f.mu.Unlock()
	insert(t, a, request(c.Micros(), 1))
	f.until(t, "the watch fails", func() bool { return f.missed > 1 })
	if got := unheard(t, b); got.Missed {
		t.Error("missed already")
	}
	c.Advance(11 * time.Second)
	if got := unheard(t, b); !got.Missed {
		t.Error("what it had heard of holds without end")
	}
}

func TestWhoeverMissesChangesIsToldSo(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	a, b := db.Open(), db.Open(storetest.Clock(c.Now))
	c.Set(time.Now())
	follow(t, a)
	f := follow(t, b)
	now := c.Micros()
	insert(t, a, request(now, 1))
	f.until(t, "the first change", func() bool { return len(f.heard.Requests) == 1 })
	if f.missed != 1 {
		t.Fatalf("missed %d times at the start, want once", f.missed)
	}

	// A change that is gone from the log before b has seen it.
	raw := db.Raw()
	if _, err := raw.Exec("UPDATE changes SET seq = seq + 5 WHERE node = $1 AND seq = (SELECT max(seq) FROM changes "+
		"WHERE node = $1)", a.Node()); err != nil {
		t.Fatal(err)
	}
	f.until(t, "a hole in the numbers", func() bool { return f.missed == 2 })

	// A follower that fails is made up for.
	f.mu.Lock()
	f.fail = 2
	f.mu.Unlock()
	if _, err := raw.Exec("UPDATE changes SET seq = seq + 1 WHERE node = $1 AND seq = (SELECT max(seq) FROM changes "+
		"WHERE node = $1)", a.Node()); err != nil {
		t.Fatal(err)
	}
	f.until(t, "a follower that failed", func() bool { return f.fail == 0 && f.missed >= 3 })

	// A long sleep, after which the log says nothing.
	f.mu.Lock()
	missed := f.missed
	f.mu.Unlock()
	if _, err := raw.Exec("DELETE FROM changes"); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	f.until(t, "a long sleep", func() bool { return f.missed > missed })
}

func TestOldChangesArePruned(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	s := db.Open(storetest.Clock(c.Now))
	insert(t, s, request(c.Micros(), 1))
	c.Advance(20 * time.Minute)
	insert(t, s, request(c.Micros(), 1))
	do(t, s, func(tx *store.Tx) error { return tx.PruneChanges() })
	var n int
	if err := db.Raw().QueryRow("SELECT count(*) FROM changes WHERE payload LIKE '%\"r\"%'").Scan(&n); err != nil ||
		n != 1 {
		t.Errorf("%d changes left, want the young one (%v)", n, err)
	}
}

func TestAnAuditFindsWhatIsWrong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		id := user(t, s, "a")
		write(t, s, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
			err := tx.ChangeAccount(id, func(a *store.Account) { a.Balance, a.Escrow, a.Held = 700, 300, 50 })
			tx.InsertHolds(store.Hold{ID: "h", UserID: id, Remaining: 50})
			return errors.Join(err, tx.Post(store.Event{ID: "e", Postings: []store.Posting{
				{Account: "mint", Amount: -1000}, {Account: fmt.Sprint("user:", id), Amount: 700},
				{Account: fmt.Sprint("escrow:", id), Amount: 300}}}))
		}})

		a := must[store.Audit](t)(s.Audit(t.Context()))
		if !a.Sound() || a.Events != 1 || a.Postings != 3 {
			t.Fatalf("a sound ledger: %+v", a)
		}

		for _, tt := range []struct{ tamper, undo, wrong string }{
			{"UPDATE accounts SET balance = balance + 1", "UPDATE accounts SET balance = balance - 1", "user:1"},
			{"UPDATE accounts SET escrow = escrow + 1", "UPDATE accounts SET escrow = escrow - 1", "escrow:1"},
			{"UPDATE accounts SET held = held + 1", "UPDATE accounts SET held = held - 1", "held:1"},
			{"UPDATE holds SET id = 'upfront:gone'", "UPDATE holds SET id = 'h'", "upfront:gone"},
			{"UPDATE holds SET id = 'interrogation:gone'", "UPDATE holds SET id = 'h'", "interrogation:gone"},
			{"UPDATE holds SET user_id = 7", "UPDATE holds SET user_id = 1", "held:7"},
			{"UPDATE holds SET remaining = 49", "UPDATE holds SET remaining = 50", "held:1"},
			{"UPDATE ledger_postings SET amount = amount + 1 WHERE account = 'mint'",
				"UPDATE ledger_postings SET amount = amount - 1 WHERE account = 'mint'", "e"},
			{"UPDATE ledger_postings SET amount = amount + 1 WHERE account = 'user:1'",
				"UPDATE ledger_postings SET amount = amount - 1 WHERE account = 'user:1'", "user:1"},
			{"UPDATE ledger_postings SET account = 'user:7' WHERE account = 'user:1'",
				"UPDATE ledger_postings SET account = 'user:1' WHERE account = 'user:7'", "user:7"},
			{"UPDATE ledger_events SET id = 'f'", "UPDATE ledger_events SET id = 'e'", "mint of e"},
			{"DELETE FROM ledger_postings WHERE account = 'mint'",
				"INSERT INTO ledger_postings (account, event_id, amount) VALUES ('mint', 'e', -1000)", "e"},
		} {
			if db.Exec(tt.tamper) == 0 {
				t.Fatalf("%s changed nothing", tt.tamper)
			}
			a := must[store.Audit](t)(s.Audit(t.Context()))
			if a.Sound() || !slices.Contains(append(a.Wrong, a.Unbalanced...), tt.wrong) {
				t.Errorf("%s: %+v, want %q", tt.tamper, a, tt.wrong)
			}
			db.Exec(tt.undo)
		}

		if a := must[store.Audit](t)(s.Audit(t.Context())); !a.Sound() {
			t.Errorf("undone: %+v", a)
		}
	})
}

// TestAnAuditSeesOneMoment: an audit sees one moment, so that it raises no false
// alarm.
func TestAnAuditSeesOneMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		id := user(t, s, "a")
		stop := make(chan struct{})

		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for n := range 300 {
					select {
					case <-stop:
						return
					default:
					}
					write(t, s, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
						return errors.Join(add(id, 1)(tx), tx.Post(store.Event{ID: fmt.Sprint(i, "/", n), Postings: []store.Posting{
							{Account: "mint", Amount: -1}, {Account: "user:" + fmt.Sprint(id), Amount: horde.Kudos(1)}}}))
					}})
				}
			})
		}

		for range 30 {
			a, err := s.Audit(t.Context())
			if err != nil || !a.Sound() {
				t.Errorf("%+v %v", a, err)
				break
			}
		}

		close(stop)
		wg.Wait()
	})
}
