package pocket

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/engine"
)

func float(f float64) *api.Float { v := api.Float(f); return &v }

// plain is a payload that asks for nothing the model lacks.
func plain() api.ImagePayload {
	return api.ImagePayload{Prompt: "a fox", Steps: 24, N: 1, SamplerName: "k_dpmpp_2m", CfgScale: 3.5, Karras: true,
		Width: 512, Height: 512}
}

func TestWhatTheModelCannotDoIsRemarkedOn(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}

	two := 2
	one := 1
	for _, c := range []struct {
		name    string
		change  func(*api.ImagePayload)
		check   func(plan) bool
		remarks []string // beginnings
	}{
		{"nothing", func(p *api.ImagePayload) {}, func(p plan) bool {
			return p.steps == 24 && p.cfg == 3.5 && p.sampler == samplerDPMPP2M && p.width == 512 && p.height == 512 &&
				p.count == 1 && p.first == 0
		}, nil},
		{"cfg 7", func(p *api.ImagePayload) { p.CfgScale = 7 }, func(p plan) bool { return p.cfg == 3.5 },
			[]string{"cfg_scale: 3.5 instead of 7,"}},
		{"cfg 7.5", func(p *api.ImagePayload) { p.CfgScale = 7.5 }, func(p plan) bool { return p.cfg == 3.5 },
			[]string{"cfg_scale: 3.5 instead of 7.5,"}},
		{"cfg 6", func(p *api.ImagePayload) { p.CfgScale = 6 }, func(p plan) bool { return p.cfg == 6 }, nil},
		{"cfg 0", func(p *api.ImagePayload) { p.CfgScale = 0 }, func(p plan) bool { return p.cfg == 0 }, nil},
		{"cfg nan", func(p *api.ImagePayload) { p.CfgScale = api.Float(math.NaN()) },
			func(p plan) bool { return p.cfg == 3.5 }, []string{"cfg_scale"}},
		{"euler", func(p *api.ImagePayload) { p.SamplerName = "k_euler" },
			func(p plan) bool { return p.sampler == samplerEuler }, nil},
		{"euler a", func(p *api.ImagePayload) { p.SamplerName = "K_EULER_A" },
			func(p plan) bool { return p.sampler == samplerEulerA }, nil},
		{"ddim", func(p *api.ImagePayload) { p.SamplerName = "DDIM" },
			func(p plan) bool { return p.sampler == samplerDPMPP2M }, []string{"sampler: k_dpmpp_2m instead of ddim"}},
		{"no karras", func(p *api.ImagePayload) { p.Karras = false }, nil, []string{"karras"}},
		{"wide", func(p *api.ImagePayload) { p.Width = 768 }, func(p plan) bool { return p.width == 768 },
			[]string{"size: generated at 512x512, cut at the centre and resampled to 768x512"}},
		{"large", func(p *api.ImagePayload) { p.Width, p.Height = 1024, 1024 }, nil,
			[]string{"size: generated at 512x512, resampled to 1024x1024"}},
		{"model size", func(p *api.ImagePayload) { p.Width, p.Height = 128, 128 }, nil, nil},
		{"small", func(p *api.ImagePayload) { p.Width, p.Height = 64, 128 }, nil,
			[]string{"size: generated at 128x128, cut at the centre and resampled to 64x128"}},
		{"no steps", func(p *api.ImagePayload) { p.Steps = 0 }, func(p plan) bool { return p.steps == 24 }, nil},
		{"many steps", func(p *api.ImagePayload) { p.Steps = 501 }, func(p plan) bool { return p.steps == 500 },
			[]string{"steps"}},
		{"clip skip 1", func(p *api.ImagePayload) { p.ClipSkip = &one }, nil, nil},
		{"long prompt", func(p *api.ImagePayload) {
			p.Prompt = strings.Repeat("fox ", 50) + "###" + strings.Repeat("cat ",
				50)
		}, nil, []string{"prompt", "negative prompt"}},
		{"strength without source", func(p *api.ImagePayload) { p.DenoisingStrength = float(.3) },
			func(p plan) bool { return p.first == 0 }, nil},
		{"everything else", func(p *api.ImagePayload) {
			p.Tiling, p.HiresFix, p.ClipSkip, p.Transparent, p.ControlType = true, true, &two, true, "canny"
			p.TIs, p.PostProcessing = []api.TI{{Name: "x"}}, []string{"GFPGAN"}
			p.Workflow, p.ExtraTexts, p.Special = "qr_code", []api.ExtraText{{Text: "x"}}, json.RawMessage(`{"a":1}`)
		}, nil, []string{"tiling", "hires_fix", "clip_skip", "transparent", "control_type", "tis",
			"post_processing", "workflow", "extra_texts", "special"}},
		{"empty special", func(p *api.ImagePayload) { p.Special = json.RawMessage(` {} `) }, nil, nil},
		{"long sampler", func(p *api.ImagePayload) { p.SamplerName = strings.Repeat("ü", 500) }, nil, []string{"sampler"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			payload := plain()
			c.change(&payload)
			p := newPlan(tok, engine.ImageJob{Payload: payload})
			if c.check != nil && !c.check(p) {
				t.Errorf("plan %+v", p)
			}
			checkRemarks(t, p.metadata, c.remarks)
		})
	}
}

