// Package pocket paints with the project's own text-to-image diffusion model,
// which is embedded in the binary, through ONNX Runtime. Start at [New].
//
// The model (model/MODEL_CARD.md) turns a prompt into 128 × 128 pixels by
// denoising and enlarges them to 512 × 512; this package does the same
// arithmetic as model/reference.py, step by step, and fits the result to the
// size that a job asks for. Files: tokenizer.go (prompt → ids), noise.go
// (seed → deviates), sampler.go (schedule and solvers), networks*.go (the three
// networks), plan.go (what the API says → what the model can do), picture.go
// (pixels), paint.go and enlarge.go (one job), unpack.go (model files → cache folder) and
// library.go (where ONNX Runtime is found).
package pocket

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"horde/engine"
	"horde/engine/pocket/model"
)

// ModelName is the public name of the model.
const ModelName = "horde_pocket"

// Attribution names the artwork behind the weights; show it wherever the
// model's licences are shown.
const Attribution = model.Attribution

// maxBatch keeps one job within its time to live on a slow machine.
const maxBatch = 4

// maxThreads is where more threads stop helping networks of this size.
const maxThreads = 8

// Options of New; the zero value is good.
type Options struct {
	// Threads of one run of a network; 0: one per processor, at most 8.
	Threads int
	// Library is the path of ONNX Runtime's shared library, or of a folder with
	// it. Empty: the environment variable HORDE_ONNXRUNTIME, else beside the
	// executable, in lib beside it, then on the system. One process loads one
	// library: the first that any engine loaded.
	Library string
	// CacheDir is where the model's files are unpacked (30 MB, once per version
	// of the model). Empty: horde in the user's cache folder.
	CacheDir string
}

// New unpacks the model where needed, loads it (about 0.4 s) and is then ready
// to paint. Its error wraps ErrNoRuntime where ONNX Runtime cannot be loaded.
func New(o Options) (engine.Engine, error) {
	return open(o)
}

// painter is the engine.
type painter struct {
	tokens *tokenizer
	nets   networks

	running sync.RWMutex // held for reading by Paint, for writing by Close
	closed  bool
	idle    canvases
}

func open(o Options) (*painter, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("pocket: %d threads: give 1 or more, or 0 for one per processor", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = min(runtime.GOMAXPROCS(0), maxThreads)
	}
	t, err := newTokenizer()
	if err != nil {
		return nil, err
	}
	dir, err := unpack(o.CacheDir)
	if err != nil {
		return nil, err
	}
	nets, err := loadNetworks(dir, o.Library, o.Threads)
	if err != nil {
		return nil, err
	}
	return &painter{tokens: t, nets: nets}, nil
}

// Name implements engine.Engine.
func (p *painter) Name() string { return "pocket" }

// Models implements engine.Engine.
func (p *painter) Models() []string { return []string{ModelName} }

// Capabilities implements engine.Engine. Masks of image to image and of
// inpainting are honoured.
func (p *painter) Capabilities() engine.Capabilities {
	return engine.Capabilities{MaxPixels: maxSide * maxSide, Img2Img: true, Painting: true, MaxBatch: maxBatch}
}

// errClosed is what Paint says after Close.
var errClosed = errors.New("the pocket engine is closed")

// Paint implements engine.Engine. Jobs painted at the same time share the
// processors; each takes about 10 MB beside the loaded model.
func (p *painter) Paint(ctx context.Context, job engine.Job, hooks engine.Hooks) error {
	if !slices.Contains(p.Models(), job.Model) {
		return fmt.Errorf("the pocket engine has no model %q, only %s", job.Model, ModelName)
	}
	p.running.RLock()
	defer p.running.RUnlock()
	if p.closed {
		return errClosed
	}
	c, err := p.idle.take(p.nets)
	if err != nil {
		return err
	}
	defer p.idle.give(c)
	err = p.paint(ctx, c, job, hooks)
	if ctx.Err() != nil {
		return ctx.Err() // a run that was stopped reports an error of its own
	}
	return err
}

// Close implements engine.Engine.
func (p *painter) Close() error {
	p.running.Lock()
	defer p.running.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.idle.close()
	return p.nets.close()
}

// easel is a canvas with the working memory around it.
type easel struct {
	canvas
	solver solver
	source []float32 // planes of the source picture
	strip  []float32 // rows on their way to the second enlargement
	start  []float32 // the noise that the mask's kept part is drowned in
}

// canvases keeps easels for the next job, as many as ran at once.
type canvases struct {
	mu   sync.Mutex
	free []*easel
}

func (s *canvases) take(n networks) (*easel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		c := s.free[last]
		s.free = s.free[:last]
		return c, nil
	}
	c, err := n.newCanvas()
	if err != nil {
		return nil, err
	}
	return &easel{canvas: c}, nil
}

func (s *canvases) give(c *easel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, c)
}

func (s *canvases) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.free {
		c.close()
	}
	s.free = nil
}
