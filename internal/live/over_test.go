package live

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

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

// What is remembered of requests that are over lists each once, by its user, unless it was
// given up.
func TestWhatIsOverIsListedOnceUnlessGivenUp(t *testing.T) {
	l := newEnded()
	a, b, c, givenUp := id(1), id(2), id(3), id(4)
	l.List(a, 1)
	l.List(b, 1)
	l.List(b, 1)
	l.List(c, 2)
	l.set(givenUp, endState{user: 1, version: 1})
	l.Remove(a)
	l.Remove(id(99))
	if got := l.Of(1); !slices.Equal(got, []string{b}) || len(l.Keys()) != 3 {
		t.Errorf("of the first user: %v, of all: %v", got, l.Keys())
	}

	l.set(b, endState{user: 1, version: 7})
	l.List(b, 1)
	if !l.newer(b, 6) || l.newer(b, 7) {
		t.Error("a request that is listed again has lost its version")
	}

	for _, key := range l.Keys() {
		l.Remove(key)
	}
	if len(l.Of(1))+len(l.Of(2))+len(l.states)+len(l.listed) > 0 {
		t.Errorf("left: %+v", l)
	}
}

// Requests that have expired are forgotten, where what removed them was missed.
func TestExpiredRequestsAreForgotten(t *testing.T) {
	l := newEnded()
	const kept = 10
	for i := range 5 * minPrune {
		expires := horde.Micros(i)
		l.set(id(i), endState{user: 1, version: 1, expires: expires})
		l.forgetExpired(expires - kept)
	}
	if n := len(l.states); n > minPrune+kept {
		t.Errorf("%d are remembered, of which %d have not expired", n, kept)
	}
	if !l.newer(id(5*minPrune-1), 0) {
		t.Error("the newest is forgotten")
	}
}

// Keys that no request has are not remembered: what is asked for is read.
func TestOtherKeysAreNotRemembered(t *testing.T) {
	l := newEnded()
	for _, key := range []string{"", "x", "{" + id(1) + "}", "00000000000070008000000000000001"} {
		l.List(key, 1)
		l.set(key, endState{user: 1, version: 5})
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
			l.set(key, endState{user: horde.UserID(i % 100), version: 3, expires: 1})
			l.List(key, horde.UserID(i%100))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/request")
		runtime.KeepAlive(l)
	}
}
