package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"horde/internal/kudos"
)

// Config is how a net is trained. The same configuration and jobs give the same
// net, bit for bit, however many processors there are.
type Config struct {
	Name    string // of the net
	Comment string // for its card: what the jobs are
	Seed    uint64
	Epochs  int     // times that every job is seen
	Hidden  []int   // units of each hidden layer
	Rate    float64 // learning rate at its height
	Decay   float64 // share of the learning rate by which weights shrink each batch
	HeldOut float64 // share of jobs kept back to judge by, above 0 and below 1

	// Progress, where given, is told of each epoch.
	Progress func(Epoch)
}

// Epoch is how training stands.
type Epoch struct {
	Number, Of int
	Loss       float64 // mean over the epoch
	Held       float64 // loss on the jobs kept back
	Score      Score   // on the jobs kept back
}

// Result is a trained net and how it became so.
type Result struct {
	Net     *kudos.Net
	Epochs  []Epoch
	Skipped int // jobs that cannot be encoded: their names are too rare to get a place
}

// Training constants.
const (
	parts    = 4                // of a batch, each for one processor
	partRows = 16               // jobs in each part
	batch    = parts * partRows // jobs
	scale    = 10               // seconds for an output of 1: keeps outputs near 1
	softness = 0.01             // relative error below which the loss is square, above linear
	warmup   = 500              // steps over which the learning rate rises, but at most a tenth of all
	// One of so many jobs is the basis job, whose seconds the price of every
	// other is a share of.
	basisEvery = 256
)

// check refuses a configuration that cannot be trained.
func (c Config) check() error {
	switch {
	case c.Epochs < 1 || c.Epochs > 100_000:
		return fmt.Errorf("%d epochs; 1 to 100000 are allowed", c.Epochs)
	case len(c.Hidden) < 1 || len(c.Hidden) > 6:
		return fmt.Errorf("%d hidden layers; 1 to 6 are allowed", len(c.Hidden))
	case !(c.Rate > 0 && c.Rate <= 1):
		return fmt.Errorf("learning rate %v; it must be above 0 and at most 1", c.Rate)
	case !(c.Decay >= 0 && c.Decay*c.Rate < 1):
		return fmt.Errorf(
			"weight decay %v; it must be 0 or more, and less than 1 after it is multiplied by the learning rate", c.Decay)
	case !(c.HeldOut > 0 && c.HeldOut < 1):
		return fmt.Errorf("%v of the jobs kept back; it must be a share above 0 and below 1", c.HeldOut)
	}
	for _, n := range c.Hidden {
		if n < 1 || n > 512 {
			return fmt.Errorf("a hidden layer of %d units; 1 to 512 are allowed", n)
		}
	}
	return nil
}

// Train makes a net from jobs. It ends early, with ctx's error, when ctx does.
func Train(ctx context.Context, jobs []Job, c Config) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	t, err := newTrainer(jobs, c)
	if err != nil {
		return nil, err
	}

	defer t.stop()
	for e := 1; e <= c.Epochs; e++ {
		loss, err := t.epoch(ctx)
		if err != nil {
			return nil, err
		}

		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return nil, fmt.Errorf("training diverged in epoch %d; a lower learning rate than %v may help", e, c.Rate)
		}

		stands := Epoch{Number: e, Of: c.Epochs, Loss: loss}
		stands.Held, stands.Score = t.judge()
		t.result.Epochs = append(t.result.Epochs, stands)
		if c.Progress != nil {
			c.Progress(stands)
		}
	}

	t.result.Net, err = t.net()
	return &t.result, err
}

// trainer is a training in progress.
type trainer struct {
	c          Config
	rng        *rand.Rand
	vocabulary kudos.Vocabulary
	layers     []*layer
	parts      []*part
	train      samples
	held       samples
	heldJobs   []Job
	order      []int32 // of the training samples
	step       int
	result     Result

	work chan func() // for the helpers
	done sync.WaitGroup
}

// samples are encoded jobs.
type samples struct {
	x       []float32 // n × kudos.Inputs
	seconds []float32
}

func (s *samples) add(x *[kudos.Inputs]float32, seconds float64) {
	s.x = append(s.x, x[:]...)
	s.seconds = append(s.seconds, float32(seconds))
}

