package catalog

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/golden"
)

func write(t *testing.T, doc string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "reference.json")
	if err := os.WriteFile(name, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, cfg Config) *Catalog {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheBuiltInListKnowsTheCommonModels(t *testing.T) {
	s := open(t, Config{}).Snapshot()
	for name, want := range map[string]string{
		"stable_diffusion": SD1, "AlbedoBase XL (SDXL)": SDXL, "Stable Cascade 1.0": StableCascade,
		"Flux.1-Schnell fp8 (Compact)": Flux1, "stable_diffusion_2.1": SD2, Pocket: SD1, Sketch: SD1,
	} {
		t.Run(name, func(t *testing.T) {
			if !s.KnownImage(name) || s.Baseline(name) != want {
				t.Errorf("%s: known %v, baseline %q; want %q", name, s.KnownImage(name), s.Baseline(name), want)
			}
		})
	}
}

func TestBaselineOfUnknownNames(t *testing.T) {
	s := open(t, Config{}).Snapshot()
	for name, want := range map[string]string{
		"never heard of": SD1, "my model [SDXL]": SDXL, "x [Flux]": Flux1, "[Qwen] y": QwenImage,
		"a [ZModel]": ZImageTurbo, "a [ZImage]": ZImageTurbo, "[sdxl]": SD1, "SDXL": SD1,
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.Baseline(name); got != want || s.KnownImage(name) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		})
	}
}

func TestTextModelsAreKnownByAnySuffix(t *testing.T) {
	file := write(t, `{"koboldcpp/Marx-3B-V3": {"parameters": 3000000000, "nsfw": false, "baseline": "b"},
		"plain": {"parameters": 13000000000}}`)
	s := open(t, Config{Texts: file}).Snapshot()
	for name, want := range map[string]float64{
		"koboldcpp/Marx-3B-V3":              3,
		"koboldcpp/Marx-3B-V3::alice#2":     3,
		"koboldcpp/Marx-3B-V3.Q4_K_M":       3,
		"koboldcpp/Marx-3B-V3-Q8_0":         3,
		"koboldcpp/Marx-3B-V3-i1-Q5_K_S":    3,
		"koboldcpp/Marx-3B-V3,Q6":           3,
		"koboldcpp/Marx-3B-V3-Q-Int4":       3,
		"koboldcpp/Marx-3B-V3.Q4_K_M::al#2": 3,
		"plain":                             13,
		"unheard of":                        1,
		"plain-fast":                        1,
		"":                                  1,
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.TextBillions(name); got != want {
				t.Errorf("%q: %v billions, want %v", name, got, want)
			}
		})
	}

	if m, ok := s.Text("plain::x"); !ok || m.Name != "plain" || m.Parameters != 13_000_000_000 {
		t.Errorf("Text: %+v %v", m, ok)
	}
}

