package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"horde/internal/horde"
)

// Tx is a transaction that several units share. Accounts and workers are rows
// that it holds locked: a unit changes them in memory and Tx writes each back
// once, before the commit. New rows are buffered and inserted many at a time.
type Tx struct {
	// Now is the time of the transaction, in microseconds.
	Now horde.Micros

	ctx context.Context
	w   *writer
	seq int64 // number of the change that it makes known to other nodes

	// Rows that are locked, and those among them to write back.
	accounts map[horde.UserID]*Account
	workers  map[string]*Worker
	unpaid   map[string]*Unpaid // by key of the address
	touched  touched

	// What the commit writes, and makes known.
	rows    buffered
	teams   map[string]TeamTotals // what to add to them
	renewed map[string]teamChange // what else changes of them
	stats   map[counter]Windows   // what to add to them
	buckets map[bucket]Tally      // likewise
	changed Changes

	news   []string // payloads of other nodes' changes; see unheard
	missed bool     // of other nodes' changes, more than news may be new

	unit   *Unit    // that runs
	undo   []func() // what it changed in memory
	direct bool     // something was written by a statement of its own
	dirty  bool     // by a unit that was refused then
	failed error    // dooms the transaction
}

// touched are the locked rows to write back.
type touched struct {
	accounts map[horde.UserID]bool
	workers  map[string]bool
	unpaid   map[string]bool
}

// begin starts the transaction, reads and locks the rows that the units declared,
// in the order of ids, and asks what they ask first and what else is new.
func (tx *Tx) begin(batch []*pending) error {
	accounts, workers, unpaid := map[horde.UserID]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range batch {
		for _, id := range p.unit.Accounts {
			accounts[id] = true
		}
		for _, id := range p.unit.Workers {
			workers[id] = true
		}
		for _, address := range p.unit.Unpaid {
			unpaid[address] = true
		}
	}

	list := []statement{{text: tx.w.s.engine.begin}}
	if tx.w.impatient {
		list = append(list, statement{text: impatiently})
	}
	list = tx.lockAccounts(list, slices.Sorted(maps.Keys(accounts)))
	list = tx.lockWorkers(list, slices.Sorted(maps.Keys(workers)))
	list = tx.lockUnpaid(list, slices.Sorted(maps.Keys(unpaid)))
	list = tx.askAhead(list, batch)
	list = tx.unheard(list, batch)
	return tx.w.send(tx.ctx, list)
}

// impatiently bounds how long a transaction of PostgreSQL waits for a row that others
// have waited for in vain.
var impatiently = fmt.Sprintf("SET LOCAL lock_timeout = %d", shortLockTimeout.Milliseconds())

// run runs one unit and undoes what it left in memory when it is refused.
func (tx *Tx) run(u *Unit) error {
	tx.unit, tx.undo = u, tx.undo[:0]
	rows, changed, direct := tx.rows, tx.changed, tx.direct

	tx.direct = slices.ContainsFunc(u.First, Asked.changed)
	err := u.Do(tx)
	tx.dirty = tx.direct && err != nil
	tx.direct = tx.direct || direct

	if err != nil {
		tx.rows, tx.changed = rows, changed
		for _, f := range slices.Backward(tx.undo) {
			f()
		}
	}
	return err
}

// wrote reports whether there is anything to commit.
func (tx *Tx) wrote() bool {
	return tx.direct || tx.rows.any() ||
		len(tx.touched.accounts) > 0 || len(tx.touched.workers) > 0 || len(tx.touched.unpaid) > 0 ||
		len(tx.teams) > 0 || len(tx.renewed) > 0 ||
		len(tx.stats) > 0 || len(tx.buckets) > 0
}

// commit writes everything that was kept back and ends the transaction.
func (tx *Tx) commit() error {
	list := tx.writeAccounts(nil)
	list = tx.writeWorkers(list)
	list = tx.writeUnpaid(list)
	list = tx.writeTeams(list)
	list = tx.writeStats(list)
	for _, t := range tables {
		list = tx.insertMany(list, t.insert, t.width, tx.rows[t.place])
	}

	list = tx.publish(list)
	return tx.w.send(tx.ctx, append(list, statement{text: "COMMIT"}))
}

