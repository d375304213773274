package pocket

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// goldenCase is one entry of model/golden/golden.json.
type goldenCase struct {
	Name        string    `json:"name"`
	Prompt      string    `json:"prompt"`
	Negative    string    `json:"negative"`
	Seed        string    `json:"seed"`
	Steps       int       `json:"steps"`
	Cfg         float64   `json:"cfg"`
	Sampler     string    `json:"sampler"`
	IDs         []int64   `json:"ids"`
	NegativeIDs []int64   `json:"negative_ids"`
	Pooled      figures   `json:"pooled"`
	Start       figures   `json:"start"`
	Denoised    figures   `json:"denoised_first"`
	Low         figures   `json:"low"`
	PNG         string    `json:"png"`
	HighMean    []float64 `json:"high_mean"`
	HighCorner  []float64 `json:"high_corner_8x8"`
}

// figures sum up a tensor.
type figures struct {
	Sum   float64   `json:"sum"`
	SumSq float64   `json:"sumsq"`
	First []float64 `json:"first"`
}

type golden struct {
	Noise struct {
		Uniform []float64 `json:"uniform"`
		Normal  []float64 `json:"normal"`
	} `json:"noise_seed_42"`
	Sigmas []float64    `json:"sigmas_12"`
	Cases  []goldenCase `json:"cases"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	raw, err := os.ReadFile("model/golden/golden.json")
	if err != nil {
		t.Fatal(err)
	}

	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}

	if len(g.Cases) == 0 {
		t.Fatal("golden.json holds no cases")
	}
	return g
}

// testCache is one cache folder for all tests of this run.
var testCache = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "pocket-test-") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := testCache(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// testLibrary finds the library as the engine does, and in bin of the module.
func testLibrary() string {
	if os.Getenv(LibraryEnv) != "" {
		return ""
	}
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		return ""
	}

	patterns, _ := libraryNames()
	if found := inFolders([]string{bin}, patterns); len(found) > 0 {
		return found[0]
	}
	return ""
}

var shared struct {
	sync.Once
	generator *generator
	err       error
}

// longRun skips a test that generates for many seconds where only the inner loop runs.
func longRun(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("generates for many seconds; runs without -short")
	}
}

// testGenerator is one loaded engine for all tests; without ONNX Runtime the
// test is skipped.
func testGenerator(t testing.TB) *generator {
	t.Helper()
	shared.Do(func() {
		var dir string
		if dir, shared.err = testCache(); shared.err == nil {
			shared.generator, shared.err = open(Options{Threads: 2, CacheDir: dir, Library: testLibrary()})
		}
	})
	if errors.Is(shared.err, ErrNoRuntime) {
		t.Skipf("needs ONNX Runtime: run scripts/fetch-onnxruntime.sh bin (%v)", shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.generator
}

func sums(data []float32) (sum, sumsq float64) {
	for _, v := range data {
		sum += float64(v)
		sumsq += float64(v) * float64(v)
	}
	return sum, sumsq
}

// compare checks single values to an absolute tolerance and the sums to what
// that tolerance on each value could add up to on average.
func (f figures) compare(t *testing.T, what string, data []float32, tolerance float64) {
	t.Helper()
	for i, want := range f.First {
		if got := float64(data[i]); math.Abs(got-want) > tolerance {
			t.Errorf("%s[%d] = %v, want %v ± %v", what, i, got, want, tolerance)
		}
	}

	sum, sumsq := sums(data)
	if slack := tolerance * float64(len(data)); math.Abs(sum-f.Sum) > slack {
		t.Errorf("sum of %s = %v, want %v ± %v", what, sum, f.Sum, slack)
	}
	if slack := 2 * tolerance * math.Sqrt(f.SumSq*float64(len(data))); math.Abs(sumsq-f.SumSq) > slack {
		t.Errorf("sum of squares of %s = %v, want %v ± %v", what, sumsq, f.SumSq, slack)
	}
}

// ulps32 is how many float32 lie between a and b.
func ulps32(a, b float32) int64 {
	order := func(f float32) int64 {
		if bits := int64(int32(math.Float32bits(f))); bits >= 0 {
			return bits
		} else {
			return math.MinInt32 - bits
		}
	}
	d := order(a) - order(b)
	return max(d, -d)
}

func TestGoldenImages(t *testing.T) {
	p := testGenerator(t)
	cases := readGolden(t).Cases
	if testing.Short() { // the case with the fewest steps stands for all
		cases = []goldenCase{slices.MinFunc(cases, func(a, b goldenCase) int { return cmp.Compare(a.Steps, b.Steps) })}
	}

	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { checkCase(t, p, c) })
	}
}

func checkCase(t *testing.T, p *generator, c goldenCase) {
	seed, err := strconv.ParseUint(c.Seed, 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	ws, err := p.idle.get(p.nets)
	if err != nil {
		t.Fatal(err)
	}
	defer p.idle.put(ws)
	end, err := ws.begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	pl := plan{steps: c.Steps, cfg: float32(c.Cfg), sampler: sampler(c.Sampler)}
	pl.prompt, _ = p.tokens.encode(c.Prompt)
	pl.negative, _ = p.tokens.encode(c.Negative)
	if err := ws.encode(pl.prompt, pl.negative); err != nil {
		t.Fatal(err)
	}

	var denoised int
	watch := func(stage string, data []float32) {
		switch stage {
		case "pooled":
			c.Pooled.compare(t, stage, data, 1e-4)
		case "start":
			checkStart(t, c.Start, data)
		case "denoised":
			if denoised++; denoised == 1 {
				c.Denoised.compare(t, stage, data, 1e-4)
			}
		case "low":
			c.Low.compare(t, stage, data, 1e-3)
		}
	}
	if err := ws.diffuse(context.Background(), pl, seed, start{}, func(int, []float32) {}, watch); err != nil {
		t.Fatal(err)
	}

	if denoised != c.Steps {
		t.Errorf("%d denoised estimates, want %d", denoised, c.Steps)
	}
	comparePNG(t, filepath.Join("model/golden", c.PNG), render(ws.noisy(), side, side))
	high, err := ws.finish(context.Background(), natural, natural)
	if err != nil {
		t.Fatal(err)
	}
	checkHigh(t, c, high)
}

func checkStart(t *testing.T, f figures, data []float32) {
	t.Helper()
	for i, want := range f.First {
		if d := ulps32(data[i], float32(want)); d > 1 {
			t.Errorf("start[%d] = %v, want %v: %d ulps", i, data[i], want, d)
		}
	}
	f.compare(t, "start", data, 1e-5)
}

// comparePNG holds the card's tolerance: mean difference at most 0.5 of 255,
// none more than 8.
func comparePNG(t *testing.T, path string, got *image.NRGBA) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}

	if want.Bounds() != got.Bounds() {
		t.Fatalf("size %v, want %v", got.Bounds(), want.Bounds())
	}
	var total, worst int
	for y := range side {
		for x := range side {
			r, g, b, _ := want.At(x, y).RGBA()
			px := got.NRGBAAt(x, y)
			for _, d := range []int{int(px.R) - int(r>>8), int(px.G) - int(g>>8), int(px.B) - int(b>>8)} {
				d = max(d, -d)
				total += d
				worst = max(worst, d)
			}
		}
	}

	mean := float64(total) / values
	t.Logf("%s: mean difference %.4f, worst %d", path, mean, worst)
	if mean > 0.5 || worst > 8 {
		t.Errorf("%s: mean difference %.4f (at most 0.5), worst %d (at most 8)", path, mean, worst)
	}
}

func checkHigh(t *testing.T, c goldenCase, img *image.NRGBA) {
	t.Helper()
	for ch := range 3 {
		var all, corner float64
		for i := ch; i < len(img.Pix); i += 4 {
			all += float64(img.Pix[i])
		}

		for y := range 8 {
			for x := range 8 {
				corner += float64(img.Pix[img.PixOffset(x, y)+ch])
			}
		}

		if got := all / (natural * natural); math.Abs(got-c.HighMean[ch]) > 1 {
			t.Errorf("mean of channel %d = %v, want %v ± 1", ch, got, c.HighMean[ch])
		}
		if got := corner / 64; math.Abs(got-c.HighCorner[ch]) > 1 {
			t.Errorf("mean of the corner's channel %d = %v, want %v ± 1", ch, got, c.HighCorner[ch])
		}
	}
}

func TestGoldenTokens(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range readGolden(t).Cases {
		checkIDs(t, tok, c.Prompt, c.IDs)
		checkIDs(t, tok, c.Negative, c.NegativeIDs)
	}
}

func TestGoldenNoise(t *testing.T) {
	g := readGolden(t)
	n := newNoise(42)
	for i, want := range g.Noise.Uniform {
		if got := n.uniform(); got != want {
			t.Errorf("uniform %d = %v, want %v", i, got, want)
		}
	}

	got := make([]float32, len(g.Noise.Normal))
	newNoise(42).normal(got)
	for i, want := range g.Noise.Normal {
		if d := ulps32(got[i], float32(want)); d > 1 {
			t.Errorf("normal %d = %v, want %v", i, got[i], want)
		}
	}

	// Drawing in two parts continues the same stream.
	parts, again := newNoise(42), make([]float32, len(got))
	parts.normal(again[:2])
	parts.normal(again[2:])

	for i := range got {
		if got[i] != again[i] {
			t.Errorf("value %d differs when drawn in two parts", i)
		}
	}
}

func TestGoldenSchedule(t *testing.T) {
	want := readGolden(t).Sigmas
	got := schedule(len(want) - 1)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12*max(1, want[i]) {
			t.Errorf("sigma %d = %v, want %v", i, got[i], want[i])
		}
	}

	if s := schedule(1); len(s) != 2 || math.Abs(s[0]-sigmaMax) > 1e-9 || s[1] != 0 {
		t.Errorf("one step: %v, want 40 and 0", s)
	}
}