func TestBadFilesAreNamed(t *testing.T) {
	for doc, want := range map[string]string{
		`[]`:                     "no JSON object",
		`{`:                      "no JSON object",
		`{}`:                     "has no models",
		`{"a": 1}`:               "no entry",
		`{"a": {"baseline": 3}}`: "no entry",
	} {
		t.Run(doc, func(t *testing.T) {
			_, err := New(Config{Images: write(t, doc)})
			if err == nil || !strings.Contains(err.Error(), want) ||
				!strings.Contains(err.Error(), "HORDE_MODEL_REFERENCE_IMAGES") {
				t.Errorf("%s: %v, want %q", doc, err, want)
			}
		})
	}
	if _, err := New(Config{Texts: "/does/not/exist.json"}); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestOneBadEntryCostsOnlyItself(t *testing.T) {
	s := open(t, Config{Images: write(t, `{"good": {"baseline": "flux_1"}, "bad": {"baseline": []}}`)}).Snapshot()
	if s.KnownImage("bad") || s.Baseline("good") != Flux1 || !s.KnownImage(Pocket) || s.KnownImage("Deliberate") {
		t.Errorf("names: %v", s.ImageNames())
	}
}

// A URL must not delay New, is retried until it answers, and a bad document
// later keeps the good one.
func TestAnAddressIsReadUntilItAnswers(t *testing.T) {
	var calls atomic.Int32
	seen := make(chan int32, 64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := calls.Add(1)
		defer func() { seen <- n }()
		switch {
		case n == 1:
			http.Error(w, "not yet", http.StatusBadGateway)
		case n == 2:
			w.Write([]byte(`{"fetched": {"baseline": "qwen_image"}}`))
		default:
			w.Write([]byte(`broken`))
		}
	}))

	defer srv.Close()
	c := open(t, Config{Images: srv.URL, Refresh: time.Millisecond, Retry: time.Millisecond})
	if calls.Load() != 0 || !c.Snapshot().KnownImage("Deliberate") {
		t.Fatal("New fetched, or the built-in list is missing")
	}

	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { c.Run(ctx); close(stopped) }()
	for n := int32(0); n < 4; n = <-seen {
	}
	s := c.Snapshot()
	if s.Baseline("fetched") != QwenImage || s.KnownImage("Deliberate") || !s.KnownImage(Sketch) {
		t.Errorf("names: %v", s.ImageNames())
	}

	cancel()
	<-stopped
}

// A program that does not Run reads its URL once, and hears of failures.
func TestAnAddressIsReadOnceWithoutRun(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/images" {
			w.Write([]byte(`{"fetched": {"baseline": "qwen_image"}}`))
		}
	}))
	defer srv.Close()
	c := open(t, Config{Images: srv.URL + "/images"})
	if err := c.Refresh(t.Context()); err != nil || c.Snapshot().Baseline("fetched") != QwenImage {
		t.Errorf("%v, %v", err, c.Snapshot().ImageNames())
	}
	empty := srv.URL + "/empty"
	if err := open(t, Config{Texts: empty}).Refresh(t.Context()); err == nil ||
		!strings.Contains(err.Error(), empty+" is no JSON object") {
		t.Errorf("an empty answer: %v", err)
	}
}

func TestADocumentIsBounded(t *testing.T) {
	file := write(t, strings.Repeat(" ", MaxDocument+1))
	if _, err := New(Config{Images: file}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("got %v", err)
	}
}

func TestTheBuiltInListIsThePublicOne(t *testing.T) {
	public := open(t, Config{
		Images: golden.Shared(t, "data/model-reference/image-stable_diffusion.json"),
		Texts:  golden.Shared(t, "data/model-reference/text-db.json"),
	}).Snapshot()
	if n := len(public.ImageNames()); n != 163 {
		t.Errorf("%d image models, want 161 and our two", n)
	}

	if got := public.TextBillions("koboldcpp/Marx-3B-V3"); got != 3 {
		t.Errorf("Marx: %v", got)
	}

	builtin := open(t, Config{}).Snapshot()
	for _, name := range builtin.ImageNames() {
		a, _ := json.Marshal(builtin.images[name])
		b, _ := json.Marshal(public.images[name])
		if string(a) != string(b) {
			t.Errorf("%s: built in %s\npublic   %s", name, a, b)
		}
	}

	if len(builtin.texts) < 60 {
		t.Errorf("only %d names of text models are built in", len(builtin.texts))
	}

	for name, m := range builtin.texts {
		if want, ok := public.texts[name]; !ok || m.Parameters != want.Parameters || m.NSFW != want.NSFW ||
			m.Name != want.Name {
			t.Errorf("%s: built in %+v, public %+v", name, m, want)
		}
	}

	m, _ := public.Image("DreamShaper XL")
	if r := m.Requirements; r.MaxSteps != 6 || *r.CfgScale != 2 || r.Samplers[0] != "k_dpmpp_sde" {
		t.Errorf("requirements: %+v", r)
	}
}
