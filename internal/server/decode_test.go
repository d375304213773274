package server

import (
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apikey", "0000000000")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func TestDecodeFillsTheStruct(t *testing.T) {
	t.Parallel()
	in, err := Decode[api.ImageRequest](httptest.NewRecorder(), post(`{
		"prompt":"a fox","nsfw":false,"models":[],"workers":["w"],
		"params":{"width":512.0,"steps":8,"cfg_scale":7,"seed":"","loras":[{"name":"x","model":0.5}],"special":{"a":1},
			"use_gfpgan":true},
		"extra_source_images":[{"image":"i","strength":2}],"loras":5,"sampler_name":"nope"}`), api.ImageRequestSchema)
	if err != nil {
		t.Fatal(err)
	}

	p := in.Params
	if in.Prompt != "a fox" || in.NSFW == nil || *in.NSFW || in.Models == nil || len(*in.Models) != 0 || in.R2 != nil ||
		in.Workers[0] != "w" {
		t.Errorf("top: %+v", in)
	}

	if *p.Width != 512 || *p.Steps != 8 || *p.CfgScale != 7 || *p.Seed != "" || p.Loras[0].Name != "x" ||
		*p.Loras[0].Model != 0.5 || p.N != nil {
		t.Errorf("params: %+v", p)
	}

	if p.Special["a"] != int64(1) || *in.ExtraSourceImages[0].Strength != 2 {
		t.Errorf("nested: %+v %+v", p.Special, in.ExtraSourceImages)
	}

	_, raw, err := DecodeRaw[api.ImageRequest](httptest.NewRecorder(),
		post(`{"prompt":"x","params":{"init_as_image":true}}`), api.ImageRequestSchema)
	if err != nil || raw["params"].(map[string]any)["init_as_image"] != true {
		t.Errorf("raw: %v, %v", raw, err)
	}

	// cfg_scale NaN is for the handler to refuse.
	in, err = Decode[api.ImageRequest](httptest.NewRecorder(), post(`{"prompt":"x","params":{"cfg_scale":NaN}}`),
		api.ImageRequestSchema)
	if err != nil || !math.IsNaN(*in.Params.CfgScale) {
		t.Errorf("NaN: %v, %v", in.Params, err)
	}
}

// The order of checks is the original's: the body, then its schema, then the key, then
// what is missing (generation §0.2).
func TestDecodeRefusesInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		r      *http.Request
		schema *api.Schema
		status int
		text   string
		fields []string
	}{
		{"truncated", post(`{"prompt": "x"`), api.ImageRequestSchema, 400, textNotUnderstood, nil},
		{"empty", post(``), api.ImageRequestSchema, 400, textNotUnderstood, nil},
		{"no type", post(`{"prompt":"x"}`, "Content-Type", ""), api.ImageRequestSchema, 400, textNotUnderstood, nil},
		{
			"wrong type", post(`{"prompt":"x"}`, "Content-Type", "text/plain"), api.ImageRequestSchema, 400,
			textNotUnderstood, nil,
		},
		{"two", post(`{}{}`), api.ImageRequestSchema, 400, textNotUnderstood, nil},
		{"list", post(`[]`), api.ImageRequestSchema, 400, textValidation, []string{""}},
		{"null", post(`null`), api.ImageRequestSchema, 400, textValidation, []string{""}},
		{"deep", post(strings.Repeat("[", 10_000)), api.ImageRequestSchema, 400, textValidation, []string{""}},
		{"schema before key", post(`{}`, "apikey", ""), api.ImageRequestSchema, 400, textValidation, []string{"prompt"}},
		{"key", post(`{"prompt":"x"}`, "apikey", ""), api.ImageRequestSchema, 400, textValidation, []string{"apikey"}},
		{"key before name", post(`{}`, "apikey", ""), api.ImagePopSchema, 400, textValidation, []string{"apikey"}},
		{"name", post(`{"params":{"cfg_scale":NaN}}`), api.ImagePopSchema, 400, textValidation, []string{"name"}},
		{
			"all", post(`{"max_pixels":"x","threads":true}`), api.ImagePopSchema, 400, textValidation,
			[]string{"max_pixels", "threads"},
		},
		{"submit", post(`{"id":"x","seed":1}`), api.ImageSubmitSchema, 400, textValidation, []string{"generation"}},
		{"large", post(`{"name":"` + strings.Repeat("x", 1<<20) + `"}`), api.ImagePopSchema, 413, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readObject(httptest.NewRecorder(), c.r, c.schema)
			var e *horde.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}

			status, _ := horde.StatusOf(e.Code)
			fields := slices.Sorted(maps.Keys(e.Fields))
			if status != c.status || c.text != "" && e.Detail != c.text || !slices.Equal(fields, c.fields) {
				t.Errorf("%d %q %v", status, e.Detail, e.Fields)
			}
		})
	}
}