func (s *samples) row(i int32) []float32 { return s.x[int(i)*kudos.Inputs:][:kudos.Inputs] }

func newTrainer(jobs []Job, c Config) (*trainer, error) {
	t := &trainer{c: c, rng: rand.New(rand.NewPCG(c.Seed, 0x686f726465))}
	if err := t.encode(jobs); err != nil {
		return nil, err
	}

	// Inputs that are 0 in every job get no weights.
	used := make([]bool, kudos.Inputs)
	for i, v := range t.train.x {
		used[i%kudos.Inputs] = used[i%kudos.Inputs] || v != 0
	}
	in := kudos.Inputs
	for _, out := range c.Hidden {
		t.layers = append(t.layers, newLayer(in, out, true, used, t.rng))
		in, used = out, nil
	}

	// Start the output at the mean time.
	last := newLayer(in, 1, false, nil, t.rng)
	last.b.v[0] = float32(mean64(t.train.seconds) / scale)
	t.layers = append(t.layers, last)

	for range parts {
		t.parts = append(t.parts, newPart(t.layers, partRows))
	}

	// The calling goroutine works too, so it needs one helper less than processors.
	t.work = make(chan func())
	for range max(0, min(parts, runtime.GOMAXPROCS(0))-1) {
		go func() {
			for f := range t.work {
				f()
			}
		}()
	}
	return t, nil
}

func (t *trainer) stop() { close(t.work) }

// encode sorts the jobs into those to train on and those to judge by.
func (t *trainer) encode(jobs []Job) (err error) {
	if t.vocabulary, err = VocabularyOf(jobs); err != nil {
		return err
	}
	e, err := kudos.NewEncoding(t.vocabulary)
	if err != nil {
		return err
	}
	var x [kudos.Inputs]float32
	for i := range jobs {
		j := jobs[i]
		if math.IsNaN(j.Seconds) {
			return errors.New("the data file has no column seconds to learn from")
		}
		switch {
		case !e.Encode(&j.Order, &x):
			t.result.Skipped++
		case Split(&j, t.c.Seed, t.c.HeldOut):
			t.held.add(&x, j.Seconds)
			t.heldJobs = append(t.heldJobs, j)
		default:
			t.train.add(&x, j.Seconds)
		}
	}

	if len(t.train.seconds) < batch || len(t.heldJobs) == 0 {
		return fmt.Errorf("%d jobs to train on and %d to judge by are too few", len(t.train.seconds), len(t.heldJobs))
	}

	// Repeat the basis job often, because every price is a share of it.
	if basis := BasisSeconds(jobs); basis > 0 {
		o := kudos.BasisJob()
		e.Encode(&o, &x)
		for range max(1, len(t.train.seconds)/basisEvery) {
			t.train.add(&x, basis)
		}
	}

	t.order = make([]int32, len(t.train.seconds))
	for i := range t.order {
		t.order[i] = int32(i)
	}
	return nil
}

// BasisSeconds is the basis job's time that the two columns of the jobs imply,
// rounded as it was when their prices were made; 0 where one is missing.
func BasisSeconds(jobs []Job) float64 {
	var seconds, worth float64
	for i := range jobs {
		seconds += jobs[i].Seconds
		worth += jobs[i].Kudos
	}

	if basis := math.Round(seconds/worth*11*100) / 100; basis > 0 {
		return basis
	}
	return 0
}

func mean64(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x)
	}
	return sum / float64(len(v))
}

// epoch shows the net every job once, in a new order, but for a last
// incomplete batch. It returns the mean loss.

func (t *trainer) epoch(ctx context.Context) (float64, error) {
	t.rng.Shuffle(len(t.order), func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
	batches, loss := len(t.order)/batch, 0.0

	for b := range batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t.each(parts, func(i int) { t.parts[i].learn(&t.train, t.order[b*batch+i*partRows:][:partRows]) })
		for _, p := range t.parts {
			loss += p.loss
		}

		t.adam(batches * t.c.Epochs)
	}
	return loss / float64(batches*batch), nil
}

// each runs f(0) to f(n-1) on all processors.
func (t *trainer) each(n int, f func(i int)) {
	t.done.Add(n)
	for i := range n {
		task := func() { f(i); t.done.Done() }
		select {
		case t.work <- task: // a helper is idle
		default:
			task()
		}
	}
	t.done.Wait()
}

