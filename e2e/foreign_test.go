package e2e

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"horde/e2e/program"
)

// exchange is what one existing client sends and what it reads of the answers
// (testdata/clients, written from clients §0 and §2). What is read is
// "/JSON/pointer type"; $KEY, $IMAGE and $WORKER stand for those of the test.
type exchange struct {
	Client    string            `json:"client"`
	Rulebook  string            `json:"rulebook"`
	Page      string            `json:"page"`      // origin of a page in a browser
	Preflight string            `json:"preflight"` // the headers for which the browser asks first
	Headers   map[string]string `json:"headers"`   // of the request
	Path      string            `json:"path"`
	Body      json.RawMessage   `json:"body"`

	Status int      `json:"status"`
	Reads  []string `json:"reads"`
	Never  []string `json:"never"` // pointers that make the client fail

	// Of requests that are taken:
	Poll        map[string]string `json:"poll"`  // headers of all later calls
	Check       []string          `json:"check"` // of generate/check
	CheckNever  []string          `json:"check_never"`
	Result      string            `json:"result"` // url, base64, text, forms
	ResultReads []string          `json:"result_reads"`
	ResultNever []string          `json:"result_never"`
	Is          map[string]any    `json:"is"`  // values of the result
	Job         map[string]any    `json:"job"` // values that a worker gets
}

// foreign is a horde behind https, as clients that look for "https" need it, with
// an account that asks and one whose workers serve.
type foreign struct {
	url    string // of the API
	client *http.Client
	key    string
	worker party
	id     string // of the image worker
}

// TestForeignClients has every client that the rulebook describes ask for
// something as it does, and be served.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/clients/*.json")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	f := startForeign(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("$KEY", f.key, "$IMAGE", tinyImage(), "$WORKER", f.id).Replace(string(raw))
			var x exchange
			dec := json.NewDecoder(strings.NewReader(text))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&x); err != nil {
				t.Fatal(err)
			}
			f.play(t, &x)
		})
	}
}

func startForeign(t *testing.T) *foreign {
	t.Helper()
	addr := program.FreeAddr(t)
	to, err := url.Parse("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}

	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
	}})

	t.Cleanup(front.Close)
	srv := program.Start(t, program.Setup{Addr: addr,
		Args: []string{"--public-url", front.URL, "--trusted-proxies", "127.0.0.1"}})

	p := makeParties(t, srv, 2)
	f := &foreign{
		url: front.URL + "/api/v2", key: p[0].key, worker: p[1],
		client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the front's own certificate
		}},
	}

	f.pop(t, "/generate/pop")
	f.pop(t, "/generate/text/pop")
	f.pop(t, "/interrogate/pop")
	_, found := f.call(t, http.MethodGet, "/workers/name/"+url.PathEscape(p[1].worker), nil, "")
	f.id, _ = found.(map[string]any)["id"].(string)
	return f
}

// pops are what the workers offer: everything.
var pops = map[string]string{
	"/generate/pop": `{"name":%q,"models":["stable_diffusion","Deliberate","Deliberate Inpainting","stable_diffusion_inpainting"],
		"bridge_agent":"AI Horde Worker reGen:10.1.1:https://example.org","max_pixels":4194304,"amount":4,"nsfw":true,
		"allow_img2img":true,"allow_painting":true,"allow_post_processing":true,"allow_controlnet":true,"allow_sdxl_controlnet":true,"allow_lora":true}`,
	"/generate/text/pop": `{"name":"%s writes","models":["koboldcpp/llama-3-8b"],"max_length":512,"max_context_length":8192,
		"bridge_agent":"KoboldCppEmbedWorker:2:https://example.org","softprompts":[]}`,
	"/interrogate/pop": `{"name":"%s looks","forms":["caption","interrogation","nsfw","RealESRGAN_x2plus","RealESRGAN_x4plus","strip_background"],
		"amount":8,"max_tiles":64,"bridge_agent":"AI Horde Worker:24:https://example.org"}`,
}

func (f *foreign) pop(t *testing.T, path string) map[string]any {
	t.Helper()
	headers := map[string]string{"apikey": f.worker.key, "Content-Type": "application/json"}
	res, body := f.call(t, http.MethodPost, path, headers, fmt.Sprintf(pops[path], f.worker.worker))
	job, _ := body.(map[string]any)
	if res.StatusCode != http.StatusOK || job == nil {
		t.Fatalf("%s: %d %v", path, res.StatusCode, body)
	}
	return job
}

// call sends a call as a client does and returns what its JSON parser sees. Every
// answer is JSON, and open to any page.
func (f *foreign) call(t *testing.T, method, path string, headers map[string]string,
	body string) (*http.Response, any) {
	t.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatalf("%s %s: %d is no JSON: %v", method, path, res.StatusCode, err)
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s %s: closed to pages: %v", method, path, res.Header)
	}
	return res, v
}

