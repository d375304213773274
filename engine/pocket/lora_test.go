package pocket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/engine"
	"horde/engine/pocket/loras"
)

// loraJob is a small job with LoRAs.
func loraJob(steps int, list ...api.Lora) engine.ImageJob {
	j := testJob(side, side, 1, steps)
	j.Payload.Loras = list
	return j
}

// loraOf names a LoRA with one strength for both parts.
func loraOf(name string, strength float64) api.Lora {
	return api.Lora{Name: name, Model: &strength, Clip: &strength}
}

// loraGolden are the cases of testdata/lora (see lora_golden.py there).
type loraGolden struct {
	Prompt string  `json:"prompt"`
	Seed   uint64  `json:"seed"`
	Steps  int     `json:"steps"`
	Cfg    float64 `json:"cfg"`
	Cases  []struct {
		PNG   string     `json:"png"`
		Loras []api.Lora `json:"loras"`
	} `json:"cases"`
}

// Images with LoRAs are what lora_reference.py computes in plain numpy.
func TestGoldenLoRAImages(t *testing.T) {
	p := testGenerator(t)
	raw, err := os.ReadFile("testdata/lora/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var g loraGolden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) != 2*len(loras.BuiltIn())+1 {
		t.Fatalf("%d cases, want two of each LoRA and one of two", len(g.Cases))
	}
	if testing.Short() {
		g.Cases = g.Cases[len(g.Cases)-1:]
	}

	for _, c := range g.Cases {
		t.Run(c.PNG, func(t *testing.T) {
			j := loraJob(g.Steps, c.Loras...)
			j.Payload.Prompt, j.Payload.CfgScale, j.Seed = g.Prompt, api.Float(g.Cfg), g.Seed
			r := generateOne(t, p, j)
			if len(r.Metadata) != 0 {
				t.Errorf("remarks %v", r.Metadata)
			}
			comparePNG(t, filepath.Join("testdata/lora", c.PNG), r.Image)
		})
	}
}

func TestALoRAOfStrength0ChangesNothing(t *testing.T) {
	p := testGenerator(t)
	plain := generateOne(t, p, loraJob(2))
	triggered := loraOf("watercolour", 0)
	triggered.InjectTrigger = "all"
	none := generateOne(t, p, loraJob(2, loraOf("night", 0), triggered))
	if !bytes.Equal(plain.Image.Pix, none.Image.Pix) {
		t.Error("the image differs from the plain one")
	}
}

func TestTwoLoRAsCommute(t *testing.T) {
	p := testGenerator(t)
	a, b := loraOf("night", .6), loraOf("pixel-art", .4)
	one := generateOne(t, p, loraJob(2, a, b))
	two := generateOne(t, p, loraJob(2, b, a))
	if !bytes.Equal(one.Image.Pix, two.Image.Pix) {
		t.Error("the order of two LoRAs changes the image")
	}
	if alone := generateOne(t, p, loraJob(2, a)); bytes.Equal(one.Image.Pix, alone.Image.Pix) {
		t.Error("the second LoRA changes nothing")
	}
}

// distance is the root mean square of the differences of two images, of 255.
func distance(a, b *image.NRGBA) float64 {
	var sum float64
	for i, v := range a.Pix {
		d := float64(v) - float64(b.Pix[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a.Pix)))
}

// The distance to the plain image grows with the strength, on the average of two seeds:
// a single image may arrange things anew at some strength, which is a leap.
func TestTheEffectGrowsWithTheStrength(t *testing.T) {
	longRun(t)
	p := testGenerator(t)
	strengths := []float64{0, .25, .5, 1}
	for _, l := range loras.BuiltIn() {
		t.Run(l.Name, func(t *testing.T) {
			distances := make([]float64, len(strengths))
			for _, seed := range []uint64{7, 42} {
				j := loraJob(6)
				j.Seed = seed
				plain := generateOne(t, p, j)
				for i, strength := range strengths {
					j.Payload.Loras = []api.Lora{loraOf(l.Name, strength)}
					distances[i] += distance(plain.Image, generateOne(t, p, j).Image) / 2
				}
			}

			t.Logf("distances %.1f", distances)
			if distances[0] != 0 || !slices.IsSorted(distances) || distances[3] < 15 {
				t.Errorf("distances %.1f at %v; want 0, growing, and at last 15 or more", distances, strengths)
			}
		})
	}
}

// The two strengths act on their own parts of the model.
func TestModelAndClipHaveStrengthsOfTheirOwn(t *testing.T) {
	p := testGenerator(t)
	one, none := 1.0, 0.0
	images := map[string]string{}
	for name, l := range map[string]api.Lora{
		"neither": {Name: "night", Model: &none, Clip: &none},
		"model":   {Name: "night", Model: &one, Clip: &none},
		"clip":    {Name: "night", Model: &none, Clip: &one},
		"both":    {Name: "night"}, // 1 where nothing is given
	} {
		pix := string(generateOne(t, p, loraJob(1, l)).Image.Pix)
		for other, seen := range images {
			if seen == pix {
				t.Errorf("%s and %s give the same image", name, other)
			}
		}
		images[name] = pix
	}
}

