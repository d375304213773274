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
// when first needed and kept, since unloading it while one of its threads still
// winds down ends the process.
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

// loadFailure shortens the loader's message and explains the one that is
// unclear.
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
	text, net, up *onnxSession
	options       *ort.SessionOptions
}

// onnxSession is session on ONNX Runtime.
type onnxSession struct{ *ort.DynamicAdvancedSession }

func (s *onnxSession) close() error { return s.Destroy() }

// inputs and outputs of a network by its name.
var inputs = map[string][]string{
	textEncoder: {"ids"},
	denoiser:    {"x", "sigma", "text", "bias", "pooled"},
	upscaler:    {"low"},
}

var outputs = map[string][]string{
	textEncoder: {"text", "bias", "pooled"},
	denoiser:    {"denoised"},
	upscaler:    {"high"},
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
	n := &onnx{options: options}
	err = errors.Join(
		options.SetIntraOpNumThreads(threads),
		// Unpacks the int8 weights once, at load.
		options.AddSessionConfigEntry("session.disable_quant_qdq", "1"),
	)
	if err != nil {
		n.close()
		return nil, err
	}

	for name, into := range map[string]**onnxSession{textEncoder: &n.text, denoiser: &n.net, upscaler: &n.up} {
		path := filepath.Join(dir, name+".onnx")
		s, err := ort.NewDynamicAdvancedSession(path, inputs[name], outputs[name], options)
		if err != nil {
			n.close()
			return nil, fmt.Errorf("ONNX Runtime %s does not take %s: %w", ort.GetVersion(), path, err)
		}
		*into = &onnxSession{s}
	}
	return n, nil
}

func (ox *onnx) variant(name string, graph []byte) (session, error) {
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(graph, inputs[name], outputs[name], ox.options)
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime %s does not take the merged %s: %w", ort.GetVersion(), name, err)
	}
	return &onnxSession{s}, nil
}

func (ox *onnx) close() error {
	var errs []error
	for _, s := range []*onnxSession{ox.text, ox.net, ox.up} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	errs = append(errs, ox.options.Destroy())
	return errors.Join(errs...)
}

// tensor is a tensor over our own memory: data stays where it is, so the network
// reads what Go writes.
type tensor struct {
	value ort.Value
	data  []float32
}

// onnxTensors is tensors on ONNX Runtime. The tensors named …1 are the first
// halves (the prompt's) of those named …2, in the same memory.
type onnxTensors struct {
	nets      *onnx
	text, net *onnxSession    // of the job
	options   *ort.RunOptions // nil between begin's end and the next begin
	owned     []ort.Value     // to be destroyed

	ids                           []int64
	idsIn                         ort.Value
	text2, bias2, pooled2, x2, d2 tensor
	text1, bias1, pooled1, x1, d1 tensor
	sigma2, sigma1                tensor
	enlargers                     []enlarger

	// Inputs and outputs of the runs: the encoder's, and the denoiser's with and
	// without a negative prompt.
	encodeIn, encodeOut []ort.Value
	guidedIn, guidedOut []ort.Value
	plainIn, plainOut   []ort.Value
}

func (ox *onnx) newTensors() (tensors, error) {
	t := &onnxTensors{nets: ox, text: ox.text, net: ox.net, ids: make([]int64, 2*tokens)}
	ids, err := ort.NewTensor(ort.NewShape(2, tokens), t.ids)
	if err != nil {
		return nil, err
	}
	t.idsIn = ids
	t.owned = append(t.owned, ids)

	for _, p := range []struct {
		two, one *tensor
		shape    []int64
	}{
		{&t.text2, &t.text1, []int64{tokens, textWidth}},
		{&t.bias2, &t.bias1, []int64{1, 1, tokens}},
		{&t.pooled2, &t.pooled1, []int64{textWidth}},
		{&t.x2, &t.x1, []int64{3, side, side}},
		{&t.d2, &t.d1, []int64{3, side, side}},
		{&t.sigma2, &t.sigma1, nil},
	} {
		if err := t.pair(p.two, p.one, p.shape); err != nil {
			t.close()
			return nil, err
		}
	}

	t.encodeIn = []ort.Value{t.idsIn}
	t.encodeOut = []ort.Value{t.text2.value, t.bias2.value, t.pooled2.value}
	t.guidedIn = []ort.Value{t.x2.value, t.sigma2.value, t.text2.value, t.bias2.value, t.pooled2.value}
	t.guidedOut = []ort.Value{t.d2.value}
	t.plainIn = []ort.Value{t.x1.value, t.sigma1.value, t.text1.value, t.bias1.value, t.pooled1.value}
	t.plainOut = []ort.Value{t.d1.value}
	return t, nil
}

