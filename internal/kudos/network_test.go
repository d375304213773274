package kudos

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
)

// usual is the request of the golden table of generation §6.1 before a row changes it.
func usual() Order {
	return Order{Width: 512, Height: 512, Steps: 30, Cfg: 5, Sampler: "k_euler_a", Karras: true, N: 1}
}

func ptr(v float64) *float64 { return &v }

// price is a price by the net that comes with the program.
func price(o Order) float64 { return NewPricer(Standard()).Price(o) }

func TestPricesAreThoseOfTheRulebook(t *testing.T) {
	source := func(o *Order, how string) { o.HasSource, o.SourceProcessing = true, how }
	size := func(o *Order, w, h int) { o.Width, o.Height = w, h }
	for _, c := range []struct {
		what   string
		change func(*Order)
		want   float64
	}{
		{"nothing", func(*Order) {}, 7.61},
		{"50 steps", func(o *Order) { o.Steps = 50 }, 10.98},
		{"768×512", func(o *Order) { size(o, 768, 512) }, 8.71},
		{"1024×1024", func(o *Order) { size(o, 1024, 1024) }, 20.99},
		{"1024×1024, steps 8, cfg 1.5", func(o *Order) { size(o, 1024, 1024); o.Steps, o.Cfg = 8, 1.5 }, 12.11},
		{"1024×1024, k_dpmpp_2m, cfg 7", func(o *Order) { size(o, 1024, 1024); o.Sampler, o.Cfg = "k_dpmpp_2m", 7 }, 22.26},
		{"k_dpmpp_sde, steps 20", func(o *Order) { o.Sampler, o.Steps = "k_dpmpp_sde", 20 }, 8.31},
		{"lcm, steps 8, cfg 2", func(o *Order) { o.Sampler, o.Steps, o.Cfg = "lcm", 8, 2 }, 5.01},
		{"hires_fix", func(o *Order) { o.HiresFix = true }, 12.31},
		{"1024×1024, hires_fix, steps 25", func(o *Order) { size(o, 1024, 1024); o.HiresFix, o.Steps = true, 25 }, 21.44},
		{"GFPGAN", func(o *Order) { o.PostProcessing = []string{"GFPGAN"} }, 9.21},
		{"GFPGAN + RealESRGAN_x4plus", func(o *Order) { o.PostProcessing = []string{"GFPGAN", "RealESRGAN_x4plus"} }, 11.85},
		{"strip_background", func(o *Order) { o.PostProcessing = []string{"strip_background"} }, 8.82},
		{"img2img, denoise 0.75", func(o *Order) { source(o, "img2img"); o.Denoising = ptr(0.75) }, 7.25},
		{"img2img", func(o *Order) { source(o, "img2img") }, 7.9},
		{"inpainting + mask, denoise 1.0",
			func(o *Order) { source(o, "inpainting"); o.HasMask, o.Denoising = true, ptr(1) }, 9.47},
		{"outpainting", func(o *Order) { source(o, "outpainting") }, 10.39},
		{"img2img + canny, steps 20", func(o *Order) { source(o, "img2img"); o.ControlType, o.Steps = "canny", 20 }, 12.91},
		{"img2img + depth, denoise 0.5, steps 20", func(o *Order) {
			source(o, "img2img")
			o.ControlType, o.Steps, o.Denoising = "depth", 20, ptr(0.5)
		}, 15.72},
		{"remix 1024×1024, steps 20, cfg 4",
			func(o *Order) { source(o, "remix"); size(o, 1024, 1024); o.Steps, o.Cfg = 20, 4 }, 16.32},
		{"karras off", func(o *Order) { o.Karras = false }, 7.66},
		{"cfg 7.5", func(o *Order) { o.Cfg = 7.5 }, 7.61},
		{"k_dpm_adaptive", func(o *Order) { o.Sampler = "k_dpm_adaptive" }, 13.29},
		{"64×64, 1 step", func(o *Order) { size(o, 64, 64); o.Steps = 1 }, 3.14},
		{"3072×3072, 500 steps", func(o *Order) { size(o, 3072, 3072); o.Steps = 500 }, 513.18},
		{"2048×1024, 40 steps", func(o *Order) { size(o, 2048, 1024); o.Steps = 40 }, 67.09},
		{"basis at 1024×1024", func(o *Order) { *o = BasisJob(); size(o, 1024, 1024) }, 29.03},
		{"basis with canny", func(o *Order) {
			*o = BasisJob()
			size(o, 768, 512)
			source(o, "img2img")
			o.Steps, o.Cfg, o.Sampler, o.ControlType = 30, 8.5, "k_dpmpp_2m", "canny"
			o.ControlStrength, o.Denoising = ptr(0.72), ptr(0.42)
		}, 15.13},
		{"basis with post-processing", func(o *Order) {
			*o = BasisJob()
			o.Steps, o.Sampler, o.PostProcessing = 35, "uni_pc", []string{"GFPGAN", "RealESRGAN_x4plus"}
		}, 25.46},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := usual()
			c.change(&o)
			if got := price(o); math.Abs(got-c.want) > 0.04*c.want {
				t.Errorf("%s: %v, want %v within 4 %%", c.what, got, c.want)
			} else {
				t.Logf("%-40s %7.2f of %7.2f (%+.1f %%)", c.what, got, c.want, 100*(got/c.want-1))
			}
		})
	}
}

