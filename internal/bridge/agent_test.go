package bridge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/golden"
)

func TestAnAgentIsNameVersionAndAddress(t *testing.T) {
	for text, want := range map[string]string{
		"AI Horde Worker reGen:13.0.0:https://example.com/regen": "AI Horde Worker reGen 13.0.0 false",
		"AI Horde Worker reGen:10:z":                             "AI Horde Worker reGen 10.0.0 false",
		"AI Horde Worker:24.1:https://example.com:8080/x":        "AI Horde Worker 24.1.0 false",
		"AI Horde Worker reGen:9.0.1-rc.1+build:x":               "AI Horde Worker reGen 9.0.1 true",
		"mine:1:x":                       "mine 1.0.0 false",
		"AI Horde Worker reGen":          "unknown 0.0.0 false",
		"AI Horde Worker reGen:13":       "unknown 0.0.0 false",
		"AI Horde Worker reGen:x.y:z":    "unknown 0.0.0 false",
		"AI Horde Worker reGen:1.2.3.4:": "unknown 0.0.0 false",
		"AI Horde Worker reGen:-1:":      "unknown 0.0.0 false",
		"a:99999999999:":                 "unknown 0.0.0 false",
		"unknown:0:unknown":              "unknown 0.0.0 false",
		"":                               "unknown 0.0.0 false",
		"::":                             "unknown 0.0.0 false",
	} {
		t.Run(text, func(t *testing.T) {
			a := Parse(text)
			got := fmt.Sprintf("%s %d.%d.%d %v", a.Name, a.Version.Major, a.Version.Minor, a.Version.Patch, a.Version.Pre)
			if got != want {
				t.Errorf("%q: %s, want %s", text, got, want)
			}
			if again := Parse(text); again != a {
				t.Errorf("%q: a second look differs", text)
			}
		})
	}
}

func TestCapabilitiesByVersion(t *testing.T) {
	for _, c := range []struct {
		cap  Capability
		name string
		from uint32 // major version from which it counts
	}{
		{Img2Img, "AI Horde Worker reGen", 1}, {R2, "AI Horde Worker reGen", 1}, {Tiling, "AI Horde Worker reGen", 1},
		{Lora, "AI Horde Worker reGen", 2}, {LoraVersions, "AI Horde Worker reGen", 3},
		{ExtraSourceImages, "AI Horde Worker reGen", 5}, {StableCascade2Pass, "AI Horde Worker reGen", 6},
		{QRCode | ExtraTexts | Workflow, "AI Horde Worker reGen", 7}, {LayerDiffuse, "AI Horde Worker reGen", 8},
		{Flux, "AI Horde Worker reGen", 9}, {restoreFormer, "AI Horde Worker reGen", 13},
		{Img2Img, "AI Horde Worker", 3}, {Inpainting, "AI Horde Worker", 4}, {R2, "AI Horde Worker", 8},
		{HiresFix, "AI Horde Worker", 13}, {R2Source, "AI Horde Worker", 14}, {ControlNet, "AI Horde Worker", 15},
		{Lora, "AI Horde Worker", 22}, {ImageIsControl, "AI Horde Worker", 23}, {TextualInversion, "AI Horde Worker", 24},
		{R2, "SD-WebUI Stable Horde Worker Bridge", 1}, {ClipSkip, "SD-WebUI Stable Horde Worker Bridge", 4},
		{Painting | Img2Img, "HordeAutoWebBridge", 1}, {Tiling, "HordeAutoWebBridge", 2},
		{Flux | restoreFormer | LayerDiffuse, "Horde Worker", 1},
	} {
		t.Run(fmt.Sprintf("%s %d", c.name, c.from), func(t *testing.T) {
			for _, major := range []uint32{c.from - 1, c.from, 99} {
				a := Parse(fmt.Sprintf("%s:%d.0.0:x", c.name, major))
				if got, want := a.Has(c.cap), major >= c.from; got != want {
					t.Errorf("%s %d, %b: %v, want %v", c.name, major, c.cap, got, want)
				}
			}
		})
	}

	for _, a := range []Agent{{}, Parse(""), Parse("mine:99:x"), Parse("KoboldCppEmbedWorker:2:x")} {
		if a.caps != 0 {
			t.Errorf("%s can do something", a.Name)
		}
	}
}