// load copies the inputs of the samples that rows lists.
func (pt *part) load(s *samples, rows []int32) {
	for r, i := range rows {
		copy(pt.acts[0][r*kudos.Inputs:], s.row(i))
	}
}

// learn computes the gradients of samples. The loss of one is the
// pseudo-Huber function of its relative error: the accuracy by which nets are
// judged is, near 1, that error too.
func (pt *part) learn(s *samples, rows []int32) {
	pt.load(s, rows)
	pt.forward(len(rows))

	n := len(pt.layers)
	pt.loss = 0
	for r, i := range rows {
		loss, slope := lossOf(pt.acts[n][r], s.seconds[i])
		pt.loss += loss
		pt.errs[n][r] = slope / batch
	}

	pt.backward(len(rows))
}

func lossOf(out, seconds float32) (loss float64, slope float32) {
	e := float64(float32(out*scale)-seconds) / float64(seconds)
	root := math.Sqrt(float64(e*e) + softness*softness)
	return root - softness, float32(e/root) * scale / seconds
}

// adam updates all weights. The learning rate rises over the first steps and
// then falls along a cosine to nothing.
func (t *trainer) adam(steps int) {
	t.step++
	n := float64(t.step)
	rise := math.Min(warmup, float64(steps)/10)
	rate := t.c.Rate * math.Min(1, n/rise) * 0.5 * (1 + math.Cos(math.Pi*n/float64(steps)))
	keep := float32(1 - rate*t.c.Decay)

	// Correct for the bias of young means.
	rate /= 1 - math.Pow(beta1, n)
	c2 := float32(1 / (1 - math.Pow(beta2, n)))

	t.each(parts, func(i int) {
		for k, l := range t.layers {
			ws, bs := make([][]float32, parts), make([][]float32, parts)
			for j, p := range t.parts {
				ws[j], bs[j] = p.grads[k].w, p.grads[k].b
			}
			l.w.adam(len(l.w.v)*i/parts, len(l.w.v)*(i+1)/parts, float32(rate), c2, keep, ws...)
			l.b.adam(len(l.b.v)*i/parts, len(l.b.v)*(i+1)/parts, float32(rate), c2, 1, bs...)
		}
	})
}

// judge measures the net on the jobs kept back, by their seconds, since prices
// depend on the basis job too.
func (t *trainer) judge() (loss float64, s Score) {
	n := len(t.heldJobs)
	each, losses := make([]float64, n), make([]float64, parts)
	t.each(parts, func(i int) {
		p := t.parts[i]
		for at := n * i / parts; at < n*(i+1)/parts; at += partRows {
			rows := make([]int32, 0, partRows)
			for r := at; r < min(at+partRows, n*(i+1)/parts); r++ {
				rows = append(rows, int32(r))
			}

			p.load(&t.held, rows)
			p.forward(len(rows))
			for r, j := range rows {
				out, want := p.acts[len(p.layers)][r], t.held.seconds[j]
				l, _ := lossOf(out, want)
				losses[i] += l
				each[j] = accuracy(float64(want), math.Max(0.01, float64(out)*scale))
			}
		}
	})

	for _, l := range losses {
		loss += l
	}
	return loss / float64(n), scoreOf(each)
}

// net returns the net with the current weights, and its card.
func (t *trainer) net() (*kudos.Net, error) {
	var layers []kudos.Layer
	for _, l := range t.layers {
		layers = append(layers, kudos.Layer{In: l.in, Out: l.out, Weights: l.w.v, Bias: l.b.v})
	}

	score := t.result.Epochs[len(t.result.Epochs)-1].Score
	return kudos.NewNet(kudos.Card{
		Name:       t.c.Name,
		Vocabulary: t.vocabulary,
		Seed:       t.c.Seed,
		Epochs:     t.c.Epochs,
		TrainRows:  len(t.train.seconds),
		HeldOut:    t.c.HeldOut,
		HeldOutN:   len(t.heldJobs),
		Accuracy:   score.Accuracy,
		Worst:      score.Worst,
		Comment:    t.c.Comment,
	}, scale, layers)
}