func TestBasisJobIsWorth11(t *testing.T) {
	if got := price(BasisJob()); got != 11 {
		t.Errorf("%v, want 11", got)
	}
	for seed := range uint64(5) {
		if k, ok := randomNet(t, seed).Kudos(&Order{Width: 512, Height: 512, Steps: 50, Cfg: 7.5, Sampler: "k_euler",
			Karras: true}); k != 11 || !ok {
			t.Errorf("net %d: %v %v", seed, k, ok)
		}
	}
}

// What the net does not know goes to the fixed formula; a sampler that it does
// not know counts as k_euler.
func TestUnknownInputsGoToTheFormula(t *testing.T) {
	for _, p := range api.PostProcessors {
		o := usual()
		o.PostProcessing = []string{p.Name}
		_, ok := Standard().Kudos(&o)
		if known := slices.Contains(fixedPosts, p.Name); ok != known {
			t.Errorf("%s: the net knows it: %v", p.Name, ok)
		} else if !known && price(o) != 7.8 {
			t.Errorf("%s: %v, the formula gives 7.8", p.Name, price(o))
		}
	}

	for _, s := range []string{"DDIM", "lcm", "dpmsolver", "", "x"} {
		o, euler := usual(), usual()
		o.Sampler, euler.Sampler = s, "k_euler"
		if price(o) != price(euler) {
			t.Errorf("sampler %q: %v, k_euler %v", s, price(o), price(euler))
		}
	}

	for _, name := range api.ControlTypes {
		o := usual()
		o.HasSource, o.ControlType = true, name
		if _, ok := Standard().Kudos(&o); !ok {
			t.Errorf("control type %s is unknown", name)
		}
	}

	o := usual()
	o.HasSource, o.ControlType = true, "mlsd"
	if price(o) != 19.5 {
		t.Errorf("unknown control type: %v, the formula gives 19.5", price(o))
	}

	o = usual()
	o.HasSource, o.SourceProcessing = true, "x"
	if price(o) != 6.5 {
		t.Errorf("unknown source processing: %v, the formula gives 6.5", price(o))
	}
}