// play is one exchange from the browser's question to the cancelling of a second
// request.
func (f *foreign) play(t *testing.T, x *exchange) {
	t.Helper()
	headers := maps.Clone(x.Headers)
	if x.Page != "" {
		f.preflight(t, http.MethodPost, x.Path, x)
		headers["Origin"] = x.Page
	}

	res, answer := f.call(t, http.MethodPost, x.Path, headers, string(x.Body))
	if res.StatusCode != x.Status {
		t.Fatalf("%s: %d %v, want %d", x.Path, res.StatusCode, answer, x.Status)
	}

	looks(t, "answer", answer, x.Reads, x.Never)
	if x.Status != http.StatusAccepted {
		return
	}

	id := answer.(map[string]any)["id"].(string)
	status := map[string]string{
		"/generate/async": "/generate/status/", "/generate/text/async": "/generate/text/status/",
		"/interrogate/async": "/interrogate/status/",
	}[x.Path] + id

	if x.Check != nil {
		_, check := f.call(t, http.MethodGet, "/generate/check/"+id, x.Poll, "")
		looks(t, "check", check, x.Check, x.CheckNever)
	}

	f.serve(t, x)
	if x.Check != nil {
		_, check := f.call(t, http.MethodGet, "/generate/check/"+id, x.Poll, "")
		looks(t, "check", check, append(slices.Clone(x.Check), "/done true"), x.CheckNever)
	}

	_, result := f.call(t, http.MethodGet, status, resultHeaders(x), "")
	looks(t, "status", result, x.ResultReads, x.ResultNever)

	for pointer, want := range x.Is {
		if got, _ := at(result, pointer); !reflect.DeepEqual(got, want) {
			t.Errorf("status: %s is %v, want %v", pointer, got, want)
		}
	}

	f.fetch(t, x, result)
	f.cancel(t, x, headers)
}

// resultHeaders are those of the last look: a mask that fits checks is not sent
// with it.
func resultHeaders(x *exchange) map[string]string {
	h := maps.Clone(x.Poll)
	delete(h, "X-Fields")
	return h
}

// preflight asks as a browser does before a call that is not simple.
func (f *foreign) preflight(t *testing.T, method, path string, x *exchange) {
	t.Helper()
	req, err := http.NewRequest(http.MethodOptions, f.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Origin", x.Page)
	req.Header.Set("Access-Control-Request-Method", method)
	req.Header.Set("Access-Control-Request-Headers", x.Preflight)
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}

	res.Body.Close()
	allowed := strings.Split(strings.ToLower(strings.ReplaceAll(res.Header.Get("Access-Control-Allow-Headers"), " ", "")),
		",")
	for name := range strings.SplitSeq(x.Preflight, ",") {
		if !slices.Contains(allowed, name) {
			t.Errorf("preflight of %s: header %s is not allowed", path, name)
		}
	}

	methods := res.Header.Get("Access-Control-Allow-Methods")
	if origin := res.Header.Get("Access-Control-Allow-Origin"); res.StatusCode != http.StatusOK || origin != "*" ||
		!strings.Contains(methods, method) {
		t.Errorf("preflight of %s: %d, origin %q, methods %q", path, res.StatusCode, origin, methods)
	}
}

// looks demands what a client reads, and that what would make it fail is absent.
// A type may be "true" or "false" for a flag of that value, "null", or "" for
// anything that is there.
func looks(t *testing.T, what string, v any, reads, never []string) {
	t.Helper()
	for _, read := range reads {
		pointer, kind, _ := strings.Cut(read, " ")
		got, there := at(v, pointer)
		if !there || !isA(got, kind) {
			t.Errorf("%s: %s is %T %v, want %s (of %v)", what, pointer, got, got, kind, v)
		}
	}
	for _, pointer := range never {
		if got, there := at(v, pointer); there {
			t.Errorf("%s: %s is there (%v), which this client takes for something else", what, pointer, got)
		}
	}
}

func isA(v any, kind string) bool {
	if kind == "" {
		return true
	}
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean" || kind == fmt.Sprint(v)
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "list"
	case map[string]any:
		return kind == "object"
	}
	return false
}

