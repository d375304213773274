package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"horde/api"
	"horde/e2e/program"
)

// TestBadInput sends nonsense of every kind: each gets a clear error of the right
// status, and nothing of it is left behind.
func TestBadInput(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db})
		p := makeParties(t, srv, 2)
		before := trace(t, srv, p[0].key)

		for path, cases := range map[string][]badRequest{"generate/async": badRequests(), "generate/text/async": badTexts(),
			"interrogate/async": badForms(),
			"generate/pop":      badPops(), "generate/text/pop": badTextPops(), "interrogate/pop": badAlchemyPops()} {
			for _, c := range append(badEverywhere(), cases...) {
				status, body := call(t, http.MethodPost, srv.URL+"/api/v2/"+path, p[0].key, c.body)
				checkRefusal(t, path+": "+c.name, status, body, c.status, c.rc)
			}
		}

		for _, id := range []string{"nonsense", "00000000-0000-4000-8000-000000000000", strings.Repeat("9", 500), "%00",
			"%ff%fe", "..%2f..%2fetc", "%E2%80%AE"} {
			for _, path := range []string{"/api/v2/generate/check/", "/api/v2/generate/status/", "/api/v2/generate/text/status/",
				"/api/v2/interrogate/status/", "/api/ext/v1/requests/"} {
				url := srv.URL + path + id
				if strings.Contains(path, "ext") {
					url += "/events"
				}
				status, body := call(t, http.MethodGet, url, "", "")
				checkRefusal(t, "GET "+path+clipped(id), status, body, http.StatusNotFound, "")
			}
		}

		if after := trace(t, srv, p[0].key); after != before {
			t.Errorf("the bad input left traces:\nbefore %s\nafter  %s", before, after)
		}

		badSubmits(t, srv, p)
		ledgerIsSound(t, srv, db)
	})
}

type badRequest struct {
	name, body string
	status     int
	rc         string // "": none is looked for
}

