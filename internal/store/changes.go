package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"horde/internal/horde"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Changes names the rows that a transaction changed, for whoever keeps them in
// memory: this node's rooms (Follow) and the other nodes. A new kind of row that they
// keep is a new field here and a line of topics.
type Changes struct {
	Requests  IDs[string]       `json:"r,omitempty"`
	Alchemy   IDs[string]       `json:"a,omitempty"` // alchemy requests, for their forms too
	Workers   IDs[string]       `json:"w,omitempty"`
	Users     IDs[horde.UserID] `json:"u,omitempty"`
	Addresses IDs[string]       `json:"ip,omitempty"` // networks whose bans changed
	Messages  IDs[string]       `json:"m,omitempty"`  // to workers
	Settings  IDs[string]       `json:"s,omitempty"`  // of the whole horde, by name

	Filters    bool `json:"f,omitempty"`      // some of them
	References bool `json:"models,omitempty"` // copies of model references
	Teams      bool `json:"t,omitempty"`      // a team was made, changed or deleted

	// WorkerRows are those of Workers, as they were committed, that need not be read
	// again. Only this node's own changes have them.
	WorkerRows []*Worker `json:"-"`

	// Committed is the same for Requests and Alchemy. It tells all that there is to
	// know of them.
	Committed Committed `json:"-"`

	// Own says that this node has changed them.
	Own bool `json:"-"`

	// Missed says that changes were lost to a node that slept too long: it has
	// to read everything again.
	Missed bool `json:"-"`
}

// topic is a field of Changes that travels to the other nodes.
type topic struct {
	changed bool
	reads   bool                // this node's followers ask the database about it
	ids     interface{ tidy() } // nil: it has none
}

// topics are all of them. It is called at every commit, and allocates nothing.
func (c *Changes) topics() [10]topic {
	const told, reads = false, true // told by Committed

	return [...]topic{
		{len(c.Requests) > 0, told, &c.Requests},
		{len(c.Alchemy) > 0, told, &c.Alchemy},
		{len(c.Workers) > 0, len(c.Workers) != len(c.WorkerRows), &c.Workers},
		{len(c.Users) > 0, reads, &c.Users},
		{len(c.Addresses) > 0, reads, &c.Addresses},
		{len(c.Messages) > 0, reads, &c.Messages},
		{len(c.Settings) > 0, reads, &c.Settings},
		{c.Filters, reads, nil},
		{c.References, reads, nil},
		{c.Teams, reads, nil},
	}
}

// none reports whether nothing of interest changed.
func (c *Changes) none() bool {
	for _, t := range c.topics() {
		if t.changed {
			return false
		}
	}
	return !c.Missed && len(c.Committed.Ended) == 0
}

// light reports whether no follower of this node has to ask the database.
func (c *Changes) light() bool {
	for _, t := range c.topics() {
		if t.reads && t.changed {
			return false
		}
	}
	return true
}

// tidy leaves each id once, in order.
func (c *Changes) tidy() {
	for _, t := range c.topics() {
		if t.ids != nil {
			t.ids.tidy()
		}
	}
}

// IDs are those of changed rows. Some may stand there twice until they are tidied.
type IDs[K cmp.Ordered] []K

func (ids *IDs[K]) add(id K) { *ids = append(*ids, id) }

func (ids *IDs[K]) tidy() {
	slices.Sort(*ids)
	*ids = slices.Compact(*ids)
}

// UnmarshalJSON adds the ids of one more transaction.
func (ids *IDs[K]) UnmarshalJSON(b []byte) error {
	var more []K
	err := json.Unmarshal(b, &more)
	*ids = append(*ids, more...)
	return err
}

// add adds the changes of one more transaction, as the change log has them.
func (c *Changes) add(payload string) error {
	if err := json.Unmarshal([]byte(payload), c); err != nil {
		return fmt.Errorf("change log: %w", err)
	}
	return nil
}

const (
	changesKept  = 10 * time.Minute // a node that sleeps longer rebuilds
	nodeGone     = 30 * time.Second // a node not seen this long is no peer
	pollInterval = 250 * time.Millisecond
	hintInterval = 20 * time.Millisecond // at most one NOTIFY in this time
	channel      = "horde_changes"
)

