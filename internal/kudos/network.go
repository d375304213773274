package kudos

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"sync"

	"horde/internal/horde"
	"horde/internal/kudos/vec"
)

// Card says how a net was made. It travels in the net's file.
type Card struct {
	Name       string     `json:"name"`        // what price breakdowns call the net
	Vocabulary Vocabulary `json:"vocabulary"`  // names in the room
	Seed       uint64     `json:"seed"`        // of the training
	Epochs     int        `json:"epochs"`      // of the training
	TrainRows  int        `json:"train_rows"`  // jobs it was trained on
	HeldOut    float64    `json:"held_out"`    // share of jobs kept back, see training.Split
	HeldOutN   int        `json:"held_out_n"`  // how many these were
	Accuracy   float64    `json:"accuracy"`    // on them; training.Score
	Worst      float64    `json:"worst"`       // their first percentile
	Comment    string     `json:"description"` // what the jobs were

	// Jobs that the weights of the denoising strength were fitted to, where that was
	// done separately, and the accuracy on each while it was left out of the fit.
	DenoisingN        int     `json:"denoising_n,omitempty"`
	DenoisingAccuracy float64 `json:"denoising_accuracy,omitempty"`
}

// Layer is one fully connected layer. ReLU stands between layers.
type Layer struct {
	In, Out int
	Weights []float32 // In×Out: those of input i begin at i·Out
	Bias    []float32 // Out
}

// Net is a price network (generation §6.1): a multilayer perceptron whose one output is
// Scale times the seconds that a job is expected to take. It never changes, so
// any number of goroutines may use it.
type Net struct {
	card     Card
	encoding *Encoding
	layers   []Layer
	scale    float32
	basis    float64 // seconds of the basis job
}

// Limits of a net.
const (
	maxLayers = 8
	maxWidth  = 512 // outputs of a layer
)

const (
	basisKudos = 10 + 1 // of the basis job: 10 and the "adjustment" of generation §6.1
	minSeconds = 0.01   // no job is shorter, whatever a net says
)

// BasisJob is the job that every net prices at 11 kudos (generation §6.1).
func BasisJob() Order {
	return Order{Width: 512, Height: 512, Steps: 50, Cfg: 7.5, Sampler: "k_euler", Karras: true, N: 1}
}

// NewNet makes a net of layers; the first takes [Inputs] values, the last yields
// one. It fails if sizes do not fit or a number is not finite.
func NewNet(card Card, scale float32, layers []Layer) (*Net, error) {
	e, err := NewEncoding(card.Vocabulary)
	if err != nil {
		return nil, err
	}
	if len(layers) == 0 || len(layers) > maxLayers {
		return nil, fmt.Errorf("a net has 1 to %d layers, not %d", maxLayers, len(layers))
	}

	// Each layer must take what the one before it yields.
	in := Inputs
	for i, l := range layers {
		if l.In != in || l.Out < 1 || l.Out > maxWidth || len(l.Weights) != l.In*l.Out || len(l.Bias) != l.Out {
			return nil, fmt.Errorf(
				"layer %d takes %d values and gives %d with %d weights and %d biases; it must take %d and give 1 to %d",
				i, l.In, l.Out, len(l.Weights), len(l.Bias), in, maxWidth)
		}
		if !finite(l.Weights) || !finite(l.Bias) {
			return nil, fmt.Errorf("layer %d has a weight that is no finite number", i)
		}
		in = l.Out
	}

	if in != 1 || !(scale > 0) || math.IsInf(float64(scale), 0) {
		return nil, fmt.Errorf("a net must give 1 value (%d) on a positive scale (%v)", in, scale)
	}

	// Calibrate the scale by the basis job.
	n := &Net{card: card, encoding: e, layers: layers, scale: scale}
	basis := BasisJob()
	n.basis, _ = n.Seconds(&basis)
	if math.IsInf(n.basis, 0) || n.basis <= minSeconds {
		return nil, fmt.Errorf("the net gives the basis job %v seconds: it is not trained", n.basis)
	}

	if k, ok := n.Kudos(&basis); !ok || k != basisKudos {
		return nil, fmt.Errorf("the net prices the basis job at %v kudos, not at %d", k, basisKudos)
	}
	return n, nil
}

func finite(v []float32) bool {
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return false
		}
	}
	return true
}

// Card says how the net was made.
func (n *Net) Card() Card { return n.card }

// Basis is how many seconds the net expects the basis job to take.
func (n *Net) Basis() float64 { return n.basis }

// Encoding is the net's encoding of jobs.
func (n *Net) Encoding() *Encoding { return n.encoding }

// Layers returns copies of the net's layers, and the factor from its output to
// seconds.
func (n *Net) Layers() (layers []Layer, scale float32) {
	for _, l := range n.layers {
		l.Weights, l.Bias = slices.Clone(l.Weights), slices.Clone(l.Bias)
		layers = append(layers, l)
	}
	return layers, n.scale
}

// Seconds is how long the net expects a job to take, rounded to hundredths and at
// least 0.01. ok is false if the job has an input that the net does not
// know.
func (n *Net) Seconds(o *Order) (s float64, ok bool) {
	var x [Inputs]float32
	if !n.encoding.Encode(o, &x) {
		return 0, false
	}
	return max(minSeconds, horde.Round2(float64(n.forward(&x)*n.scale))), true
}

// Kudos is the net's price of one image: seconds as a share of those of the
// basis job, which is worth 11 (generation §6.1). ok as for Seconds.
func (n *Net) Kudos(o *Order) (k float64, ok bool) {
	s, ok := n.Seconds(o)
	if !ok {
		return 0, false
	}
	return n.worth(s), true
}

// worth is what a job of so many seconds is worth.
func (n *Net) worth(seconds float64) float64 { return horde.Round2(seconds / n.basis * basisKudos) }

// forward runs the net. Inputs that are 0, about half of them after a ReLU,
// cost nothing.
func (n *Net) forward(x *[Inputs]float32) float32 {
	var a, b [maxWidth]float32
	var index [maxWidth]int32

	in, out := a[:copy(a[:], x[:])], b[:]
	for i := range n.layers {
		l := &n.layers[i]
		out = out[:l.Out]
		copy(out, l.Bias)
		vec.Gather(out, l.Weights, in, vec.NonZero(index[:], in, len(in), 1), 1)
		if i < len(n.layers)-1 {
			vec.ReLU(out)
		}
		in, out = out, in[:cap(in)]
	}
	return in[0]
}

//go:embed net.bin
var embedded []byte

// Standard is the net that comes with the program; NETWORK.md is its card.
var Standard = sync.OnceValue(func() *Net {
	n, err := ParseNet(embedded)
	if err != nil {
		panic("kudos: the net in this program: " + err.Error())
	}
	return n
})
