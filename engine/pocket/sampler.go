package pocket

import "math"

// Noise levels of the schedule and the level below which guidance changes
// nothing visible (MODEL_CARD.md, "Schedule" and "Guidance").
const (
	sigmaMin = 0.03
	sigmaMax = 40.0
	rho      = 7.0
	guideMin = 0.25
)

// schedule returns the Karras noise levels of n ≥ 1 steps and a final 0.
func schedule(n int) []float64 {
	s := make([]float64, n+1)
	hi, lo := math.Pow(sigmaMax, 1/rho), math.Pow(sigmaMin, 1/rho)
	for i := range n {
		t := 0.0
		if n > 1 {
			t = float64(i) / float64(n-1)
		}
		s[i] = math.Pow(hi+t*(lo-hi), rho)
	}
	return s
}

// sampler names one of the model's solvers.
type sampler string

const (
	samplerDPMPP2M sampler = "dpmpp_2m"
	samplerEuler   sampler = "euler"
	samplerEulerA  sampler = "euler_a"
)

// solver moves one image down the schedule. Its slices are reused from image to
// image.
type solver struct {
	kind   sampler
	sigmas []float64
	noise  *noise
	old    []float32 // the last denoised estimate (dpmpp_2m)
	hasOld bool
	draw   []float32 // fresh noise (euler_a)
}

// reset prepares the solver for a new image of size values.
func (s *solver) reset(kind sampler, sigmas []float64, n *noise, size int) {
	s.kind, s.sigmas, s.noise, s.hasOld = kind, sigmas, n, false
	if len(s.old) != size {
		s.old, s.draw = make([]float32, size), make([]float32, size)
	}
}

// step replaces x, the image at noise level i, by the image at level i+1,
// given d, the denoised estimate of x (MODEL_CARD.md, "Samplers").
func (s *solver) step(i int, x, d []float32) {
	now, next := s.sigmas[i], s.sigmas[i+1]
	switch {
	case next == 0:
		copy(x, d)
	case s.kind == samplerEuler:
		towards(x, d, float32((next-now)/now))
	case s.kind == samplerEulerA:
		up := min(next, math.Sqrt(next*next*(now*now-next*next)/(now*now)))
		down := math.Sqrt(next*next - up*up)
		towards(x, d, float32((down-now)/now))
		s.noise.normal(s.draw)
		addScaled(x, s.draw, float32(up))
	default:
		s.dpmpp2m(i, x, d)
	}
}

func (s *solver) dpmpp2m(i int, x, d []float32) {
	h := math.Log(s.sigmas[i] / s.sigmas[i+1])
	keep, move := float32(s.sigmas[i+1]/s.sigmas[i]), float32(math.Expm1(-h))
	if !s.hasOld {
		for k := range x {
			x[k] = keep*x[k] - move*d[k]
		}
	} else {
		r := math.Log(s.sigmas[i-1]/s.sigmas[i]) / h
		a, b := float32(1+1/(2*r)), float32(1/(2*r))
		for k, old := range s.old {
			x[k] = keep*x[k] - move*(a*d[k]-b*old)
		}
	}
	copy(s.old, d)
	s.hasOld = true
}

// towards is x += (x − d)·f.
func towards(x, d []float32, f float32) {
	for k := range x {
		x[k] += (x[k] - d[k]) * f
	}
}

// addScaled is x += y·f.
func addScaled(x, y []float32, f float32) {
	for k := range x {
		x[k] += y[k] * f
	}
}

// guide leaves negative + cfg·(prompt − negative) in prompt.
func guide(prompt, negative []float32, cfg float32) {
	for k, n := range negative {
		prompt[k] = n + cfg*(prompt[k]-n)
	}
}