// publish gathers what the transaction changed, and writes it into the change log for
// other nodes, numbered by this node. Numbers of one node commit in order, because it
// has one writer. A transaction that changed nothing of interest has a number too: it
// shows whether a COMMIT without an answer was done.
func (tx *Tx) publish(list []statement) []statement {
	c := &tx.changed
	for id := range tx.touched.workers {
		c.Workers.add(id)
		c.WorkerRows = append(c.WorkerRows, tx.workers[id])
	}
	c.tidy()

	if !tx.w.s.engine.shared {
		return list
	}
	return append(list, statement{
		text: "INSERT INTO changes (node, seq, at, payload) VALUES ($1, $2, $3, $4)",
		args: []any{tx.w.s.node, tx.seq, tx.Now, jsonText(c)},
	})
}

type change struct {
	node    string
	seq     int64
	payload string
}

func scanChange(r scanner) (c change, err error) { return c, r.Scan(&c.node, &c.seq, &c.payload) }

// Watch tells the followers of the changes of other nodes until ctx ends. It returns
// at once on an engine that has no other nodes. Polling is the truth;
// notifications only wake it earlier. Where one fails, they are called again with
// Missed.
func (s *Store) Watch(ctx context.Context) {
	if !s.engine.shared {
		return
	}

	wake := make(chan struct{}, 1)
	w := watch{store: s}
	go s.listen(ctx, wake)
	go s.hint(ctx, &w.peers)

	beat := time.Time{}
	for {
		if now := s.clock(); now.Sub(beat).Abs() > nodeGone/3 {
			beat = now
			if err := s.beat(ctx); err != nil {
				s.log.Warn("sign of life", "error", err)
			}
		}

		if err := w.applyNews(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("change log", "error", err)
		}

		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(pollInterval):
		}
	}
}

// watch is what one call of Watch has seen.
type watch struct {
	store *Store
	seen  map[string]int64 // by node; nil: everything has to be read again
	last  time.Time        // of the last time that the news were applied
	nodes []string         // that lived then
	peers atomic.Bool      // whether there are other nodes
}

// applyNews applies what is new. A node that slept so long that changes may have been
// pruned meanwhile starts anew, as it does at first: what happened between the
// first reading and now is not told.
func (wt *watch) applyNews(ctx context.Context) (err error) {
	now := wt.store.clock()
	if wt.seen == nil || now.Sub(wt.last) > changesKept/2 {
		if wt.seen, err = wt.store.newestChanges(ctx); err == nil {
			err = wt.store.followers.tell(ctx, &Changes{Missed: true})
		}
	}

	if err == nil {
		err = wt.poll(ctx)
	}
	if err != nil {
		wt.seen = nil
		return err
	}

	wt.last = now
	wt.store.heard.Store(wt.heard())
	return nil
}

// heard is how far the changes of the nodes that live are applied.
func (wt *watch) heard() *heard {
	h := &heard{at: horde.MicrosOf(wt.last), upTo: make(map[string]int64, len(wt.nodes))}
	for _, node := range wt.nodes {
		h.upTo[node] = wt.seen[node]
	}
	return h
}

func (s *Store) newestChanges(ctx context.Context) (map[string]int64, error) {
	all, err := rows(ctx, s, scanChange, "SELECT node, CAST(max(seq) AS BIGINT), '' FROM changes GROUP BY node")
	seen := map[string]int64{}
	for _, c := range all {
		seen[c.node] = c.seq
	}
	return seen, err
}

// Announce makes the other nodes of the database look for what this store
// changes, for a minute: what Watch does for those that run. A node that is to run
// announces itself before it serves.
func (s *Store) Announce(ctx context.Context) error {
	if !s.engine.shared {
		return nil
	}
	return s.beat(ctx)
}

// maxOldestWait is for how long the oldest unit may wait on a node that is ready.
const maxOldestWait = 5 * time.Second

// Ready reports whether this node can read and write: it writes a row, as its sign of
// life.
func (s *Store) Ready(ctx context.Context) error {
	if wait := s.writer.oldestWait(); wait > maxOldestWait {
		return fmt.Errorf("the oldest write has waited for %v", wait.Round(time.Millisecond))
	}
	if err := s.beat(ctx); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return s.Ping(ctx)
}

// WriteQueue is how many units wait for the writer, and for how long the oldest one has.
func (s *Store) WriteQueue() (units int, oldest time.Duration) {
	return len(s.writer.queue), s.writer.oldestWait()
}

