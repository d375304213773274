package live

import (
	"time"

	"horde/internal/horde"
)

// lingers is how long an entry that is over stays in memory: for the last question of
// whoever waited for it. It bounds for how long an entry that was read while its row was
// changed can be behind, too.
const lingers = 2 * time.Second

// Over returns the entries that have been over for a while and that nobody follows. Its
// owner removes them: whoever asks for one has it read again.
func (t *Table[E, P]) Over(now horde.Micros) (over []E) {
	for _, e := range t.over {
		t.leaving = append(t.leaving, lingerer[E]{e, now})
	}
	clear(t.over)
	t.over = t.over[:0]

	n := 0
	for ; n < len(t.leaving) && t.leaving[n].at <= now-horde.MicrosIn(lingers); n++ {
		if e := t.leaving[n].entry; t.isOver(e) {
			over = append(over, e)
		}
	}
	clear(t.leaving[:n]) // they are not to be kept by the array
	t.leaving = t.leaving[n:]
	return over
}

// isOver reports whether an entry whose time has come can go. What is followed is looked
// at again later.
func (t *Table[E, P]) isOver(e E) bool {
	if !t.Has(e) {
		return false
	}
	r := t.rows[e.Key()]
	r.seemsOver = false
	if len(r.followers) > 0 {
		t.noteOver(r)
		return false
	}
	return e.Over()
}
