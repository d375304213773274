package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"horde/e2e/program"
	"horde/internal/golden"
)

// foreignCall is a call beside the ordering of images, and what the client that
// makes it reads of the answer (clients §0 and §2). $KEY, $OWNER (whose
// the workers are), $WORKER, $SHARED (a shared key) and $NOBODY stand for ids.
type foreignCall struct {
	client       string
	method, path string
	headers      string // "apikey agent json", what is sent of them
	body         string
	status       int
	reads, never []string
	mayPreflight string
}

func foreignCalls() []foreignCall {
	user := []string{
		"/username string", "/kudos number", "/worker_count integer", "/records/request/image integer",
		"/records/fulfillment/image integer",
		"/kudos_details/accumulated number", "/kudos_details/gifted number", "/kudos_details/donated number",
		"/kudos_details/admin number",
		"/kudos_details/received number", "/kudos_details/recurring number", "/kudos_details/awarded number",
		"/kudos_details/styled number",
	}

	worker := []string{
		"/0/type string", "/0/name string", "/0/id string", "/0/uptime integer", "/0/performance string",
		"/0/requests_fulfilled integer",
		"/0/maintenance_mode boolean", "/0/team object", "/0/team/id", "/0/team/name", "/0/threads integer",
		"/0/trusted boolean", "/0/flagged boolean",
		"/0/uncompleted_jobs integer", "/0/nsfw boolean", "/0/bridge_agent string", "/0/kudos_rewards number",
	}

	image := []string{"/0/models list", "/0/max_pixels integer", "/0/megapixelsteps_generated integer",
		"/0/img2img boolean", "/0/painting boolean", "/0/post-processing boolean", "/0/lora boolean"}
	one := func(list []string) (out []string) {
		for _, l := range list {
			out = append(out, strings.TrimPrefix(l, "/0"))
		}
		return out
	}

	model := []string{"/0/name string", "/0/count integer", "/0/performance number", "/0/queued number", "/0/jobs number",
		"/0/eta integer", "/0/type string"}
	performance := []string{
		"/queued_requests integer", "/queued_text_requests integer", "/worker_count integer", "/text_worker_count integer",
		"/thread_count integer",
		"/text_thread_count integer", "/queued_megapixelsteps number", "/past_minute_megapixelsteps number",
		"/queued_forms number",
		"/interrogator_count integer", "/interrogator_thread_count integer", "/queued_tokens number",
		"/past_minute_tokens number",
	}

	refusal := []string{"/message string", "/rc string"}
	return []foreignCall{
		{client: "ArtBot", path: "/status/heartbeat", headers: "agent json",
			reads: []string{"/message string", "/version string"}},
		{client: "ArtBot", path: "/status/performance", headers: "agent json", reads: performance},
		{client: "ArtBot, login", path: "/find_user", headers: "apikey agent json", reads: user, never: []string{"/message"},
			mayPreflight: "apikey,client-agent,content-type"},
		{client: "ArtBot, login by shared key", path: "/sharedkeys/$SHARED", headers: "agent json", reads: []string{
			"/username string", "/kudos integer", "/name string", "/utilized integer", "/max_image_pixels integer",
			"/max_image_steps integer", "/max_text_tokens integer",
		}, never: []string{"/message"}},
		{client: "ArtBot, settings", method: "PATCH", path: "/sharedkeys/$SHARED", headers: "apikey agent json",
			body: `{"name":"renamed","kudos":100}`, reads: []string{"/name string"},
			mayPreflight: "apikey,client-agent,content-type"},
		{client: "ArtBot, pause button", method: "PUT", path: "/workers/$WORKER", headers: "owner agent json",
			body:         `{"maintenance":true,"name":"worker 1","team":""}`,
			reads:        []string{"/maintenance true", "/name string", "/team string"},
			mayPreflight: "apikey,client-agent,content-type"},
		{client: "ArtBot, pause button again", method: "PUT", path: "/workers/$WORKER", headers: "owner agent json",
			body: `{"maintenance":false,"name":"worker 1","team":""}`, reads: []string{"/maintenance false"}},
		{client: "ArtBot, worker", path: "/workers/$WORKER", headers: "agent json",
			reads: append(one(worker), one(image)...)},
		{client: "ArtBot, an expired request", path: "/generate/check/$NOBODY", headers: "agent json", status: 404,
			reads: refusal, never: []string{"/errors"}},
		{client: "ArtBot, messages of nobody", path: "/workers/messages", headers: "anonymous agent json"},
		{client: "Stable UI", path: "/workers", reads: worker},
		{client: "Stable UI", path: "/status/models", reads: model},
		{client: "Stable UI", path: "/status/news",
			reads: []string{"/0/date_published string", "/0/newspiece string", "/0/importance string"}},
		{client: "Stable UI, leaderboard", path: "/users",
			reads: []string{"/0/username string", "/0/kudos number", "/0/kudos_details/accumulated number",
				"/0/contributions/megapixelsteps", "/0/worker_count integer"}},
		{client: "Stable UI, after a failed request", method: "DELETE", path: "/generate/status/", headers: "json",
			status: 404, reads: []string{"/message string"}},
		{client: "Stable UI, rating what is not shared", method: "POST", path: "/generate/rate/$NOBODY",
			headers: "apikey agent json", body: `{"ratings":[{"id":"$NOBODY","rating":5,"artifacts":1}]}`,
			status: 404, reads: refusal},
		{client: "Lucid Creations", path: "/workers?type=image", reads: append(slices.Clone(worker), image...)},
		{client: "Lucid Creations", path: "/find_user", headers: "apikey agent",
			reads: []string{"/username string", "/kudos number", "/worker_count integer"}},
		{client: "Frontpage", path: "/status/models?type=text&model_state=all", headers: "agent", reads: model},
		{client: "Frontpage", path: "/users?page=1&sort=kudos", headers: "agent", reads: []string{"/0/username string"}},
		{client: "Frontpage", path: "/users/1", headers: "anonymous agent", reads: user},
		{client: "Frontpage", path: "/status/modes", headers: "agent",
			reads: []string{"/maintenance_mode boolean", "/invite_only_mode boolean"}},
		{client: "Frontpage, workers by name", path: "/workers/name/worker%201", headers: "agent", reads: one(worker)},
		{client: "Frontpage, transfer", method: "POST", path: "/kudos/transfer", headers: "apikey agent json",
			body: `{"username":"party1#2","amount":1}`, reads: []string{"/transferred number"},
			mayPreflight: "apikey,client-agent,content-type"},
		{client: "Frontpage, styles", path: "/styles/image?sort=popular&page=1", headers: "agent", reads: []string{}},
		{client: "Frontpage, collections", path: "/collections", headers: "agent", reads: []string{}},
		{client: "Frontpage, shared keys", method: "PUT", path: "/sharedkeys", headers: "apikey agent json",
			body: `{"name":"for friends","kudos":5000,"expiry":-1,"max_image_pixels":-1,"max_image_steps":-1,"max_text_tokens":-1}`, reads: []string{"/id string", "/kudos integer", "/username string"}, mayPreflight: "apikey,client-agent,content-type"},
		{client: "Frontpage, unblocking an address that is not blocked", method: "DELETE", path: "/operations/ipaddr",
			headers: "apikey agent json", body: `{"ipaddr":"192.0.2.1"}`, status: 403, reads: refusal,
			mayPreflight: "apikey,client-agent,content-type"},
		{client: "npm client, without a key", path: "/find_user", headers: "agent json", status: 401, reads: refusal},
		{client: "npm client, an unknown key", path: "/find_user", headers: "unknown agent json", status: 404, reads: refusal,
			never: []string{"/errors"}},
		{client: "npm client, a mask", path: "/status/performance", headers: "agent json mask",
			reads: []string{"/worker_count integer"}, never: []string{"/queued_requests"}},
		{client: "KoboldAI Lite", path: "/workers?type=text",
			reads: append(slices.Clone(worker), "/0/max_length integer", "/0/max_context_length integer", "/0/models list")},
		{client: "KoboldAI Lite", path: "/status/models?type=text", reads: model},
		{client: "KoboldAI Lite, my workers", method: "PUT", path: "/workers/$WORKER", headers: "owner json",
			body: `{"maintenance":false,"info":"by night"}`, reads: []string{"/maintenance false", "/info string"}},
		{client: "SillyTavern", path: "/status/heartbeat", headers: "agent json", reads: []string{"/version string"}},
		{client: "stats exporter", path: "/workers?type=interrogation", headers: "agent",
			reads: append(slices.Clone(worker), "/0/forms list")},
		{client: "Horde worker, its name", path: "/find_user", headers: "apikey", reads: []string{"/username string"}},
		{client: "anybody, an unknown route", path: "/no/such/route", status: 404, reads: []string{"/message string"}},
		{client: "anybody, a wrong method", method: "PATCH", path: "/generate/async", headers: "apikey agent json",
			body: `{}`, status: 405, reads: []string{"/message string"}},
		{client: "Stable UI, deleting a worker", method: "DELETE", path: "/workers/$WORKER", headers: "owner json",
			reads: []string{"/deleted_id string", "/deleted_name string"}},
		{client: "ArtBot, deleting a shared key", method: "DELETE", path: "/sharedkeys/$SHARED", headers: "apikey agent json",
			reads: []string{"/message string"}},
	}
}