// beat says that this node lives.
func (s *Store) beat(ctx context.Context) error {
	return s.Write(ctx, Unit{Do: func(tx *Tx) error {
		_, err := tx.change("INSERT INTO nodes (id, started, seen) VALUES ($1, $2, $2) "+
			"ON CONFLICT (id) DO UPDATE SET seen = excluded.seen", s.node, tx.Now)
		return err
	}})
}

// liveNodes are the nodes other than one that were seen after a time.
const liveNodes = "SELECT id FROM nodes WHERE id <> $1 AND seen > $2"

// poll reads what is new of every other node, in order.
func (wt *watch) poll(ctx context.Context) error {
	s := wt.store
	nodes, err := rows(ctx, s, scanText, liveNodes, s.node, s.clock().Add(-2*nodeGone).UnixMicro())
	if err != nil {
		return err
	}
	wt.nodes = nodes
	wt.peers.Store(len(nodes) > 0)

	for _, node := range nodes {
		news, err := rows(ctx, s, scanChange, "SELECT node, seq, payload FROM changes "+
			"WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT 1000", node, wt.seen[node])
		if err != nil {
			return err
		}

		var all Changes
		for _, c := range news {
			all.Missed = all.Missed || c.seq != wt.seen[node]+1
			wt.seen[node] = c.seq
			if err := all.add(c.payload); err != nil {
				return fmt.Errorf("%s/%d: %w", c.node, c.seq, err)
			}
		}

		if len(news) > 0 {
			if err := s.followers.tell(ctx, &all); err != nil {
				return err
			}
		}
	}
	return nil
}

// hint notifies the other nodes after commits, outside the writing transaction
// and at most once per hintInterval: a NOTIFY inside it would take a lock of the
// whole instance at every commit.
func (s *Store) hint(ctx context.Context, peers *atomic.Bool) {
	pending := make(chan struct{}, 1)
	s.writer.notifyAfterCommit(func() {
		select {
		case pending <- struct{}{}:
		default:
		}
	})

	for {
		select {
		case <-ctx.Done():
			return
		case <-pending:
		}

		if peers.Load() {
			_, err := s.writer.db.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, s.node)
			if err != nil && ctx.Err() == nil {
				s.log.Debug("notify", "error", err)
			}
		}

		select {
		case <-ctx.Done():
			return
		case <-time.After(hintInterval):
		}
	}
}

// listen wakes the poll when another node has committed.
func (s *Store) listen(ctx context.Context, wake chan<- struct{}) {
	for ctx.Err() == nil {
		err := s.listenOnce(ctx, wake)
		if ctx.Err() == nil {
			s.log.Debug("listen for changes", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, wake chan<- struct{}) error {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()

	return conn.Raw(func(raw any) error {
		pg := raw.(*stdlib.Conn).Conn()
		if _, err := pg.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return err
		}

		for {
			n, err := pg.WaitForNotification(ctx)
			if err != nil {
				return errors.Join(err, sql.ErrConnDone)
			}
			if n.Payload == s.node {
				continue
			}

			select {
			case wake <- struct{}{}:
			default:
			}
		}
	})
}

// PruneChanges forgets old changes and nodes that are gone.
func (tx *Tx) PruneChanges() error {
	if _, err := tx.change("DELETE FROM changes WHERE at < $1", tx.Now-horde.MicrosIn(changesKept)); err != nil {
		return err
	}
	_, err := tx.change("DELETE FROM nodes WHERE seen < $1", tx.Now-horde.MicrosIn(changesKept))
	return err
}

// ServedElsewhere reports whether another node has lived from one time to another,
// as far as can be told: a node that lives says so every ten seconds.
func (s *Store) ServedElsewhere(ctx context.Context, from, to horde.Micros) (bool, error) {
	if !s.engine.shared {
		return false, nil
	}
	nodes, err := rows(ctx, s, scanText, liveNodes+" AND started <= $3", s.node, to, from)
	return len(nodes) > 0, err
}

// Lease takes or renews the right to do a background job until the given time.
// ErrLost: another node has it.
func (tx *Tx) Lease(name string, until horde.Micros) error {
	n, err := tx.change(`INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE leases.holder = excluded.holder OR leases.until < $4`, name, tx.w.s.node, until, tx.Now)
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}
