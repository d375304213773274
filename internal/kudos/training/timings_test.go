package training

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// truth is how long images take on a machine of pace 1 in these tests: as the
// net in the program says, but that it is wrong about lcm and knows no
// RestoreFormer.
func truth(o kudos.Order) float64 {
	extra := 1.0
	if o.Sampler == "lcm" {
		extra *= 0.6
	}
	if i := slices.Index(o.PostProcessing, "RestoreFormer"); i >= 0 {
		o.PostProcessing, extra = slices.Delete(slices.Clone(o.PostProcessing), i, i+1), extra*1.5
	}
	s, _ := kudos.Standard().Seconds(&o)
	return s * extra
}

// life is a horde's: machines of paces from a third to three times, SDXL at two
// and a half times, one machine that generates nothing but lcm, and what should not
// be learnt from: stalled workers, batches, LoRAs, a machine that is seldom seen.
func life(n int) (timed []Timed, unfit, unknown, stalled int) {
	rng := rand.New(rand.NewPCG(5, 5))
	paces := []float64{0.33, 0.6, 1, 1.7, 3}
	for i := range n {
		m := rng.IntN(len(paces))
		t := Timed{
			Machine:  fmt.Sprint("m", m),
			Baseline: []string{"stable diffusion 1", "stable_diffusion_xl"}[rng.IntN(2)],
			Batch:    1,
		}

		t.Order = kudos.Order{
			Width: 64 * (6 + rng.IntN(11)), Height: 64 * (6 + rng.IntN(11)), Steps: 8 + rng.IntN(40),
			Cfg:     float64(2 + rng.IntN(9)),
			Sampler: []string{"k_euler_a", "k_dpmpp_2m", "lcm"}[rng.IntN(3)], Karras: rng.IntN(2) == 0,
			HiresFix: rng.IntN(8) == 0, N: 1,
		}

		if m == 4 {
			t.Order.Sampler = "lcm"
		}

		if rng.IntN(6) == 0 {
			t.Order.PostProcessing = []string{"RestoreFormer"}
		}

		t.Seconds = truth(t.Order) * paces[m] * math.Exp(0.05*rng.NormFloat64())
		if t.Baseline == "stable_diffusion_xl" {
			t.Seconds *= 2.5
		}

		switch i % 50 {
		case 0:
			t.Seconds *= 10
			stalled++

		case 1:
			t.Batch = 4
			unfit++

		case 2:
			t.Order.Loras = 1
			unfit++

		case 3:
			t.Seconds = 0.001
			unfit++
		}

		timed = append(timed, t)
	}

	for range minOfMachine - 1 {
		o := kudos.BasisJob()
		timed = append(timed, Timed{Order: o, Machine: "seldom", Baseline: "stable diffusion 1", Batch: 1, Seconds: 1})
		unknown++
	}

	return timed, unfit, unknown, stalled
}

func TestTimesOfMachinesAreMadeComparable(t *testing.T) {
	timed, unfit, unknown, stalled := life(6000)
	n, err := Normalize(timed, kudos.Standard())
	if err != nil {
		t.Fatal(err)
	}

	if n.Unfit != unfit || n.Unknown != unknown || n.Paces != 10 || n.Outliers != stalled ||
		len(n.Jobs)+unfit+unknown+stalled != len(timed) {
		t.Errorf("%d jobs of %d, %+v, want %d unfit, %d unknown, %d stalled", len(n.Jobs), len(timed),
			Normalized{nil, n.Paces, n.Unfit, n.Unknown, n.Outliers}, unfit, unknown, stalled)
	}

	// Whoever generated them, the times are those of one machine: what they are off
	// by is one factor for all, but for the noise.
	var off []float64
	for _, j := range n.Jobs {
		off = append(off, math.Log(j.Seconds/truth(j.Order)))
		if want := j.Seconds / kudos.Standard().Basis() * 11; math.Abs(j.Kudos-want) > 1e-9 {
			t.Fatalf("%v s are %v kudos, want %v", j.Seconds, j.Kudos, want)
		}
	}

	slices.Sort(off)
	if spread := off[len(off)*95/100] - off[len(off)*5/100]; spread > 0.3 {
		t.Errorf("from the 5th to the 95th percentile the times are spread by %v", spread)
	}

	if _, err := Normalize(timed[:10], kudos.Standard()); err == nil {
		t.Error("ten images are enough")
	}
}

