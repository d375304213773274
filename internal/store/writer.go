package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"horde/internal/horde"
)

// Unit is one unit of work for Write.
type Unit struct {
	// Key orders the units of a batch, so that all nodes change rows in one
	// order and do not deadlock; usually the id of the request.
	Key string

	// Accounts and Workers are locked before Do runs, in the order of ids.
	Accounts []horde.UserID
	Workers  []string

	// Unpaid are keys of addresses that are locked behind these, where it is likely that
	// Do counts what workers earn there; see Tx.UnpaidAt.
	Unpaid []string

	// First are the asks whose answers Do takes; see Ask. Where one has changed a
	// row, a refusal by Do costs the other units of the batch a second run.
	First []Asked

	// Unheard: Do looks at what other nodes have committed and this one has not
	// heard of; see Tx.Unheard.
	Unheard bool

	// Do reads and writes. An error it returns refuses the unit: nothing of it
	// is written. Refuse before the first statement that writes at once, where
	// that is possible: a later refusal costs the other units of the batch a
	// second run. Do may run more than once.
	Do func(*Tx) error
}

// Write runs u in a transaction shared with other units and returns when it is
// committed, or with the error of Do.
//
// When ctx ends before u has begun, nothing of u is written and Write returns the
// error of ctx. A unit that has begun is seen through: Write returns what became of
// it, so that no caller is left not knowing. The statements of u do not end with ctx,
// since other units share them; the writer's own timeout bounds them.
//
// A unit that cannot begin within maxWait is refused with ErrUnavailable, as is one that
// the database cannot write by then.
func (s *Store) Write(ctx context.Context, u Unit) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	p := newPending(ctx, u, s.writer.maxWait)
	if err := s.writer.enqueue(p); err != nil {
		p.recycle()
		return err
	}

	// Whoever takes the unit first, the writer or this call, decides whether it runs.
	var left error
	select {
	case err := <-p.done:
		p.recycle()
		return err
	case <-ctx.Done():
		left = ctx.Err()
	case <-p.patience.C:
		left = errWaited
	}
	if p.take() {
		return left // the writer finds it taken, and recycles it
	}

	err := <-p.done
	p.recycle()
	return err
}

// errWaited refuses a unit that waited for the writer in vain.
var errWaited = fmt.Errorf("%w: others wait already", ErrUnavailable)

// pending is a unit on its way through the writer.
type pending struct {
	ctx      context.Context
	unit     Unit
	done     chan error
	deadline time.Time   // after which nobody waits for it
	patience *time.Timer // ends then

	// taken: the writer has begun the unit, or its caller has left before. Whoever
	// sets it first decides.
	taken atomic.Bool
}

var pendings = sync.Pool{New: func() any {
	return &pending{done: make(chan error, 1), patience: time.NewTimer(maxWait)}
}}

func newPending(ctx context.Context, u Unit, wait time.Duration) *pending {
	p := pendings.Get().(*pending)
	p.ctx, p.unit, p.deadline = ctx, u, time.Now().Add(wait)
	p.patience.Reset(wait)
	p.taken.Store(false)
	return p
}

func (pe *pending) take() bool { return pe.taken.CompareAndSwap(false, true) }

// recycle gives p to the next caller of Write.
func (pe *pending) recycle() {
	pe.patience.Stop()
	pe.ctx, pe.unit = nil, Unit{}
	pendings.Put(pe)
}

// begin reports whether the writer may run the unit. If not, whoever waits for it
// has been answered.
func (pe *pending) begin() bool {
	if !pe.take() {
		pe.recycle()
		return false
	}
	if err := pe.left(); err != nil {
		pe.done <- err
		return false
	}
	return true
}

// left says why nobody waits for the unit any more: its caller has left, or has waited
// long enough.
func (pe *pending) left() error {
	if err := pe.ctx.Err(); err != nil {
		return err
	}
	if !time.Now().Before(pe.deadline) {
		return errWaited
	}
	return nil
}

const (
	// maxBatch bounds how many units share a transaction, and with it how long the
	// first of them waits for the last.
	maxBatch = 128

	// maxWaiting bounds how many units wait for the writer; more callers wait for a
	// place among them.
	maxWaiting = 1024

	// maxRounds bounds how far the commits may be ahead of what their callers know.
	maxRounds = 4
)

