//go:build cgo

package pocket

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// loading guards ONNX Runtime's global state: one library per process, loaded
// at first need and kept, since unloading it while a thread of it still winds
// down ends the process.
var loading sync.Mutex

// loadRuntime loads the first candidate that works.
func loadRuntime(candidates []string) error {
	loading.Lock()
	defer loading.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	var tried []string
	for _, path := range candidates {
		ort.SetSharedLibraryPath(path)
		err := ort.InitializeEnvironment(ort.WithLogLevelError())
		if err == nil {
			return nil
		}
		tried = append(tried, loadFailure(path, err))
	}
	return noRuntime(errors.New("tried " + strings.Join(tried, "; ")))
}

// loadFailure shortens the loader's message and explains the one that does
// not explain itself.
func loadFailure(path string, err error) string {
	text := err.Error()
	if strings.Contains(text, "Error setting ORT API base") {
		return path + ": too old, version 1.24 or newer is needed"
	}
	if _, tail, ok := strings.Cut(text, `": `); ok {
		text = tail
	}
	return path + ": " + strings.TrimPrefix(text, path+": ")
}

// onnx is networks on ONNX Runtime.
type onnx struct {
	text, net, up *ort.DynamicAdvancedSession
}

// loadNetworks loads the graphs in dir (see unpack) with the session options
// of reference.py. threads is the number of threads of one run.
func loadNetworks(dir, library string, threads int) (networks, error) {
	if err := loadRuntime(candidates(library)); err != nil {
		return nil, err
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	err = errors.Join(
		options.SetIntraOpNumThreads(threads),
		// Unpacks the int8 weights once, at load.
		options.AddSessionConfigEntry("session.disable_quant_qdq", "1"),
	)
	if err != nil {
		return nil, err
	}
	n := &onnx{}
	for _, g := range []struct {
		into    **ort.DynamicAdvancedSession
		name    string
		in, out []string
	}{
		{&n.text, "text_encoder", []string{"ids"}, []string{"text", "bias", "pooled"}},
		{&n.net, "denoiser", []string{"x", "sigma", "text", "bias", "pooled"}, []string{"denoised"}},
		{&n.up, "upscaler", []string{"low"}, []string{"high"}},
	} {
		path := filepath.Join(dir, g.name+".onnx")
		if *g.into, err = ort.NewDynamicAdvancedSession(path, g.in, g.out, options); err != nil {
			n.close()
			return nil, fmt.Errorf("ONNX Runtime %s does not take %s: %w", ort.GetVersion(), path, err)
		}
	}
	return n, nil
}

func (n *onnx) close() error {
	var errs []error
	for _, s := range []*ort.DynamicAdvancedSession{n.text, n.net, n.up} {
		if s != nil {
			errs = append(errs, s.Destroy())
		}
	}
	n.text, n.net, n.up = nil, nil, nil
	return errors.Join(errs...)
}

// tensor is a tensor over memory of ours: data stays where it is, so what Go
// writes the network reads.
type tensor struct {
	value ort.Value
	data  []float32
}

// onnxCanvas is canvas on ONNX Runtime. The tensors named …1 are the first
// halves (the prompt's) of those named …2, in the same memory.
type onnxCanvas struct {
	nets    *onnx
	options *ort.RunOptions // nil between begin's end and the next begin
	owned   []ort.Value

	ids                           []int64
	idsIn                         ort.Value
	text2, bias2, pooled2, x2, d2 tensor
	text1, bias1, pooled1, x1, d1 tensor
	sigma2, sigma1                tensor
	enlargers                     []enlarger
	encodeIn, encodeOut           []ort.Value
	guidedIn, guidedOut           []ort.Value
	plainIn, plainOut             []ort.Value
}

func (n *onnx) newCanvas() (canvas, error) {
	c := &onnxCanvas{nets: n, ids: make([]int64, 2*tokens)}
	ids, err := ort.NewTensor(ort.NewShape(2, tokens), c.ids)
	if err != nil {
		return nil, err
	}
	c.idsIn = ids
	c.owned = append(c.owned, ids)
	for _, p := range []struct {
		two, one *tensor
		shape    []int64
	}{
		{&c.text2, &c.text1, []int64{tokens, textWidth}},
		{&c.bias2, &c.bias1, []int64{1, 1, tokens}},
		{&c.pooled2, &c.pooled1, []int64{textWidth}},
		{&c.x2, &c.x1, []int64{3, side, side}},
		{&c.d2, &c.d1, []int64{3, side, side}},
		{&c.sigma2, &c.sigma1, nil},
	} {
		if err := c.pair(p.two, p.one, p.shape); err != nil {
			c.close()
			return nil, err
		}
	}
	c.encodeIn, c.encodeOut = []ort.Value{c.idsIn}, []ort.Value{c.text2.value, c.bias2.value, c.pooled2.value}
	c.guidedIn, c.guidedOut = []ort.Value{c.x2.value, c.sigma2.value, c.text2.value, c.bias2.value, c.pooled2.value}, []ort.Value{c.d2.value}
	c.plainIn, c.plainOut = []ort.Value{c.x1.value, c.sigma1.value, c.text1.value, c.bias1.value, c.pooled1.value}, []ort.Value{c.d1.value}
	return c, nil
}

// pair makes a batch of two of shape and its first half.
func (c *onnxCanvas) pair(two, one *tensor, shape []int64) error {
	size := ort.NewShape(append([]int64{1}, shape...)...)
	data := make([]float32, 2*size.FlattenedSize())
	t2, err := ort.NewTensor(ort.NewShape(append([]int64{2}, shape...)...), data)
	if err != nil {
		return err
	}
	c.owned = append(c.owned, t2)
	t1, err := ort.NewTensor(size, data[:len(data)/2])
	if err != nil {
		return err
	}
	c.owned = append(c.owned, t1)
	*two, *one = tensor{t2, data}, tensor{t1, data[:len(data)/2]}
	return nil
}

// enlarger is the upscaler's tensors for one size of picture.
type enlarger struct {
	w, h      int
	low, high []float32
	in, out   []ort.Value
}

// enlargerFor makes the tensors for w × h, or finds them: there are only two
// sizes, the model's and a strip's.
func (c *onnxCanvas) enlargerFor(w, h int) (*enlarger, error) {
	for i := range c.enlargers {
		if u := &c.enlargers[i]; u.w == w && u.h == h {
			return u, nil
		}
	}
	u := enlarger{w: w, h: h, low: make([]float32, 3*w*h), high: make([]float32, 3*w*h*enlarge*enlarge)}
	low, err := ort.NewTensor(ort.NewShape(1, 3, int64(h), int64(w)), u.low)
	if err != nil {
		return nil, err
	}
	c.owned = append(c.owned, low)
	high, err := ort.NewTensor(ort.NewShape(1, 3, int64(h*enlarge), int64(w*enlarge)), u.high)
	if err != nil {
		return nil, err
	}
	c.owned = append(c.owned, high)
	u.in, u.out = []ort.Value{low}, []ort.Value{high}
	c.enlargers = append(c.enlargers, u)
	return &c.enlargers[len(c.enlargers)-1], nil
}

func (c *onnxCanvas) begin(ctx context.Context) (func(), error) {
	options, err := ort.NewRunOptions()
	if err != nil {
		return nil, err
	}
	c.options = options
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		options.Terminate()
		close(done)
	})
	return func() {
		if !stop() {
			<-done // Terminate must not meet freed options
		}
		c.options = nil
		options.Destroy()
	}, nil
}

