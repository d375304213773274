package admission

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func normal(t testing.TB, body string, c Caller) *Request {
	t.Helper()
	r := ask(t, body)
	r.Normalize(c, func() uint32 { return 77 })
	return r
}

func TestWhatIsLeftOutHasDefaults(t *testing.T) {
	m := normal(t, `{}`, nobody).Image
	doc, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"prompt":"a fox","models":["stable_diffusion"],"n":1,"slow_workers":true,` +
		`"width":512,"height":512,"steps":30,"accurate_steps":30,` +
		`"sampler":"k_euler_a","cfg":5,"karras":true,"loras":null,"tis":null,"nsfw":true,"censor_nsfw":true,` +
		`"source_processing":"img2img","r2":true,"replacement_filter":true}`
	if string(doc) != want {
		t.Errorf("got  %s\nwant %s", doc, want)
	}
}

func TestARequestIsNormalized(t *testing.T) {
	if m := normal(t, `{"models": []}`, nobody).Image; m.Models == nil || len(m.Models) != 0 {
		t.Errorf("an empty model list became %v", m.Models)
	}

	if m := normal(t, `{"params": {"loras": []}}`, nobody).Image; m.Loras == nil {
		t.Error("an empty LoRA list was lost")
	}

	for body, want := range map[string][2]int{ // steps, accurate steps
		`{"params": {"control_type": "canny"}}`:                                        {20, 20},
		`{"params": {"control_type": "canny", "steps": 60}}`:                           {40, 40},
		`{"params": {"control_type": "canny", "steps": 60, "sampler_name": "k_heun"}}`: {40, 80},
		`{"params": {"steps": 60, "sampler_name": "k_dpm_adaptive"}}`:                  {60, 40},
	} {
		t.Run(body, func(t *testing.T) {
			if m := normal(t, body, nobody).Image; m.Steps != want[0] || m.AccurateSteps != want[1] {
				t.Errorf("%s: %d steps, %d accurate", body, m.Steps, m.AccurateSteps)
			}
		})
	}

	m := normal(t, `{"nsfw": true, "censor_nsfw": false, "shared": true}`, Caller{Education: true}).Image
	if m.NSFW || !m.CensorNSFW || !m.TrustedWorkers || m.Shared {
		t.Errorf("education: %+v", m)
	}

	m = normal(t, `{"models": ["x", "`+betaModel+`"], "params": {"n": 4}}`, nobody).Image
	if m.N != 2 || len(m.Models) != 1 || m.Models[0] != betaModel || !m.Shared {
		t.Errorf("beta: %+v", m)
	}

	m = normal(t, `{"workers": ["1", "2", "3", "4", "5", "6"], "shared": true, "worker_blacklist": true}`, nobody).Image
	if len(m.Workers) != 5 || !m.Shared || m.Targeted() {
		t.Errorf("workers: %+v", m)
	}

	m = normal(t, `{"params": {"control_strength": 0.5, "special": {"big": 12345678901234567890}}}`, special).Image
	if *m.ControlStrength != 0.5 || string(m.Special) != `{"big": 12345678901234567890}` {
		t.Errorf("raw params: %v %s", m.ControlStrength, m.Special)
	}
}

func TestASeedIsANumberOfItsText(t *testing.T) {
	for text, want := range map[string]uint32{
		"0": 0, "123456": 123456, "4294967295": math.MaxUint32, "4294967296": 1, "123456789012": 28,
		"hello": 111, "a rather long seed text": 7632997, "-5": 0x352d, "ab\x00": 0x6261, "\x00\x00": 0,
		strings.Repeat("1", maxSeedDigits+1): 0x31, // too long for a number: text of 4301 bytes
	} {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			if got := seedOf(text); got != want {
				t.Errorf("%.20q: %d, want %d", text, got, want)
			}
		})
	}
}

// slowSeed is the rule of generation §1.7 word for word.
func slowSeed(s string) uint32 {
	n := new(big.Int)
	if isDigits(s) {
		n.SetString(s, 10)
	} else {
		for i := len(s) - 1; i >= 0; i-- {
			n.Lsh(n, 8).Or(n, big.NewInt(int64(s[i])))
		}
	}
	for n.BitLen() > 32 {
		n.Rsh(n, 32)
	}
	return uint32(n.Uint64())
}

func TestSeedsAgreeWithThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,60}`), rapid.StringMatching(`[a\x00]{1,12}`)).Draw(t,
			"seed")
		if got, want := seedOf(s), slowSeed(s); got != want {
			t.Fatalf("%q: %d, want %d", s, got, want)
		}
	})
}

