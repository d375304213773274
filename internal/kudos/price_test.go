package kudos

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
)

func TestTheFormulaHasTheRulebooksValues(t *testing.T) {
	pp := []string{"GFPGAN"}
	for _, c := range []struct {
		w, h, steps int
		pp          []string
		control     string
		keepMap     bool
		want        float64
	}{
		{512, 512, 30, nil, "", false, 6.5},
		{512, 512, 50, nil, "", false, 10.83},
		{1024, 1024, 30, nil, "", false, 36.04},
		{1024, 1024, 30, pp, "", false, 43.25},
		{512, 512, 30, pp, "", false, 7.8},
		{64, 64, 1, nil, "", false, 0.12},
		{512, 512, 30, nil, "canny", false, 19.5},
		{512, 512, 30, nil, "canny", true, 6.5},
	} {
		t.Run(fmt.Sprintf("%d×%d, %d steps, %v, %s", c.w, c.h, c.steps, c.pp, c.control), func(t *testing.T) {
			got := NewPricer(nil).Price(Order{Width: c.w, Height: c.h, Steps: c.steps, PostProcessing: c.pp,
				ControlType: c.control, ReturnControlMap: c.keepMap})
			if got != c.want {
				t.Errorf("%d×%d %d steps %v %s: %v, want %v", c.w, c.h, c.steps, c.pp, c.control, got, c.want)
			}
		})
	}
}

func TestLoRAsAndInversionsCostExtra(t *testing.T) {
	o := Order{Width: 512, Height: 512, Steps: 30}
	o.Loras, o.TIs = 2, 5
	formulaOnly := NewPricer(nil)
	if got := formulaOnly.Price(o); got != 6.5+6+1 {
		t.Errorf("LoRAs and TIs: %v", got)
	}
	o.Targeted = true
	if got := formulaOnly.Price(o); got != 0.1 {
		t.Errorf("targeted: %v", got)
	}
}

func TestLargeModelsCostMore(t *testing.T) {
	plain, qr, hires := Order{}, Order{Workflow: "qr_code"}, Order{HiresFix: true}
	for _, c := range []struct {
		o        Order
		baseline string
		want     float64
	}{
		{plain, catalog.SD1, 1}, {plain, catalog.SD2, 1}, {qr, catalog.SD1, 1},
		{plain, catalog.SDXL, 2}, {qr, catalog.SDXL, 4}, {hires, catalog.SDXL, 2},
		{plain, catalog.StableCascade, 4}, {hires, catalog.StableCascade, 7},
		{plain, catalog.Flux1, 8}, {plain, catalog.ZImageTurbo, 8}, {plain, catalog.QwenImage, 12},
	} {
		t.Run(fmt.Sprintf("%s %s hires %v", c.baseline, c.o.Workflow, c.o.HiresFix), func(t *testing.T) {
			if got := c.o.ModelFactor(c.baseline); got != c.want {
				t.Errorf("%s %+v: %v, want %v", c.baseline, c.o, got, c.want)
			}
		})
	}
}

func TestSurchargesAreBurnt(t *testing.T) {
	for _, c := range []struct {
		o            Order
		reward, want float64
	}{
		{Order{}, 10, 11},
		{Order{}, 0, 1},
		{Order{HasSource: true}, 10, 14},
		{Order{PostProcessing: []string{"GFPGAN", "RealESRGAN_x4plus"}}, 10, 11.5},
		{Order{FastOnly: true}, 10, 13.2},
		{Order{Blacklist: true}, 10, 12.1},
		{Order{FastOnly: true, Blacklist: true}, 0, 1.32},
	} {
		t.Run(fmt.Sprintf("%v for %v", c.want, c.reward), func(t *testing.T) {
			if got := c.o.Burn(c.reward); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%+v of %v: %v, want %v", c.o, c.reward, got, c.want)
			}
		})
	}
}

// The surcharges of generation §1.3, of every post-processor that there is.
func TestEveryPostProcessorHasItsSurcharge(t *testing.T) {
	free := []string{"GFPGAN", "GFPGANv1.3", "CodeFormers", "RestoreFormer", "strip_background"}
	for _, p := range api.PostProcessors {
		want := 1.05
		if slices.Contains(free, p.Name) {
			want = 1
		}
		if got := BurnFactor(p.Name); got != want {
			t.Errorf("%s: %v, want %v", p.Name, got, want)
		}
	}
}

// The example of generation §6.3: SDXL, 1024×1024, 30 steps, of the original's base price.
func TestTheExampleOfTheRulebookHolds(t *testing.T) {
	o := usual()
	o.Width, o.Height = 1024, 1024
	reward := o.Reward(20.99, catalog.SDXL)
	if pays := horde.KudosOf(o.Burn(reward)); reward != 41.98 || pays != 4298 || o.Tax()+pays != 4598 {
		t.Errorf("reward %v, delivery %v, in all %v", reward, pays, o.Tax()+pays)
	}
	if o.ExtraSources = 5; o.Tax() != horde.Whole(28) {
		t.Errorf("tax with five extra source images: %v", o.Tax())
	}
}

