package horde

import (
	"math"
	"strconv"
)

// Kudos is an exact amount in hundredths. Its range (±9·10¹⁶ kudos) is far
// beyond what a horde can hold; inputs are bounded where they enter.
type Kudos int64

// Whole returns n whole kudos.
func Whole(n int64) Kudos { return Kudos(n * 100) }

// KudosOf rounds v kudos once to hundredths, half to even
// (decision 43). NaN becomes 0; amounts beyond ±10¹⁵ are cut off there.
func KudosOf(v float64) Kudos {
	if math.IsNaN(v) {
		return 0
	}
	const limit = 1e15
	v = math.Max(-limit, math.Min(limit, v))
	return Kudos(math.RoundToEven(v * 100))
}

// Float returns the amount as the wire shows it.
func (k Kudos) Float() float64 { return float64(k) / 100 }

func (k Kudos) String() string { return strconv.FormatFloat(k.Float(), 'f', 2, 64) }

// Round2 rounds to two decimals as Python's round(v, 2) does: correctly by the
// decimal value of v, half to even. Prices are compared with the original's, so
// the naive v*100 is not good enough (2.675 must give 2.67).
func Round2(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 2, 64), 64)
	if err != nil {
		return v
	}
	return r
}
