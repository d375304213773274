package catalog

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/internal/golden"
)

func document(t testing.TB, name string) []byte {
	t.Helper()
	doc, err := os.ReadFile(golden.Shared(t, "data/model-reference/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The public documents have what platform §15 counts in them, and every
// entry of theirs can be read.
func TestPublicDocumentsAreReadWhole(t *testing.T) {
	p, err := parseDocument(Images, document(t, "image-stable_diffusion.json"))
	if err != nil || p.bad != 0 {
		t.Fatalf("%d left out, %v", p.bad, err)
	}

	count := map[string]int{}
	for _, m := range p.images {
		count[m.Baseline]++
		if m.Type != "ckpt" {
			t.Errorf("%s is of type %q", m.Name, m.Type)
		}

		for what, on := range map[string]bool{
			"inpainting": m.Inpainting, "nsfw": m.NSFW, "clip_skip": m.Requirements.ClipSkip > 0,
			"samplers":  m.Requirements.Samplers != nil,
			"min_steps": m.Requirements.MinSteps > 0, "max_steps": m.Requirements.MaxSteps > 0,
			"schedulers":    m.Requirements.Schedulers != nil,
			"max_cfg_scale": m.Requirements.MaxCfgScale != nil, "cfg_scale": m.Requirements.CfgScale != nil,
			"min_cfg_scale": m.Requirements.MinCfgScale != nil,
		} {
			if on {
				count[what]++
			}
		}
	}

	want := map[string]int{
		SD1:             106,
		SDXL:            49,
		SD2:             4,
		StableCascade:   1,
		Flux1:           1,
		"inpainting":    8,
		"nsfw":          82,
		"clip_skip":     26,
		"samplers":      4,
		"min_steps":     3,
		"max_steps":     3,
		"schedulers":    2,
		"max_cfg_scale": 2,
		"cfg_scale":     1,
		"min_cfg_scale": 1,
	}
	if len(p.images) != 161 || !maps.Equal(count, want) {
		t.Errorf("%d image models: %v\nwant %v", len(p.images), count, want)
	}

	texts, err := parseDocument(Texts, document(t, "text-db.json"))
	if err != nil || texts.bad != 0 || len(texts.texts) != 2157 {
		t.Fatalf("%d text models, %d left out, %v", len(texts.texts), texts.bad, err)
	}

	for _, m := range texts.texts {
		if m.NSFW || m.Parameters < 70_000_000 || m.Parameters > 700_000_000_000 {
			t.Errorf("%+v", m)
		}
	}
}

// The kind of a document is told by its shape; what only looks a little like a
// reference is not taken for one.
func TestADocumentIsToldByItsShape(t *testing.T) {
	for name, want := range map[string]string{
		"image-stable_diffusion.json": Images, "text-db.json": Texts, "image-esrgan.json": "", "image-controlnet.json": "",
		"image-blip.json":           "",
		"image-safety_checker.json": "", "text-generation_params.json": "",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Detect(document(t, name)); got != want || (err == nil) != (want != "") {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		})
	}
	for doc, want := range map[string]string{
		`{"a": {"baseline": "b", "type": "ckpt"}, "c": 1}`:                                                 "",
		`{"a": {"baseline": "b", "type": "ckpt"}, "c": {"baseline": "x", "inpainting": false}}`:            Images,
		"\xef\xbb\xbf" + `{"a": {"parameters": 1}}`:                                                        Texts,
		`{"a": {"baseline": "b", "type": "ckpt"}, "c": {"parameters": 1}}`:                                 "",
		`{"a": {"baseline": "b", "type": "ckpt"}, "b": {"baseline": "b", "type": "ckpt"}, "c": "comment"}`: Images,
		`{}`: "",
	} {
		t.Run(doc, func(t *testing.T) {
			if got, _ := Detect([]byte(doc)); got != want {
				t.Errorf("%s: %q, want %q", doc, got, want)
			}
		})
	}
}

// A known name with a suffix of quantisation, of an owner or both is that model;
// nothing put before it is (generation §2.4, platform §15).
func TestAKnownNameMayHaveASuffix(t *testing.T) {
	p, err := parseDocument(Texts, document(t, "text-db.json"))
	if err != nil {
		t.Fatal(err)
	}

	s := newSnapshot(nil, p.texts)
	names := make([]string, 0, len(p.texts))
	for name := range p.texts {
		names = append(names, name)
	}

	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		quant := rapid.StringMatching(`([.,-](i1-|GGUF-|imat-|[a-z]{1,4}-?)?Q(-[Ii]nt)?[2-9]{1,2}([_.-][0-9A-Z]{1,3}){0,3})?`).Draw(t, "quantisation")
		owner := rapid.StringMatching(`(::[a-z]{1,8}#[0-9]{1,6})?`).Draw(t, "owner")
		if _, exact := p.texts[name+quant]; exact && quant != "" {
			return
		}

		got, ok := s.Text(name + quant + owner)
		if !ok || got.Parameters != p.texts[name].Parameters {
			t.Fatalf("%s: %+v %v", name+quant+owner, got, ok)
		}

		if prefix := rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "prefix"); s.KnownText(prefix + "§" + name + quant) {
			t.Fatalf("%s§%s is known", prefix, name)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, doc := range []string{
		`{"a": {"baseline": "flux_1", "requirements": {"min_steps": 1e300, "clip_skip": -1, "cfg_scale": null, "samplers": ["k_euler"]}}}`,
		`{"a": {"parameters": -7e9, "nsfw": true}, "b": {"parameters": 1e400}}`,
		`{"a": {"parameters": "7"}, "b\u0000": {}, "": {}}`,
		`{"a": [[[[[[[[[[[[]]]]]]]]]]]]}`,
		`{"\"[": {"type": "ckpt", "baseline": "b", "inpainting": true, "csam_whitelist": []}}`,
		"\xef\xbb\xbf{}", "{\"\xff\": 1}", `null`, `{`,
	} {
		f.Add([]byte(doc))
	}

	f.Fuzz(func(t *testing.T, doc []byte) {
		kind, err := Detect(doc)
		if err == nil && kind != Images && kind != Texts {
			t.Fatalf("kind %q", kind)
		}

		for _, slot := range []string{Images, ExtraImages, Texts} {
			p, err := parseDocument(slot, doc)
			if err != nil {
				continue
			}
			if !json.Valid(doc) || len(p.images) > 0 && slot == Texts || len(p.texts) > 0 && slot != Texts {
				t.Fatalf("%s: %+v", slot, p)
			}
			checkParsed(t, p)
		}
	})
}

func checkParsed(t *testing.T, p parsed) {
	s := newSnapshot(maps.Clone(p.images), p.texts)
	for name, m := range p.images {
		r := m.Requirements
		if !fitName(name) || strings.ContainsRune(name, 0) || m.Name != name || r.MinSteps < 0 || r.MaxSteps < 0 ||
			r.ClipSkip < 0 ||
			len(r.Samplers) > maxWords || len(r.Schedulers) > maxWords || s.Baseline(name) == "" || !s.KnownImage(name) {
			t.Fatalf("%q: %+v", name, m)
		}
	}
	for name, m := range p.texts {
		if !fitName(name) || m.Parameters < 0 || s.TextBillions(name) <= 0 || !s.KnownText(name) {
			t.Fatalf("%q: %+v", name, m)
		}
	}
}

// FuzzTextName: any name can be asked for.
func FuzzTextName(f *testing.F) {
	for _, name := range []string{"m.Q4_K_M", "m-Q-Int4::a#1", "::", "m::", "m-i1-Q5_K_S", "m,Q8",
		strings.Repeat("-Q2", 400)} {
		f.Add(name)
	}
	s := newSnapshot(nil, map[string]Text{"m": {Name: "m", Parameters: 3e9}})
	f.Fuzz(func(t *testing.T, name string) {
		m, ok := s.Text(name)
		if ok != (m.Name == "m") || ok && !strings.HasPrefix(name, "m") || s.TextBillions(name) <= 0 {
			t.Fatalf("%q: %+v %v", name, m, ok)
		}
	})
}
