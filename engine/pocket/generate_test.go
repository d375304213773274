package pocket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"horde/api"
	"horde/engine"
)

// referenceCase is one entry of testdata/reference.json (see record.py there).
type referenceCase struct {
	goldenCase
	SeedNumber uint64    `json:"seed"`
	Strength   *float64  `json:"strength"`
	Mean       []float64 `json:"mean"`
}

// slope is record.py's source image.
func slope() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(2 * x), G: uint8(2 * y), B: uint8(x + y), A: 255})
		}
	}
	return img
}

// Generate agrees with reference.py from the job to the image.
func TestReferenceImages(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}

	var cases []referenceCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			j := engine.ImageJob{Model: ModelName, Seed: c.SeedNumber, Payload: api.ImagePayload{
				Prompt: c.Prompt + "###" + c.Negative, Steps: c.Steps, CfgScale: api.Float(c.Cfg),
				SamplerName: "k_" + c.Sampler, Karras: true, Width: side, Height: side, N: 1,
			}}
			if c.Strength != nil {
				s := api.Float(*c.Strength)
				j.Source, j.Payload.DenoisingStrength = slope(), &s
			}

			pic := generateOne(t, p, j)
			for ch, want := range c.Mean {
				var sum float64
				for i := ch; i < len(pic.Image.Pix); i += 4 {
					sum += float64(pic.Image.Pix[i])
				}
				if got := sum / plane; math.Abs(got-want) > .1 {
					t.Errorf("mean of channel %d = %v, want %v", ch, got, want)
				}
			}

			if len(pic.Metadata) != 0 {
				t.Errorf("remarks %v, want none", pic.Metadata)
			}
			checkLow(t, p, c)
		})
	}
}

// checkLow compares the model image with the reference's single values.
func checkLow(t *testing.T, p *generator, c referenceCase) {
	ws, err := p.idle.get(p.nets)
	if err != nil {
		t.Fatal(err)
	}
	defer p.idle.put(ws) // Generate has just left its image in this workspace

	for i, v := range ws.noisy()[:len(c.Low.First)] {
		if want := min(max(c.Low.First[i], -1), 1); math.Abs(float64(v)-want) > 1e-3 {
			t.Errorf("low[%d] = %v, want %v", i, v, want)
		}
	}
}

func testJob(w, h, n, steps int) engine.ImageJob {
	return engine.ImageJob{Model: ModelName, Seed: 5, Payload: api.ImagePayload{
		Prompt: "a red fox in the snow", Width: w, Height: h, N: n, Steps: steps, CfgScale: 3.5, SamplerName: "k_dpmpp_2m",
		Karras: true,
	}}
}

func generateOne(t testing.TB, e engine.ImageEngine, j engine.ImageJob) engine.ImageResult {
	t.Helper()
	var out engine.ImageResult
	err := e.Generate(context.Background(), j,
		engine.ImageHooks{Result: func(_ int, p engine.ImageResult) error { out = p; return nil }})
	if err != nil {
		t.Fatal(err)
	}

	if out.Image == nil {
		t.Fatal("no image came")
	}
	return out
}

