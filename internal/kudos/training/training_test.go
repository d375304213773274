package training

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"horde/internal/golden"
	"horde/internal/hordetest"
	"horde/internal/kudos"
)

const header = "width,height,steps,cfg_scale,sampler_name,karras,hires_fix,source_processing," +
	"source_image,source_mask," +
	"denoising_strength,control_type,control_strength,post_processing,seconds,kudos_basis11\n"

func TestDataAreReadAsTheyAreWritten(t *testing.T) {
	text := header +
		"192,576,61,19.55,k_dpmpp_2s_a,True,False,txt2img,False,False,1.0,None,1.0,,17.5,29.84\n" +
		"512,768,20,7,lcm,False,True,img2img,True,True,,canny,0.5,GFPGAN|strip_background,6.45,11\n"

	for _, in := range []string{text, gzipped(text, 0), "\ufeff" + text} {
		jobs, unread, err := Parse(strings.NewReader(in))
		if err != nil || len(jobs) != 2 || unread.Lines != 0 {
			t.Fatal(len(jobs), unread, err)
		}

		a, b := jobs[0], jobs[1]
		if o := a.Order; o.Width != 192 || o.Height != 576 || o.Steps != 61 || o.Cfg != 19.55 ||
			o.Sampler != "k_dpmpp_2s_a" ||
			!o.Karras || o.HiresFix || o.HasSource || *o.Denoising != 1 || o.ControlType != "" || o.PostProcessing != nil {
			t.Errorf("%+v", o)
		}

		if o := b.Order; o.Karras || !o.HiresFix || !o.HasSource || !o.HasMask || o.Denoising != nil ||
			o.ControlType != "canny" ||
			*o.ControlStrength != 0.5 || strings.Join(o.PostProcessing, " ") != "GFPGAN strip_background" ||
			o.SourceProcessing != "img2img" {
			t.Errorf("%+v", o)
		}

		if a.Seconds != 17.5 || a.Kudos != 29.84 || b.Kudos != 11 {
			t.Errorf("%v %v %v", a.Seconds, a.Kudos, b.Kudos)
		}
	}
}

func TestDataThatAreNoneAreRefused(t *testing.T) {
	row := "512,512,30,7,k_euler,True,False,txt2img,False,False,1.0,None,1.0,,5,9\n"
	for text, want := range map[string]string{
		"":                    "no header: the file is empty",
		header:                "no jobs",
		"width,height\n1,2\n": `no column "steps"`,
		strings.Replace(header, ",seconds,kudos_basis11", "", 1) + "x\n": "neither a column",
		header + row + strings.Replace(row, "512", "x", 1):               "line 3: width is",
		header + strings.Replace(row, "512", "0", 1):                     "width is",
		header + strings.Replace(row, "512", "9223372036854775808", 1):   "width is",
		header + strings.Replace(row, ",7,", ",NaN,", 1):                 "cfg_scale is",
		header + strings.Replace(row, ",7,", ",1e308,", 1):               "cfg_scale is",
		header + strings.Replace(row, "True", "maybe", 1):                "karras is",
		header + strings.Replace(row, ",5,9", ",0,9", 1):                 "seconds is",
		header + strings.Replace(row, ",5,9", ",5,-9", 1):                "kudos_basis11 is",
		header + strings.Replace(row, ",5,9", ",5", 1):                   "wrong number of fields",
		header + strings.Repeat(row, 8) +
			"x\n": "line 10: wrong number of fields: 1, where the header has 16 (1 of 9 lines",
		"\x1f\x8bnothing": "gzip",
		gzipped(header+strings.Repeat(row, 99), 20): "cut off",
	} {
		t.Run(want, func(t *testing.T) {
			if _, _, err := Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.60q: %v, want %q", text, err, want)
			}
		})
	}
}

// gzipped is a text as gzip, its end cut off.
func gzipped(text string, cut int) string {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	fmt.Fprint(w, text)
	w.Close()
	return z.String()[:z.Len()-cut]
}

func TestAFewBrokenLinesAreLeftOut(t *testing.T) {
	row := "512,512,30,7,k_euler,True,False,txt2img,False,False,1.0,None,1.0,,5,9\n"
	jobs, unread, err := Parse(strings.NewReader(header + row + "garbage\n" + strings.Repeat(row, 30) +
		strings.Replace(row, "512", "wide", 1) + row + "a \"quote\"\n" + row))
	if err != nil || len(jobs) != 33 || unread.Lines != 3 {
		t.Fatal(len(jobs), unread, err)
	}
	want := []string{
		"line 3: wrong number of fields: 1, where the header has 16",
		`line 34: width is "wide"; it must be a whole number from 1 to 1000000`,
		`line 36: bare " in non-quoted-field`,
	}
	if !slices.Equal(unread.First, want) {
		t.Errorf("%q", unread.First)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(header + "512,512,30,7,k_euler,True,False,txt2img,False,False,1.0,None,1.0,,5,9\n"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		jobs, _, err := Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, j := range jobs {
			if k := kudos.NewPricer(nil).Price(j.Order); !(k >= 0) || math.IsInf(k, 0) || j.Order.Width < 1 {
				t.Fatalf("%v for %+v", k, j.Order)
			}
		}
	})
}