func (c *onnxCanvas) encode(prompt, negative []int64) error {
	copy(c.ids, prompt)
	copy(c.ids[tokens:], negative)
	return c.nets.text.RunWithOptions(c.encodeIn, c.encodeOut, c.options)
}

func (c *onnxCanvas) pooled() []float32  { return c.pooled1.data }
func (c *onnxCanvas) picture() []float32 { return c.x1.data }

func (c *onnxCanvas) denoise(sigma float64, guided bool) (prompt, negative []float32, err error) {
	c.sigma2.data[0], c.sigma2.data[1] = float32(sigma), float32(sigma)
	if !guided {
		return c.d1.data, nil, c.nets.net.RunWithOptions(c.plainIn, c.plainOut, c.options)
	}
	copy(c.x2.data[values:], c.x1.data)
	return c.d1.data, c.d2.data[values:], c.nets.net.RunWithOptions(c.guidedIn, c.guidedOut, c.options)
}

func (c *onnxCanvas) upscale(low []float32, w, h int) ([]float32, error) {
	u, err := c.enlargerFor(w, h)
	if err != nil {
		return nil, err
	}
	copy(u.low, low)
	return u.high, c.nets.up.RunWithOptions(u.in, u.out, c.options)
}

func (c *onnxCanvas) close() {
	for _, v := range c.owned {
		v.Destroy()
	}
	c.owned = nil
}
