package live

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/waiting"
)

// What is over is let go some time later, and not while anything of it waits or somebody
// follows it.
func TestWhatIsOverIsLetGo(t *testing.T) {
	x := house()
	table := x.Requests
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
	x.follow([]string{"followed"}, w, -1)
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
	x.unfollow([]string{"followed"}, w)
	if got := later(); !slices.Equal(got, []string{"followed"}) {
		t.Errorf("gone, once nobody followed it: %v", got)
	}
}

// id is a key like those of requests, by a number.
func id(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

func TestWhatIsOverIsListedOnceUnlessGivenUp(t *testing.T) {
	l := newEnded()
	a, b, c, givenUp := id(1), id(2), id(3), id(4)
	l.List(a, 1)
	l.List(b, 1)
	l.List(b, 1)
	l.List(c, 2)
	l.leave(givenUp, 1, 0)
	l.Remove(a)
	l.Remove(id(99))
	if got := l.Of(1); !slices.Equal(got, []string{b}) || len(l.Keys()) != 2 {
		t.Errorf("of the first user: %v, of all: %v", got, l.Keys())
	}

	l.leave(b, 7, 0)
	l.List(b, 1)
	if !l.newer(b, 6) || l.newer(b, 7) {
		t.Error("a request that is listed again has lost its version")
	}

	for _, key := range l.Keys() {
		l.Remove(key)
	}
	if len(l.Of(1))+len(l.Of(2))+len(l.users)+len(l.lists) > 0 {
		t.Errorf("left: %+v", l)
	}
}

// Lists say the same as a plain set, whatever comes, goes and comes back.
func TestListsOfWhatIsOverAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newEnded()
		plain := map[string]horde.UserID{}
		for range rapid.IntRange(0, 200).Draw(t, "moves") {
			key := id(rapid.IntRange(0, 9).Draw(t, "key"))
			user := horde.UserID(rapid.IntRange(1, 3).Draw(t, "user"))
			if rapid.Bool().Draw(t, "list") {
				l.List(key, user)
				plain[key] = user
			} else {
				l.Remove(key)
				delete(plain, key)
			}

			asked := horde.UserID(rapid.IntRange(1, 3).Draw(t, "asked"))
			var want []string
			for key, user := range plain {
				if user == asked {
					want = append(want, key)
				}
			}
			got := l.Of(asked)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || len(l.Keys()) != len(plain) {
				t.Fatalf("of %d: %v, want %v", asked, got, want)
			}
		}
	})
}

// Versions are forgotten once no reading can be older, and not before.
func TestVersionsOfWhatIsOverAreKeptForAWhile(t *testing.T) {
	l := newEnded()
	for i := range 1000 {
		now := horde.Micros(i) * versionKept / 100
		l.leave(id(i), 2, now)
		if i >= 100 && !l.newer(id(i-100), 1) {
			t.Fatalf("at %d it is forgotten", now)
		}
	}
	if n := len(l.late) + len(l.before); n > 202 {
		t.Errorf("%d versions are kept", n)
	}
}

// Keys that no request has are not remembered: what is asked for is read.
func TestOtherKeysAreNotRemembered(t *testing.T) {
	l := newEnded()
	for _, key := range []string{"", "x", "{" + id(1) + "}", "00000000000070008000000000000001"} {
		l.List(key, 1)
		l.leave(key, 5, 0)
		if l.newer(key, 1) || len(l.Keys()) > 0 {
			t.Errorf("%q is remembered", key)
		}
	}
}

// BenchmarkEnded shows the bytes of memory for each request that is over.
func BenchmarkEnded(b *testing.B) {
	const n = 600_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := newEnded()
		for i := range n {
			key := id(i)
			l.leave(key, 3, horde.Micros(i)*1e6/500)
			l.List(key, horde.UserID(i%100))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/request")
		runtime.KeepAlive(l)
	}
}