// TestForeignCalls makes the calls that clients make beside their requests.
func TestForeignCalls(t *testing.T) {
	t.Parallel()
	f := startForeign(t)
	keyed := map[string]string{"apikey": f.key, "Content-Type": "application/json"}
	_, made := f.call(t, http.MethodPut, "/sharedkeys", keyed, `{"name":"the club","kudos":1000}`)
	shared, _ := at(made, "/id")

	ids := strings.NewReplacer("$WORKER", f.id, "$SHARED", fmt.Sprint(shared), "$NOBODY",
		"00000000-0000-4000-8000-000000000000")
	for _, c := range foreignCalls() {
		method := c.method
		if method == "" {
			method = http.MethodGet
		}

		t.Run(c.client+": "+method+" "+strings.NewReplacer("/", " ", "$", "").Replace(c.path), func(t *testing.T) {
			path := ids.Replace(c.path)
			if c.mayPreflight != "" {
				f.preflight(t, method, path, &exchange{Page: "https://page.example.org", Preflight: c.mayPreflight})
			}

			res, answer := f.call(t, method, path, foreignHeaders(f, c.headers), ids.Replace(c.body))
			want := c.status
			if want == 0 {
				want = http.StatusOK
			}

			if res.StatusCode != want {
				t.Fatalf("%d %v, want %d", res.StatusCode, answer, want)
			}

			looks(t, "answer", answer, c.reads, c.never)
			if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
				t.Errorf("content type %q", kind)
			}

			if res.Header.Get("Horde-Node") == "" {
				t.Error("no Horde-Node")
			}
		})
	}
}

