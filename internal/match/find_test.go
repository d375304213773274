package match

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"horde/internal/horde"
)

// able lacks what the size of an item says.
type able struct{ maxSize int }

const lackSize Lacks = 1

func (able able) Lacking(f Features) (l Lacks) {
	l.Add(lackSize, f.Size > able.maxSize)
	return l
}

func (able) Refuses(_ *Item, lacks Lacks) string {
	if lacks != 0 {
		return Silent
	}
	return ""
}

// newQueue is an index of items, the first ones first, and a worker that offers "fox".
func newQueue(items ...*Item) (*Index, *Worker) {
	x := NewIndex(&Counters{Reasons: []Reason{{Lacks: lackSize, Name: "max_size"}}})
	for i, it := range items {
		it.ID = fmt.Sprint("r", i)
		it.Request, it.Created = it.ID, horde.Micros(i)
		if it.Models == nil {
			it.Models = []string{"fox"}
		}
		x.Update(it, State{Waiting: 1, Expires: 1})
	}
	return x, &Worker{ID: "w", Models: []string{"fox"}, Offered: map[string]struct{}{"fox": {}}, Skills: able{maxSize: 10}}
}

func ids(items []*Item) (ids []string) {
	for _, it := range items {
		ids = append(ids, it.ID)
	}
	return ids
}

func TestFriendsComeFirst(t *testing.T) {
	x, w := newQueue(&Item{User: 1}, &Item{User: 2}, &Item{User: 3}, &Item{User: 2})
	w.Friends = map[horde.UserID]struct{}{2: {}, 3: {}}
	got := x.Find(&Pop{Worker: w, Want: 9})
	if !slices.Equal(ids(got.Found), []string{"r1", "r2", "r3", "r0"}) {
		t.Errorf("found %v", ids(got.Found))
	}
	got = x.Find(&Pop{Worker: w, Want: 2})
	if !slices.Equal(ids(got.Found), []string{"r1", "r2"}) {
		t.Errorf("found %v", ids(got.Found))
	}
}

// A look that depends on what users could pay says whose funds it needs, and finds with
// them what it would have found at once.
func TestFundsAreAskedFor(t *testing.T) {
	price := horde.Whole(5)
	x, w := newQueue(
		&Item{User: 1, Price: price},
		&Item{User: 2, Price: price},
		&Item{User: 3, Price: price, Trusted: true},
	)
	w.RequireFunds = true
	look := &Pop{Worker: w, Want: 1}
	got := x.Find(look)
	slices.Sort(got.NeedsFunds)
	if !slices.Equal(got.NeedsFunds, []horde.UserID{1, 2}) || got.Found != nil || got.Skipped != nil {
		t.Fatalf("%+v", got)
	}

	look.Funds = map[horde.UserID]horde.Kudos{1: price - 1, 2: price}
	if got = x.Find(look); !slices.Equal(ids(got.Found), []string{"r1"}) {
		t.Errorf("%+v", got)
	}
}

// What withholds items is counted: by the census for all of them, by the walk for those
// that it looked at.
func TestWhatWithholdsIsCounted(t *testing.T) {
	x, w := newQueue(
		&Item{Features: Features{Size: 11}},
		&Item{Features: Features{Size: 12}, Models: []string{"owl"}},
		&Item{Prompt: "A Mouse"},
		&Item{Workers: []string{"w"}, Barred: true},
	)
	w.Blacklist = []string{"mouse"}
	want := map[string]int{"max_size": 2, "models": 1, "blacklist": 1, "worker_id": 1}
	if got := x.Find(&Pop{Worker: w, Want: 1}); !maps.Equal(got.Skipped, want) || got.Found != nil {
		t.Errorf("%+v, want %v", got, want)
	}
}