func TestSamplersComeWithVersions(t *testing.T) {
	for _, c := range []struct {
		agent, sampler string
		karras, plain  bool
	}{
		{"AI Horde Worker reGen:1:x", "k_euler_a", false, false},
		{"AI Horde Worker reGen:2:x", "k_euler_a", true, true},
		{"AI Horde Worker reGen:2:x", "lcm", false, false},
		{"AI Horde Worker reGen:3:x", "lcm", true, true},
		{"AI Horde Worker reGen:13:x", "DDIM", true, true},
		{"AI Horde Worker:10:x", "k_lms", false, false},
		{"AI Horde Worker:11:x", "dpmsolver", true, true},
		{"AI Horde Worker:11:x", "k_dpmpp_sde", false, false},
		{"AI Horde Worker:12:x", "k_dpmpp_sde", true, true},
		{"AI Horde Worker:24:x", "DDIM", false, true},
		{"SD-WebUI Stable Horde Worker Bridge:1:x", "plms", false, true},
		{"SD-WebUI Stable Horde Worker Bridge:1:x", "dpmsolver", false, false},
		{"HordeAutoWebBridge:1:x", "k_euler", false, true},
		{"HordeAutoWebBridge:1:x", "k_lms", true, true},
		{"mine:1:x", "k_dpmpp_sde", true, true},
		{"mine:1:x", "DDIM", false, true},
		{"unknown:0:unknown", "lcm", false, false},
		{"Horde Worker:1:x", "lcm", true, true},
		{"Horde Worker:1:x", "no sampler", false, false},
	} {
		t.Run(c.agent+" "+c.sampler, func(t *testing.T) {
			a := Parse(c.agent)
			karras, plain := a.SupportsSampler(Sampler{c.sampler, true}), a.SupportsSampler(Sampler{c.sampler, false})
			if karras != c.karras || plain != c.plain {
				t.Errorf("%s, %s: karras %v, plain %v", c.agent, c.sampler, karras, plain)
			}
		})
	}
}

