package live

import "errors"

// Keeper is the owner of a table, who knows what rows of the database mean. R is a row.
type Keeper[R any, E Entry] interface {
	Key(R) string
	// Read makes an entry of a row that is not known yet; nil: it is not to be taken in.
	Read(R) (E, error)
	// Add brings an entry in, and Remove forgets it, with all that the keeper keeps
	// beside the table.
	Add(E)
	Remove(E)
	// Apply gives an entry the state of a row, unless it knows a newer one.
	Apply(E, R)
}

// Take brings rows of the database into a table, those that this node has written and
// those of others. Of gone, the entries without a row are forgotten. It
// returns the entries of the rows, to be offered; unreadable rows are left out, and the
// error tells of them.
func Take[R any, E Entry, P any](
	t *Table[E, P], k Keeper[R, E], rows []R, gone []string,
) (taken []E, unreadable error) {
	var none E
	found := make(map[string]bool, len(rows))
	for _, r := range rows {
		key := k.Key(r)
		found[key] = true
		e := t.Get(key)
		if e == none {
			var err error
			if e, err = k.Read(r); err != nil {
				unreadable = errors.Join(unreadable, err)
				continue
			}
			if e == none {
				continue
			}
			k.Add(e)
		}
		k.Apply(e, r)
		taken = append(taken, e)
	}

	for _, key := range gone {
		if e := t.Get(key); e != none && !found[key] {
			k.Remove(e)
		}
	}
	return taken, unreadable
}
