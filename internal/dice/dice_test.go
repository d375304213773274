package dice

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every case is tried once, by number, and the same whoever throws it.
func TestEveryCaseIsTriedOnce(t *testing.T) {
	const n = 1000
	first := func() (seen []int) {
		for _, sum := range Throw(t, n, func() *[]int { return new([]int) },
			func(c Chance, sum *[]int) { *sum = append(*sum, c.N(1<<30)) }) {
			seen = append(seen, *sum...)
		}
		slices.Sort(seen)
		return seen
	}
	a, b := first(), first()
	if len(a) != n || !slices.Equal(a, b) || len(slices.Compact(a)) < n-2 {
		t.Errorf("%d and %d cases, the same: %v", len(a), len(b), slices.Equal(a, b))
	}
}

func TestChoicesAreOfAllThatThereAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Rapid(t)
		from := []string{"a", "b", "c"}
		if p := Pick(c, from...); !slices.Contains(from, p) {
			t.Errorf("picked %q", p)
		}
		if s := Some(c, 1, from); !slices.Equal(s, from) {
			t.Errorf("always: %v", s)
		}
		if n := c.N(7); n < 0 || n > 6 {
			t.Errorf("%d of 7", n)
		}
	})
}