func foreignHeaders(f *foreign, names string) map[string]string {
	all := map[string][2]string{
		"apikey": {"apikey", f.key}, "owner": {"apikey", f.worker.key}, "anonymous": {"apikey", "0000000000"},
		"unknown": {"apikey", "nobody's"},
		"agent":   {"Client-Agent", "A client:1:https://example.org"}, "json": {"Content-Type", "application/json"},
		"mask": {"X-Fields", "worker_count"},
	}
	out := map[string]string{}
	for name := range strings.FieldsSeq(names) {
		out[all[name][0]] = all[name][1]
	}
	return out
}

// foreignWorker is what an existing worker sends, and what it reads.
type foreignWorker struct {
	name       string
	kind       string // of the path: generate, generate/text, interrogate
	headers    string
	pop        string
	order      string // what somebody asks meanwhile
	empty, job []string
	submit     string // $ID and $LINK are of the job
	upload     bool
	again      string // a fragment of the answer to a second delivery
}

func foreignWorkers() []foreignWorker {
	none := []string{"/id null", "/ids list", "/payload object", "/skipped object"}
	image := append(slices.Clone(none[1:]), "/id string", "/ids/0 string", "/model string", "/payload/prompt string",
		"/payload/ddim_steps integer",
		"/payload/n_iter integer", "/payload/seed string", "/payload/width integer", "/payload/height integer",
		"/payload/sampler_name string",
		"/payload/cfg_scale number", "/payload/karras boolean", "/source_processing string", "/ttl integer",
		"/r2_upload string", "/r2_uploads/0 string", "/messages list")

	text := append(slices.Clone(none[1:]), "/id string", "/model string", "/payload/prompt string",
		"/payload/max_length integer", "/payload/max_context_length integer", "/ttl integer")
	order := `{"prompt":"a pond","params":{"width":512,"height":512,"steps":8},"models":["stable_diffusion"]}`
	say := `{"prompt":"Once","params":{"max_length":80,"max_context_length":1024},"models":["koboldcpp/llama-3-8b"]}`

	done := `{"id":"$ID","generation":"R2","state":"ok","seed":12,"censored":false,"gen_metadata":[]}`
	return []foreignWorker{
		{
			name: "reGen 10", kind: "generate", headers: "owner agent json", order: order, empty: none, job: image, submit: done,
			upload: true, again: "already submitted",
			pop: `{"name":"a reGen","bridge_agent":"AI Horde Worker reGen:10.1.1:https://github.com/Haidra-Org/horde-worker-reGen","models":["stable_diffusion"],
				"max_pixels":1048576,"amount":1,"threads":1,"nsfw":true,"blacklist":[],"priority_usernames":[],"require_upfront_kudos":false,"allow_img2img":true,
				"allow_painting":true,"allow_unsafe_ipaddr":true,"allow_post_processing":true,"allow_controlnet":true,"allow_sdxl_controlnet":true,"allow_extended_controlnet":true,
				"allow_lora":true,"extra_slow_worker":false,"limit_max_steps":false}`,
		},
		{
			name: "the old worker, images", kind: "generate", headers: "owner json", order: order, empty: none, upload: true,
			again:  "already submitted",
			job:    slices.DeleteFunc(slices.Clone(image), func(s string) bool { return s == "/messages list" }),
			submit: `{"id":"$ID","generation":"R2","api_key":"$KEY","seed":12,"max_pixels":1048576}`,
			pop: `{"name":"an old worker","bridge_agent":"AI Horde Worker:24:https://github.com/Haidra-Org/AI-Horde-Worker","bridge_version":24,"models":["stable_diffusion"],
				"max_pixels":1048576,"nsfw":true,"blacklist":[],"allow_img2img":true,"allow_painting":true,"allow_unsafe_ip":true,"threads":1,"require_upfront_kudos":false,
				"allow_post_processing":true,"allow_controlnet":false,"allow_lora":true,"priority_usernames":[]}`,
		},
		{
			name: "KoboldCpp embedded", kind: "generate/text", headers: "owner agent json", order: say, empty: none, job: text,
			again:  "already submitted",
			submit: `{"id":"$ID","generation":" upon a time","state":"ok"}`,
			pop: `{"name":"a KoboldCpp","models":["koboldcpp/llama-3-8b"],"max_length":512,"max_context_length":4096,"priority_usernames":[],"softprompts":[],
				"bridge_agent":"KoboldCppEmbedWorker:2:https://github.com/LostRuins/koboldcpp"}`,
		},
		{
			name: "the old worker, texts", kind: "generate/text", headers: "owner json", order: say, empty: none, job: text,
			again:  "already submitted",
			submit: `{"id":"$ID","generation":" upon a time","state":"ok","seed":0,"gen_metadata":[]}`,
			pop: `{"name":"a scribe","models":["koboldcpp/llama-3-8b"],"max_length":80,"max_context_length":1024,"softprompts":["a","b"],"priority_usernames":[],"threads":1,
				"bridge_agent":"AI Horde Worker~kai:24:https://github.com/Haidra-Org/AI-Horde-Worker"}`,
		},
		{
			name: "the old worker, alchemy", kind: "interrogate", headers: "owner json",
			order: `{"forms":[{"name":"caption"}],"source_image":"$IMAGE"}`,
			empty: []string{"/skipped object"}, job: []string{"/forms/0/id string", "/forms/0/form string",
				"/forms/0/source_image string"},
			submit: `{"id":"$ID","result":{"caption":"a square"},"state":"ok"}`,
			pop: `{"name":"an alchemist","forms":["caption","nsfw"],"amount":1,"priority_usernames":[],"threads":1,"bridge_version":24,"max_tiles":16,
				"bridge_agent":"AI Horde Worker:24:https://github.com/Haidra-Org/AI-Horde-Worker"}`,
		},
		{
			name: "an alchemist that enlarges", kind: "interrogate", headers: "owner json",
			order: `{"forms":[{"name":"RealESRGAN_x4plus"}],"source_image":"$IMAGE"}`,
			empty: []string{"/skipped object"}, job: []string{"/forms/0/id string", "/forms/0/r2_upload string"}, upload: true,
			submit: `{"id":"$ID","result":{"RealESRGAN_x4plus":"R2"},"state":"ok"}`,
			pop:    `{"name":"an enlarger","forms":["RealESRGAN_x4plus","GFPGAN"],"amount":1,"priority_usernames":[],"threads":1,"max_tiles":16,"annotation_types":[],"bridge_agent":"AI Horde Worker:24:https://example.org"}`,
		},
	}
}

