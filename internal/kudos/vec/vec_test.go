package vec

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestVectorsAgreeWithPlainLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, width := rapid.IntRange(1, 11).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "width")
		numbers := func(n int, what string) []float32 {
			return rapid.SliceOfN(rapid.SampledFrom([]float32{0, 0, 1, -2, 0.5, 3}), n, n).Draw(t, what)
		}

		m, scale, v, out := numbers(rows*width, "m"), numbers(rows, "scale"), numbers(width, "v"), numbers(width, "out")
		index := NonZero(make([]int32, rows), scale, rows, 1)

		want, dots := slices.Clone(out), make([]float32, rows)
		for i, s := range scale {
			if (s != 0) != slices.Contains(index, int32(i)) {
				t.Fatalf("%v: %v", scale, index)
			}
			for j := range width {
				want[j] += s * m[i*width+j]
				dots[i] += v[j] * m[i*width+j]
			}
		}

		Gather(out, m, scale, index, 1)
		if !slices.Equal(out, want) {
			t.Fatalf("Gather: %v, want %v", out, want)
		}

		got := make([]float32, rows)
		Dots(got, v, m, index)

		for _, i := range index {
			if got[i] != dots[i] {
				t.Fatalf("Dots: %v, want %v", got, dots)
			}
		}

		ReLU(out)
		for j, x := range out {
			if x != max(0, want[j]) || math.Signbit(float64(x)) {
				t.Fatalf("ReLU: %v of %v", out, want)
			}
		}
	})
}
