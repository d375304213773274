package training

import (
	"errors"
	"math"
	"slices"

	"horde/internal/kudos"
)

// WithoutDenoising returns jobs as if no denoising strength had been asked for.
//
// Files may name strengths that their times do not depend on: where a generator
// passed "no control type" as a name, the original's encoder took the branch of
// control types, in which the denoising strength is 1 (generation §6.1, input 4).
func WithoutDenoising(jobs []Job) []Job {
	out := slices.Clone(jobs)
	for i := range out {
		out[i].Order.Denoising = nil
	}
	return out
}

// DenoisingCounts reports whether the prices of jobs depend on their denoising
// strengths: whether p meets those jobs that it prices differently without them better
// with them. It says yes unless the jobs show otherwise.
func DenoisingCounts(p *kudos.Pricer, jobs []Job) bool {
	with, without := 0.0, 0.0
	for i := range jobs {
		o, truth := jobs[i].Order, jobs[i].Kudos
		if o.Denoising == nil || *o.Denoising == 1 || math.IsNaN(truth) {
			continue
		}

		asked := p.Price(o)
		o.Denoising = nil
		with += accuracy(truth, asked)
		without += accuracy(truth, p.Price(o))
	}
	return with >= without
}

// Parameters of the fit.
const (
	fitRounds   = 40   // iterations
	fitDamping  = 0.5  // share of the way to the solution that each iteration goes
	fitSoftness = 0.02 // relative error above which a job counts less
	fitRidge    = 1e-3 // weight of small changes against small errors
)

// FitDenoising gives a net the weights of the one input about which its training data
// said nothing, the denoising strength, from a few jobs with strengths below
// 1. At strength 1 the net stays what it was. score is the accuracy on each job
// while it was left out of the fit.
//
// The change of the first layer is the one that fits the jobs' seconds best
// while it is small by the measure of the weights of the other inputs: a
// ridge regression on the linearised net, repeated until it converges
// (Gauss-Newton), with jobs weighted down as their relative error grows.
func FitDenoising(n *kudos.Net, jobs []Job) (fitted *kudos.Net, score Score, err error) {
	f, err := newFit(n, jobs)
	if err != nil {
		return nil, Score{}, err
	}

	// Judge the fit on each job while it is left out.
	each := make([]float64, len(f.jobs))
	for i := range f.jobs {
		rest := slices.Delete(slices.Clone(f.jobs), i, i+1)
		seconds, _ := f.run(&f.jobs[i], f.solve(rest))
		each[i] = accuracy(f.jobs[i].seconds, math.Max(0.01, seconds))
	}

	// Fit all jobs, and split the change so that it is 0 at strength 1.
	change := f.solve(f.jobs)
	layers, scale := n.Layers()
	first := &layers[0]
	for j, u := range change {
		w := &first.Weights[kudos.DenoisingInput*first.Out+j]
		first.Bias[j] += *w + float32(u) // all of it at strength 0
		*w = float32(-u)
	}

	score = scoreOf(each)
	card := n.Card()
	card.DenoisingN, card.DenoisingAccuracy = score.Jobs, score.Accuracy
	fitted, err = kudos.NewNet(card, scale, layers)
	return fitted, score, err
}

// fit is a net in float64 and the jobs to fit.
type fit struct {
	layers []kudos.Layer
	scale  float64
	spread []float64 // of each unit's weights over the inputs
	jobs   []fitJob
}

// fitJob is a job to fit, as far as the first layer is concerned.
type fitJob struct {
	start   []float64 // first layer before ReLU at denoising strength 1
	less    float64   // 1 − denoising strength
	seconds float64
}

func newFit(n *kudos.Net, jobs []Job) (*fit, error) {
	layers, scale := n.Layers()
	if len(layers) < 2 {
		return nil, errors.New("a net without a hidden layer cannot be fitted")
	}
	f := &fit{layers: layers, scale: float64(scale), spread: spreads(&layers[0])}

	var x [kudos.Inputs]float32
	for i := range jobs {
		j := &jobs[i]
		if !n.Encoding().Encode(&j.Order, &x) || x[kudos.DenoisingInput] == 1 {
			continue
		}

		fj := fitJob{less: 1 - float64(x[kudos.DenoisingInput]), seconds: j.Seconds}
		x[kudos.DenoisingInput] = 1
		for k, b := range layers[0].Bias {
			sum := float64(b)
			for i, v := range x {
				sum += float64(v) * float64(layers[0].Weights[i*layers[0].Out+k])
			}
			fj.start = append(fj.start, sum)
		}
		f.jobs = append(f.jobs, fj)
	}

	if len(f.jobs) < 8 {
		return nil, errors.New("fewer than 8 jobs have a source image, no control type and a denoising strength below 1: " +
			"too few to learn what " +
			"it does")
	}
	return f, nil
}