const (
	maxWait         = 10 * time.Second // of a caller until its unit begins, or the database is back
	maxLookup       = 15 * time.Second // for what became of a COMMIT without an answer
	rollbackTimeout = 3 * time.Second  // then its connection is given up
)

// maxRetries bounds how often a unit is tried again that the database refused.
const maxRetries = 5

// maxRetryDelay bounds how long after its return the database is noticed.
const maxRetryDelay = 200 * time.Millisecond

// retryDelay is the pause before a try again: 1 ms at first, longer each time.
func retryDelay(try int) time.Duration {
	return min(maxRetryDelay, time.Duration(1+try*try*20)*time.Millisecond)
}

// writer gathers units and commits them in batches. An idle writer starts at
// once; units that arrive during a commit form the next batch.
type writer struct {
	s  *Store
	db *sql.DB

	// Only the goroutine of run uses these, once it has started.
	conn  *sql.Conn            // nil: it was lost
	stmts map[string]*sql.Stmt // prepared on conn, by text
	seq   int64                // of the last change this node has published

	// impatient: units wait for rows but for a moment, because others have waited in vain.
	impatient bool

	maxWait         time.Duration
	rollbackTimeout time.Duration

	started bool // by start, before anybody has the store

	mu     sync.RWMutex  // held for reading while a unit is put into queue
	closed bool          // guarded by mu
	queue  chan *pending // closed once closed is set

	stopped   chan struct{} // closed when run ends
	published chan struct{} // closed when publish ends

	free        chan *round  // for the next batches
	rounds      chan *round  // committed, to be published
	unpublished atomic.Int32 // rounds that were handed over and are not answered

	life     context.Context // ends when the last round is published
	end      context.CancelFunc
	missed   chan struct{} // a follower failed: all of them have to read everything again
	caughtUp chan struct{} // closed when nobody does so any more

	afterCommit atomic.Pointer[func()]

	// oldest is since when the oldest unit waits that is not answered, in nanoseconds
	// since 1970; 0: none does.
	oldest atomic.Int64
}

func newWriter(s *Store, db *sql.DB) *writer {
	life, end := context.WithCancel(context.Background()) // ended by close
	return &writer{
		s:               s,
		db:              db,
		queue:           make(chan *pending, maxWaiting),
		maxWait:         maxWait,
		rollbackTimeout: rollbackTimeout,
		stopped:         make(chan struct{}),
		rounds:          make(chan *round, maxRounds),
		free:            make(chan *round, maxRounds),
		published:       make(chan struct{}),
		missed:          make(chan struct{}, 1),
		caughtUp:        make(chan struct{}),
		life:            life,
		end:             end,
	}
}

func (w *writer) enqueue(p *pending) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- p:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	case <-p.patience.C:
		return errWaited
	}
}

func (w *writer) start() {
	w.started = true
	for range maxRounds {
		w.free <- &round{}
	}
	go w.run()
	go w.publish()
	go w.catchUp()
}

func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()

	if w.started {
		close(w.queue)
		<-w.stopped
		<-w.published
		w.end()
		<-w.caughtUp
	}

	w.disconnect()
	w.db.Close()
}

func (w *writer) run() {
	defer close(w.stopped)
	defer close(w.rounds)

	for first := range w.queue {
		w.oldest.Store(first.deadline.Add(-w.maxWait).UnixNano())
		r := w.newRound()
		if first.begin() {
			r.batch = append(r.batch, first)
		}
		w.gather(r)
		if len(r.batch) == 0 {
			w.free <- r
		} else {
			slices.SortStableFunc(r.batch, func(a, b *pending) int { return cmp.Compare(a.unit.Key, b.unit.Key) })
			w.commit(r)
		}
		w.oldest.Store(0)
	}
}

// oldestWait is for how long the oldest unit waits that is not written.
func (w *writer) oldestWait() time.Duration {
	since := w.oldest.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(0, since)))
}

// newRound waits until the callers of an earlier one are answered, where commits are
// far ahead of them.
func (w *writer) newRound() *round {
	r := <-w.free
	r.batch, r.results = r.batch[:0], r.results[:0]
	r.changes, r.unknown = Changes{}, false
	return r
}

// gather adds what waits already, without waiting for more.
func (w *writer) gather(r *round) {
	for len(r.batch) < maxBatch {
		select {
		case p, ok := <-w.queue:
			if !ok {
				return
			}
			if p.begin() {
				r.batch = append(r.batch, p)
			}
		default:
			return
		}
	}
}

