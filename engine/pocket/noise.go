package pocket

import "math"

// noise draws normal deviates from a seed (MODEL_CARD.md, "Noise"): splitmix64
// → 53-bit uniforms in (0,1) → Box–Muller in float64, rounded to float32.
// Successive calls continue one stream.
type noise struct{ state uint64 }

func newNoise(seed uint64) *noise { return &noise{state: seed} }

// uniform is the next uniform deviate in (0,1).
func (n *noise) uniform() float64 {
	n.state += 0x9E3779B97F4A7C15
	z := n.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	return (float64(z>>11) + 0.5) * 0x1p-53
}

// normal fills dst, whose length must be even.
func (n *noise) normal(dst []float32) {
	for i := 0; i+1 < len(dst); i += 2 {
		u1, u2 := n.uniform(), n.uniform()
		r := math.Sqrt(-2 * math.Log(u1))
		sin, cos := math.Sincos(2 * math.Pi * u2)
		dst[i], dst[i+1] = float32(r*cos), float32(r*sin)
	}
}