// spreads returns the standard deviation of each unit's weights over the inputs that
// are in use, but for the denoising strength.
func spreads(l *kudos.Layer) []float64 {
	out := make([]float64, l.Out)
	for j := range out {
		var n, sum, squares float64
		for i := range l.In {
			if w := float64(l.Weights[i*l.Out+j]); i != kudos.DenoisingInput && w != 0 {
				n, sum, squares = n+1, sum+w, squares+w*w
			}
		}

		if n > 0 {
			out[j] = math.Sqrt(math.Max(0, squares/n-sum/n*sum/n))
		}
	}
	return out
}

// run returns a job's seconds with a change u of the first layer, and their
// gradient with respect to u.
func (f *fit) run(j *fitJob, u []float64) (seconds float64, gradient []float64) {
	// Forward, keeping the outputs of each layer.
	acts := [][]float64{make([]float64, len(u))}
	for k := range u {
		acts[0][k] = math.Max(0, j.start[k]+j.less*u[k])
	}
	for n, l := range f.layers[1:] {
		out := make([]float64, l.Out)
		for k, b := range l.Bias {
			out[k] = float64(b)
		}
		for i, a := range acts[n] {
			if a == 0 {
				continue
			}
			for k := range out {
				out[k] += a * float64(l.Weights[i*l.Out+k])
			}
		}
		if n < len(f.layers)-2 {
			for k := range out {
				out[k] = math.Max(0, out[k])
			}
		}
		acts = append(acts, out)
	}

	// Backward, through the units that ReLU let pass.
	slope := []float64{f.scale * j.less}
	for n := len(f.layers) - 1; n > 0; n-- {
		l := &f.layers[n]
		back := make([]float64, l.In)
		for i, a := range acts[n-1] {
			if a == 0 {
				continue
			}
			for k, s := range slope {
				back[i] += s * float64(l.Weights[i*l.Out+k])
			}
		}
		slope = back
	}

	return acts[len(acts)-1][0] * f.scale, slope
}

// solve finds the change of the first layer that fits jobs best: in each round it solves the
// linearised problem in its dual form, one equation a job.
func (f *fit) solve(jobs []fitJob) []float64 {
	units, n := len(f.spread), len(jobs)
	z, u := make([]float64, units), make([]float64, units)
	for range fitRounds {
		// Linearise at u: each job's error and gradient, and its weight by that error.
		slopes, right, k := make([][]float64, n), make([]float64, n), make([][]float64, n)
		for i := range jobs {
			seconds, g := f.run(&jobs[i], u)
			e := (seconds - jobs[i].seconds) / jobs[i].seconds
			for j := range g {
				g[j] *= f.spread[j] / jobs[i].seconds
				right[i] += g[j] * z[j]
			}
			right[i] -= e
			slopes[i] = g
			k[i] = make([]float64, n)
			k[i][i] = fitRidge * math.Sqrt(e*e+fitSoftness*fitSoftness) / fitSoftness
		}

		// The kernel of the gradients.
		for i := range n {
			for j := range n {
				for c := range units {
					k[i][j] += slopes[i][c] * slopes[j][c]
				}
			}
		}

		// Move part of the way to the solution.
		weight := gauss(k, right)
		for c := range units {
			target := 0.0
			for i, g := range slopes {
				target += weight[i] * g[c]
			}
			z[c] += fitDamping * (target - z[c])
			u[c] = z[c] * f.spread[c]
		}
	}
	return u
}

// gauss solves m·x = b for a positive definite m. It overwrites both.
func gauss(m [][]float64, b []float64) []float64 {
	n := len(b)

	// Eliminate below the diagonal.
	for i := range n {
		for r := i + 1; r < n; r++ {
			q := m[r][i] / m[i][i]
			for c := i; c < n; c++ {
				m[r][c] -= q * m[i][c]
			}
			b[r] -= q * b[i]
		}
	}

	// Substitute backwards.
	for i := n - 1; i >= 0; i-- {
		for c := i + 1; c < n; c++ {
			b[i] -= m[i][c] * b[c]
		}
		b[i] /= m[i][i]
	}

	return b
}