// pair makes a batch of two tensors of a shape, and its first half.
func (ot *onnxTensors) pair(two, one *tensor, shape []int64) error {
	size := ort.NewShape(append([]int64{1}, shape...)...)
	data := make([]float32, 2*size.FlattenedSize())
	t2, err := ort.NewTensor(ort.NewShape(append([]int64{2}, shape...)...), data)
	if err != nil {
		return err
	}
	ot.owned = append(ot.owned, t2)

	t1, err := ort.NewTensor(size, data[:len(data)/2])
	if err != nil {
		return err
	}
	ot.owned = append(ot.owned, t1)

	*two, *one = tensor{t2, data}, tensor{t1, data[:len(data)/2]}
	return nil
}

// enlarger is the upscaler's tensors for one size of image.
type enlarger struct {
	w, h      int
	low, high []float32
	in, out   []ort.Value
}

// enlargerFor makes the tensors for w × h, or finds them: there are only two
// sizes, the model's and a strip's.
func (ot *onnxTensors) enlargerFor(w, h int) (*enlarger, error) {
	for i := range ot.enlargers {
		if u := &ot.enlargers[i]; u.w == w && u.h == h {
			return u, nil
		}
	}

	u := enlarger{
		w:    w,
		h:    h,
		low:  make([]float32, 3*w*h),
		high: make([]float32, 3*w*h*enlarge*enlarge),
	}
	low, err := ort.NewTensor(ort.NewShape(1, 3, int64(h), int64(w)), u.low)
	if err != nil {
		return nil, err
	}
	ot.owned = append(ot.owned, low)

	high, err := ort.NewTensor(ort.NewShape(1, 3, int64(h*enlarge), int64(w*enlarge)), u.high)
	if err != nil {
		return nil, err
	}
	ot.owned = append(ot.owned, high)

	u.in, u.out = []ort.Value{low}, []ort.Value{high}
	ot.enlargers = append(ot.enlargers, u)
	return &ot.enlargers[len(ot.enlargers)-1], nil
}

func (ot *onnxTensors) begin(ctx context.Context) (func(), error) {
	options, err := ort.NewRunOptions()
	if err != nil {
		return nil, err
	}
	ot.options = options

	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		options.Terminate()
		close(done)
	})
	return func() {
		// Terminate must not meet freed options.
		if !stop() {
			<-done
		}
		ot.options = nil
		options.Destroy()
	}, nil
}

func (ot *onnxTensors) use(text, denoiser session) {
	ot.text, ot.net = ot.nets.text, ot.nets.net
	if s, ok := text.(*onnxSession); ok {
		ot.text = s
	}
	if s, ok := denoiser.(*onnxSession); ok {
		ot.net = s
	}
}

func (ot *onnxTensors) encode(prompt, negative []int64) error {
	copy(ot.ids, prompt)
	copy(ot.ids[tokens:], negative)
	return ot.text.RunWithOptions(ot.encodeIn, ot.encodeOut, ot.options)
}

func (ot *onnxTensors) pooled() []float32 { return ot.pooled1.data }
func (ot *onnxTensors) noisy() []float32  { return ot.x1.data }

func (ot *onnxTensors) denoise(sigma float64, guided bool) (prompt, negative []float32, err error) {
	ot.sigma2.data[0], ot.sigma2.data[1] = float32(sigma), float32(sigma)
	if !guided {
		return ot.d1.data, nil, ot.net.RunWithOptions(ot.plainIn, ot.plainOut, ot.options)
	}
	copy(ot.x2.data[values:], ot.x1.data)
	return ot.d1.data, ot.d2.data[values:], ot.net.RunWithOptions(ot.guidedIn, ot.guidedOut, ot.options)
}

func (ot *onnxTensors) upscale(low []float32, w, h int) ([]float32, error) {
	u, err := ot.enlargerFor(w, h)
	if err != nil {
		return nil, err
	}
	copy(u.low, low)
	return u.high, ot.nets.up.RunWithOptions(u.in, u.out, ot.options)
}

func (ot *onnxTensors) close() {
	for _, v := range ot.owned {
		v.Destroy()
	}
	ot.owned = nil
}
