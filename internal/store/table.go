package store

import (
	"slices"
	"strings"
)

// table is a kind of row that transactions buffer and insert many at a time, before
// their commit. Declaring one is all that a new kind of row needs to be written;
// other nodes hear of it by a field of Changes.
type table struct {
	insert string // how the statement begins that inserts rows
	width  int    // columns
	place  int    // among tables, and of its rows in buffered
}

// maxTables bounds how many tables there are: a transaction remembers where each
// stood before every unit.
const maxTables = 12

// tables are all that were declared, in the order in which their rows are inserted.
var tables []*table

// newTable declares a table by the columns in which rows are inserted.
func newTable(name, columns string) *table {
	if len(tables) == maxTables {
		panic("store: more tables than maxTables")
	}
	t := &table{
		insert: "INSERT INTO " + name + " (" + columns + ") VALUES ",
		width:  strings.Count(columns, ",") + 1,
		place:  len(tables),
	}
	tables = append(tables, t)
	return t
}

// buffered are the values to insert before the commit, by the place of their table.
type buffered [maxTables][]any

// any reports whether there is anything to insert.
func (bf *buffered) any() bool {
	for i := range bf {
		if len(bf[i]) > 0 {
			return true
		}
	}
	return false
}

// insert buffers one row: a value for each column of its table.
func (tx *Tx) insert(t *table, values ...any) {
	if len(values) != t.width {
		panic("store: values for another number of columns: " + t.insert)
	}
	tx.rows[t.place] = append(tx.rows[t.place], values...)
}

// discard takes rows out of what is still to be inserted into a table. It leaves the
// values that a refused unit goes back to as they are.
func (tx *Tx) discard(t *table, unwanted func(row []any) bool) {
	var kept []any
	for row := range slices.Chunk(tx.rows[t.place], t.width) {
		if !unwanted(row) {
			kept = append(kept, row...)
		}
	}
	tx.rows[t.place] = kept
}