// A net that is trained on a horde's own life knows names that the old one has no
// input for; with it such jobs are priced by the network.
func TestANetLearnsTheNamesOfItsHorde(t *testing.T) {
	learns(t)
	timed, _, _, _ := life(5000)
	n, err := Normalize(timed, kudos.Standard())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Name: "own", Seed: 1, Epochs: 30, Hidden: []int{48, 32}, Rate: 4e-3, Decay: 0.01, HeldOut: 0.1}
	r, err := Train(context.Background(), n.Jobs, c)
	if err != nil {
		t.Fatal(err)
	}
	if v := fmt.Sprint(r.Net.Card().Vocabulary); v != "{[lcm] [] [RestoreFormer]}" {
		t.Errorf("vocabulary %v", v)
	}
	old, own := kudos.NewPricer(kudos.Standard()), kudos.NewPricer(r.Net)
	o := kudos.Order{
		Width:          768,
		Height:         768,
		Steps:          20,
		Cfg:            5,
		Sampler:        "lcm",
		Karras:         true,
		PostProcessing: []string{"RestoreFormer"},
		N:              1,
	}
	if _, steps := old.Explain(o, nil); steps[0].Code != kudos.StepFormula {
		t.Errorf("the old net knows RestoreFormer: %+v", steps[0])
	}
	_, steps := own.Explain(o, nil)
	want := truth(o) / kudos.Standard().Basis() * 11
	if steps[0].Code != kudos.StepNetwork || steps[0].Name != "own" || math.Abs(steps[0].Kudos/want-1) > 0.12 {
		t.Errorf("%+v, want about %v kudos", steps[0], want)
	}
	if k := own.Price(kudos.BasisJob()); k != 11 {
		t.Errorf("the basis job is worth %v", k)
	}

	compared, err := Compare(old, own, n.Jobs)
	if err != nil {
		t.Fatal(err)
	}
	if compared.New.Accuracy < 0.9 || compared.New.Accuracy < compared.Old.Accuracy+0.05 || compared.Old.Formula == 0 ||
		compared.New.Formula != 0 {
		t.Errorf("old %+v, new %+v", compared.Old, compared.New)
	}
	if m := compared.Movers[0]; m.Kind != "sampler lcm" || m.Shift > -0.35 || m.Shift < -0.45 || m.New >= m.Old ||
		m.Jobs < 1800 {
		t.Errorf("moves most: %+v", m)
	}
	i := slices.IndexFunc(compared.Movers, func(m Mover) bool { return m.Kind == "post-processor RestoreFormer" })
	if i < 0 || compared.Moved < 0.3 || compared.Typical <= 0 || compared.Shift >= 0 {
		t.Errorf("%+v", compared)
	}
}

func TestANetDoesNotDifferFromItself(t *testing.T) {
	p := kudos.NewPricer(kudos.Standard())
	c, err := Compare(p, p, jobs(100, false))
	if err != nil || c.Old != c.New || c.Shift != 0 || c.Typical != 0 || c.Moved != 0 || len(c.Movers) == 0 ||
		c.Movers[0].Shift != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = Compare(p, p, nil); err != nil || len(c.Movers) != 0 {
		t.Errorf("of no jobs: %+v, %v", c, err)
	}
	unknown := jobs(100, false)
	for i := range unknown {
		unknown[i].Kudos = math.NaN()
	}
	if c, err = Compare(p, p, unknown); err != nil || c.Old.Jobs != 0 || len(c.Movers) == 0 {
		t.Errorf("of jobs whose price nobody knows: %+v, %v", c, err)
	}
}

func TestTimingsComeBackInOneOrder(t *testing.T) {
	var first []Timed
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
			for i, name := range []string{"k_heun", "DDIM", "k_euler_a", "lcm"} {
				o := kudos.Order{
					Width:            512,
					Height:           64 * (i + 1),
					Steps:            20,
					Cfg:              7,
					Sampler:          name,
					HasSource:        true,
					SourceProcessing: "img2img",
					Denoising:        ptr(0.5),
					PostProcessing:   []string{"GFPGAN"},
					N:                4,
				}

				text, err := o.Features().JSON()
				if err != nil {
					return err
				}

				tx.Time(store.Timing{Hour: int64(9 - i), Machine: "a", Baseline: "b", Batch: 1, Micros: 1_500_000, Features: text})
			}

			tx.Time(store.Timing{Features: "{}"})
			tx.Time(store.Timing{Features: "no JSON"})
			tx.Time(store.Timing{Features: `{"width":512,"height":512,"steps":2000000000}`})
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}

		got, lost, err := ReadTimings(t.Context(), s)
		if err != nil || len(got) != 4 || lost != 3 {
			t.Fatalf("%+v, %d lost, %v", got, lost, err)
		}

		o := got[0].Order
		if got[0].Seconds != 1.5 || !o.HasSource || *o.Denoising != 0.5 || o.PostProcessing[0] != "GFPGAN" || o.N != 1 ||
			o.Cfg != 7 {
			t.Errorf("%+v", got[0])
		}

		if first == nil {
			first = got
		}

		for i := range got {
			if got[i].Order.Sampler != first[i].Order.Sampler {
				t.Errorf("row %d is %+v, the other database has %+v", i, got[i], first[i])
			}
		}
	})
}

func TestTimesAreRescaledToABasis(t *testing.T) {
	all := jobs(50, false)
	before := all[7].Seconds
	if err := Rescale(all, 4.6); err != nil || BasisSeconds(all) != 4.6 || math.Abs(all[7].Seconds/before-2) > 0.01 {
		t.Errorf("%v, %v for %v, basis %v", err, all[7].Seconds, before, BasisSeconds(all))
	}
	all[0].Kudos = math.NaN()
	if err := Rescale(all, 5); err == nil {
		t.Error("rescaled what has no scale")
	}
}

func ptr(v float64) *float64 { return &v }