func TestOldBridgesEarnLess(t *testing.T) {
	for agent, want := range map[string]struct {
		factor    float64
		validated bool
	}{
		"AI Horde Worker reGen:13.0.0:x": {1, false}, "AI Horde Worker reGen:12.9.9:x": {0.9, false},
		"AI Horde Worker:24:x": {1, true}, "AI Horde Worker:23:x": {0.9, true},
		"Horde Worker:1.0.0:x": {1, true}, "SD-WebUI Stable Horde Worker Bridge:4:x": {0.75, false},
		"mine:1:x": {0.75, false}, "": {0.75, false}, "KoboldCppEmbedWorker:2:x": {0.75, true},
		"TabbyAPI:1:x": {0.75, true}, "AI Horde Worker~aphrodite~oai:1:x": {0.75, true},
	} {
		t.Run(agent, func(t *testing.T) {
			a := Parse(agent)
			if a.RewardFactor() != want.factor || a.Validated() != want.validated {
				t.Errorf("%s: %v %v, want %v", agent, a.RewardFactor(), a.Validated(), want)
			}
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	for i := range 3 * maxCached {
		Parse(fmt.Sprintf("flood %d:1:x", i))
	}
	Parse(strings.Repeat("x", maxAgent+1))
	if n := len(cache.agents); n > maxCached {
		t.Errorf("%d agents cached", n)
	}
}

func TestPostProcessorsAreThoseOfTheRulebook(t *testing.T) {
	if len(postProcessors) != 16 {
		t.Errorf("%d post-processors, the rulebook has 16", len(postProcessors))
	}
	own := Parse("Horde Worker:1:x")
	for name := range postProcessors {
		c, _ := PostProcessor(name)
		if !own.Has(c) {
			t.Errorf("our own worker lacks %s", name)
		}
	}
	if _, ok := PostProcessor("nothing"); ok {
		t.Error("a post-processor that is none")
	}
}

// needs is what a request asks of a bridge: the rows of generation §1.15 and §1.16 that
// look at abilities.
func needs(r api.ImageRequest, hosted []string) Capability {
	var c Capability
	if r.R2 == nil || *r.R2 {
		c |= R2
	}

	if r.SourceImage != "" {
		c |= Img2Img
	}

	if len(r.ExtraSourceImages) > 0 {
		c |= ExtraSourceImages
	}

	if slices.Contains(hosted, "Flux.1-Schnell fp8 (Compact)") {
		c |= Flux
	}

	p := r.Params
	set := func(b *bool) bool { return b != nil && *b }
	for _, l := range p.Loras {
		c |= Lora
		if set(l.IsVersion) {
			c |= LoraVersions
		}
	}

	if len(p.TIs) > 0 {
		c |= TextualInversion
	}

	if p.ClipSkip != nil && *p.ClipSkip > 1 {
		c |= ClipSkip
	}

	if set(p.HiresFix) {
		c |= HiresFix
		if slices.Contains(hosted, "Stable Cascade 1.0") {
			c |= StableCascade2Pass
		}
	}

	if set(p.Tiling) {
		c |= Tiling
	}

	if set(p.Transparent) {
		c |= LayerDiffuse
	}

	if p.Workflow == "qr_code" {
		c |= ControlNet | QRCode
	}

	for _, name := range p.PostProcessing {
		pp, _ := PostProcessor(name)
		c |= PostProcessing | pp
	}

	return c
}

// The recorded scenario pop-bridge: each request is followed by pops of several
// bridges, taken or not.
func TestRecordedPops(t *testing.T) {
	f, err := os.Open(golden.Shared(t, "golden/pop-bridge.jsonl"))
	if err != nil {
		t.Fatal(err)
	}

	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	var req api.ImageRequest

	pops := 0
	for sc.Scan() {
		var row struct {
			Step    int
			Note    string
			Request struct {
				Path string
				JSON json.RawMessage
			}
			Response struct {
				Body map[string]any
			}
		}
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}

		switch row.Request.Path {
		case "/api/v2/generate/async":
			req = api.ImageRequest{}
			if err := json.Unmarshal(row.Request.JSON, &req); err != nil {
				t.Fatal(err)
			}

		case "/api/v2/generate/pop":
			if req.Params == nil {
				continue // a worker registers before the first request
			}

			var pop api.ImagePop
			if err := json.Unmarshal(row.Request.JSON, &pop); err != nil {
				t.Fatal(err)
			}

			pops++
			a := Parse(pop.BridgeAgent)
			sampler, karras := req.Params.SamplerName, req.Params.Karras == nil || *req.Params.Karras
			if sampler == "" {
				sampler = "k_euler_a"
			}

			got := a.Has(needs(req, pop.Models)) && a.SupportsSampler(Sampler{sampler, karras})
			if want := row.Response.Body["id"] != nil; got != want {
				t.Errorf("step %d, %s: %v, want %v", row.Step, row.Note, got, want)
			}
		}
	}

	if pops < 40 {
		t.Errorf("only %d pops read", pops)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AI Horde Worker reGen:13.0.0-rc1+x:https://example.com")
	f.Add(":::")
	f.Fuzz(func(t *testing.T, text string) {
		a := parse(text)
		if a.Name == unknownName && a.Version == (Version{}) && a.caps != 0 {
			t.Fatalf("%q: the unknown bridge can do something", text)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if !Parse("AI Horde Worker reGen:13.0.0:https://example.com/regen").Has(Lora | R2) {
			b.Fatal("no LoRA")
		}
	}
}
