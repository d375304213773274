// Package pocket generates images with the project's own text-to-image diffusion model,
// which is embedded in the binary, through ONNX Runtime. Start at [New].
//
// The model (model/MODEL_CARD.md) turns a prompt into 128 × 128 pixels by
// denoising and enlarges them to 512 × 512; this package does the same
// arithmetic as model/reference.py, step by step, and fits the result to the
// size that a job requests. Files: tokenizer.go (prompt → ids), noise.go
// (seed → deviates), sampler.go (schedule and solvers), networks*.go (the three
// networks), plan.go (what the API says → what the model can do), pixels.go
// (numbers → pixels), generate.go and enlarge.go (one job), lora.go (a job's LoRAs),
// merge.go, weights.go and graph.go (LoRAs → changed networks), variants.go (which of
// those are kept), unpack.go (model files → cache folder) and library.go (where ONNX
// Runtime is found).
package pocket

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"horde/engine"
	"horde/engine/pocket/loras"
	"horde/engine/pocket/model"
)

// ModelName is the public name of the model.
const ModelName = "horde_pocket"

// Attribution names the artwork behind the weights; show it wherever the
// model's licences are shown.
const Attribution = model.Attribution

// maxBatch keeps one job within its time to live on a slow machine.
const maxBatch = 4 // images

// maxThreads is where more threads stop helping networks of this size.
const maxThreads = 8

// Options of New; the zero value is valid.
type Options struct {
	// Threads of one run of a network; 0: one per processor, at most 8.
	Threads int
	// Library is the path of ONNX Runtime's shared library, or of its folder.
	// Empty: the environment variable HORDE_ONNXRUNTIME, else beside the
	// executable, in lib beside it, then on the system. One process loads one
	// library: the first that any engine loaded.
	Library string
	// LoraDir is a folder with LoRAs of the user (.safetensors, see package loras),
	// offered beside the built-in ones. It is read once. Empty: none.
	LoraDir string
	// Warn is told what is wrong with a file in LoraDir that cannot be used, at the
	// start and, where it was good then, with each job that wants it; nil: nobody is.
	Warn func(error)
	// CacheDir is where the model's files are unpacked (30 MB, once per version
	// of the model). Empty: horde in the user's cache folder.
	CacheDir string
}

// New unpacks the model where needed and loads it (about 0.4 s). Its error wraps
// ErrNoRuntime where ONNX Runtime cannot be loaded.
func New(o Options) (engine.ImageEngine, error) {
	return open(o)
}

// generator is the engine.
type generator struct {
	tokens  *tokenizer
	library *loras.Library
	warn    func(error)
	nets    networks
	adapted variants

	running sync.RWMutex // held for reading by Generate, for writing by Close
	closed  bool         // guarded by running
	idle    workspacePool
}

func open(o Options) (*generator, error) {
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
	library, warnings, err := loras.Open(o.LoraDir)
	if err != nil {
		return nil, fmt.Errorf("pocket: %w", err)
	}
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	for _, w := range warnings {
		o.Warn(w)
	}

	dir, err := unpack(o.CacheDir)
	if err != nil {
		return nil, err
	}
	nets, err := loadNetworks(dir, o.Library, o.Threads)
	if err != nil {
		return nil, err
	}
	g := &generator{tokens: t, library: library, warn: o.Warn, nets: nets}
	g.adapted.load = g.loadVariant
	return g, nil
}

// Name implements engine.Engine.
func (g *generator) Name() string { return "pocket" }

// Probe implements engine.Engine.
func (*generator) Probe(context.Context) error { return nil }

// Models implements engine.Engine.
func (g *generator) Models() []string { return []string{ModelName} }

// Capabilities implements engine.ImageEngine. Masks of image to image and of
// inpainting are honoured.
func (g *generator) Capabilities() engine.ImageCapabilities {
	return engine.ImageCapabilities{
		MaxPixels:  maxSide * maxSide,
		Img2Img:    true,
		Inpainting: true,
		Lora:       true,
		MaxBatch:   maxBatch,
	}
}

// errClosed is what Generate returns after Close.
var errClosed = errors.New("the pocket engine is closed")

// Generate implements engine.ImageEngine. Jobs that run at the same time share the
// processors; each takes about 10 MB beside the loaded model.
func (g *generator) Generate(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
	if !slices.Contains(g.Models(), job.Model) {
		return fmt.Errorf("the pocket engine has no model %q, only %s", job.Model, ModelName)
	}

	g.running.RLock()
	defer g.running.RUnlock()
	if g.closed {
		return errClosed
	}
	ws, err := g.idle.get(g.nets)
	if err != nil {
		return err
	}
	defer g.idle.put(ws)

	// A run that was stopped reports an error of its own: prefer the context's.
	err = g.generate(ctx, ws, job, hooks)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close implements engine.Engine.
func (g *generator) Close() error {
	g.running.Lock()
	defer g.running.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.idle.close()
	g.adapted.close()
	return g.nets.close()
}

// workspace holds the tensors and the other memory of one image at a time.
type workspace struct {
	tensors
	solver solver
	source []float32 // planes of the source image
	strip  []float32 // rows for the second enlargement
	noise  []float32 // what the kept part of the source is noised with
}

// workspacePool keeps workspaces for the next jobs, as many as ran at once.
type workspacePool struct {
	mu   sync.Mutex
	free []*workspace // guarded by mu
}

func (wp *workspacePool) get(n networks) (*workspace, error) {
	wp.mu.Lock()
	defer wp.mu.Unlock()
	if last := len(wp.free) - 1; last >= 0 {
		ws := wp.free[last]
		wp.free = wp.free[:last]
		return ws, nil
	}

	t, err := n.newTensors()
	if err != nil {
		return nil, err
	}
	return &workspace{tensors: t}, nil
}

func (wp *workspacePool) put(ws *workspace) {
	wp.mu.Lock()
	defer wp.mu.Unlock()
	wp.free = append(wp.free, ws)
}

func (wp *workspacePool) close() {
	wp.mu.Lock()
	defer wp.mu.Unlock()
	for _, ws := range wp.free {
		ws.close()
	}
	wp.free = nil
}
