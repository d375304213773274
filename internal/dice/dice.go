// Package dice makes the decisions of random tests: which request, which worker,
// which setting. A case is a function of a Chance; the same function can be run
// on a hundred thousand cases quickly (Throw) and passed to rapid and its fuzzer,
// which are slower but shrink what they find (Rapid).
package dice

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Chance is the source of a case's decisions.
type Chance interface {
	// N returns a number from 0 to of-1.
	N(of int) int
	// Failf reports what is wrong with the case.
	Failf(format string, args ...any)
}

// Once reports true in one of this many cases.
func Once(c Chance, in int) bool { return c.N(in) == 0 }

// Pick returns one of the values.
func Pick[T any](c Chance, from ...T) T { return from[c.N(len(from))] }

// Some keeps each value in one of this many cases.
func Some[T any](c Chance, in int, from []T) (out []T) {
	for _, v := range from {
		if Once(c, in) {
			out = append(out, v)
		}
	}
	return out
}

// numbered makes the decisions of the case with this number: always the same ones.
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

// Throw runs cases 1 to n, on all processors, until one fails. Each processor
// counts what it saw in a sum of its own; all sums are returned.
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

// Rapid lets rapid make the decisions of a case; the first failure
// ends it.
func Rapid(t *rapid.T) Chance { return drawn{t} }

type drawn struct{ *rapid.T }

func (d drawn) N(of int) int { return rapid.IntRange(0, of-1).Draw(d.T, "choice") }

func (d drawn) Failf(format string, args ...any) { d.Helper(); d.Fatalf(format, args...) }
