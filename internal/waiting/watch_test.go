package waiting

import (
	"slices"
	"testing"
)

func TestWatchTellsEachChangeOnce(t *testing.T) {
	var followers Watches
	a, b := NewWatch(), NewWatch()
	followers.Add(a)
	followers.Add(b)
	followers.Note("one")
	followers.Note("one")
	delete(followers, b)
	followers.Note("two")

	<-a.Woken()
	got := a.Changed()
	slices.Sort(got)
	if !slices.Equal(got, []string{"one", "two"}) || len(a.Changed()) != 0 {
		t.Errorf("changed: %q, then %q", got, a.Changed())
	}
	<-b.Woken()
	if got := b.Changed(); !slices.Equal(got, []string{"one"}) {
		t.Errorf("changed for one who left: %q", got)
	}
	select {
	case <-a.Woken():
		t.Error("woken for nothing")
	default:
	}
}