func badRequests() []badRequest {
	with := func(params string) string { return `{"prompt":"x","params":{` + params + `}}` }
	source := func(data []byte) string {
		return `{"prompt":"x","source_image":"` + base64.StdEncoding.EncodeToString(data) + `"}`
	}

	at := func(url string) string { return `{"prompt":"x","source_image":"` + url + `"}` }
	return []badRequest{
		{"null prompt", `{"prompt":null}`, 400, ""},
		{"wrong types", `{"prompt":5,"params":[],"nsfw":"yes","models":"all"}`, 400, ""},
		{"empty prompt", `{"prompt":""}`, 400, ""},
		{"1 MB prompt of words", `{"prompt":"` + strings.Repeat("a ", 500_000) + `"}`, 400, "InvalidPromptSize"},
		{"1 MB prompt of one word", `{"prompt":"` + strings.Repeat("a", 1_000_000) + `"}`, 400, "InvalidPromptSize"},
		{"NUL", `{"prompt":"a\u0000b"}`, 400, "NulByteInPayload"},
		{"NUL in a LoRA", with(`"loras":[{"name":"a\u0000b"}]`), 400, "NulByteInPayload"},
		{"size off 64", with(`"width":500`), 400, ""},
		{"negative size", with(`"width":-64`), 400, ""},
		{"size of 2⁶³", with(`"height":9223372036854775808`), 400, ""},
		{"size of 2⁶⁴+64", with(`"height":18446744073709551680`), 400, ""},
		{"half a pixel", with(`"width":64.5`), 400, ""},
		{"n of 10⁹", with(`"n":1000000000`), 400, ""},
		{"n of 0", with(`"n":0`), 400, ""},
		{"n beyond 64 bits", with(`"n":1e400`), 400, ""},
		{"the same key twice, the second bad", `{"prompt":"x","params":{"n":1},"params":{"n":1000000000}}`, 400, ""},
		{"NaN", with(`"cfg_scale":NaN`), 400, ""},
		{"infinity", with(`"cfg_scale":Infinity`), 400, ""},
		{"unknown sampler", with(`"sampler_name":"magic"`), 400, ""},
		{"10,000 post-processors", with(`"post_processing":[` + repeated(`"GFPGAN"`, 10_000) + `]`), 400, ""},
		{"10,000 LoRAs", with(`"loras":[` + repeated(`{"name":"x"}`, 10_000) + `]`), 400, "TooManyLoras"},
		{"20,000 workers", `{"prompt":"x","workers":[` + repeated(`"x"`, 20_000) + `]}`, 404, "WorkerNotFound"},
		{"100,000 workers", `{"prompt":"x","workers":[` + repeated(`"x"`, 100_000) + `]}`, 400, ""},
		{"2,000,000 values of no meaning", `{"prompt":"x","a":[` + repeated(`{"":0}`, 1_000_000) + `]}`, 400, ""},
		{"50 gigapixels", source(pngHeader(250_000, 200_000)), 400, "SourceImageResolutionExceeded"},
		{"a strip of 65535×1", source(pngHeader(65_535, 1)), 400, "SourceImageResolutionExceeded"},
		{"a header without its pixels", source(pngHeader(64, 64)), 400, "ImageValidationFailed"},
		{"zero bytes", source(make([]byte, 1000)), 400, "ImageValidationFailed"},
		{"a page that begins like a GIF", source([]byte("GIF89a/*<script>alert(1)</script>*/=1;")), 400, ""},
		{"truncated WebP", source([]byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00")), 400, "ImageValidationFailed"},
		{"no image", source([]byte("<svg onload=alert(1)>")), 400, "ImageValidationFailed"},
		{"no base64", at("%%%"), 400, "ImageValidationFailed"},
		{"loopback address", at("http://127.0.0.1:1/x.png"), 400, "ImageValidationFailed"},
		{"metadata address", at("http://169.254.169.254/latest"), 400, "ImageValidationFailed"},
		{"private address", at("http://10.0.0.1/x.png"), 400, "ImageValidationFailed"},
		{"address in decimal", at("http://2130706433/x.png"), 400, "ImageValidationFailed"},
		{"IPv6 loopback", at("http://[::1]/x.png"), 400, "ImageValidationFailed"},
		{"IPv4 in IPv6", at("http://[::ffff:169.254.169.254]/x.png"), 400, "ImageValidationFailed"},
		{"a name of this machine", at("http://localhost/x.png"), 400, "ImageValidationFailed"},
		{"another port", at("http://example.org:6379/x.png"), 400, "ImageValidationFailed"},
		{"a file", at("file:///etc/passwd"), 400, "ImageValidationFailed"},
		{"a mask there", `{"prompt":"x","source_image":"` + tinyImage() + `","source_mask":"http://127.0.0.1:1/x.png"}`,
			400, "ImageValidationFailed"},
		{"unknown worker", `{"prompt":"x","workers":["nobody"]}`, 404, "WorkerNotFound"},
		{"10,000 models", `{"prompt":"x","models":[` + repeated(`"GFPGAN"`, 10_000) + `]}`, 400, "BadRequest"},
		{"a model of 10 MB", `{"prompt":"x","models":["` + strings.Repeat("m", 10<<20) + `"]}`, 400, "BadRequest"},
		{"10 MB of extra texts", with(`"workflow":"qr_code","extra_texts":[{"reference":"qr_code","text":"` +
			strings.Repeat("m", 10<<20) + `"}]`), 400, "InvalidPromptSize"},
		{"100,000 settings of no meaning", with(strings.Join(numbered(100_000), ",")), 400, ""},
	}
}

// badEverywhere is what no route with a JSON body takes.
func badEverywhere() []badRequest {
	return []badRequest{
		{"not JSON", `{"prompt": "x"`, 400, ""},
		{"nothing", ` `, 400, ""},
		{"a word", `lighthouse`, 400, ""},
		{"a list", `[]`, 400, ""},
		{"null", `null`, 400, ""},
		{"two objects", `{"prompt":"x"}{"prompt":"y"}`, 400, ""},
		{"broken UTF-8 for a key", "{\"\xff\":1", 400, ""},
		{"depth 10,000", `{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, 400, ""},
		{"depth 10,000 of objects", `{"x":` + strings.Repeat(`{"a":`, 10_000) + "1" +
			strings.Repeat("}", 10_000) + `}`, 400, ""},
		{"too large a body", `{"x":"` + strings.Repeat("A", 33<<20) + `"}`, 413, "PayloadTooLarge"},
	}
}

// badTexts is badRequests for texts.
func badTexts() []badRequest {
	with := func(params string) string { return `{"prompt":"x","params":{` + params + `}}` }
	return []badRequest{
		{"null prompt", `{"prompt":null}`, 400, ""},
		{"wrong types", `{"prompt":5,"params":[],"models":"all"}`, 400, ""},
		{"empty prompt", `{"prompt":""}`, 400, "MissingPrompt"},
		{"NUL", `{"prompt":"a\u0000b"}`, 400, "NulByteInPayload"},
		{"NUL in a stop sequence", with(`"stop_sequence":["a\u0000b"]`), 400, "NulByteInPayload"},
		{"n of 10⁹", with(`"n":1000000000`), 400, ""},
		{"n of −1", with(`"n":-1`), 400, ""},
		{"length of 2⁶³", with(`"max_length":9223372036854775808`), 400, ""},
		{"context of 2⁶⁴", with(`"max_context_length":18446744073709551616`), 400, ""},
		{"half a token", with(`"max_length":80.5`), 400, ""},
		{"NaN", with(`"temperature":NaN`), 400, ""},
		{"infinity", with(`"rep_pen":Infinity`), 400, ""},
		{"20,000 stops", with(`"stop_sequence":[` + repeated(`"x"`, 20_000) + `,` + repeatedEach(200) + `]`), 400,
			"TooManyStopSequences"},
		{"100,000 stops", with(`"stop_sequence":[` + repeated(`"x"`, 100_000) + `]`), 400, ""},
		{"20,000 samplers of one kind", with(`"sampler_order":[` + repeated(`1`, 20_000) + `]`), 400,
			"MissingFullSamplerOrder"},
		{"100,000 samplers of one kind", with(`"sampler_order":[` + repeated(`1`, 100_000) + `]`), 400, ""},
		{"the same key twice, the second bad", `{"prompt":"x","params":{"n":1},"params":{"n":1000000000}}`, 400, ""},
		{"unknown worker", `{"prompt":"x","workers":["nobody"]}`, 404, "WorkerNotFound"},
		{"10,000 models", `{"prompt":"x","models":[` + repeated(`"m"`, 10_000) + `]}`, 400, "BadRequest"},
		{"a webhook that is no address", `{"prompt":"x","webhook":"javascript:alert(1)"}`, 400, "BadRequest"},
	}
}

// badForms is badRequests for forms about images.
func badForms() []badRequest {
	of := func(data string) string { return `{"forms":[{"name":"caption"}],"source_image":"` + data + `"}` }
	source := func(data []byte) string { return of(base64.StdEncoding.EncodeToString(data)) }

	forms := func(forms string) string { return `{"forms":` + forms + `,"source_image":"` + tinyImage() + `"}` }
	return []badRequest{
		{"forms as words", forms(`"caption"`), 400, ""},
		{"an unknown form", forms(`[{"name":"sing"}]`), 400, ""},
		{"a form without a name", forms(`[{}]`), 400, ""},
		{"a null payload", forms(`[{"name":"caption","payload":null}]`), 400, ""},
		{"a payload of words", forms(`[{"name":"caption","payload":"x"}]`), 400, ""},
		{"NUL in a payload", forms(`[{"name":"caption","payload":{"a":"\u0000"}}]`), 400, "NulByteInPayload"},
		{"a payload of 1 MB", forms(`[{"name":"caption","payload":{"a":"` + strings.Repeat("x", 1<<20) +
			`"}}]`), 400, "BadRequest"},
		{"no image", `{"forms":[{"name":"caption"}]}`, 400, ""},
		{"50 gigapixels", source(pngHeader(250_000, 200_000)), 400, "SourceImageResolutionExceeded"},
		{"a strip of 65535×1", source(pngHeader(65_535, 1)), 400, ""},
		{"a header without its pixels", source(pngHeader(64, 64)), 400, "ImageValidationFailed"},
		{"zero bytes", source(make([]byte, 1000)), 400, "ImageValidationFailed"},
		{"truncated WebP", source([]byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00")), 400, "ImageValidationFailed"},
		{"an SVG", source([]byte("<svg onload=alert(1)>")), 400, "ImageValidationFailed"},
		{"loopback address", of("http://127.0.0.1:1/x.png"), 400, "ImageValidationFailed"},
		{"metadata address", of("http://169.254.169.254/latest"), 400, "ImageValidationFailed"},
		{"a file", of("file:///etc/passwd"), 400, "ImageValidationFailed"},
		{"a webhook that is no address",
			`{"forms":[{"name":"caption"}],"source_image":"x","webhook":"javascript:alert(1)"}`, 400, "BadRequest"},
	}
}

// badPops is what a painter may not send.
func badPops() []badRequest {
	return []badRequest{
		{"no name", `{"models":["stable_diffusion"]}`, 400, ""},
		{"a name of NUL", `{"name":"\u0000","models":["stable_diffusion"]}`, 400, "BadRequest"},
		{"0 threads", `{"name":"w","models":["stable_diffusion"],"threads":0}`, 400, ""},
		{"amount of 2⁶³", `{"name":"w","models":["stable_diffusion"],"amount":9223372036854775808}`, 400, ""},
		{"a bridge agent of 1 KB and more", `{"name":"w","models":["stable_diffusion"],"bridge_agent":"` +
			strings.Repeat("x", 1001) + `"}`, 400, ""},
		{"10,000 unknown models", `{"name":"w","models":[` + repeated(`"none such"`, 10_000) + `]}`, 400, "BadRequest"},
		{"10,001 unknown models", `{"name":"w","models":[` + repeated(`"none such"`, 10_001) + `]}`, 400, ""},
		{"models of the wrong type", `{"name":"w","models":{"a":1}}`, 400, ""},
		{"a priority user of markup", `{"name":"w","models":["stable_diffusion"],"priority_usernames":["<script>"]}`, 400,
			"InvalidPriorityUsername"},
		{"a priority user of 10³⁰",
			`{"name":"w","models":["stable_diffusion"],"priority_usernames":["x#1000000000000000000000000000000"]}`, 400,
			"InvalidPriorityUsername"},
	}
}

// badTextPops is what a scribe may not send.
func badTextPops() []badRequest {
	return []badRequest{
		{"no models", `{"name":"w"}`, 400, "BadRequest"},
		{"length of 2⁶⁴", `{"name":"w","models":["any model"],"max_length":18446744073709551616}`, 400, ""},
		{"softprompts as words", `{"name":"w","models":["any model"],"softprompts":"all"}`, 400, ""},
		{"NUL in a model", `{"name":"w","models":["a\u0000b"]}`, 400, "NulByteInPayload"},
	}
}

// badAlchemyPops is what an alchemist may not send.
func badAlchemyPops() []badRequest {
	return []badRequest{
		{"an unknown form", `{"name":"w","forms":["sing"]}`, 400, ""},
		{"10,000 tiles", `{"name":"w","forms":["caption"],"max_tiles":10000}`, 400, ""},
		{"amount of 2⁶⁴", `{"name":"w","forms":["caption"],"amount":18446744073709551616}`, 400, ""},
	}
}

// repeated is n times the same element of a JSON list.
func repeated(element string, n int) string {
	return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
}

// repeatedEach is n different words of a JSON list.
func repeatedEach(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("%q", fmt.Sprint(i))
	}
	return strings.Join(words, ",")
}

// numbered are n different members of a JSON object.
func numbered(n int) []string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return members
}

// tinyImage is a good image in base64.
func tinyImage() string {
	return base64.StdEncoding.EncodeToString(pngOf(image.NewGray(image.Rect(0, 0, 64, 64))))
}

// pngHeader is a PNG that claims a size and has no pixels.
func pngHeader(w, h uint32) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(chunk)-4)))
	b.Write(chunk)
	b.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(chunk)))
	return b.Bytes()
}