func TestForeignWorkers(t *testing.T) {
	t.Parallel()
	f := startForeign(t)
	for _, w := range foreignWorkers() {
		t.Run(w.name, func(t *testing.T) {
			post := func(path, headers, body string) (int, any) {
				res, answer := f.call(t, http.MethodPost, "/"+w.kind+path, foreignHeaders(f, headers), body)
				return res.StatusCode, answer
			}

			status, empty := post("/pop", w.headers, w.pop)
			looks(t, "empty pop", empty, w.empty, nil)
			if status != http.StatusOK {
				t.Fatalf("empty pop: %d %v", status, empty)
			}

			if status, answer := post("/async", "apikey json",
				strings.ReplaceAll(w.order, "$IMAGE", tinyImage())); status != http.StatusAccepted {
				t.Fatalf("order: %d %v", status, answer)
			}

			_, job := post("/pop", w.headers, w.pop)
			looks(t, "job", job, w.job, nil)
			id, _ := at(job, "/id")
			link, _ := at(job, "/r2_upload")
			if w.kind == "interrogate" {
				id, _ = at(job, "/forms/0/id")
				link, _ = at(job, "/forms/0/r2_upload")
			}

			if w.upload {
				f.upload(t, fmt.Sprint(link), webpOf(t))
			}

			submit := strings.NewReplacer("$ID", fmt.Sprint(id), "$KEY", f.worker.key).Replace(w.submit)
			status, answer := post("/submit", w.headers, submit)
			looks(t, "submit", answer, []string{"/reward number"}, nil)
			if status != http.StatusOK {
				t.Fatalf("submit: %d %v", status, answer)
			}

			if w.again == "" {
				return
			}

			status, answer = post("/submit", w.headers, submit)
			if message, _ := at(answer, "/message"); status != http.StatusBadRequest ||
				!strings.Contains(fmt.Sprint(message), w.again) {
				t.Errorf("second delivery: %d %v", status, answer)
			}
		})
	}
}