func TestEachImageGetsItsSeed(t *testing.T) {
	random := func() uint32 { return 99 }
	fixed := normal(t, `{"params": {"seed": "1000", "n": 3}}`, nobody).Image
	varied := normal(t, `{"params": {"seed": "1000", "seed_variation": 7, "n": 3}}`, nobody).Image
	high := normal(t, `{"params": {"seed": "4294967290", "seed_variation": 7}}`, nobody).Image
	free := normal(t, `{"params": {"seed": ""}}`, nobody).Image
	drawn := normal(t, `{"params": {"seed_variation": 2}}`, nobody).Image
	for _, c := range []struct {
		m    Image
		left int
		want uint32
	}{
		{fixed, 3, 1000}, {varied, 3, 1021}, {varied, 1, 1007}, {high, 1, 1}, {free, 1, 99}, {drawn, 1, 79},
	} {
		t.Run(fmt.Sprintf("%v, %d left", c.m.Seed, c.left), func(t *testing.T) {
			if got := c.m.PopSeed(c.left, random); got != c.want {
				t.Errorf("%v, %d left: %d, want %d", c.m.Seed, c.left, got, c.want)
			}
		})
	}
}

func TestLCMIsToldBySamplerOrLoRA(t *testing.T) {
	for params, want := range map[string]bool{
		`{"sampler_name": "lcm"}`: true,
		`{}`:                      false,
		`{"loras": [{"name": "246747", "is_version": true}]}`:     true,
		`{"loras": [{"name": "246747"}]}`:                         false,
		`{"loras": [{"name": "x"}, {"name": "195519"}]}`:          true,
		`{"loras": [{"name": "195519", "is_version": true}]}`:     false,
		`{"loras": [{"name": "195519", "is_version": false}]}`:    true,
		`{"sampler_name": "lcm", "loras": [{"name": "nothing"}]}`: true,
	} {
		t.Run(params, func(t *testing.T) {
			if got := normal(t, `{"params": `+params+`}`, nobody).Image; got.UsesLCM() != want {
				t.Errorf("%s: %v, want %v", params, got.UsesLCM(), want)
			}
		})
	}
}

func TestWhatNeedsKudosUpfront(t *testing.T) {
	idle, busy, rich := Load{}, Load{QueuedRequests: 5000}, Load{Threads: 100}
	for _, c := range []struct {
		body string
		load Load
		want figures
		set  func(*Request)
	}{
		{`{}`, idle, figures{false, 1024, true}, nil},
		{`{}`, rich, figures{false, 1024, true}, nil},
		{`{}`, busy, figures{false, 576, true}, nil},
		{`{}`, Load{QueuedRequests: 400}, figures{false, 664, true}, nil},
		{`{"slow_workers": false}`, rich, figures{true, 1024, true}, nil},
		{`{"models": ["xl"], "params": {"width": 1024, "height": 1024}}`, busy, figures{false, 1024, true}, nil},
		{`{"models": ["cascade"], "params": {"width": 1024, "height": 1024}}`, busy, figures{false, 1024, true}, nil},
		{`{"models": ["stable_diffusion", "flux"], "params": {"width": 1024, "height": 1024}}`, busy,
			figures{false, 1024, true}, nil},
		{`{"models": ["sd2"], "params": {"width": 768, "height": 768}}`, busy, figures{true, 576, true}, nil},
		{`{"slow_workers": false}`, busy, figures{true, 576, true}, nil},
		{`{"params": {"steps": 11, "loras": [{"name": "246747", "is_version": true}]}}`, idle, figures{true, 1024, true},
			nil},
		{`{"params": {"steps": 11, "loras": [{"name": "246747"}]}}`, idle, figures{false, 1024, true}, nil},
		{`{"models": ["stable_diffusion", "fussy"], "params": {"steps": 21}}`, idle, figures{true, 1024, true}, nil},
		{`{"params": {"steps": 11, "control_type": "canny", "sampler_name": "k_heun"}}`, idle, figures{true, 1024, true},
			nil},
		{`{"models": ["qwen"], "params": {"width": 640, "height": 640}}`, busy, figures{true, 576, true}, nil},
		{`{"params": {"width": 1088, "height": 1024}}`, rich, figures{true, 1024, true}, nil},
		{`{"params": {"width": 2048, "height": 512}}`, idle, figures{false, 1024, true}, nil},
		{`{"params": {"steps": 40}}`, idle, figures{false, 1024, true}, nil},
		{`{"params": {"steps": 41}}`, idle, figures{true, 1024, true}, nil},
		{`{"params": {"steps": 21, "sampler_name": "k_heun"}}`, idle, figures{true, 1024, true}, nil},
		{`{"params": {"steps": 500, "sampler_name": "k_dpm_adaptive"}}`, idle, figures{false, 1024, true}, nil},
		{`{"models": [], "params": {"steps": 500}}`, idle, figures{false, 1024, true}, nil},
		{`{"models": ["fussy"], "params": {"steps": 21}}`, idle, figures{true, 1024, true}, nil},
		{`{"params": {"steps": 11, "sampler_name": "lcm"}}`, idle, figures{true, 1024, true}, nil},
		{`{"params": {"steps": 10, "sampler_name": "lcm"}}`, idle, figures{false, 1024, true}, nil},
		{`{"params": {"steps": 21, "control_type": "canny"}}`, idle, figures{true, 1024, true}, nil},
		{`{"workers": ["a"]}`, idle, figures{false, 1024, true}, nil},
		{`{"workers": ["a"]}`, idle, figures{true, 1024, false}, func(r *Request) { r.Server.UpfrontOnWorkerList = true }},
	} {
		t.Run(c.body, func(t *testing.T) {
			r := normal(t, c.body, nobody)
			if c.set != nil {
				c.set(r)
			}

			got := r.Upfront(c.load)
			if has := (figures{got.Needed, r.freeSide(c.load), got.MayDowngrade}); has != c.want {
				t.Errorf("%s under %+v: %+v, want %+v", c.body, c.load, has, c.want)
			}

			if got.Needed != (len(got.Broken) > 0) {
				t.Errorf("%s: needed %v by the rules %+v", c.body, got.Needed, got.Broken)
			}
		})
	}
}