// maxGroup is the most rows of one statement, a power of two.
const maxGroup = 32

// insertMany adds inserts of rows of width columns, in groups of 32, 16, 8 … so
// that few texts need to be prepared.
func (tx *Tx) insertMany(list []statement, head string, width int, values []any) []statement {
	return tx.upsertMany(list, head, "", width, values)
}

// upsertMany is insertMany with a tail behind the values, which says what to do
// with rows that are there already.
func (tx *Tx) upsertMany(list []statement, head, tail string, width int, values []any) []statement {
	for n := len(values) / width; n > 0; n = len(values) / width {
		size := groupSize(n)
		list = append(list, statement{text: manyText(head, width, size) + tail, args: values[:size*width]})
		values = values[size*width:]
	}
	return list
}

// groupSize is the largest power of two up to maxGroup that is not above n.
func groupSize(n int) int {
	size := maxGroup
	for size > n {
		size /= 2
	}
	return size
}

var (
	manyTextsMu sync.Mutex
	manyTexts   = map[string]map[int]string{} // head → size → text; shared by all writers; guarded by manyTextsMu
)

// manyText is head followed by size groups of width placeholders.
func manyText(head string, width, size int) string {
	manyTextsMu.Lock()
	defer manyTextsMu.Unlock()
	if manyTexts[head] == nil {
		manyTexts[head] = map[int]string{}
	}
	if text := manyTexts[head][size]; text != "" {
		return text
	}

	groups := make([]string, size)
	for i := range groups {
		groups[i] = in(1+i*width, width)
	}
	text := head + strings.Join(groups, ",")
	manyTexts[head][size] = text
	return text
}

// affect runs a prepared statement and returns how many rows changed; a failure
// dooms the transaction.
func (tx *Tx) affect(q string, args ...any) (int64, error) {
	st, err := tx.w.stmt(tx.ctx, q)
	if err != nil {
		return 0, tx.fail(err)
	}

	res, err := st.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, tx.fail(fmt.Errorf("%.40q: %w", q, err))
	}

	n, err := res.RowsAffected()
	if err != nil {
		return 0, tx.fail(err)
	}
	return n, nil
}

// change is affect for the statements of units.
func (tx *Tx) change(q string, args ...any) (int64, error) {
	n, err := tx.affect(q, args...)
	if n > 0 {
		tx.direct = true
	}
	return n, err
}

// read runs a query inside the transaction.
func read[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) ([]T, error) {
	st, err := tx.w.stmt(tx.ctx, q)
	if err != nil {
		return nil, tx.fail(err)
	}

	rs, err := st.QueryContext(tx.ctx, args...)
	if err != nil {
		return nil, tx.fail(fmt.Errorf("%.40q: %w", q, err))
	}

	out, err := collect(rs, scan)
	if err != nil {
		return nil, tx.fail(err)
	}
	return out, nil
}

// readOne is read for a query whose answer is one row; ErrNotFound when there is
// none.
func readOne[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) (T, error) {
	found, err := read(tx, scan, q, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// readCount is readOne for a query that counts.
func readCount(tx *Tx, q string, args ...any) (int, error) {
	n, err := readOne(tx, scanInt[int64], q, args...)
	return int(n), err
}

// fail dooms the transaction and returns err.
func (tx *Tx) fail(err error) error {
	if tx.failed == nil {
		tx.failed = err
	}
	return err
}

// undeclared dooms the transaction: the unit uses a row that it has not declared,
// which is locked by chance at best. That is a mistake in the program, not a row that
// is missing.
func (tx *Tx) undeclared(what string, id any) error {
	return tx.fail(fmt.Errorf("%w: %s %v", ErrUndeclared, what, id))
}

// mark notes that a row changed; m is made on first use.
func mark[K comparable](m *map[K]bool, key K) {
	if *m == nil {
		*m = map[K]bool{}
	}
	(*m)[key] = true
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own row types always marshal
	}
	return string(b)
}