func TestALoRAThatCannotBeHadIsLeftOutAndNamed(t *testing.T) {
	p := testGenerator(t)
	plain := generateOne(t, p, loraJob(1))
	yes := true
	long := strings.Repeat("ü", 300)
	r := generateOne(t, p, loraJob(1,
		loraOf("../night", 1),
		loraOf("/etc/passwd", 1),
		api.Lora{Name: "12345", IsVersion: &yes},
		api.Lora{Name: ""},
		loraOf(long, 1),
	))

	if !bytes.Equal(plain.Image.Pix, r.Image.Pix) {
		t.Error("the image differs from the plain one")
	}
	want := []api.GenMetadatum{
		{Type: "lora", Value: "download_failed", Ref: "../night"},
		{Type: "lora", Value: "download_failed", Ref: "/etc/passwd"},
		{Type: "lora", Value: "download_failed", Ref: "12345"},
		{Type: "lora", Value: "download_failed", Ref: long[:2*255]},
	}
	if !slices.Equal(r.Metadata, want) {
		t.Errorf("remarks %v, want %v", r.Metadata, want)
	}
}

func TestStrengthsBeyondTheBoundsAreClamped(t *testing.T) {
	p := testGenerator(t)
	huge, low, nan := 1e300, math.Inf(-1), math.NaN()
	top := generateOne(t, p, loraJob(1, loraOf("night", 2)))
	r := generateOne(t, p, loraJob(1, loraOf("night", huge)))
	if !bytes.Equal(top.Image.Pix, r.Image.Pix) || len(r.Metadata) != 2 ||
		!strings.Contains(r.Metadata[0].Ref, "night: model 2 instead of 1e+300") {
		t.Errorf("1e300 is not taken for 2; remarks %v", r.Metadata)
	}

	bottom := generateOne(t, p, loraJob(1, loraOf("night", -1)))
	if r := generateOne(t, p, loraJob(1, loraOf("night", low))); !bytes.Equal(bottom.Image.Pix, r.Image.Pix) {
		t.Error("-Inf is not taken for -1")
	}
	usual := generateOne(t, p, loraJob(1, loraOf("night", 1)))
	r = generateOne(t, p, loraJob(1, loraOf("night", nan)))
	if !bytes.Equal(usual.Image.Pix, r.Image.Pix) || len(r.Metadata) != 2 {
		t.Errorf("NaN is not taken for 1 with a remark; remarks %v", r.Metadata)
	}
}

// TestALoRANamedAgainStaysWithinTheBounds: each strength has bounds, and so has their sum,
// whatever the order.
func TestALoRANamedAgainStaysWithinTheBounds(t *testing.T) {
	t.Parallel()
	library, _, err := loras.Open("")
	if err != nil {
		t.Fatal(err)
	}
	g := &generator{library: library}
	for _, tt := range []struct {
		strengths []float64
		want      float64
		remarks   int
	}{
		{[]float64{2, 2, 2, 2, 2}, 2, 2},
		{[]float64{2, 2, -1}, 2, 2},
		{[]float64{-1, -1}, -1, 2},
		{[]float64{2, -1}, 1, 0},
	} {
		t.Run(fmt.Sprint(tt.strengths), func(t *testing.T) {
			var list []api.Lora
			for _, s := range tt.strengths {
				list = append(list, loraOf("night", s))
			}
			c := g.chooseLoras(loraJob(1, list...))
			if len(c.net) != 1 || c.net[0].strength != tt.want || c.text[0].strength != tt.want {
				t.Errorf("model %v, clip %v, want %v", c.net, c.text, tt.want)
			}
			if len(c.metadata) != tt.remarks {
				t.Errorf("remarks %v, want %d", c.metadata, tt.remarks)
			}
		})
	}
}

func TestAHundredLoRAsAreFive(t *testing.T) {
	p := testGenerator(t)
	list := slices.Repeat([]api.Lora{loraOf("night", .1)}, 100)
	five := generateOne(t, p, loraJob(1, list[:5]...))
	r := generateOne(t, p, loraJob(1, list...))
	if !bytes.Equal(five.Image.Pix, r.Image.Pix) || len(r.Metadata) != 1 ||
		!strings.Contains(r.Metadata[0].Ref, "first 5 of 100") {
		t.Errorf("remarks %v, want one, and the image of five", r.Metadata)
	}
}

func TestTriggerWordsArePrepended(t *testing.T) {
	p := testGenerator(t)
	l := loraOf("night", 1)
	l.InjectTrigger = "any"
	injected := generateOne(t, p, loraJob(1, l))

	j := loraJob(1, loraOf("night", 1))
	j.Payload.Prompt = loras.BuiltIn()[0].Triggers[0] + ", " + j.Payload.Prompt
	if written := generateOne(t, p, j); !bytes.Equal(injected.Image.Pix, written.Image.Pix) {
		t.Error("an injected trigger word is not the same as a written one")
	}
}