func TestABatchHasASeedForEachImage(t *testing.T) {
	p := testGenerator(t)
	j := testJob(192, 128, 2, 3)
	j.Seed = math.MaxUint64 // the second image's seed wraps to 0
	var pics []engine.ImageResult
	var steps []string

	err := p.Generate(context.Background(), j, engine.ImageHooks{
		Progress: func(i int, pr engine.ImageProgress) {
			steps = append(steps, fmt.Sprintf("%d:%d/%d", i, pr.Step, pr.Steps))
			if b := pr.Preview.Bounds(); b != image.Rect(0, 0, 128, 85) {
				t.Errorf("preview of %v, want 128x85", b)
			}
		},
		Result: func(i int, pic engine.ImageResult) error {
			pics = append(pics, pic)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	if want := "0:1/3 0:2/3 0:3/3 1:1/3 1:2/3 1:3/3"; strings.Join(steps, " ") != want {
		t.Errorf("progress %v, want %v", steps, want)
	}
	if len(pics) != 2 || pics[0].Seed != math.MaxUint64 || pics[1].Seed != 0 {
		t.Fatalf("%d images with seeds that do not count up from the job's", len(pics))
	}
	j.Seed, j.Payload.N = 0, 1
	if single := generateOne(t, p, j); !bytes.Equal(single.Image.Pix, pics[1].Image.Pix) {
		t.Error("image 1 of a batch is not the image of seed + 1")
	}
	if bytes.Equal(pics[0].Image.Pix, pics[1].Image.Pix) {
		t.Error("two seeds give the same image")
	}
}

func TestEverySizeIsFilledAndOpaque(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	for _, size := range []image.Point{{64, 64}, {128, 64}, {64, 128}, {512, 512}, {768, 512}, {512, 960}, {1024, 64},
		{64, 3072}} {
		pic := generateOne(t, p, testJob(size.X, size.Y, 1, 1))
		if pic.Image.Rect != (image.Rectangle{Max: size}) {
			t.Errorf("requested %v, got %v", size, pic.Image.Rect)
		}
		for i := 3; i < len(pic.Image.Pix); i += 4 {
			if pic.Image.Pix[i] != 255 {
				t.Fatalf("%v: pixel %d is not opaque", size, i/4)
			}
		}
	}
}

// The strips of the second enlargement give what one run over the whole
// image gives.
func TestStripsJoinWithoutASeam(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
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
	planes := make([]float32, 3*natural*natural)
	newNoise(3).normal(planes)

	for i := range planes {
		planes[i] *= .3
	}

	strips, err := ws.enlargeAgain(context.Background(), planes, image.Rect(0, 0, natural, natural))
	if err != nil {
		t.Fatal(err)
	}

	whole, err := ws.upscale(planes, natural, natural)
	if err != nil {
		t.Fatal(err)
	}

	want := render(whole, natural*enlarge, natural*enlarge)
	for i, v := range strips.Pix {
		if max(v, want.Pix[i])-min(v, want.Pix[i]) > 1 {
			t.Fatalf("byte %d (row %d) is %d, want %d", i, i/strips.Stride, v, want.Pix[i])
		}
	}
}

func TestACancelledJobStopsAtItsNextStep(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	want := generateOne(t, p, testJob(512, 512, 1, 3))
	ctx, cancel := context.WithCancel(context.Background())
	var steps int

	err := p.Generate(ctx, testJob(512, 512, 3, 500), engine.ImageHooks{
		Progress: func(int, engine.ImageProgress) {
			if steps++; steps == 2 {
				cancel()
			}
		},
		Result: func(int, engine.ImageResult) error { t.Error("a cancelled image came"); return nil },
	})
	if err != context.Canceled || steps != 2 {
		t.Errorf("error %v after %d steps, want context.Canceled after 2", err, steps)
	}
	if err := p.Generate(ctx, testJob(64, 64, 1, 1), engine.ImageHooks{}); err != context.Canceled {
		t.Errorf("error %v with a context that had ended, want context.Canceled", err)
	}

	// Cancelled from outside, in the middle of a step.
	ctx, cancel = context.WithCancel(context.Background())
	steps = 0
	err = p.Generate(ctx, testJob(512, 512, 1, 500), engine.ImageHooks{Progress: func(int, engine.ImageProgress) {
		if steps++; steps == 1 {
			go cancel()
		}
	}})
	if err != context.Canceled || steps > 50 {
		t.Errorf("error %v after %d steps, want context.Canceled soon", err, steps)
	}
	if got := generateOne(t, p, testJob(512, 512, 1, 3)); !bytes.Equal(got.Image.Pix, want.Image.Pix) {
		t.Error("after a cancelled job the same job gives another image")
	}
}

func TestErrorsOfHooksComeBack(t *testing.T) {
	p := testGenerator(t)
	failed := errors.New("upload failed")
	err := p.Generate(context.Background(), testJob(64, 64, 2, 1),
		engine.ImageHooks{Result: func(int, engine.ImageResult) error { return failed }})
	if err != failed {
		t.Errorf("error %v, want the hook's", err)
	}

	j := testJob(64, 64, 1, 1)
	j.Model = "stable_diffusion"
	if err := p.Generate(context.Background(), j, engine.ImageHooks{}); err == nil {
		t.Error("a model that the engine does not have is accepted")
	}
	if err := p.Generate(context.Background(), testJob(64, 64, 1, 1), engine.ImageHooks{}); err != nil {
		t.Errorf("without hooks: %v", err)
	}
}

func TestJobsAtOnceDoNotDisturbEachOther(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	want := []engine.ImageResult{generateOne(t, p, testJob(64, 64, 1, 2)), generateOne(t, p, testJob(128, 64, 1, 2))}
	var wg sync.WaitGroup

	for i := range 4 {
		wg.Go(func() {
			got := generateOne(t, p, testJob(64+64*(i%2), 64, 1, 2))
			if !bytes.Equal(got.Image.Pix, want[i%2].Image.Pix) {
				t.Errorf("job %d differs from the same job alone", i)
			}
		})
	}

	wg.Wait()
}

func TestAClosedEngineGeneratesNothing(t *testing.T) {
	testGenerator(t)
	dir, err := testCache()
	if err != nil {
		t.Fatal(err)
	}

	e, err := New(Options{Threads: 1, CacheDir: dir, Library: testLibrary()})
	if err != nil {
		t.Fatal(err)
	}

	if e.Name() != "pocket" || !slices.Equal(e.Models(), []string{ModelName}) {
		t.Errorf("name %q, models %v", e.Name(), e.Models())
	}
	generateOne(t, e, testJob(64, 64, 1, 1))
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if err := e.Generate(context.Background(), testJob(64, 64, 1, 1), engine.ImageHooks{}); !errors.Is(err, errClosed) {
		t.Errorf("a closed engine answers %v", err)
	}
	if _, err := New(Options{Threads: -1}); err == nil {
		t.Error("-1 threads are accepted")
	}
}

// Weak image to image stays near its source, in the place where the source had
// it, and a mask keeps what it shall keep.
func TestImageToImageStaysNearItsSource(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	wide := image.NewNRGBA(image.Rect(10, 20, 310, 220)) // 3 : 2, not at the origin
	for y := 20; y < 220; y++ {
		for x := 10; x < 310; x++ {
			c := color.NRGBA{R: 40, G: 80, B: 160, A: 255}
			if x < 110 {
				c = color.NRGBA{R: 220, G: 180, B: 60, A: 255}
			}
			wide.SetNRGBA(x, y, c)
		}
	}
	j := testJob(192, 128, 1, 10)
	weak := api.Float(.1)
	j.Source, j.Payload.DenoisingStrength = wide, &weak
	pic := generateOne(t, p, j)
	near(t, "left", pic.Image, image.Pt(20, 64), wide.NRGBAAt(30, 100), 40)
	near(t, "right", pic.Image, image.Pt(150, 64), wide.NRGBAAt(250, 100), 40)

	mask := image.NewGray(wide.Rect) // white on the left: regenerate there
	for y := 20; y < 220; y++ {
		for x := 10; x < 110; x++ {
			mask.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	full := api.Float(1)
	j.Mask, j.Payload.DenoisingStrength, j.Payload.Prompt = mask, &full, "a black hole in space"
	pic = generateOne(t, p, j)
	near(t, "kept part", pic.Image, image.Pt(150, 64), wide.NRGBAAt(250, 100), 25)
	near(t, "kept part", pic.Image, image.Pt(120, 20), wide.NRGBAAt(250, 100), 25)
}

func near(t *testing.T, what string, img *image.NRGBA, at image.Point, want color.NRGBA, tolerance int) {
	t.Helper()
	got := img.NRGBAAt(at.X, at.Y)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		if max(d, -d) > tolerance {
			t.Errorf("%s at %v: %v, want about %v", what, at, got, want)
			return
		}
	}
}

// BenchmarkGenerate generates the default image: 512 × 512, 24 steps.
func BenchmarkGenerate(b *testing.B) {
	p := testGenerator(b)
	for b.Loop() {
		generateOne(b, p, testJob(natural, natural, 1, defaultSteps))
	}
}
