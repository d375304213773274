package admission

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"horde/internal/catalog"
	"horde/internal/horde"
)

// models has one of each baseline, and a controlnet.
func models(t testing.TB) *catalog.Snapshot {
	t.Helper()
	doc := map[string]any{}
	for name, baseline := range map[string]string{
		"stable_diffusion": catalog.SD1, "sd2": catalog.SD2, "sd2-512": catalog.SD2x512, "xl": catalog.SDXL,
		"cascade": catalog.StableCascade, "flux": catalog.Flux1, "qwen": catalog.QwenImage, "zimage": catalog.ZImageTurbo,
	} {
		doc[name] = map[string]any{"baseline": baseline, "type": "ckpt"}
	}
	doc["cn"] = map[string]any{"baseline": catalog.SD1, "type": "controlnet"}
	doc["fussy"] = map[string]any{"baseline": catalog.SD1, "type": "ckpt", "requirements": map[string]any{
		"min_steps": 10, "max_steps": 20, "clip_skip": 2, "cfg_scale": 3.5, "min_cfg_scale": 3, "max_cfg_scale": 4,
		"samplers": []string{"k_euler"}, "schedulers": []string{"simple"},
	}}
	b, _ := json.Marshal(doc)
	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.New(catalog.Config{Images: file})
	if err != nil {
		t.Fatal(err)
	}
	return c.Snapshot()
}

func yes() bool { return true }

// ask makes a Request of a body; the prompt may be left out.
func ask(t testing.TB, body string) *Request {
	t.Helper()
	r := &Request{Models: models(t)}
	r.Asked.Prompt = "a fox"
	var raw struct{ Params json.RawMessage }
	for _, into := range []any{&r.Asked, &raw} {
		if err := json.Unmarshal([]byte(body), into); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	}
	r.RawParams = raw.Params
	return r
}

var (
	trusted = Caller{ID: 3, Alias: "trudy#3", Trusted: true}
	patron  = Caller{ID: 4, Alias: "pat#4", Patron: true}
	special = Caller{ID: 5, Alias: "sue#5", Special: true}
	nobody  = Caller{ID: 2, Alias: "alice#2"}
)

func many(item string, n int) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }

func TestEachRowRefusesAlone(t *testing.T) {
	const source = `"source_image": "x"`
	for _, c := range []struct {
		row    int
		code   horde.Code // "": passes
		body   string
		caller Caller
		set    func(*Request)
	}{
		{3, horde.StyleNotFound, `{"style": "x"}`, nobody, func(r *Request) { r.Style = UnknownStyle }},
		{4, horde.BadRequest, `{"style": "x"}`, nobody, func(r *Request) { r.Style = TextStyle }},
		{4, "", `{"style": "x"}`, nobody, func(r *Request) { r.Style = ImageStyle }},
		{5, horde.MaintenanceMode, `{}`, trusted, func(r *Request) { r.Server.Maintenance = true }},
		{6, horde.BadRequest, `{"webhook": "http://a.b"}`, nobody, nil},
		{6, "", `{"webhook": "https://a.b"}`, nobody, nil},
		{11, horde.OnlyServiceAccountProxy, `{"proxied_account": "x"}`, nobody, nil},
		{11, "", `{"proxied_account": "x"}`, Caller{Service: true}, nil},
		{12, horde.DeletedUser, `{}`, Caller{Deleted: true}, nil},
		{13, horde.TooManyExtraSourceImagesWithStop, `{"extra_source_images": [` + many(`{"image": "x"}`, 6) + `]}`,
			trusted, nil},
		{14, horde.MoreThanMinExtraSourceImageWithStop, `{"extra_source_images": [{"image": "x"}, {"image": "x"}]}`, nobody,
			nil},
		{14, "", `{"source_processing": "remix", "models": ["cascade"], ` + source + `, "extra_source_images": [{"image": "x"}, {"image": "x"}]}`, patron, nil},
		{15, horde.BadRequest, `{"models": [` + many(`"m"`, 1001) + `]}`, trusted, nil},
		{15, "", `{"models": [` + many(`"m"`, 1000) + `]}`, nobody, nil},
		{15, horde.BadRequest, `{"models": ["m", "` + strings.Repeat("é", 256) + `"]}`, nobody, nil},
		{15, "", `{"models": ["` + strings.Repeat("é", 255) + `"]}`, nobody, nil},
		{16, horde.MissingPrompt, `{"prompt": ""}`, nobody, nil},
		{18, horde.RequiresTrust, `{"disable_batching": true, "params": {"n": 2}}`, nobody, nil},
		{18, "", `{"disable_batching": true, "params": {"n": 2}}`, trusted, nil},
		{18, "", `{"disable_batching": true}`, nobody, nil},
		{18, "", `{"params": {"n": 2, "workflow": "qr_code", "extra_texts": [{"text": "a", "reference": "qr_code"}]}}`,
			nobody, nil},
		{23, horde.NulByteInPayload, `{"prompt": "a\u0000"}`, nobody, nil},
		{23, horde.NulByteInPayload, `{"models": ["a\u0000"]}`, nobody, nil},
		{23, horde.NulByteInPayload, `{"params": {"loras": [{"name": "a\u0000"}]}}`, nobody, nil},
		{23, horde.NulByteInPayload, `{"params": {"tis": [{"name": "a\u0000"}]}}`, nobody, nil},
		{23, horde.NulByteInPayload,
			`{"params": {"workflow": "qr_code", "extra_texts": [{"text": "a\u0000", "reference": "qr_code"}]}}`, nobody, nil},
		{23, horde.NulByteInPayload, `{"params": {"special": {"a": "\u0000"}}}`, special, nil},
		{24, horde.HiResMismatch, `{"models": ["xl", "flux"], "params": {"hires_fix": true}}`, nobody, nil},
		{24, horde.HiResMismatch, `{"models": ["qwen"], "params": {"hires_fix": true}}`, nobody, nil},
		{24, horde.HiResMismatch, `{"models": ["zimage"], "params": {"hires_fix": true}}`, nobody, nil},
		{24, "", `{"models": ["cascade"], "params": {"hires_fix": true}}`, nobody, nil},
		{25, horde.TooManyLoras, `{"params": {"loras": [` + many(`{"name": "x"}`, 6) + `]}}`, nobody, nil},
		{25, "", `{"params": {"loras": [` + many(`{"name": "x"}`, 5) + `]}}`, nobody, nil},
		{26, horde.BadLoraVersion, `{"params": {"loras": [{"name": "1"}, {"name": "1a", "is_version": true}]}}`, nobody, nil},
		{26, "", `{"params": {"loras": [{"name": "1", "is_version": true}, {"name": "x", "is_version": false}]}}`, nobody,
			nil},
		{27, horde.TooManyTIs, `{"params": {"tis": [` + many(`{"name": "x"}`, 21) + `]}}`, nobody, nil},
		{27, "", `{"params": {"tis": [` + many(`{"name": "x"}`, 20) + `]}}`, nobody, nil},
		{28, horde.InvalidTransparencyModel, `{"models": ["xl", "cascade"], "params": {"transparent": true}}`, nobody, nil},
		{28, horde.InvalidTransparencyModel, `{"models": ["sd2"], "params": {"transparent": true}}`, nobody, nil},
		{28, "", `{"models": ["xl", "stable_diffusion"], "params": {"transparent": true}}`, nobody, nil},
		{29, horde.ControlNetMismatchWithStop, `{"models": ["sd2"], "params": {"workflow": "qr_code"}}`, nobody, nil},
		{30, horde.InvalidPromptSize, `{"prompt": "` + strings.Repeat("a ", 7501) + `"}`, nobody, nil},
		{30, "", `{"prompt": "` + strings.Repeat("a ", 7500) + `"}`, nobody, nil},
		{31, horde.UnexpectedModelName, `{"models": ["stable_diffusion", "GFPGAN"]}`, nobody, nil},
		{32, horde.TooManyUpscalers, `{"params": {"post_processing": ["RealESRGAN_x4plus", "GFPGAN", "4x_AnimeSharp"]}}`,
			nobody, nil},
		{32, "", `{"params": {"post_processing": ["RealESRGAN_x4plus", "GFPGAN", "CodeFormers"]}}`, nobody, nil},
		{33, horde.BadCFGDecimals, `{"params": {"cfg_scale": 7.125}}`, nobody, nil},
		{33, "", `{"params": {"cfg_scale": 7.13}}`, nobody, nil},
		{34, horde.InvalidPromptSize,
			`{"params": {"workflow": "qr_code", "extra_texts": [{"text": "a", "reference": "qr_code"}, {"text": "` + strings.Repeat("a", 100_000) + `", "reference": "x"}]}}`, nobody, nil},
		{34, "", `{"params": {"workflow": "qr_code", "extra_texts": [{"text": "` + strings.Repeat("a",
			99_000) + `", "reference": "qr_code"}]}}`, nobody, nil},
		{35, horde.Forbidden, `{"models": ["horde_special::alice#2"], "params": {"special": {}}}`, nobody, nil},
		{36, horde.SpecialMissingUsername, `{"models": ["horde_special"], "params": {"special": {}}}`, special, nil},
		{36, horde.SpecialMissingUsername, `{"models": ["horde_special::sue"], "params": {"special": {}}}`, special, nil},
		{37, horde.Forbidden, `{"models": ["horde_special::alice#2"], "params": {"special": {}}}`, special, nil},
		{38, horde.SpecialMissingPayload, `{"models": ["horde_special::sue#5"]}`, special, nil},
		{38, "", `{"models": ["horde_special::sue#5"], "params": {"special": {"a": 1}}}`, special, nil},
		{39, horde.UntrustedUnsafeIP, `{}`, nobody, func(r *Request) { r.Server.Raid, r.UnsafeIP = true, yes }},
		{39, "", `{}`, patron, func(r *Request) { r.Server.Raid, r.UnsafeIP = true, yes }},
		{39, "", `{}`, nobody, func(r *Request) { r.UnsafeIP = yes }},
		{40, horde.BadRequest, `{"params": {"special": {"a": "b"}}}`, nobody, nil},
		{41, horde.SourceMaskUnnecessary, `{"source_mask": "x"}`, nobody, nil},
		{42, horde.ControlNetUnsupported, `{"models": ["sd2-512"], "params": {"control_type": "hough"}, ` + source + `}`,
			nobody, nil},
		{42, "", `{"models": ["sd2"], "params": {"control_type": "canny"}, ` + source + `}`, nobody, nil},
		{43, horde.ControlNetUnsupported, `{"models": ["pix2pix"], "params": {"control_type": "canny"}, ` + source + `}`,
			nobody, nil},
		{44, horde.ControlNetSourceMissing, `{"params": {"control_type": "canny"}}`, nobody, nil},
		{45, horde.ControlNetInpaintingMismatch,
			`{"source_processing": "inpainting", "params": {"control_type": "canny"}, ` + source + `}`, nobody, nil},
		{46, horde.ControlNetMismatch, `{"models": ["zimage"], "params": {"control_type": "canny"}, ` + source + `}`,
			nobody, nil},
		{47, horde.InvalidTransparencyImg2Img,
			`{"params": {"transparent": true}, "extra_source_images": [{"image": "x"}], ` + source + `}`, nobody, nil},
		{47, "", `{"params": {"transparent": true}, ` + source + `}`, nobody, nil},
		{48, horde.InvalidTransparencyCN, `{"params": {"transparent": true, "control_type": "canny"}, ` + source + `}`,
			nobody, nil},
		{49, horde.InvalidRemix, `{"source_processing": "remix", "models": ["cascade", "xl"], ` + source + `}`, nobody, nil},
		{49, "", `{"source_processing": "remix", "models": [], ` + source + `}`, nobody, nil},
		{50, horde.InvalidExtraSourceImagesWithStop, `{"extra_source_images": [{"image": "x"}], ` + source + `}`, nobody,
			nil},
		{51, horde.InvalidExtraTextsWithStop, `{"params": {"extra_texts": [{"text": "a", "reference": "qr_code"}]}}`,
			nobody, nil},
		{52, horde.MissingExtraTextsWithStop, `{"params": {"workflow": "qr_code"}}`, nobody, nil},
		{52, horde.MissingExtraTextsWithStop,
			`{"params": {"workflow": "qr_code", "extra_texts": [{"text": "a", "reference": "abc"}]}}`, nobody, nil},
		{53, horde.ControlNetInvalidPayload, `{"params": {"init_as_image": 1, "return_control_map": true}}`, nobody, nil},
		{53, "", `{"params": {"init_as_image": [], "return_control_map": true}}`, nobody, nil},
		{54, horde.SourceImageRequiredForModel, `{"models": ["pix2pix"]}`, nobody, nil},
		{54, horde.SourceImageRequiredForModel, `{"models": ["Stable Diffusion 2 Depth"]}`, nobody, nil},
		{54, "", `{"models": ["pix2pix"], ` + source + `}`, nobody, nil},
		{55, horde.UnexpectedModelName, `{"models": ["cn"]}`, nobody, nil},
		{55, "", `{"models": ["cn"], ` + source + `}`, nobody, nil},
		{56, horde.BetaAnonForbidden, `{"models": ["` + betaModel + `"], "params": {"n": 2}}`, Caller{Anonymous: true}, nil},
		{57, horde.BetaComparisonFault, `{"models": ["` + betaModel + `"]}`, nobody, nil},
		{58, horde.BannedClientAgent, `{}`, trusted, func(r *Request) { r.ClientAgent = exampleAgent }},
	} {
		t.Run(fmt.Sprintf("row %d %.80s", c.row, c.body), func(t *testing.T) {
			r := ask(t, c.body)
			if c.set != nil {
				c.set(r)
			}

			err := checkAll(r, c.caller)
			if got := horde.CodeOf(err); got != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
			if err == nil {
				return
			}

			// The row itself must refuse, too: not a neighbour with the same code.
			if one := r.Check(Stage{c.row, c.row}); horde.CodeOf(one) != c.code {
				t.Errorf("refused by another row: %v", err)
			}
		})
	}
}