func checkRefusal(t *testing.T, name string, status int, body string, want int, rc string) {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal([]byte(body), &e); err != nil || status != want || e.Message == "" || rc != "" && e.RC != rc {
		t.Errorf("%s: %d %s, wanted %d %s and a message", name, status, clipped(body), want, rc)
	}
}

func clipped(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// trace is everything that bad input could have left: balance, records, queue,
// files.
func trace(t *testing.T, srv *program.Server, key string) string {
	t.Helper()
	_, user := call(t, http.MethodGet, srv.URL+"/api/v2/find_user", key, "")
	var u api.UserDetails
	if err := json.Unmarshal([]byte(user), &u); err != nil {
		t.Fatal(err)
	}
	_, performance := call(t, http.MethodGet, srv.URL+"/api/v2/status/performance", "", "")
	files := 0
	err := filepath.WalkDir(filepath.Join(srv.Data, "blobs"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	// Small images lie in the database.
	_, metrics := call(t, http.MethodGet, srv.URL+"/metrics", "", "")
	_, stored, known := strings.Cut(metrics, "\nhorde_blob_bytes ")
	if !known {
		t.Fatal("no figure says how many bytes of images there are")
	}
	stored, _, _ = strings.Cut(stored, "\n")
	return fmt.Sprintf("kudos %v, records %+v, %d files, %s bytes, %s", u.Kudos, u.Records, files, stored, performance)
}

// badSubmits plays a dishonest worker and one who is late.
func badSubmits(t *testing.T, srv *program.Server, p []party) {
	t.Helper()
	submit := func(key, id, generation string) (int, string) {
		return call(t, http.MethodPost, srv.URL+"/api/v2/generate/submit", key,
			fmt.Sprintf(`{"id":%q,"generation":%q,"seed":1}`, id, generation))
	}

	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key, `{"prompt":"x"}`)
	var accepted api.Accepted
	decodeAs(t, http.StatusAccepted, status, body, &accepted)

	job := *popUntil(t, srv, p[1]).ID
	for _, c := range []struct {
		name, key, id string
		status        int
		rc            string
	}{
		{"unknown job", p[1].key, "00000000-0000-4000-8000-000000000000", 404, "InvalidJobID"},
		{"id of a request", p[1].key, accepted.ID, 404, "InvalidJobID"},
		{"somebody else's job", p[0].key, job, 403, "WrongCredentials"},
		{"unknown key", "nobody's key", job, 401, "InvalidAPIKey"},
	} {
		status, body := submit(c.key, c.id, "R2")
		checkRefusal(t, c.name, status, body, c.status, c.rc)
	}

	status, body = call(t, http.MethodGet, srv.URL+"/api/v2/generate/check/"+job, "", "")
	checkRefusal(t, "id of a job as request", status, body, http.StatusNotFound, "RequestNotFound")
	if status, body = submit(p[1].key, job, "R2"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}

	before := trace(t, srv, p[1].key)
	status, body = submit(p[1].key, job, "R2")
	checkRefusal(t, "result twice", status, body, http.StatusBadRequest, "DuplicateGen")
	if after := trace(t, srv, p[1].key); after != before {
		t.Errorf("a second result left traces:\nbefore %s\nafter  %s", before, after)
	}
}