// serve pops what was asked for and delivers it all.
func (f *foreign) serve(t *testing.T, x *exchange) {
	t.Helper()
	path := strings.Replace(x.Path, "async", "pop", 1)
	for {
		job := f.pop(t, path)
		if job["id"] == nil && job["forms"] == nil {
			return
		}
		for pointer, want := range x.Job {
			if got, _ := at(any(job), pointer); !reflect.DeepEqual(got, want) {
				t.Errorf("job: %s is %v, want %v", pointer, got, want)
			}
		}
		submit := strings.Replace(x.Path, "async", "submit", 1)
		for _, delivery := range f.deliveries(t, x, job) {
			headers := map[string]string{"apikey": f.worker.key, "Content-Type": "application/json"}
			res, reward := f.call(t, http.MethodPost, submit, headers, delivery)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %v", submit, res.StatusCode, reward)
			}
			looks(t, "submit", reward, []string{"/reward number"}, nil)
		}
	}
}

// deliveries are the bodies with which a worker delivers a job; uploads are done.
func (f *foreign) deliveries(t *testing.T, x *exchange, job map[string]any) (bodies []string) {
	t.Helper()
	image := webpOf(t)
	switch x.Path {
	case "/generate/text/async":
		return []string{fmt.Sprintf(`{"id":%q,"generation":" there was a fox.","state":"ok"}`, job["id"])}
	case "/interrogate/async":
		for _, form := range job["forms"].([]any) {
			form := form.(map[string]any)
			name := form["form"].(string)
			result := map[string]string{
				"caption": `{"caption":"a grey square"}`, "nsfw": `{"nsfw":false}`,
				"interrogation": `{"interrogation":{"tags":[{"text":"grey","confidence":0.9}]}}`,
			}[name]
			if link, ok := form["r2_upload"].(string); ok {
				f.upload(t, link, image)
				result = fmt.Sprintf(`{%q:"R2"}`, name)
			}

			bodies = append(bodies, fmt.Sprintf(`{"id":%q,"result":%s,"state":"ok"}`, form["id"], result))
		}

		return bodies
	}

	links, _ := job["r2_uploads"].([]any)
	for i, id := range job["ids"].([]any) {
		generation := base64.StdEncoding.EncodeToString(image)
		if links != nil {
			f.upload(t, links[i].(string), image)
			generation = "R2"
		}
		bodies = append(bodies,
			fmt.Sprintf(`{"id":%q,"generation":%q,"seed":%d,"state":"ok","censored":false,"gen_metadata":[{"type":"batch_index","value":"see_ref","ref":"%d"}]}`, id, generation, i+1, i))
	}

	return bodies
}

// upload puts a image without a content type, as reGen does.
func (f *foreign) upload(t *testing.T, link string, image []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, link, strings.NewReader(string(image)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("upload: %d", res.StatusCode)
	}
}

// fetch gets what was made as the client does: images come from https, open to
// the client's page, or as bare base64.
func (f *foreign) fetch(t *testing.T, x *exchange, result any) {
	t.Helper()
	if x.Result == "text" || x.Result == "forms" {
		return
	}
	list, _ := at(result, "/generations")
	for _, g := range list.([]any) {
		img, _ := g.(map[string]any)["img"].(string)
		var file []byte
		if x.Result == "base64" {
			var err error
			if file, err = base64.StdEncoding.DecodeString(img); err != nil {
				t.Errorf("img is not bare base64: %v", err)
			}
		} else if file = f.download(t, x, img); !strings.HasPrefix(img, "https://") {
			t.Errorf("img is %q: some clients look for https", clipped(img))
		}
		if string(file) != string(webpOf(t)) {
			t.Errorf("img is not what was delivered: %.40q", file)
		}
	}
}

func (f *foreign) download(t *testing.T, x *exchange, link string) []byte {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if x.Page != "" {
		req.Header.Set("Origin", x.Page)
	}
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	file, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/webp" ||
		res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("image: %d %v", res.StatusCode, res.Header)
	}
	return file
}

// cancel asks once more and cancels, without a key and with an empty body that is
// announced as JSON.
func (f *foreign) cancel(t *testing.T, x *exchange, headers map[string]string) {
	t.Helper()
	_, answer := f.call(t, http.MethodPost, x.Path, headers, string(x.Body))
	id, _ := answer.(map[string]any)["id"].(string)
	path := strings.Replace(x.Path, "async", "status", 1) + "/" + id
	if x.Page != "" {
		f.preflight(t, http.MethodDelete, path, x)
	}
	res, cancelled := f.call(t, http.MethodDelete, path, map[string]string{"Content-Type": "application/json"}, "")
	if x.Path == "/interrogate/async" {
		looks(t, "cancelled", cancelled, []string{"/state string", "/forms list"}, nil)
	} else {
		looks(t, "cancelled", cancelled, []string{"/generations list", "/waiting integer"}, []string{"/generations/0"})
	}
	if res.StatusCode != http.StatusOK || id == "" {
		t.Errorf("cancelling %q: %d %v", id, res.StatusCode, cancelled)
	}
}

// webpOf is a WebP image of one pixel.
func webpOf(t *testing.T) []byte {
	t.Helper()
	image, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	return image
}