// What workers earn (generation §6.4), by the factors that package bridge knows.
func TestWorkersEarnByTheirBridge(t *testing.T) {
	for factor, want := range map[float64]float64{1: 41.98, 0.9: 37.782, 0.75: 31.485} {
		if got := Earned(41.98, factor); math.Abs(got-want) > 1e-9 {
			t.Errorf("bridge factor %v: %v, want %v", factor, got, want)
		}
	}
}

// The table of alchemy (generation §6.7, §6.3).
func TestFormsHaveTheRulebooksValues(t *testing.T) {
	for _, c := range []struct {
		form   string
		tiles  int
		reward int64
	}{
		{"caption", 1, 1}, {"nsfw", 4, 1}, {"interrogation", 9, 3}, {"GFPGAN", 1, 3}, {"RealESRGAN_x4plus", 4, 12},
		{"strip_background", 255, 765}, {"RestoreFormer", 2, 6},
	} {
		t.Run(fmt.Sprintf("%s of %d tiles", c.form, c.tiles), func(t *testing.T) {
			reward := FormReward(c.form, c.tiles)
			if reward != horde.Whole(c.reward) || (FormCost{Reward: reward}).Burn() != horde.Whole(c.reward+1) ||
				(FormCost{Reward: reward, SlowWorkers: true}).Burn() != horde.Whole(c.reward+2) {
				t.Errorf("%+v: %v, costs %v or %v", c, reward, (FormCost{Reward: reward}).Burn(),
					(FormCost{Reward: reward, SlowWorkers: true}).Burn())
			}
		})
	}
	for size, want := range map[[2]int]int{{1, 1}: 1, {512, 512}: 1, {513, 512}: 2, {1024, 1025}: 6, {3072, 64}: 6} {
		if got := Tiles(size[0], size[1]); got != want {
			t.Errorf("%v: %d tiles, want %d", size, got, want)
		}
	}
}

// Uptime (generation §6.8) and the reward for a style (§6.11).
func TestUptimeAndStylesHaveTheRulebooksValues(t *testing.T) {
	for _, c := range []struct {
		models int
		loras  bool
		want   int64
	}{{1, false, 52}, {10, false, 70}, {10, true, 100}} {
		if got := (ImageOffer{Models: c.models, Loras: c.loras}).Uptime(); got != horde.Whole(c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if FormUptime() != horde.Whole(40) || StyleReward() != horde.Whole(2) {
		t.Errorf("alchemist %v, style %v", FormUptime(), StyleReward())
	}
}

func TestAQuoteIsTaxAndImages(t *testing.T) {
	o := Order{Width: 512, Height: 512, Steps: 30, N: 4, ExtraSources: 2}
	q := NewPricer(nil).Quote(o, []string{catalog.SD1, catalog.StableCascade, catalog.SDXL})
	if q.Factor != 4 || q.Base != 6.5 || q.Tax != 1300 || q.PerImage != 2700 || q.Total() != 1300+4*2700 {
		t.Errorf("%+v, total %v", q, q.Total())
	}
	if q := NewPricer(nil).Quote(o, nil); q.Factor != 1 || q.Total() != 1300+4*750 {
		t.Errorf("no models: %+v", q)
	}
}

func TestSamplersOfSecondOrderTakeTwice(t *testing.T) {
	for sampler, want := range map[string]int{
		"k_dpm_adaptive": 40, "k_heun": 20, "k_dpm_2": 20, "k_dpm_2_a": 20, "k_dpmpp_2s_a": 20,
		"k_dpmpp_sde": 20, "k_euler": 10, "k_dpmpp_2m": 10, "lcm": 10, "DDIM": 10,
	} {
		t.Run(sampler, func(t *testing.T) {
			if got := AccurateSteps(sampler, 10); got != want {
				t.Errorf("%s: %d, want %d", sampler, got, want)
			}
		})
	}
}

// A quote is what the parts add up to, and never less than one image costs
// with any of its models.
func TestQuoteCoversEveryModel(t *testing.T) {
	baselines := []string{catalog.SD1, catalog.SDXL, catalog.StableCascade, catalog.Flux1, catalog.QwenImage}
	rapid.Check(t, func(t *rapid.T) {
		o := Order{
			Width: 64 * rapid.IntRange(1, 48).Draw(t, "w"), Height: 64 * rapid.IntRange(1, 48).Draw(t, "h"),
			Steps: rapid.IntRange(1, 500).Draw(t, "steps"), N: rapid.IntRange(1, 20).Draw(t, "n"),
			HiresFix: rapid.Bool().Draw(t, "hires"), HasSource: rapid.Bool().Draw(t, "source"),
			FastOnly: rapid.Bool().Draw(t, "fast"), Blacklist: rapid.Bool().Draw(t, "blacklist"),
		}
		models := rapid.SliceOfN(rapid.SampledFrom(baselines), 1, 4).Draw(t, "models")
		q := NewPricer(Standard()).Quote(o, models)
		if q.Total() < q.Tax+horde.Kudos(o.N) {
			t.Fatalf("total %v", q.Total())
		}
		for _, b := range models {
			if pays := horde.KudosOf(o.Burn(o.Reward(q.Base, b))); pays > q.PerImage {
				t.Fatalf("%s costs %v, quoted %v", b, pays, q.PerImage)
			}
		}
	})
}
