package training

import (
	"math"
	"math/rand/v2"

	"horde/internal/kudos/vec"
)

// layer is a fully connected layer with the state of its optimiser.
type layer struct {
	in, out int
	w, b    param // w: in×out, the weights of input i begin at i·out
	relu    bool  // after the layer
}

// param is a block of numbers that Adam updates.
type param struct {
	v    []float32
	m, s []float32 // running means of the gradient and of its square
}

func newParam(n int) param {
	return param{v: make([]float32, n), m: make([]float32, n), s: make([]float32, n)}
}

// newLayer draws weights as He et al. do. Weights of inputs that used marks as always 0
// stay 0: nothing ever moves them.
func newLayer(in, out int, relu bool, used []bool, rng *rand.Rand) *layer {
	l := &layer{in: in, out: out, relu: relu, w: newParam(in * out), b: newParam(out)}
	count := 0
	for i := range in {
		if used == nil || used[i] {
			count++
		}
	}

	spread := math.Sqrt(2 / float64(max(1, count)))
	for i := range in {
		for j := range out {
			if v := rng.NormFloat64() * spread; used == nil || used[i] {
				l.w.v[i*out+j] = float32(v)
			}
		}
	}
	return l
}

// grads are the gradients of one layer that one part of a batch gives.
type grads struct{ w, b []float32 }

// part computes the gradients of one part of each batch. Every part has a fixed
// number of rows, so that sums are added in the same order on every machine.
type part struct {
	layers []*layer
	acts   [][]float32 // acts[0] inputs, acts[k] outputs of layer k-1: rows × width
	errs   [][]float32 // gradients of the outputs, same shapes
	grads  []grads
	index  []int32 // scratch: indices of the numbers that are not 0
	loss   float64
}

func newPart(layers []*layer, rows int) *part {
	p := &part{layers: layers}
	widest := rows
	p.acts = append(p.acts, make([]float32, rows*layers[0].in))
	p.errs = append(p.errs, nil)
	for _, l := range layers {
		p.acts = append(p.acts, make([]float32, rows*l.out))
		p.errs = append(p.errs, make([]float32, rows*l.out))
		p.grads = append(p.grads, grads{make([]float32, l.in*l.out), make([]float32, l.out)})
		widest = max(widest, l.in, l.out)
	}

	p.index = make([]int32, widest)
	return p
}

// forward fills acts from the inputs of rows jobs in acts[0].
func (pt *part) forward(rows int) {
	for k, l := range pt.layers {
		for r := range rows {
			in := pt.acts[k][r*l.in:][:l.in]
			out := pt.acts[k+1][r*l.out:][:l.out]
			copy(out, l.b.v)
			vec.Gather(out, l.w.v, in, vec.NonZero(pt.index, in, l.in, 1), 1)
			if l.relu {
				vec.ReLU(out)
			}
		}
	}
}

// backward fills grads from the gradient of the last output in errs.
func (pt *part) backward(rows int) {
	for k := len(pt.layers) - 1; k >= 0; k-- {
		l, err, in, g := pt.layers[k], pt.errs[k+1], pt.acts[k], pt.grads[k]
		clear(g.b)
		for r := range rows {
			vec.Add(g.b, err[r*l.out:], 1)
		}

		clear(g.w)
		for i := range l.in {
			index := vec.NonZero(pt.index, in[i:], rows, l.in)
			vec.Gather(g.w[i*l.out:][:l.out], err, in[i:], index, l.in)
		}

		if k == 0 {
			return // nobody asks for the gradient of the inputs
		}

		back := pt.errs[k]
		clear(back)
		for r := range rows {
			// What ReLU cut to 0 gets no gradient.
			index := vec.NonZero(pt.index, in[r*l.in:], l.in, 1)
			vec.Dots(back[r*l.in:][:l.in], err[r*l.out:][:l.out], l.w.v, index)
		}
	}
}

// Adam's usual constants.
const (
	beta1, beta2 = 0.9, 0.999
	epsilon      = 1e-8
)

// adam updates p with the sum of its gradients. rate is the learning rate,
// corrected for the bias of young means, c2 the same correction for the squares; keep
// is the share of each number that is left before that (weight decay, separate from
// the gradient as in AdamW).
func (p *param) adam(from, to int, rate, c2, keep float32, gs ...[]float32) {
	v, m, s := p.v[from:to], p.m[from:to], p.s[from:to]
	for i := range v {
		g := float32(0)
		for _, part := range gs {
			g += part[from+i]
		}
		m[i] = float32(beta1*m[i]) + float32((1-beta1)*g)
		s[i] = float32(beta2*s[i]) + float32(float32((1-beta2)*g)*g)
		v[i] = float32(keep*v[i]) - float32(rate*m[i])/(float32(math.Sqrt(float64(s[i]*c2)))+epsilon)
	}
}
