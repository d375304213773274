package kudos

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
)

// everything is an order that has every surcharge there is.
func everything() Order {
	o := usual()
	o.HasSource, o.SourceProcessing = true, "img2img"
	o.PostProcessing = []string{"GFPGAN", "RealESRGAN_x4plus"}
	o.Loras, o.TIs, o.N, o.ExtraSources, o.FastOnly, o.Blacklist = 2, 3, 4, 2, true, true
	return o
}

func codes(steps []Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Code)
	}
	return strings.Join(names, " ")
}

func TestTheStepsOfAPriceAreNamed(t *testing.T) {
	for _, c := range []struct {
		name      string
		p         *Pricer
		o         Order
		baselines []string
		want      string
	}{
		{"everything", NewPricer(Standard()), everything(), []string{catalog.SD1, catalog.SDXL},
			"network loras tis model source_image post_processing burn slow_workers worker_blacklist each n acceptance " +
				"extra_source_images"},
		{"little", NewPricer(Standard()), usual(), []string{catalog.SD1}, "network burn each acceptance"},
		{"no net", NewPricer(nil), usual(), nil, "formula burn each acceptance"},
		{"targeted", NewPricer(Standard()), Order{Targeted: true, Loras: 2, N: 1}, []string{catalog.SDXL},
			"targeted model burn each acceptance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, steps := c.p.Explain(c.o, c.baselines)
			if got := codes(steps); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}

			if q != c.p.Quote(c.o, c.baselines) || horde.KudosOf(steps[len(steps)-1].Kudos) != q.Total() {
				t.Errorf("%s: %+v, explained as %+v", c.name, q, steps[len(steps)-1])
			}

			for _, s := range steps {
				if !strings.HasSuffix(s.Describe(), ".") {
					t.Errorf("%s: step %s is called %q", c.name, s.Code, s.Describe())
				}
			}
		})
	}
}

func TestWhatTheNetDoesNotKnowIsNamed(t *testing.T) {
	for want, change := range map[string]func(*Order){
		"RestoreFormer": func(o *Order) { o.PostProcessing = []string{"GFPGAN", "RestoreFormer"} },
		"mlsd":          func(o *Order) { o.HasSource, o.ControlType = true, "mlsd" },
		"sideways":      func(o *Order) { o.HasSource, o.SourceProcessing = true, "sideways" },
	} {
		t.Run(want, func(t *testing.T) {
			o := usual()
			change(&o)
			_, steps := NewPricer(Standard()).Explain(o, nil)
			if steps[0].Code != StepFormula || steps[0].Name != want || !strings.Contains(steps[0].Describe(), want) {
				t.Errorf("%s: %+v %s", want, steps[0], steps[0].Describe())
			}
		})
	}
}

func TestTheStepsOfATextsPriceAreNamed(t *testing.T) {
	o := TextOrder{MaxLength: 512, MaxContext: 4096, N: 2}
	for _, c := range []struct {
		billions float64
		want     string
	}{
		{70, "tokens size large_model context scale burn n acceptance rounding"},
		{7, "tokens size context scale burn n acceptance rounding"},
		{0, "tokens size context scale burn n acceptance rounding"},
	} {
		t.Run(fmt.Sprint(c.billions), func(t *testing.T) {
			dry, steps := o.Explain(c.billions, "some model")
			if got := codes(steps); got != c.want || dry != o.DryRun(c.billions) || steps[len(steps)-1].Kudos != dry {
				t.Errorf("%v: %s, want %s; %v, want %v", c.billions, got, c.want, dry, o.DryRun(c.billions))
			}
			for _, s := range steps {
				if !strings.HasSuffix(s.Describe(), ".") {
					t.Errorf("%v: step %s is called %q", c.billions, s.Code, s.Describe())
				}
			}
		})
	}
}