// commit runs a batch and has it published; when the database refuses it, every unit
// alone.
func (w *writer) commit(r *round) {
	err := w.attempt(r)
	if err != nil && w.lost(err) {
		// Not the fault of any unit: they stay together when the database is back.
		w.reconnect(err, r.batch)
		if r.dismiss(); len(r.batch) == 0 {
			w.free <- r
			return
		}
		err = w.attempt(r)
	}
	if err == nil {
		w.handOver(r)
		return
	}

	w.impatient = isLocked(err)
	defer func() { w.impatient = false }()
	if len(r.batch) == 1 {
		w.alone(r, err)
		w.handOver(r)
		return
	}

	w.reconnectIfLost(err)
	for _, p := range r.batch {
		one := w.newRound()
		one.batch = append(one.batch, p)

		// A caller that has left meanwhile gets nothing committed.
		if left := p.left(); left != nil {
			one.results = append(one.results, left)
		} else if err := w.attempt(one); err != nil {
			w.alone(one, err)
		}
		w.handOver(one)
	}
	w.free <- r
}

// dismiss takes out the units for which nobody waits any more.
func (r *round) dismiss() {
	r.batch = slices.DeleteFunc(r.batch, func(p *pending) bool {
		left := p.left()
		if left != nil {
			p.done <- left
		}
		return left != nil
	})
}

// alone tries the only unit of a round again that the database refused, while there
// is hope and somebody waits for it.
func (w *writer) alone(r *round, err error) {
	p := r.batch[0]
	for try := 0; try < maxRetries && (isTransient(err) || w.lost(err)); try++ {
		time.Sleep(retryDelay(try))
		w.reconnect(err, r.batch)
		if left := p.left(); left != nil {
			r.results[0] = left
			return
		}
		if err = w.attempt(r); err == nil {
			return
		}
	}

	w.reconnectIfLost(err)
	switch {
	case isDuplicate(err):
		r.results[0] = fmt.Errorf("%w: %w", ErrDuplicate, err)
	case isTransient(err) || isLocked(err) || isShortage(err) || isBroken(err):
		w.s.log.Warn("write not possible", "error", err)
		r.results[0] = fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		w.s.log.Error("write failed", "error", err)
		r.results[0] = fmt.Errorf("write: %w", err)
	}
}

// errDirty says that a unit was refused after it had written: its batch is
// rolled back and every unit runs again alone.
var errDirty = errors.New("refused after writing")

var errUnknown = errors.New("the database went away before it answered: it is not known whether this was written")

// attempt runs the units of a round in one transaction. r.results holds the refusals of
// single units; the returned error says that nothing at all was written.
func (w *writer) attempt(r *round) (err error) {
	r.prepare()
	if w.conn == nil {
		return sql.ErrConnDone
	}

	// The statements end with no caller's context: they are those of many.
	ctx, cancel := context.WithTimeout(context.Background(), transactionTimeout)
	defer cancel()
	tx := &Tx{
		ctx: ctx,
		w:   w,
		Now: horde.MicrosOf(w.s.clock()),
		seq: w.seq + 1,
	}
	defer func() {
		if err != nil {
			w.rollback()
		}
	}()

	if err := tx.begin(r.batch); err != nil {
		return err
	}

	for i, p := range r.batch {
		r.results[i] = tx.run(&p.unit)
		switch {
		case tx.failed != nil:
			return tx.failed
		case tx.dirty && len(r.batch) > 1:
			return errDirty
		case tx.dirty:
			_, err := w.conn.ExecContext(ctx, "ROLLBACK")
			return err
		}
	}

	if !tx.wrote() {
		_, err := w.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}

	if err := tx.commit(); err != nil {
		if err = w.whetherCommitted(tx.seq, err); errors.Is(err, errUnknown) {
			r.unknown = true
			refuseRest(r.results, err)
			return nil
		}
		if err != nil {
			return err
		}
	}

	w.seq, r.changes = tx.seq, tx.changed
	r.changes.Own = true
	if f := w.afterCommit.Load(); f != nil {
		(*f)()
	}
	return nil
}

// refuseRest gives an error to the units that have none.
func refuseRest(results []error, err error) {
	for i := range results {
		if results[i] == nil {
			results[i] = err
		}
	}
}

// notifyAfterCommit has f called after each commit; it must not block.
func (w *writer) notifyAfterCommit(f func()) { w.afterCommit.Store(&f) }
