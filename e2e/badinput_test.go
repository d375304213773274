package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"horde/api"
)

// TestBadInput sends nonsense of every kind: each gets a clear error of the right
// status, and nothing of it is left behind.
func TestBadInput(t *testing.T) {
	engines(t, func(t *testing.T, db string) {
		srv := start(t, setup{db: db})
		p := makeParties(t, srv, 2)
		before := trace(t, srv, p[0].key)
		for _, c := range badRequests() {
			status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key, c.body)
			checkRefusal(t, c.name, status, body, c.status, c.rc)
		}
		for _, id := range []string{"nonsense", "00000000-0000-4000-8000-000000000000", strings.Repeat("9", 500), "%00"} {
			for _, path := range []string{"/api/v2/generate/check/", "/api/v2/generate/status/", "/api/ext/v1/requests/"} {
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
	})
}

type badRequest struct {
	name, body string
	status     int
	rc         string // "": none is looked for
}

func badRequests() []badRequest {
	with := func(params string) string { return `{"prompt":"x","params":{` + params + `}}` }
	source := func(picture []byte) string {
		return `{"prompt":"x","source_image":"` + base64.StdEncoding.EncodeToString(picture) + `"}`
	}
	at := func(url string) string { return `{"prompt":"x","source_image":"` + url + `"}` }
	return []badRequest{
		{"not JSON", `{"prompt": "x"`, 400, ""},
		{"a word", `lighthouse`, 400, ""},
		{"a list", `[]`, 400, ""},
		{"null", `null`, 400, ""},
		{"null prompt", `{"prompt":null}`, 400, ""},
		{"wrong types", `{"prompt":5,"params":[],"nsfw":"yes","models":"all"}`, 400, ""},
		{"empty prompt", `{"prompt":""}`, 400, ""},
		{"1 MB prompt of words", `{"prompt":"` + strings.Repeat("a ", 500_000) + `"}`, 400, "InvalidPromptSize"},
		{"1 MB prompt of one word", `{"prompt":"` + strings.Repeat("a", 1_000_000) + `"}`, 400, "InvalidPromptSize"},
		{"depth 10,000", `{"prompt":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, 400, ""},
		{"depth 10,000 in an unknown key", `{"prompt":"x","x":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + `}`, 400, ""},
		{"NUL", `{"prompt":"a\u0000b"}`, 400, "NulByteInPayload"},
		{"NUL in a LoRA", with(`"loras":[{"name":"a\u0000b"}]`), 400, "NulByteInPayload"},
		{"size off 64", with(`"width":500`), 400, ""},
		{"negative size", with(`"width":-64`), 400, ""},
		{"n of 10⁹", with(`"n":1000000000`), 400, ""},
		{"n beyond 64 bits", with(`"n":1e400`), 400, ""},
		{"NaN", with(`"cfg_scale":NaN`), 400, ""},
		{"unknown sampler", with(`"sampler_name":"magic"`), 400, ""},
		{"too large a body", `{"prompt":"x","source_image":"` + strings.Repeat("A", 17<<20) + `"}`, 413, ""},
		{"image bomb", source(pngHeader(50_000, 50_000)), 400, "SourceImageResolutionExceeded"},
		{"truncated WebP", source([]byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00")), 400, "ImageValidationFailed"},
		{"no picture", source([]byte("<svg onload=alert(1)>")), 400, "ImageValidationFailed"},
		{"no base64", at("%%%"), 400, "ImageValidationFailed"},
		{"loopback address", at("http://127.0.0.1:1/x.png"), 400, "ImageValidationFailed"},
		{"metadata address", at("http://169.254.169.254/latest"), 400, "ImageValidationFailed"},
		{"private address", at("http://10.0.0.1/x.png"), 400, "ImageValidationFailed"},
		{"address in decimal", at("http://2130706433/x.png"), 400, "ImageValidationFailed"},
		{"IPv6 loopback", at("http://[::1]/x.png"), 400, "ImageValidationFailed"},
		{"unknown worker", `{"prompt":"x","workers":["nobody"]}`, 404, "WorkerNotFound"},
		{"10,000 models", `{"prompt":"x","models":[` + strings.TrimSuffix(strings.Repeat(`"GFPGAN",`, 10_000), ",") + `]}`, 400, "UnexpectedModelName"},
	}
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
func trace(t *testing.T, srv *server, key string) string {
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
	return fmt.Sprintf("kudos %v, records %+v, %d files, %s", u.Kudos, u.Records, files, performance)
}

// badSubmits plays a dishonest worker and one who is late.
func badSubmits(t *testing.T, srv *server, p []party) {
	t.Helper()
	submit := func(key, id, generation string) (int, string) {
		return call(t, http.MethodPost, srv.URL+"/api/v2/generate/submit", key, fmt.Sprintf(`{"id":%q,"generation":%q,"seed":1}`, id, generation))
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
