package live

import (
	"slices"
	"testing"

	"horde/internal/horde"
	"horde/internal/waiting"
)

// What is over is let go some time later, and not while anything of it waits or somebody
// follows it.
func TestWhatIsOverIsLetGo(t *testing.T) {
	table := newTable()
	now := horde.Micros(0)
	later := func() (keys []string) {
		for range 2 { // what has just been listed waits from the next look on
			now += 2 * horde.MicrosIn(lingers)
			for _, r := range table.Over(now) {
				keys = append(keys, r.key)
				table.Remove(r)
			}
		}
		slices.Sort(keys)
		return keys
	}

	over, waits := &request{key: "over", user: 1}, &request{key: "waits", user: 1, waits: 1}
	followed, again := &request{key: "followed", user: 1}, &request{key: "again", user: 1}
	for _, r := range []*request{over, waits, followed, again} {
		table.Add(r)
	}
	w := waiting.NewWatch()
	table.Follow([]string{"followed"}, w, -1)
	if got := table.Over(now); len(got) > 0 {
		t.Errorf("%d go at once", len(got))
	}
	again.waits = 1 // a part of it has come in
	table.Changed(again)
	if got := later(); !slices.Equal(got, []string{"over"}) {
		t.Errorf("gone: %v", got)
	}

	waits.waits, again.waits = 0, 0
	table.Changed(waits)
	table.Changed(again)
	if got := later(); !slices.Equal(got, []string{"again", "waits"}) {
		t.Errorf("gone, once they were over: %v", got)
	}
	table.Unfollow([]string{"followed"}, w)
	if got := later(); !slices.Equal(got, []string{"followed"}) {
		t.Errorf("gone, once nobody followed it: %v", got)
	}
}

// The list of what is over knows each key once, by its user.
func TestTheListOfWhatIsOverKnowsEachKeyOnce(t *testing.T) {
	l := NewEnded()
	l.Add("a", 1)
	l.Add("b", 1)
	l.Add("b", 1)
	l.Add("c", 2)
	l.Remove("a")
	l.Remove("nobody's")
	if got := l.Of(1); !slices.Equal(got, []string{"b"}) || l.Len() != 2 || len(l.Keys()) != 2 {
		t.Errorf("of the first user: %v, of all: %v", got, l.Keys())
	}

	l.Remove("b")
	l.Remove("c")
	if len(l.Of(1))+len(l.Of(2))+l.Len()+len(l.keys) > 0 {
		t.Errorf("left: %+v", l)
	}
}