func TestEachInputHasItsPlace(t *testing.T) {
	e, err := NewEncoding(Vocabulary{})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		what string
		o    Order
		want map[int]float32 // all others 0
	}{
		{"text", BasisJob(), map[int]float32{0: .5, 1: .5, 2: .5, 3: .25, 4: 1, 5: 1, 6: 1, 18: 1, 25: 1, 38: 1}},
		{"tall, posts", Order{Width: 64, Height: 1024, Steps: 1, Sampler: "ddim",
			PostProcessing: []string{"GFPGAN", "strip_background", "GFPGAN"}},
			map[int]float32{0: 1, 1: .0625, 2: .01, 4: 1, 5: 1, 10: 1, 25: 1, 38: 1, 41: 2, 46: 1}},
		{"strengths without a source do not count",
			Order{Sampler: "plms", Denoising: ptr(.5), ControlStrength: ptr(.25), SourceProcessing: "inpainting"},
			map[int]float32{4: 1, 5: 1, 22: 1, 25: 1, 38: 1}},
		{"img2img", Order{Sampler: "uni_pc_bh2", HasSource: true, HiresFix: true, Denoising: ptr(.5),
			ControlStrength: ptr(.25)},
			map[int]float32{4: .5, 5: 1, 7: 1, 8: 1, 24: 1, 25: 1, 35: 1}},
		{"control", Order{Sampler: "k_lms", HasSource: true, SourceProcessing: "remix", ControlType: "seg",
			Denoising: ptr(.5), ControlStrength: ptr(.25)},
			map[int]float32{4: 1, 5: .25, 8: 1, 21: 1, 34: 1, 35: 1}},
		{"control by denoising", Order{Sampler: "k_heun", HasSource: true, SourceProcessing: "outpainting",
			ControlType: "canny", Denoising: ptr(.5)},
			map[int]float32{4: 1, 5: .5, 8: 1, 20: 1, 26: 1, 37: 1}},
		{"mask", Order{Sampler: "k_euler_a", HasSource: true, HasMask: true, SourceProcessing: "inpainting"},
			map[int]float32{4: 1, 5: 1, 8: 1, 9: 1, 19: 1, 25: 1, 36: 1}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var x [Inputs]float32
			x[Inputs-1] = 7 // left over
			if !e.Encode(&c.o, &x) {
				t.Errorf("%s: refused", c.what)
			}
			for i, v := range x {
				if v != c.want[i] {
					t.Errorf("%s: input %d is %v, want %v", c.what, i, v, c.want[i])
				}
			}
		})
	}
}

func TestNewNamesGetTheRoomThatIsLeft(t *testing.T) {
	e, err := NewEncoding(Vocabulary{Samplers: []string{"lcm", "DDIM"}, Controls: []string{"mlsd"},
		PostProcessors: []string{"RestoreFormer"}})
	if err != nil {
		t.Fatal(err)
	}
	var x [Inputs]float32
	o := Order{Sampler: "DDIM", HasSource: true, ControlType: "mlsd", PostProcessing: []string{"RestoreFormer"}}
	if !e.Encode(&o, &x) || x[48] != 1 || x[18] != 0 || x[55] != 1 || x[63] != 1 {
		t.Errorf("%v", x)
	}
	for _, v := range []Vocabulary{
		{Samplers: []string{"k_euler"}}, {Samplers: []string{"x", "x"}}, {Samplers: []string{""}},
		{Controls: make([]string, RoomControls+1)},
		{PostProcessors: []string{"GFPGAN"}},
	} {
		if _, err := NewEncoding(v); err == nil {
			t.Errorf("%+v was taken", v)
		}
	}
}

// The net in the program does not use the room: nothing in it changes a price.
func TestTheNetInTheProgramLeavesTheRoomEmpty(t *testing.T) {
	n := Standard()
	if v := n.Card().Vocabulary; len(v.Samplers)+len(v.Controls)+len(v.PostProcessors) > 0 {
		t.Errorf("%+v", v)
	}
	l := n.layers[0]
	for _, w := range l.Weights[fixedInputs*l.Out:] {
		if w != 0 {
			t.Fatalf("a weight of the room is %v", w)
		}
	}
}

func TestPricesStayWithinReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Order{
			Width: 64 * rapid.IntRange(1, 48).Draw(t, "w"), Height: 64 * rapid.IntRange(1, 48).Draw(t, "h"),
			Steps: rapid.IntRange(1, 500).Draw(t, "steps"), Cfg: rapid.Float64Range(0, 100).Draw(t, "cfg"),
			Sampler: rapid.SampledFrom(api.Samplers).Draw(t, "sampler"), Karras: rapid.Bool().Draw(t, "karras"),
			HiresFix: rapid.Bool().Draw(t, "hires"), HasSource: rapid.Bool().Draw(t, "source"),
			HasMask:          rapid.Bool().Draw(t, "mask"),
			SourceProcessing: rapid.SampledFrom(api.SourceProcessings).Draw(t, "processing"),
			Denoising:        ptr(rapid.Float64Range(0.01, 1).Draw(t, "denoising")),
			PostProcessing:   rapid.SliceOfN(rapid.SampledFrom(api.PostProcessorNames()), 0, 4).Draw(t, "posts"),
		}
		k := price(o)
		if math.IsNaN(k) || k <= 0 || k > 1e6 {
			t.Fatalf("%v for %+v", k, o)
		}
		if again := price(o); again != k {
			t.Fatalf("%v, then %v", k, again)
		}
	})
}