func TestRowsAreInOrder(t *testing.T) {
	inOrder(t, entranceChecks, 0)
	inOrder(t, checks, 22)
	inOrder(t, textChecks, 22)
}

func inOrder[R any](t *testing.T, table []check[R], before int) {
	t.Helper()
	for _, c := range table {
		if c.row <= before {
			t.Errorf("row %d after %d", c.row, before)
		}
		if !strings.HasSuffix(c.text, ".") || c.code == "" {
			t.Errorf("row %d: %q %q", c.row, c.code, c.text)
		}
		before = c.row
	}
}

func TestWarningsAreGivenWhereTheyApply(t *testing.T) {
	r := ask(t, `{"models": ["fussy", "fussy", "nobody knows it"], "params": {"steps": 5, "cfg_scale": 2}}`)
	r.Normalize(nobody, nil)
	want := "CfgScaleMismatch CfgScaleTooSmall ClipSkipMismatch SamplerMismatch SchedulerMismatch StepsTooFew"
	if got := strings.Join(codes(r.Warnings()), " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	r = ask(t, `{"models": ["fussy"], "params": {"steps": 20, "cfg_scale": 3.5, "clip_skip": 2, "sampler_name": "k_euler", "karras": false}}`)
	r.Normalize(nobody, nil)
	if got := r.Warnings(); len(got) > 0 {
		t.Errorf("all fits, yet %v", got)
	}
	r = ask(t, `{"models": ["fussy"]}`) // 30 steps, cfg 7.5
	r.Normalize(nobody, nil)
	want = "CfgScaleMismatch CfgScaleTooLarge ClipSkipMismatch SamplerMismatch SchedulerMismatch StepsTooMany"
	if got := strings.Join(codes(r.Warnings()), " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func BenchmarkAdmit(b *testing.B) {
	r := ask(b, `{"models": ["stable_diffusion"], "params": {"width": 64, "height": 64, "steps": 4, "n": 1}}`)
	asked := r.Asked
	b.ReportAllocs()
	for b.Loop() {
		*r = Request{Asked: asked, RawParams: r.RawParams, Models: r.Models}
		if err := checkAll(r, nobody); err != nil {
			b.Fatal(err)
		}
	}
}