func checkRemarks(t *testing.T, got []api.GenMetadatum, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("remarks %v, want %v", got, want)
	}
	for i, m := range got {
		if m.Type != "information" || m.Value != "see_ref" || !strings.HasPrefix(m.Ref, want[i]) || len(m.Ref) > 255 {
			t.Errorf("remark %+v, want information, see_ref and at most 255 bytes that begin with %q", m, want[i])
		}
	}
}

func TestAPromptIsSplitAtItsFirstMark(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}

	payload := plain()
	payload.Prompt = "a fox###night ### rain"
	p := newPlan(tok, engine.ImageJob{Payload: payload})
	positive, _ := tok.encode("a fox")
	negative, _ := tok.encode("night rain")
	if !slices.Equal(p.prompt, positive) || !slices.Equal(p.negative, negative) {
		t.Errorf("%q is not split at its first ###", payload.Prompt)
	}
}

func TestStrengthDecidesTheFirstStep(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		steps    int
		strength *api.Float
		want     int
	}{
		{24, float(1), 0}, {24, float(.01), 23}, {10, float(.5), 5}, {5, float(.5), 2}, {7, float(.5), 4}, // half to even
		{24, nil, 10}, {1, float(.1), 0}, {10, float(7), 0}, {10, float(-3), 9},
	} {
		payload := plain()
		payload.Steps, payload.DenoisingStrength = c.steps, c.strength
		p := newPlan(tok, engine.ImageJob{Payload: payload, Source: image.NewGray(image.Rect(0, 0, 1, 1))})
		if p.first != c.want {
			t.Errorf("%d steps, strength %v: begins at step %d, want %d", c.steps, c.strength, p.first, c.want)
		}
	}
}

func TestTheWindowIsTheMiddleOfTheSquare(t *testing.T) {
	for _, c := range []struct {
		w, h, side int
		want       image.Rectangle
	}{
		{512, 512, 128, image.Rect(0, 0, 128, 128)},
		{768, 512, 512, image.Rect(0, 85, 512, 426)},
		{512, 1024, 128, image.Rect(32, 0, 96, 128)},
		{3072, 64, 128, image.Rect(0, 62, 128, 65)},
	} {
		t.Run(fmt.Sprintf("%dx%d in %d", c.w, c.h, c.side), func(t *testing.T) {
			if got := window(c.w, c.h, c.side); got != c.want {
				t.Errorf("window of %dx%d in %d = %v, want %v", c.w, c.h, c.side, got, c.want)
			}
		})
	}
}

func TestASourceIsPlacedAsItIsShown(t *testing.T) {
	// A source of the model's own size passes unchanged.
	same := place(slope(), 512, 512)
	for _, at := range []image.Point{{0, 0}, {127, 0}, {64, 77}, {127, 127}} {
		want := color.RGBA{R: uint8(2 * at.X), G: uint8(2 * at.Y), B: uint8(at.X + at.Y), A: 255}
		if got := same.RGBAAt(at.X, at.Y); got != want {
			t.Errorf("pixel %v = %v, want %v", at, got, want)
		}
	}

	// Outside of what is shown the image goes on as in a mirror.
	wide := place(slope(), 1024, 512)
	if wide.RGBAAt(50, 31) != wide.RGBAAt(50, 32) || wide.RGBAAt(50, 0) != wide.RGBAAt(50, 63) ||
		wide.RGBAAt(50, 96) != wide.RGBAAt(50, 95) {
		t.Error("the rest of the square does not mirror the shown part")
	}
	clear := place(image.NewNRGBA(image.Rect(0, 0, 3, 5)), 512, 512)
	if got := clear.RGBAAt(64, 64); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("a transparent source lies on %v, want white", got)
	}
}

func TestMaskAndAlphaSayWhatIsKept(t *testing.T) {
	if keepMap(slope(), nil, 512, 512) != nil {
		t.Error("an opaque source without a mask has something to keep apart")
	}
	half := image.NewNRGBA(image.Rect(0, 0, 128, 128))
	for y := range 128 {
		for x := range 64 {
			half.SetNRGBA(x, y, color.NRGBA{R: 9, A: 255})
		}
	}

	keep := keepMap(half, nil, 512, 512)
	if keep == nil || keep[5*side+10] != 1 || keep[5*side+100] != 0 {
		t.Error("the transparent part of a source is not what is regenerated")
	}
	if keep := keepMap(half, &image.Gray{Pix: []byte{255}, Stride: 1, Rect: image.Rect(0, 0, 1, 1)}, 512,
		512); slices.Max(keep) > 0.001 {
		t.Errorf("a white mask keeps %v", slices.Max(keep))
	}
}

func TestPixelsAreRoundedToEven(t *testing.T) {
	for _, c := range []struct {
		in   float32
		want uint8
	}{{-1, 0}, {1, 255}, {-7, 0}, {7, 255}, {0, 128}, {float32(0.5/127.5 - 1), 0}, {float32(2.5/127.5 - 1), 2}} {
		if got := toByte(c.in); got != c.want {
			t.Errorf("toByte(%v) = %d, want %d", c.in, got, c.want)
		}
	}
}