// randomNet is a small net without training.
func randomNet(t testing.TB, seed uint64) *Net {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	layers := []Layer{{In: Inputs, Out: 9}, {In: 9, Out: 5}, {In: 5, Out: 1}}
	for i := range layers {
		l := &layers[i]
		l.Weights, l.Bias = make([]float32, l.In*l.Out), make([]float32, l.Out)
		for j := range l.Weights {
			l.Weights[j] = rng.Float32()
		}
	}
	n, err := NewNet(Card{Name: "random", Seed: seed}, 10, layers)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANetComesBackFromItsFile(t *testing.T) {
	n := randomNet(t, 3)
	b, err := n.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseNet(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := m.Bytes(); !bytes.Equal(b, again) || m.Card().Name != "random" || m.Basis() != n.Basis() {
		t.Errorf("%+v came back", m.Card())
	}
	for i := range b { // any damaged byte is noticed
		d := bytes.Clone(b)
		d[i] ^= 0x40
		if _, err := ParseNet(d); err == nil {
			t.Fatalf("byte %d damaged and nothing noticed", i)
		}
	}
	if _, err := ReadNet(t.TempDir() + "/absent"); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
}

func TestANetThatCannotPriceIsRefused(t *testing.T) {
	good := func() []Layer {
		l := []Layer{{In: Inputs, Out: 1, Weights: make([]float32, Inputs), Bias: []float32{1}}}
		return l
	}
	if _, err := NewNet(Card{}, 1, good()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func([]Layer) []Layer{
		"no layers": func([]Layer) []Layer { return nil },
		"nan":       func(l []Layer) []Layer { l[0].Weights[3] = float32(math.NaN()); return l },
		"inf":       func(l []Layer) []Layer { l[0].Bias[0] = float32(math.Inf(1)); return l },
		"inputs":    func(l []Layer) []Layer { l[0].In--; return l },
		"short":     func(l []Layer) []Layer { l[0].Weights = l[0].Weights[1:]; return l },
		"untrained": func(l []Layer) []Layer { l[0].Bias[0] = 0; return l },
		"too many":  func(l []Layer) []Layer { return slices.Repeat(l, 9) },
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := NewNet(Card{}, 1, change(good())); err == nil {
				t.Errorf("%s was taken", what)
			}
		})
	}
	if _, err := NewNet(Card{}, 0, good()); err == nil {
		t.Error("scale 0 was taken")
	}
}

func FuzzParseNet(f *testing.F) {
	b, _ := randomNet(f, 1).Bytes()
	f.Add(b)
	f.Add([]byte(netMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := ParseNet(b); err == nil {
			o := BasisJob()
			if k, ok := n.Kudos(&o); !ok || k != 11 {
				t.Errorf("a net was taken that prices the basis job %v", k)
			}
		}
	})
}

// The race detector makes the rounding of a price allocate, so this looks at
// what comes before it; BenchmarkPrice shows the whole.
func TestAPriceAllocatesNothing(t *testing.T) {
	n, o := Standard(), BasisJob()
	o.PostProcessing = []string{"GFPGAN"}
	if a := testing.AllocsPerRun(100, func() {
		var x [Inputs]float32
		if n.encoding.Encode(&o, &x) {
			n.forward(&x)
		}
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkNet(b *testing.B) {
	n, o := Standard(), BasisJob()
	o.PostProcessing = []string{"GFPGAN", "RealESRGAN_x4plus"}
	b.ReportAllocs()
	for b.Loop() {
		n.Seconds(&o)
	}
}

func BenchmarkPrice(b *testing.B) {
	o := BasisJob()
	b.ReportAllocs()
	for b.Loop() {
		price(o)
	}
}