// jobs are n made-up jobs whose time is a smooth function of what they ask for;
// denoising makes them shorter where it counts.
func jobs(n int, denoisingCounts bool) []Job {
	rng := rand.New(rand.NewPCG(9, 9))
	out := make([]Job, n)
	for i := range out {
		d := 0.05 + 0.95*rng.Float64()
		o := kudos.Order{
			Width: 64 * (1 + rng.IntN(16)), Height: 64 * (1 + rng.IntN(16)), Steps: 1 + rng.IntN(60), Cfg: 7,
			Sampler: []string{"k_euler", "k_heun"}[rng.IntN(2)], HasSource: rng.IntN(2) == 0, Denoising: &d, N: 1,
		}
		s := 1 + float64(o.Width*o.Height)/1e6*float64(o.Steps)/10
		if o.Sampler == "k_heun" {
			s *= 1.7
		}
		if denoisingCounts && o.HasSource {
			s *= 0.6 + 0.4*d
		}
		out[i] = Job{Order: o, Seconds: s, Kudos: s / 2.3 * 11}
	}
	return out
}

// learns skips a test that looks at what a net learns, where the race detector watches:
// what training shares between goroutines TestTheSameSeedGivesTheSameNet looks at there.
// scripts/test.sh runs all of this package without the detector.
func learns(t *testing.T) {
	t.Helper()
	if hordetest.UnderRace {
		t.Skip("trains for long: scripts/test.sh runs it without the race detector")
	}
}

var quick = Config{Name: "quick", Seed: 3, Epochs: 25, Hidden: []int{24, 16}, Rate: 5e-3, Decay: 0.01, HeldOut: 0.1}

func TestANetLearnsPrices(t *testing.T) {
	learns(t)
	all := jobs(4000, false)
	r, err := Train(context.Background(), all, quick)
	if err != nil {
		t.Fatal(err)
	}

	last := r.Epochs[len(r.Epochs)-1]
	if len(r.Epochs) != quick.Epochs || last.Score.Accuracy < 0.95 || last.Loss > r.Epochs[0].Loss/4 {
		t.Errorf("%d epochs, last %+v, first %+v", len(r.Epochs), last, r.Epochs[0])
	}

	if c := r.Net.Card(); c.Name != "quick" || c.Seed != 3 || c.HeldOutN != last.Score.Jobs || c.HeldOutN < 300 ||
		c.HeldOutN > 500 {
		t.Errorf("%+v", c)
	}

	if s, err := Evaluate(kudos.NewPricer(r.Net), all); err != nil || s.Jobs != len(all) || s.Formula != 0 ||
		s.Accuracy < 0.94 || s.Worst < s.Least {
		t.Errorf("%+v %v", s, err)
	}

	plot, err := Plot("loss", r.Epochs)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := png.Decode(bytes.NewReader(plot)); err != nil {
		t.Error(err)
	}
}