// The steps of every price add up: each follows from the one before by its
// factor and what it adds, and the last is the price.
func TestStepsAddUp(t *testing.T) {
	baselines := []string{catalog.SD1, catalog.SDXL, catalog.StableCascade, catalog.Flux1, catalog.QwenImage}
	rapid.Check(t, func(t *rapid.T) {
		o := Order{
			Width: 64 * rapid.IntRange(1, 48).Draw(t, "w"), Height: 64 * rapid.IntRange(1, 48).Draw(t, "h"),
			Steps: rapid.IntRange(1, 500).Draw(t, "steps"), N: rapid.IntRange(1, 20).Draw(t, "n"),
			HiresFix: rapid.Bool().Draw(t, "hires"), HasSource: rapid.Bool().Draw(t, "source"),
			PostProcessing: rapid.SliceOfN(rapid.SampledFrom(api.PostProcessorNames()), 0, 4).Draw(t, "posts"),
			Loras:          rapid.IntRange(0, 5).Draw(t, "loras"), TIs: rapid.IntRange(0, 2).Draw(t, "tis"),
			ExtraSources: rapid.IntRange(0, 5).Draw(t, "extra"),
			FastOnly:     rapid.Bool().Draw(t, "fast"), Blacklist: rapid.Bool().Draw(t, "blacklist"),
		}
		models := rapid.SliceOfN(rapid.SampledFrom(baselines), 0, 3).Draw(t, "models")
		p := NewPricer(Standard())
		q, steps := p.Explain(o, models)
		if q != p.Quote(o, models) {
			t.Fatalf("explained %+v, quoted %+v", q, p.Quote(o, models))
		}
		addUp(t, steps, q.Total().Float())
	})
}

func TestTextStepsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := TextOrder{MaxLength: rapid.IntRange(16, 4096).Draw(t, "max"),
			MaxContext: rapid.IntRange(80, 1<<18).Draw(t, "context"),
			N:          rapid.IntRange(1, 20).Draw(t, "n"), PromptChars: rapid.IntRange(0, 1<<16).Draw(t, "prompt")}
		size := rapid.SampledFrom([]float64{0, 0.5, 1, 7, 13, 70, 400}).Draw(t, "size")
		dry, steps := o.Explain(size, "m")
		addUp(t, steps, dry)
		// No text costs more than the most.
		w := WrittenText{Chars: rapid.IntRange(0, 1<<16).Draw(t, "chars"), Billions: size,
			Validated: rapid.Bool().Draw(t, "validated"), Trusted: rapid.Bool().Draw(t, "trusted")}
		pays := (TextOrder{}).Tax() + horde.Kudos(o.N)*horde.KudosOf(BurnText(o.Reward(w)))
		if most := o.MaxCost(size); pays > most {
			t.Fatalf("%+v costs %v, the most is said to be %v", w, pays, most)
		}
	})
}

// rounded are the steps whose result is rounded to hundredths or wholes.
var rounded = map[string]bool{StepEach: true, StepScale: true, StepRounding: true, StepN: true, StepAcceptance: true,
	StepExtraSources: true}

func addUp(t *rapid.T, steps []Step, total float64) {
	k := 0.0
	for _, s := range steps {
		switch s.Code {
		case StepNetwork, StepFormula, StepTargeted:
			k = s.Kudos
			continue
		}
		if s.Factor != 0 {
			k *= s.Factor
		}
		k += s.Add
		if off := math.Abs(k - s.Kudos); off > 1e-9*math.Max(1, math.Abs(k)) && !(rounded[s.Code] && off < 0.00501) {
			t.Fatalf("step %+v: %v does not follow from what was before, %v does", s, s.Kudos, k)
		}
		k = s.Kudos
	}
	if k != total {
		t.Fatalf("the steps end at %v, the price is %v", k, total)
	}
}

// What comes back from the database is what was written, and nothing that lies
// there instead breaks a price.
func TestFeaturesComeBackFromTheDatabase(t *testing.T) {
	for _, o := range []Order{usual(), everything(), BasisJob(),
		{Width: 64, Height: 64, Steps: 1, HasSource: true, Denoising: ptr(0.3), ControlType: "canny",
			ControlStrength: ptr(0.5)}} {
		text, err := o.Features().JSON()
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseFeatures(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		back := f.Order()
		o.FastOnly, o.Blacklist, o.N = false, false, 1 // nothing of the image
		if price(back) != price(o) || back.Loras != o.Loras || back.N != 1 {
			t.Errorf("%+v came back as %+v", o, back)
		}
	}
}

func FuzzParseFeatures(f *testing.F) {
	o := everything()
	text, _ := o.Features().JSON()
	f.Add(text)
	f.Add(`{"width":1,"height":1,"steps":1,"cfg":1e308,"denoising":-1e308,"post_processing":["x","x"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := ParseFeatures(text); err == nil {
			price(v.Order())
		}
	})
}