// figures are what an Upfront comes to, and how much needs none.
type figures struct {
	needed       bool
	limit        int
	mayDowngrade bool
}

func TestADowngradeLowersSteps(t *testing.T) {
	for body, want := range map[string]int{
		`{"params": {"steps": 60}}`:                            30,
		`{"models": [], "params": {"steps": 60}}`:              30,
		`{"models": ["fussy", "xl"], "params": {"steps": 60}}`: 20,
		`{"params": {"steps": 40, "sampler_name": "k_heun"}}`:  15,
		`{"params": {"steps": 40, "control_type": "canny"}}`:   20,
		`{"params": {"steps": 40, "sampler_name": "lcm"}}`:     10,
		`{"params": {"steps": 20}}`:                            20,
		`{"slow_workers": false, "params": {"steps": 7}}`:      7,
	} {
		t.Run(body, func(t *testing.T) {
			r := normal(t, body, nobody)
			r.Downgrade(Load{})
			if r.Image.Steps != want || !r.Image.SlowWorkers {
				t.Errorf("%s: %d steps, want %d", body, r.Image.Steps, want)
			}
		})
	}
}

// A downgraded image fits, keeps to multiples of 64 and is not smaller than
// 512×512 unless it was.
func TestADowngradedImageFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := 64*rapid.IntRange(1, 48).Draw(t, "w"), 64*rapid.IntRange(1, 48).Draw(t, "h")
		res := rapid.IntRange(minRes, maxFreeRes).Draw(t, "res")
		gw, gh := fit(w, h, res*res)
		switch {
		case w*h <= res*res && (gw != w || gh != h):
			t.Fatalf("%d×%d needed no change, became %d×%d", w, h, gw, gh)
		case gw*gh > res*res, gw%64 != 0, gh%64 != 0, gw <= 0, gh <= 0:
			t.Fatalf("%d×%d became %d×%d, limit %d²", w, h, gw, gh, res)
		case w*h > res*res && gw*gh < downgradeArea:
			t.Fatalf("%d×%d became %d×%d: too small", w, h, gw, gh)
		}
	})
}

func TestAnOrderHasWhatThePriceDependsOn(t *testing.T) {
	m := normal(t, `{"workers": ["a"], "slow_workers": false, "source_image": "x", "params": {"loras": [{"name": "a"}], "n": 3}}`, nobody).Image
	o := m.Order(Server{})
	if o.Targeted || !o.FastOnly || !o.HasSource || o.Loras != 1 || o.N != 3 || o.Steps != 30 {
		t.Errorf("%+v", o)
	}
	if !m.Order(Server{MatchedTargeting: true}).Targeted {
		t.Error("not targeted where targeting is matched")
	}
}
