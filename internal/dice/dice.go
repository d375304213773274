// Package dice takes the decisions of random tests: which request, which worker,
// which setting. A case is a function of a Chance; the same function can be thrown
// a hundred thousand times quickly (Throw) and be given to rapid and its fuzzer,
// which are slower but shrink what they find (Rapid).
package dice

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Chance is where a case takes its decisions from.
type Chance interface {
	// N is a number from 0 to of-1.
	N(of int) int
	// Failf says what is wrong with the case.
	Failf(format string, args ...any)
}

// Once is true in one of so many cases.
func Once(c Chance, in int) bool { return c.N(in) == 0 }

// Pick is one of the values.
func Pick[T any](c Chance, from ...T) T { return from[c.N(len(from))] }

// Some keeps each value in one of so many cases.
func Some[T any](c Chance, in int, from []T) (out []T) {
	for _, v := range from {
		if Once(c, in) {
			out = append(out, v)
		}
	}
	return out
}

// numbered is a case by its number: the same number is the same case.
type numbered struct {
	*rand.Rand
	t      *testing.T
	number int
}

func (c numbered) N(of int) int { return c.IntN(of) }

func (c numbered) Failf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("case %d: "+format, append([]any{c.number}, args...)...)
}

// Throw tries the cases 1 to n, on all processors, until one fails. Each processor
// counts what it saw in a sum of its own; they all come back.
func Throw[S any](t *testing.T, n int, newSum func() S, try func(c Chance, sum S)) []S {
	t.Helper()
	var wg sync.WaitGroup
	hands := runtime.GOMAXPROCS(0)
	sums := make([]S, hands)
	for hand := range hands {
		sums[hand] = newSum()
		wg.Go(func() {
			for i := hand + 1; i <= n && !t.Failed(); i += hands {
				try(numbered{rand.New(rand.NewPCG(uint64(i), 0)), t, i}, sums[hand])
			}
		})
	}
	wg.Wait()
	return sums
}

// Rapid takes the decisions of a case from rapid; the first thing that is wrong
// ends it.
func Rapid(t *rapid.T) Chance { return drawn{t} }

type drawn struct{ *rapid.T }

func (d drawn) N(of int) int { return rapid.IntRange(0, of-1).Draw(d.T, "choice") }

func (d drawn) Failf(format string, args ...any) { d.Helper(); d.Fatalf(format, args...) }
