package api

import (
	"math"
	"strconv"
)

// Float is a JSON number that always carries a decimal point (10.0, not 10):
// some typed clients distinguish integers and floats by it.
type Float float64

// MarshalJSON prints f in the shortest form that keeps its value, with ".0"
// where it is whole. NaN and infinities, which JSON lacks, become 0.0.
func (f Float) MarshalJSON() ([]byte, error) {
	v := float64(f)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("0.0"), nil
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}

	b := strconv.AppendFloat(make([]byte, 0, 24), v, format, -1, 64)
	for _, c := range b {
		if c == '.' || c == 'e' {
			return b, nil
		}
	}
	return append(b, '.', '0'), nil
}
