package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"horde/e2e/program"
)

// known tells whether a server lets a worker offer an image model.
func known(t *testing.T, srv *program.Server, p party, model string) bool {
	t.Helper()
	pop := fmt.Sprintf(`{"name":%q,"models":[%q],"bridge_agent":"AI Horde Worker reGen:13.0.0:x","max_pixels":4194304}`,
		p.worker, model)
	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/pop", p.key, pop)
	if status != http.StatusOK && !strings.Contains(body, "unrecognised models") {
		t.Fatalf("%d %s", status, body)
	}
	return status == http.StatusOK
}

// within waits until ok, for a bounded time.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// TestReferenceOffline: a server has its reference from a URL; started again while
// that hangs it comes up at once, with the copy of the database.
func TestReferenceOffline(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"fetched": {"baseline": "stable diffusion 1", "type": "ckpt"}}`)
	}))
	address := web.Listener.Addr().String()
	env := []string{"HORDE_MODEL_REFERENCE_IMAGES=" + web.URL}
	first := program.Start(t, program.Setup{Env: env})
	p := makeParties(t, first, 1)[0]
	within(t, 20*time.Second, "the reference", func() bool { return known(t, first, p, "fetched") })
	first.Stop(t)
	web.Close()

	silent, err := net.Listen("tcp", address) // connects and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	second := program.Start(t, program.Setup{Env: env, Data: first.Data})
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the start took %v", took)
	}
	if !known(t, second, p, "fetched") || known(t, second, p, "Deliberate") {
		t.Error("the copy is not in use")
	}
}

// admin runs "horde admin models" and returns what it printed.
func admin(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program.Binary(), append([]string{"admin", "models"}, args...)...)
	cmd.Env = program.CleanEnv()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// TestReferenceRoutesRefuse: only administrators, only on the server's machine, and
// nothing without bounds.
func TestReferenceRoutesRefuse(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{Env: []string{`ADMINS=["party0#1"]`, "HORDE_TRUSTED_PROXIES=127.0.0.1"}})
	p := makeParties(t, srv, 2)

	all, image := "/api/ext/v1/references", "/api/ext/v1/references/image"
	for _, tt := range []struct {
		method, path, key, from, body string
		status                        int
		rc                            string
	}{
		{http.MethodGet, all, p[0].key, "", "", 200, ""},
		{http.MethodGet, all, p[0].key, "192.0.2.7", "", 403, "Forbidden"},
		{http.MethodPut, image, p[0].key, "192.0.2.7", `{"a": {"baseline": "flux_1"}}`, 403, "Forbidden"},
		{http.MethodGet, all, "", "", "", 400, ""},
		{http.MethodGet, all, "0000000000", "", "", 403, "NotAdmin"},
		{http.MethodGet, all, "nobody's key, for sure", "", "", 401, "InvalidAPIKey"},
		{http.MethodPut, image, p[1].key, "", `{"a": {"baseline": "flux_1"}}`, 403, "NotAdmin"},
		{http.MethodDelete, image, p[1].key, "", "", 403, "NotAdmin"},
		{http.MethodPut, image, p[0].key, "", `{"a": `, 400, "BadRequest"},
		{http.MethodPut, image, p[0].key, "", `{"a": ` + strings.Repeat("[", 100), 400, "BadRequest"},
		{http.MethodPut, image, p[0].key, "", strings.Repeat(" ", 16<<20+1), 413, "PayloadTooLarge"},
		{http.MethodPut, all + "/video", p[0].key, "", `{"a": {"baseline": "flux_1"}}`, 404, "NotFound"},
		{http.MethodDelete, image, p[0].key, "", "", 404, "NotFound"},
		{http.MethodPut, image + "?source=%1b[31mred%00", p[0].key, "", `{"a": {"baseline": "flux_1"}, "b": 1}`, 200, ""},
		{http.MethodGet, all, p[0].key, "", "", 200, `"source":"[31mred�"`},
		{http.MethodDelete, image, p[0].key, "", "", 204, ""},
	} {
		req, err := http.NewRequest(tt.method, srv.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}

		if tt.key != "" {
			req.Header.Set("apikey", tt.key)
		}

		if tt.from != "" {
			req.Header.Set("X-Forwarded-For", tt.from)
		}

		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}

		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != tt.status || !strings.Contains(string(body), tt.rc) {
			t.Errorf("%s %s from %q: %d %.200s, %v; want %d %s", tt.method, tt.path, tt.from, res.StatusCode,
				body, err, tt.status, tt.rc)
		}
	}
}

// TestImportWhileServing loads references into a server that runs: through it, and
// past it into a database that several nodes share.
func TestImportWhileServing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		file := filepath.Join(t.TempDir(), "mine.json")
		put := func(doc string) {
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		srv := program.Start(t, program.Setup{DB: db, Env: []string{`ADMINS=["boss#1"]`}})
		status, body := call(t, http.MethodPost, srv.URL+"/api/v2/dev/test-user", "",
			`{"username":"boss","oauth_id":"test-boss"}`)
		var boss struct {
			Key   string `json:"api_key"`
			Alias string `json:"alias"`
		}
		if err := json.Unmarshal([]byte(body), &boss); err != nil || status != http.StatusCreated || boss.Alias != "boss#1" {
			t.Fatalf("%d %s", status, body)
		}
		p := makeParties(t, srv, 1)[0]

		put(`{"through": {"baseline": "flux_1", "type": "ckpt"}}`)
		if out, err := admin(t, "import", file, "--horde", srv.URL, "--apikey", p.key); err == nil ||
			!strings.Contains(out, "NotAdmin") {
			t.Errorf("somebody else: %v %s", err, out)
		}
		if known(t, srv, p, "through") {
			t.Fatal("known before the import")
		}
		if out, err := admin(t, "import", file, "--horde", srv.URL, "--apikey", boss.Key); err != nil ||
			out != "image: 1 models\n" {
			t.Fatalf("%v %s", err, out)
		}
		if !known(t, srv, p, "through") {
			t.Error("not known after the import")
		}
		if out, err := admin(t, "list", "--horde", srv.URL, "--apikey", boss.Key); err != nil ||
			!strings.Contains(out, file) {
			t.Errorf("%v %s", err, out)
		}
		put(`{"broken": `)
		if out, err := admin(t, "import", file, "--kind", "image", "--horde", srv.URL, "--apikey", boss.Key); err == nil ||
			!strings.Contains(out, "no JSON object") {
			t.Errorf("a broken file: %v %s", err, out)
		}

		put(`{"past": {"baseline": "flux_1", "type": "ckpt"}}`)
		if db == "" {
			out, err := admin(t, "import", file, "--data", srv.Data)
			if err == nil || !strings.Contains(out, "another horde is running on the data folder") ||
				!strings.Contains(out, "add --horde URL --apikey KEY") {
				t.Errorf("into a folder in use: %v %s", err, out)
			}
			if out, err := admin(t, "list", "--data", srv.Data); err != nil || !strings.Contains(out, "image") ||
				!strings.Contains(out, file) {
				t.Errorf("listed beside the server: %v %s", err, out)
			}
			return
		}
		if out, err := admin(t, "import", file, "--db", db); err != nil || out != "image: 1 models\n" {
			t.Fatalf("%v %s", err, out)
		}
		within(t, 10*time.Second, "the node takes up what was imported into its database",
			func() bool { return known(t, srv, p, "past") })
		if out, err := admin(t, "forget", "image", "--db", db); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		within(t, 10*time.Second, "the built-in list again", func() bool { return known(t, srv, p, "Deliberate") })
	})
}