// Clients may look as often as they do: Stable UI at ten requests at once, twice a
// second each, Lucid Creations every second, ArtBot at a status every six. Who
// looks too often is told by JSON that a page may read, and when to come back
// (clients §0 rows 18 and 22).
func TestForeignPolling(t *testing.T) {
	srv := program.Start(t, program.Setup{Env: []string{"HORDE_TEST_RATELIMIT_DISABLED=0"}})
	f := &foreign{url: srv.URL + "/api/v2", client: http.DefaultClient}
	look := func(what string, i int) (*http.Response, any) {
		return f.call(t, http.MethodGet, fmt.Sprintf("/generate/%s/00000000-0000-4000-8000-%012d", what, i), nil, "")
	}

	for range 2 {
		for i := range 10 {
			if res, answer := look("check", i); res.StatusCode != http.StatusNotFound {
				t.Fatalf("check: %d %v", res.StatusCode, answer)
			}
		}
	}

	for i := range 9 {
		if res, answer := look("status", 0); res.StatusCode != http.StatusNotFound {
			t.Fatalf("status %d: %d %v", i, res.StatusCode, answer)
		}
	}

	var res *http.Response
	var answer any
	for range 10 {
		if res, answer = look("status", 0); res.StatusCode == http.StatusTooManyRequests {
			break
		}
	}

	looks(t, "429", answer, []string{"/message string"}, []string{"/errors"})
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode != http.StatusTooManyRequests ||
		err != nil || seconds < 1 {
		t.Errorf("%d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}

	exposed := strings.ToLower(res.Header.Get("Access-Control-Expose-Headers"))
	if !strings.Contains(exposed, "retry-after") || res.Header.Get("X-RateLimit-Limit") == "" {
		t.Errorf("exposed %q, limit %q", exposed, res.Header.Get("X-RateLimit-Limit"))
	}
}

// What reGen looks for in refusals of a pop.
func TestForeignWorkerInMaintenance(t *testing.T) {
	t.Parallel()
	f := startForeign(t)
	owner := foreignHeaders(f, "owner json")
	f.call(t, http.MethodPut, "/workers/"+url.PathEscape(f.id), owner, `{"maintenance":true}`)
	res, answer := f.call(t, http.MethodPost, "/generate/pop", owner, fmt.Sprintf(pops["/generate/pop"], f.worker.worker))
	if message, _ := at(answer, "/message"); res.StatusCode != http.StatusForbidden ||
		!strings.Contains(fmt.Sprint(message), "maintenance mode") {
		t.Errorf("%d %v", res.StatusCode, answer)
	}
	res, answer = f.call(t, http.MethodPost, "/generate/pop", foreignHeaders(f, "apikey json"),
		fmt.Sprintf(pops["/generate/pop"], f.worker.worker))
	if message, _ := at(answer, "/message"); !strings.Contains(strings.ToLower(fmt.Sprint(message)), "wrong credentials") {
		t.Errorf("%d %v", res.StatusCode, answer)
	}
}

// TestForeignImages sends the images that the Python SDK's tests use, each for
// what it is made for, and looks at what a worker gets.
func TestForeignImages(t *testing.T) {
	t.Parallel()
	folder := golden.Shared(t, "data", "sdk", "tests", "test_data", "images")
	encoded := func(name string) string {
		file, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(file)
	}

	f := startForeign(t)
	asker, worker := foreignHeaders(f, "apikey json"), foreignHeaders(f, "owner json")
	for _, c := range []struct{ name, mask, processing, model, params string }{
		{"haidra.png", "", "img2img", "stable_diffusion", `"denoising_strength":0.4`},
		{"sketch-mountains-input.jpg", "", "img2img", "Deliberate", `"denoising_strength":0.8`},
		{"test_img2img_alpha.png", "", "img2img", "Deliberate", ``},
		{"test_facefix.png", "", "img2img", "Deliberate", `"post_processing":["CodeFormers"]`},
		{"woman_headshot_bokeh.png", "", "img2img", "Deliberate", `"post_processing":["strip_background"]`},
		{"test_openpose_control_map.png", "", "img2img", "Deliberate", `"control_type":"openpose","image_is_control":true`},
		{"test_inpaint_original.png", "test_inpaint_mask.png", "inpainting", "Deliberate Inpainting", ``},
		{"test_inpaint_alpha.png", "", "inpainting", "Deliberate Inpainting", ``},
		{"test_outpaint.png", "", "outpainting", "Deliberate Inpainting", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := fmt.Sprintf(`{"prompt":"an image","models":[%q],"source_image":%q,"source_processing":%q,"params":{"width":512,"height":512,"steps":8,%s`,
				c.model, encoded(c.name), c.processing, c.params)
			body = strings.TrimSuffix(body, ",") + "}"
			if c.mask != "" {
				body += fmt.Sprintf(`,"source_mask":%q`, encoded(c.mask))
			}

			if res, answer := f.call(t, http.MethodPost, "/generate/async", asker,
				body+"}"); res.StatusCode != http.StatusAccepted {
				t.Fatalf("%d %v", res.StatusCode, answer)
			}

			job := f.pop(t, "/generate/pop")
			if job["source_processing"] != c.processing {
				t.Errorf("processing %v", job["source_processing"])
			}

			for member, wanted := range map[string]bool{"source_image": true, "source_mask": c.mask != ""} {
				link, there := job[member].(string)
				if there != wanted {
					t.Errorf("%s is %v", member, job[member])
				} else if there {
					if head := f.download(t, &exchange{}, link); string(head[:4]) != "RIFF" || string(head[8:12]) != "WEBP" {
						t.Errorf("%s is %.12q", member, head)
					}
				}
			}

			for _, delivery := range f.deliveries(t, &exchange{Path: "/generate/async"}, job) {
				if res, answer := f.call(t, http.MethodPost, "/generate/submit", worker,
					delivery); res.StatusCode != http.StatusOK {
					t.Errorf("submit: %d %v", res.StatusCode, answer)
				}
			}
		})
	}
}
