package store

import (
	"maps"
	"slices"

	"horde/internal/horde"
)

// Unpaid is what was earned on one day, by UTC, of what nobody paid for.
type Unpaid struct {
	Day    int64 // since 1970
	Amount horde.Kudos
}

// On is what was earned on a day. Of nodes whose clocks do not agree the one that is ahead
// is right.
func (u Unpaid) On(day int64) horde.Kudos {
	if u.Day < day {
		return 0
	}
	return u.Amount
}

// Add counts an amount that is earned on a day.
func (u *Unpaid) Add(day int64, amount horde.Kudos) {
	u.Amount = u.On(day) + amount
	u.Day = max(u.Day, day)
}

// DayOf is the day of a time, by UTC, since 1970.
func DayOf(at horde.Micros) int64 { return int64(at / Day) }

// Texts of the rows of addresses. To lock one is to make it where it is not there: what
// is not there cannot be locked, and two nodes may be the first.
const (
	unpaidHead  = "INSERT INTO unpaid_addresses (address, day, amount) VALUES "
	unpaidLock  = " ON CONFLICT (address) DO UPDATE SET day = unpaid_addresses.day RETURNING address, day, amount"
	unpaidWrite = " ON CONFLICT (address) DO UPDATE SET day = excluded.day, amount = excluded.amount"
	unpaidWidth = 3
)

// lockUnpaid adds what locks the rows of addresses, in the order of their keys.
func (tx *Tx) lockUnpaid(list []statement, addresses []string) []statement {
	tx.unpaid = make(map[string]*Unpaid, len(addresses))

	for len(addresses) > 0 {
		size := groupSize(len(addresses))
		list = append(list, statement{
			text: manyText(unpaidHead, unpaidWidth, size) + unpaidLock,
			args: newUnpaid(addresses[:size]),
			each: tx.keepUnpaid,
		})
		addresses = addresses[size:]
	}
	return list
}

// newUnpaid are the values of rows in which nothing is counted.
func newUnpaid(addresses []string) []any {
	var values []any
	for _, a := range addresses {
		values = append(values, a, 0, 0)
	}
	return values
}

func (tx *Tx) keepUnpaid(r scanner) error {
	var address string
	var u Unpaid
	err := r.Scan(&address, &u.Day, &u.Amount)
	tx.unpaid[address] = &u
	return err
}

// UnpaidAt is what workers at an address, named by its key, have earned of what nobody
// paid for, on the day that it was last counted. Its row is locked: with the accounts
// and workers where a unit of the batch declared it (Unit.Unpaid), else now, in a round
// trip of its own.
func (tx *Tx) UnpaidAt(address string) (Unpaid, error) {
	if tx.unpaid[address] == nil {
		keep := func(r scanner) (struct{}, error) { return struct{}{}, tx.keepUnpaid(r) }
		text := manyText(unpaidHead, unpaidWidth, 1) + unpaidLock
		if _, err := readOne(tx, keep, text, newUnpaid([]string{address})...); err != nil {
			return Unpaid{}, err
		}
	}
	return *tx.unpaid[address], nil
}

// AddUnpaidAt counts what workers at an address earn now; UnpaidAt has locked its row.
func (tx *Tx) AddUnpaidAt(address string, amount horde.Kudos) {
	u := tx.unpaid[address]
	before := *u
	tx.undo = append(tx.undo, func() { *u = before })
	u.Add(DayOf(tx.Now), amount)
	mark(&tx.touched.unpaid, address)
}

func (tx *Tx) writeUnpaid(list []statement) []statement {
	var values []any
	for _, a := range slices.Sorted(maps.Keys(tx.touched.unpaid)) {
		values = append(values, a, tx.unpaid[a].Day, int64(tx.unpaid[a].Amount))
	}
	return tx.upsertMany(list, unpaidHead, unpaidWrite, unpaidWidth, values)
}

// PruneUnpaid forgets what workers at addresses earned on days before today.
func (tx *Tx) PruneUnpaid() error {
	_, err := tx.change("DELETE FROM unpaid_addresses WHERE day < $1", DayOf(tx.Now))
	return err
}
