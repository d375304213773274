package match

import (
	"testing"

	"pgregory.net/rapid"
)

func TestAClassOfSizesHasItsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1<<20).Draw(t, "tokens")
		c := ClassOf(n)
		if c.Least() > n || ClassOf(c.Least()) != c || c > 0 && ClassOf(c.Least()-1) == c {
			t.Fatalf("%d tokens are in class %d, whose least is %d", n, c, c.Least())
		}
	})
	// A limit that is a power of two divides between classes: nothing is walked in vain.
	for _, limit := range []int{512, 1024, 2048, 4096, 8192} {
		if ClassOf(limit) == ClassOf(limit+1) {
			t.Errorf("%d and %d are in one class", limit, limit+1)
		}
	}
}