// The same seed gives the same bytes however many processors there are;
// another seed gives others.
func TestTheSameSeedGivesTheSameNet(t *testing.T) {
	c, all := quick, jobs(600, false)
	c.Epochs = 12
	net := func(seed uint64, processors int) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		c.Seed = seed
		r, err := Train(context.Background(), all, c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Net.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := net(3, 1)
	if !bytes.Equal(first, net(3, 4)) {
		t.Error("the net depends on the processors")
	}
	if bytes.Equal(first, net(4, 2)) {
		t.Error("the net does not depend on the seed")
	}
}

func TestTrainingStopsWhenItIsToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := quick
	c.Progress = func(Epoch) { cancel() }
	if _, err := Train(ctx, jobs(600, false), c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTrainingThatCannotWorkIsRefused(t *testing.T) {
	good := jobs(600, false)
	for want, change := range map[string]func(*Config, *[]Job){
		"epochs":        func(c *Config, _ *[]Job) { c.Epochs = 0 },
		"hidden layers": func(c *Config, _ *[]Job) { c.Hidden = nil },
		"units":         func(c *Config, _ *[]Job) { c.Hidden = []int{513} },
		"learning rate": func(c *Config, _ *[]Job) { c.Rate = math.NaN() },
		"weight decay":  func(c *Config, _ *[]Job) { c.Decay = -1 },
		"kept back":     func(c *Config, _ *[]Job) { c.HeldOut = 1 },
		"too few":       func(_ *Config, j *[]Job) { *j = good[:20] },
		"no column":     func(_ *Config, j *[]Job) { *j = []Job{{Seconds: math.NaN()}} },
	} {
		t.Run(want, func(t *testing.T) {
			c, j := quick, good
			change(&c, &j)
			if _, err := Train(context.Background(), j, c); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// Names that are frequent in the data get a place of their own, rare ones do
// not: a job with a rare post-processor cannot be learnt from.
func TestFrequentNamesGetAPlace(t *testing.T) {
	learns(t)
	all := jobs(2000, false)
	for i := range all {
		switch {
		case i%3 == 0:
			all[i].Order.Sampler, all[i].Order.PostProcessing = "lcm", []string{"RestoreFormer"}
			all[i].Seconds += 3
		case i == 1:
			all[i].Order.PostProcessing = []string{"rare"}
		}
	}

	c := quick
	c.Epochs = 40
	r, err := Train(context.Background(), all, c)
	if err != nil {
		t.Fatal(err)
	}

	v := r.Net.Card().Vocabulary
	if fmt.Sprint(v) != "{[lcm] [] [RestoreFormer]}" || r.Skipped != 1 {
		t.Errorf("%v, %d skipped", v, r.Skipped)
	}

	o := kudos.Order{Width: 512, Height: 512, Steps: 20, Cfg: 7, Sampler: "k_euler"}
	plain, _ := r.Net.Seconds(&o)
	o.Sampler, o.PostProcessing = "lcm", []string{"RestoreFormer"}
	if s, ok := r.Net.Seconds(&o); !ok || s < plain+2 {
		t.Errorf("%v s with what takes 3 s more, %v without", s, plain)
	}
}

// A net trained on jobs whose times do not depend on denoising learns what it
// does from a few jobs, and keeps its prices at strength 1.
func TestDenoisingIsLearntFromAFewJobs(t *testing.T) {
	learns(t)
	flat := jobs(4000, false)
	r, err := Train(context.Background(), WithoutDenoising(flat), quick)
	if err != nil {
		t.Fatal(err)
	}

	counts := jobs(4000, true)
	net, score, err := FitDenoising(r.Net, counts[:80])
	if err != nil {
		t.Fatal(err)
	}

	if c := net.Card(); c.DenoisingN != score.Jobs || score.Jobs < 20 || score.Accuracy < 0.9 {
		t.Errorf("%+v", score)
	}

	before, _ := Evaluate(kudos.NewPricer(r.Net), counts)
	after, _ := Evaluate(kudos.NewPricer(net), counts)
	if after.Accuracy < before.Accuracy+0.05 || after.Accuracy < 0.93 {
		t.Errorf("accuracy %v, before the fit %v", after.Accuracy, before.Accuracy)
	}

	for _, j := range WithoutDenoising(flat[:200]) {
		a, _ := r.Net.Seconds(&j.Order)
		if b, _ := net.Seconds(&j.Order); math.Abs(a-b) > 0.011 {
			t.Fatalf("at strength 1: %v, before the fit %v", b, a)
		}
	}

	p := kudos.NewPricer(net)
	if !DenoisingCounts(p, counts) || DenoisingCounts(p, flat) {
		t.Error("did not find out where denoising counts")
	}

	for i := range flat { // a file without prices shows nothing
		flat[i].Kudos = math.NaN()
	}

	if !DenoisingCounts(p, flat) {
		t.Error("jobs without prices are said to show that denoising does not count")
	}

	if _, _, err := FitDenoising(r.Net, flat[:4]); err == nil {
		t.Error("fitted to 4 jobs")
	}
}

func TestAScoreIsMeanTailAndWorst(t *testing.T) {
	each := make([]float64, 200)
	for i := range each {
		each[i] = 1 - float64(i%100)/100
	}
	s := scoreOf(each)
	if math.Abs(s.Accuracy-0.505) > 1e-12 || s.Least > 0.0101 || math.Abs(s.Worst-0.01) > 1e-12 ||
		math.Abs(s.Tail-0.01) > 1e-12 {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct{ a, p, want float64 }{{10, 10, 1}, {10, 5, 0.5}, {5, 10, 0.5}, {0, 0, 1}} {
		if got := accuracy(c.a, c.p); got != c.want {
			t.Errorf("accuracy(%v, %v) = %v, want %v", c.a, c.p, got, c.want)
		}
	}
	if _, err := Evaluate(kudos.NewPricer(nil), []Job{{Kudos: math.NaN()}}); err == nil {
		t.Error("compared with no prices")
	}
}

// On jobs that it never saw, by their true times (NETWORK.md).
func TestTheNetInTheProgramMeetsItsGoals(t *testing.T) {
	learns(t)
	all, _, err := ReadJobs(golden.Shared(t, "data/kudos/train.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	card := kudos.Standard().Card()
	var unseen []Job
	for i := range all {
		if Split(&all[i], card.Seed, card.HeldOut) {
			unseen = append(unseen, all[i])
		}
	}
	if len(unseen) != card.HeldOutN {
		t.Fatalf("%d jobs, the card says %d were kept back", len(unseen), card.HeldOutN)
	}
	p := kudos.NewPricer(kudos.Standard())
	if DenoisingCounts(p, all) {
		t.Error("the training data's prices do not depend on denoising")
	}
	s, err := Evaluate(p, WithoutDenoising(unseen))
	if err != nil || s.Accuracy < 0.98 || s.Worst < 0.85 {
		t.Errorf("%+v %v", s, err)
	}
	t.Logf("%+v", s)
}