// ownLoRA is a file of rank 1 for one matrix, by its name in a LoRA and its shape.
func ownLoRA(key string, out, in int) []byte {
	raw := fmt.Sprintf(`{"__metadata__":{"baseline":%q,"name":"own"},`+
		`"lora_%s.lora_down.weight":{"dtype":"F16","shape":[1,%d],"data_offsets":[0,%d]},`+
		`"lora_%[2]s.lora_up.weight":{"dtype":"F16","shape":[%[5]d,1],"data_offsets":[%[4]d,%[6]d]}}`,
		loras.Baseline, key, in, 2*in, out, 2*in+2*out)
	data := append([]byte{byte(len(raw)), byte(len(raw) >> 8), 0, 0, 0, 0, 0, 0}, raw...)
	return append(data, bytes.Repeat([]byte{0x00, 0x34}, in+out)...) // 0.25
}

func TestAUsersOwnLoRAIsUsed(t *testing.T) {
	testGenerator(t)
	cache, err := testCache()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"mine.safetensors":   ownLoRA("unet_blocks_0_att_q", 384, 384),
		"shape.safetensors":  ownLoRA("unet_blocks_0_att_q", 384, 383),
		"layer.safetensors":  ownLoRA("unet_down_blocks_0_attentions_0_proj_in", 320, 320),
		"words.safetensors":  ownLoRA("te_emb", 3027, 256),
		"broken.safetensors": []byte("PK\x03\x04"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	var warnings []error
	p, err := open(Options{
		Threads: 1, CacheDir: cache, Library: testLibrary(), LoraDir: dir,
		Warn: func(err error) { warnings = append(warnings, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "broken.safetensors") {
		t.Errorf("warnings %v, want one of broken.safetensors", warnings)
	}

	plain := generateOne(t, p, loraJob(1))
	r := generateOne(t, p, loraJob(1, loraOf("mine", 2)))
	if bytes.Equal(plain.Image.Pix, r.Image.Pix) || len(r.Metadata) != 0 {
		t.Errorf("mine changes nothing; remarks %v", r.Metadata)
	}
	for name, value := range map[string]string{
		"shape": "baseline_mismatch", "layer": "baseline_mismatch", "words": "baseline_mismatch", "broken": "download_failed",
	} {
		r := generateOne(t, p, loraJob(1, loraOf(name, 1)))
		want := []api.GenMetadatum{{Type: "lora", Value: value, Ref: name}}
		if !bytes.Equal(plain.Image.Pix, r.Image.Pix) || !slices.Equal(r.Metadata, want) {
			t.Errorf("%s: remarks %v, want %v and the plain image", name, r.Metadata, want)
		}
	}

	// What fails after the start is a matter of the owner too.
	if err := os.Remove(filepath.Join(dir, "mine.safetensors")); err != nil {
		t.Fatal(err)
	}
	warnings = nil
	generateOne(t, p, loraJob(1, loraOf("mine", 1), loraOf("no-such-lora", 1)))
	if len(warnings) != 1 || !errors.Is(warnings[0], loras.ErrChanged) {
		t.Errorf("warnings %v, want one of mine.safetensors", warnings)
	}
}

// LoRAs need no disk: what is merged stays in memory, so a disk that is full, or a
// cache folder that is gone, harms no job.
func TestLoRAsNeedNoDisk(t *testing.T) {
	testGenerator(t)
	cache := t.TempDir()
	p, err := open(Options{Threads: 1, CacheDir: cache, Library: testLibrary()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	before := folderSize(t, cache)
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	r := generateOne(t, p, loraJob(1, loraOf("night", 1), loraOf("pixel-art", 1)))
	if len(r.Metadata) != 0 {
		t.Errorf("remarks %v", r.Metadata)
	}
	if after := folderSize(t, cache); before == 0 || after != 0 {
		t.Errorf("the cache has %d bytes before and %d after a job with LoRAs; want some and none", before, after)
	}
}

// folderSize adds up the files below a folder; 0 if it is not there.
func folderSize(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return total
}

// BenchmarkLoRA alternates the default image without and with a loaded LoRA, so that what
// else runs on the machine slows both, and reports the ratio of the quickest: at most 1.05.
func BenchmarkLoRA(b *testing.B) {
	p := testGenerator(b)
	jobs := []engine.ImageJob{testJob(natural, natural, 1, defaultSteps), testJob(natural, natural, 1, defaultSteps)}
	jobs[1].Payload.Loras = []api.Lora{loraOf("night", .8)}
	generateOne(b, p, loraJob(1, jobs[1].Payload.Loras...))

	best := []time.Duration{math.MaxInt64, math.MaxInt64}
	for b.Loop() {
		for i, j := range jobs {
			began := time.Now()
			generateOne(b, p, j)
			best[i] = min(best[i], time.Since(began))
		}
	}
	b.ReportMetric(best[0].Seconds(), "s-plain")
	b.ReportMetric(best[1].Seconds(), "s-lora")
	b.ReportMetric(best[1].Seconds()/best[0].Seconds(), "ratio")
}