// readObject reads and checks a body without putting it into a struct.
func readObject(w http.ResponseWriter, r *http.Request, schema *api.Schema) (map[string]any, error) {
	v, err := ReadValue(w, r, schema.Size())
	if err != nil {
		return nil, err
	}
	return checkObject(r, v, schema)
}

func TestWhatIsMissingIsToldInTheOriginalsWords(t *testing.T) {
	t.Parallel()
	_, err := readObject(httptest.NewRecorder(), post(`{}`, "apikey", ""), api.ImagePopSchema)
	var e *horde.Error
	errors.As(err, &e)
	want := "The API Key corresponding to a registered user. Missing required parameter in the HTTP headers"
	if e.Fields["apikey"] != want {
		t.Errorf("%q", e.Fields["apikey"])
	}
	_, err = readObject(httptest.NewRecorder(), post(`{}`), api.ImagePopSchema)
	errors.As(err, &e)
	if !strings.HasSuffix(e.Fields["name"], " Missing required parameter in the JSON body") {
		t.Errorf("%q", e.Fields["name"])
	}
	// An empty key is a wrong key, not a missing one.
	r := post(`{"name":"x"}`)
	r.Header["Apikey"] = []string{""}
	if _, err = readObject(httptest.NewRecorder(), r, api.ImagePopSchema); err != nil {
		t.Error(err)
	}
}

func TestBodyOfUnknownLengthIsLimited(t *testing.T) {
	t.Parallel()
	r := post("")
	r.Body = io.NopCloser(io.LimitReader(endless{}, 1<<30))
	r.ContentLength = -1
	if _, err := ReadBody(httptest.NewRecorder(), r, 1<<20); horde.CodeOf(err) != horde.PayloadTooLarge {
		t.Errorf("%v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestABodyThatIsNoObjectCountsAsNone(t *testing.T) {
	t.Parallel()
	for body, n := range map[string]int{`{"a":1}`: 1, `[1]`: 0, `{`: 0, ``: 0, `5`: 0} {
		got, err := LenientObject(httptest.NewRecorder(), post(body))
		if err != nil || len(got) != n {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

func TestRefuseNULNamesThePlace(t *testing.T) {
	t.Parallel()
	in := api.ImageRequest{Prompt: "a", Params: &api.ImageParams{Loras: []api.Lora{{Name: "ok"}, {Name: "a\x00"}}}}
	err := RefuseNUL(&in)
	if horde.CodeOf(err) != horde.NulByteInPayload || !strings.Contains(err.Error(), "in params.loras.1.name.") {
		t.Errorf("%v", err)
	}
	if err := RefuseNUL(api.ImagePop{Name: "a\x00"}, "name"); err != nil {
		t.Errorf("name is cleaned, not refused: %v", err)
	}
}

const typicalBody = `{"prompt":"a red fox in the snow, detailed fur, golden hour ### blurry, text","nsfw":false,` +
	`"censor_nsfw":true,"trusted_workers":false,"slow_workers":true,` +
	`"models":["AlbedoBase XL (SDXL)","stable_diffusion"],"r2":true,"shared":false,` +
	`"params":{"sampler_name":"k_euler_a","cfg_scale":7.5,"denoising_strength":0.75,"height":1024,"width":1024,` +
	`"karras":true,"steps":30,"n":1,"seed":"12345","post_processing":["GFPGAN","RealESRGAN_x4plus"],"loras":[{"name":"12345","model":0.8,"clip":1.0}]}}`

// bodyReader gives the same body again and again.
type bodyReader struct{ strings.Reader }

func (*bodyReader) Close() error { return nil }

func BenchmarkDecodeAsync(b *testing.B) {
	r := post(typicalBody)
	w := httptest.NewRecorder()
	var body bodyReader
	r.Body = &body
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(typicalBody)
		if _, err := Decode[api.ImageRequest](w, r, api.ImageRequestSchema); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSubmitMegabyte(b *testing.B) {
	text := `{"id":"00000000-0000-0000-0000-000000000000","seed":1,"generation":"` + strings.Repeat("A", 1<<20) + `"}`
	r := post(text)
	var body bodyReader
	r.Body = &body
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		body.Reset(text)
		if _, err := Decode[api.ImageSubmit](httptest.NewRecorder(), r, api.ImageSubmitSchema); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefuseNUL(b *testing.B) {
	in, err := Decode[api.ImageRequest](httptest.NewRecorder(), post(typicalBody), api.ImageRequestSchema)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if RefuseNUL(&in) != nil {
			b.Fatal()
		}
	}
}
