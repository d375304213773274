package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAllRecordingsAreRead(t *testing.T) {
	all, err := Load(Shared(t, "golden"))
	if err != nil {
		t.Fatal(err)
	}

	steps := 0
	for _, s := range all {
		steps += len(s.Steps)
		if s.Env["HORDE_TEST_APIKEYS"] != "1" {
			t.Errorf("%s: environment %v", s.Name, s.Env)
		}
	}

	if len(all) != 72 || steps != 2404 {
		t.Errorf("%d scenarios with %d exchanges", len(all), steps)
	}
}

func TestLoadRefusesBadFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no header": `{"step":1}`, "not JSON": "{",
		"too few steps": `{"scenario":"x","steps":2}` + "\n" + `{"step":1,"response":{"status":200}}`,
		"no status":     `{"scenario":"x","steps":1}` + "\n" + `{"step":1,"response":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := parseScenario([]byte(text)); err == nil {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("an empty folder")
	}
}

// matchCase is one comparison; ok reports whether it must match.
type matchCase struct {
	Want   json.RawMessage `json:"want"`
	Got    json.RawMessage `json:"got"`
	Subset bool            `json:"subset"`
	OK     bool            `json:"ok"`
}

func cases() []matchCase {
	var all []matchCase
	add := func(want string, subset bool, good, bad []string) {
		for _, g := range good {
			all = append(all, matchCase{json.RawMessage(want), json.RawMessage(g), subset, true})
		}
		for _, b := range bad {
			all = append(all, matchCase{json.RawMessage(want), json.RawMessage(b), subset, false})
		}
	}

	const id = `"12345678-1234-1234-1234-1234567890aB"`
	long := `"` + strings.Repeat("aB+/", 12) + `"`
	add(`"<any>"`, false, []string{`null`, `1`, `[]`}, nil)
	add(`"<null>"`, false, []string{`null`}, []string{`0`, `""`, `false`})
	add(`"<bool>"`, false, []string{`true`, `false`}, []string{`0`, `"true"`, `null`})
	add(`"<int>"`, false, []string{`1`, `-5`, `100000000000000000000000`}, []string{`1.0`, `1e3`, `true`, `"1"`})
	add(`"<number>"`, false, []string{`1`, `1.5`, `1e3`}, []string{`true`, `"1"`, `null`})
	add(`"<string>"`, false, []string{`""`, `"a"`}, []string{`null`, `1`})
	add(`"<text>"`, false, []string{`"a"`}, []string{`""`, `"  "`, `null`})
	add(`"<digits>"`, false, []string{`"12"`, `"-1"`}, []string{`"1.5"`, `12`, `""`})
	add(`"<uuid>"`, false, []string{id}, []string{`"x"`, `"12345678123412341234123456789012"`, `null`})
	add(`"<apikey>"`, false, []string{`"abcdefghijklmnopqrst-_"`}, []string{`"abc"`, `"abcdefghijklmnopqrstuvw"`})
	add(`"<time>"`, false, []string{`"Tue, 02 Jan 2024 03:04:05 -0000"`, `"Tue, 02 Jan 2024 03:04:05 GMT"`},
		[]string{`"2024-01-02T03:04:05"`, `"soon"`, `1`})
	add(`"<isotime>"`, false, []string{`"2024-01-02T03:04:05Z"`, `"2024-01-02 03:04"`}, []string{`"2024-01-02"`, `"x"`})
	add(`"<url>"`, false, []string{`"http://a"`, `"https://a/b"`}, []string{`"ftp://a"`, `""`})
	add(`"<base64>"`, false, []string{long}, []string{`"abc"`, `"` + strings.Repeat("!", 50) + `"`})
	add(`"<webp>"`, false, []string{`"UklGRxxxx"`}, []string{`"data:UklGR"`, `null`})
	add(`"<array>"`, false, []string{`[]`, `[1]`}, []string{`{}`, `null`})
	add(`"<object>"`, false, []string{`{}`}, []string{`[]`, `null`})
	add(`"<string|null>"`, false, []string{`null`, `"a"`}, []string{`1`})
	add(`"<unknown>"`, false, []string{`"<unknown>"`}, []string{`"a"`})
	add(`3`, false, []string{`3`, `3.0`, `3.00000000001`}, []string{`4`, `"3"`, `true`, `null`})
	add(`1`, false, nil, []string{`true`})
	add(`true`, false, []string{`true`}, []string{`1`, `false`, `"true"`})
	add(`null`, false, []string{`null`}, []string{`false`, `0`, `""`, `{}`})
	add(`"a"`, false, []string{`"a"`}, []string{`"b"`, `1`, `null`, `["a"]`})
	add(`{"a":1}`, false, []string{`{"a":1}`}, []string{`{}`, `{"a":2}`, `{"a":1,"b":null}`, `[]`, `null`})
	add(`{"a":{"b":1}}`, true, []string{`{"a":{"b":1,"c":2},"d":3}`}, []string{`{"a":{}}`, `{"d":3}`})
	add(`[1,2]`, false, []string{`[1,2]`}, []string{`[2,1]`, `[1]`, `[1,2,3]`, `null`})
	add(`[{"a":1}]`, true, []string{`[{"a":1,"b":2}]`}, []string{`[{"a":1},{"a":1}]`, `[{}]`})
	add(`{"<approx>":10,"rel":0.1,"abs":0.5}`, false, []string{`10`, `11.5`, `8.5`},
		[]string{`11.6`, `8.4`, `"10"`, `null`})
	add(`{"<approx>":-10,"rel":0.1}`, false, []string{`-11`, `-9`}, []string{`-12`})
	add(`{"<approx>":5}`, false, []string{`5`, `5.0`}, []string{`5.1`})
	add(`{"<contains>":["Job","EXIST"]}`, false, []string{`"the job does not exist"`}, []string{`"the job"`, `null`, `5`})
	add(`{"<contains>":[]}`, false, []string{`"x"`, `null`}, nil)
	add(`{"<oneof>":[1,"<null>"]}`, false, []string{`1`, `null`}, []string{`2`})
	add(`{"<subset>":{"a":1}}`, false, []string{`{"a":1,"b":2}`}, []string{`{"b":2}`, `null`})
	add(`{"<each>":{"a":"<int>"}}`, false, []string{`[{"a":1},{"a":2}]`},
		[]string{`[]`, `[{"a":1},{}]`, `null`, `{"a":1}`, `[{"a":1,"b":1}]`})
	add(`{"<each>":{"a":1}}`, true, []string{`[{"a":1,"b":1}]`}, nil)
	add(`{"<unordered>":[1,2,2]}`, false, []string{`[2,1,2]`}, []string{`[1,2]`, `[1,1,2]`, `[1,2,2,2]`, `null`})
	add(`{"<has>":[2,{"a":1}]}`, false, []string{`[1,{"a":1},2]`}, []string{`[2]`, `[2,{"a":1,"b":1}]`, `"x"`})
	add(`{"<has>":[]}`, false, []string{`[]`, `[1]`}, []string{`null`})
	add(`{"<lacks>":[{"a":1}]}`, false, []string{`[]`, `[{"a":2}]`}, []string{`[{"a":1,"b":2}]`, `null`})
	add(`{"<what>":1}`, false, nil, []string{`1`, `{"<what>":1}`})
	add(`{"x":{"<approx>":1,"abs":1},"y":"<uuid>"}`, false, []string{`{"x":2,"y":` + id + `}`},
		[]string{`{"x":3,"y":` + id + `}`, `{"x":2}`})
	return all
}

func must(t testing.TB, text []byte) any {
	t.Helper()
	v, err := decode(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestAnAnswerMatchesItsPattern(t *testing.T) {
	for _, c := range cases() {
		e := allMembers
		if c.Subset {
			e = someMembers
		}
		if diffs := match(must(t, c.Want), must(t, c.Got), "", e); (len(diffs) == 0) != c.OK {
			t.Errorf("want %s, got %s (subset %v): %q", c.Want, c.Got, c.Subset, diffs)
		}
	}
}

func TestMatchAgreesWithReplayPy(t *testing.T) {
	script := Shared(t, "golden", "replay.py")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not here")
	}

	input, err := json.Marshal(cases())
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(python, "-c", `
import importlib.util, json, sys
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("replay", sys.argv[1])
m = importlib.util.module_from_spec(spec); spec.loader.exec_module(m)
print(json.dumps([not m.match(c["want"], c["got"], "", c["subset"]) for c in json.load(sys.stdin)]))`, script)

	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}

	var verdicts []bool
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases() {
		if verdicts[i] != c.OK {
			t.Errorf("want %s, got %s (subset %v): replay.py says %v", c.Want, c.Got, c.Subset, verdicts[i])
		}
	}
}

func TestARefusalMatchesByItsCode(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{`{"message":"<text>"}`, `{"message":"a"}`, true},
		{`{"message":"<text>"}`, `{"message":"a","rc":"Added"}`, true},
		{`{"message":"<text>"}`, `{"message":"a","errors":{}}`, false},
		{`{"message":"<text>","rc":"A"}`, `{"message":"a","rc":"B"}`, false},
		{`{"message":"<text>","rc":"A"}`, `{"message":"a"}`, false},
		{`{"message":"<text>","errors":{"a":"<text>"}}`, `{"message":"a","errors":{"a":"x"}}`, true},
		{`{"message":"<text>","errors":{"a":"<text>"}}`, `{"message":"a","errors":{"a":"x","b":"y"}}`, false},
		{`{"message":"<text>","errors":{"a":"<text>"}}`, `{"message":"a"}`, false},
		{`{"message":"<text>"}`, `[]`, false},
		{`{"message":"<text>"}`, `{"message":""}`, false},
	} {
		t.Run(c.want+" "+c.got, func(t *testing.T) {
			if diffs := matchError(must(t, []byte(c.want)), must(t, []byte(c.got))); (len(diffs) == 0) != c.ok {
				t.Errorf("want %s, got %s: %q", c.want, c.got, diffs)
			}
		})
	}
}

func TestVariablesAreFilledIn(t *testing.T) {
	vars := map[string]any{"n": json.Number("5"), "a.key": "k/#", "none": nil}
	for want, in := range map[string]string{
		`5`: `"${n}"`, `"id 5"`: `"id ${n}"`, `"k/#"`: `"${a.key}"`,
		`["x None",{"5":null}]`: `["x ${none}",{"${n}":"${none}"}]`, `"${unknown} 5"`: `"${unknown} ${n}"`,
		`1000000000000000000000000000000`: `1000000000000000000000000000000`, `512.0`: `512.0`,
	} {
		t.Run(want, func(t *testing.T) {
			got, err := json.Marshal(fill(must(t, []byte(in)), vars))
			if err != nil || string(got) != want {
				t.Errorf("%s: %s, want %s (%v)", in, got, want, err)
			}
		})
	}

	if got := fillPath("/users/${a.key}/%00?x=${n}", vars); got != "/users/k%2F%23/%00?x=5" {
		t.Errorf("%s", got)
	}
}

func TestAPointerLeadsIntoADocument(t *testing.T) {
	doc := must(t, []byte(`{"a":[{"b":1}],"c":null}`))
	for ptr, want := range map[string]string{"/a/0/b": "1", "/c": "null", "": `{"a":[{"b":1}],"c":null}`} {
		v, err := pointer(doc, ptr)
		if got, _ := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", ptr, got, err)
		}
	}

	for _, ptr := range []string{"/x", "/a/1", "/a/-1", "/a/b", "/c/d"} {
		if v, err := pointer(doc, ptr); err == nil {
			t.Errorf("%s: %v", ptr, v)
		}
	}
}

// demo is a server with enough behaviour to exercise every kind of step.
func demo() http.Handler {
	var polls, limit atomic.Int32
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}

	mux.HandleFunc("POST /make", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		write(w, 201, fmt.Sprintf(`{"id":"a/b","echo":%s,"type":%q,"key":%q}`, body, r.Header.Get("Content-Type"),
			r.Header.Get("apikey")))
	})
	mux.HandleFunc("POST /raw", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		write(w, 200, fmt.Sprintf(`{"body":%q,"type":%q}`, body, r.Header.Get("Content-Type")))
	})
	mux.HandleFunc("GET /thing/{id}", func(w http.ResponseWriter, r *http.Request) {
		write(w, 200, fmt.Sprintf(`{"id":%q,"uri":%q,"xff":%q}`, r.PathValue("id"), r.RequestURI,
			r.Header.Get("X-Forwarded-For")))
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, fmt.Sprintf(`{"done":%v}`, polls.Add(1) >= 3))
	})

	mux.HandleFunc("GET /limited", func(w http.ResponseWriter, _ *http.Request) {
		if limit.Add(1) > 3 {
			w.Header().Set("Retry-After", "5")
			write(w, 429, `{"message":"slow down"}`)
			return
		}
		write(w, 200, `{}`)
	})

	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/slow")
		w.WriteHeader(308)
	})
	mux.HandleFunc("OPTIONS /make",
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Allow", "OPTIONS, POST") })
	return mux
}

const demoStory = `{"scenario":"demo","steps":9,"server":{"env":{"A":"1"},"proxy":true}}
{"step":1,"request":{"method":"POST","path":"/make","headers":{"apikey":"k"},"json":{"n":512.0,"big":1000000000000000000000000000000,"s":"<é>"}},"response":{"status":201,"body":{"id":"<text>","echo":{"n":512,"big":"<int>","s":"<é>"},"type":"application/json","key":"k"}},"capture":{"id":"/id","big":"/echo/big"}}
{"step":2,"request":{"method":"GET","path":"/thing/${id}","headers":{"X-Forwarded-For":"203.0.113.7"}},"response":{"status":[200,201],"mode":"subset","headers":{"Content-Type":"application/json","X-Not":null},"body":{"id":"${id}","uri":"/thing/a%2Fb","xff":"203.0.113.7"}}}
{"step":3,"request":{"method":"POST","path":"/raw","headers":{"Content-Type":"text/plain"},"raw":"{not ${big}"},"response":{"status":200,"body":{"body":"{not 1000000000000000000000000000000","type":"text/plain"}}}
{"step":4,"request":{"method":"POST","path":"/raw","base64":"YWJj"},"response":{"status":200,"body":{"body":"abc","type":""}}}
{"step":5,"request":{"method":"GET","path":"/slow"},"response":{"status":200,"body":{"done":true}},"retry_s":10,"retry_every_s":0.01}
{"step":6,"request":{"method":"GET","path":"/limited"},"response":{"status":429,"mode":"error","headers":{"Retry-After":"<digits>"},"body":{"message":"<text>"}},"repeat_until":{"status":429,"max":10}}
{"step":7,"request":{"method":"GET","path":"/moved"},"response":{"status":308,"mode":"status","headers":{"Location":"/slow"}},"wait_s":0.01}
{"step":8,"request":{"method":"POST","path":"/make","json":null},"response":{"status":201,"mode":"subset","body":{"echo":null}}}
{"step":9,"request":{"method":"GET","path":"/nothing"},"response":{"status":404,"mode":"status"}}
`

func TestAScenarioIsPlayedStepByStep(t *testing.T) {
	s, err := parseScenario([]byte(demoStory))
	if err != nil {
		t.Fatal(err)
	}

	if !s.Proxy || s.Env["A"] != "1" {
		t.Errorf("%+v", s)
	}
	srv := httptest.NewServer(demo())
	defer srv.Close()
	Run(t, s, srv.URL)
}

// replay.py passes the same story, so both read the format alike.
func TestReplayPyPassesTheSameStory(t *testing.T) {
	script := Shared(t, "golden", "replay.py")
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not here")
	}

	file := filepath.Join(t.TempDir(), "demo.jsonl")
	if err := os.WriteFile(file, []byte(demoStory), 0o600); err != nil {
		t.Fatal(err)
	}

	srv := httptest.NewServer(demo())
	defer srv.Close()
	out, err := exec.Command("python3", "-B", script, "--url", srv.URL, file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReplayFindsDifferences(t *testing.T) {
	srv := httptest.NewServer(demo())
	defer srv.Close()
	for name, step := range map[string]string{
		"status":       `"request":{"method":"GET","path":"/slow"},"response":{"status":404,"mode":"status"}`,
		"body":         `"request":{"method":"GET","path":"/thing/1"},"response":{"status":200,"body":{"id":"2"}}`,
		"header":       `"request":{"method":"GET","path":"/slow"},"response":{"status":200,"mode":"status","headers":{"Content-Type":null}}`,
		"no header":    `"request":{"method":"GET","path":"/slow"},"response":{"status":200,"mode":"status","headers":{"X-Missing":"<text>"}}`,
		"not JSON":     `"request":{"method":"GET","path":"/nothing"},"response":{"status":404,"mode":"error","body":{"message":"<text>"}}`,
		"capture":      `"request":{"method":"GET","path":"/thing/1"},"response":{"status":200,"mode":"status"},"capture":{"x":"/none"}`,
		"never":        `"request":{"method":"GET","path":"/thing/1"},"response":{"status":200,"body":5},"retry_s":0.05,"retry_every_s":0.01`,
		"never status": `"request":{"method":"GET","path":"/thing/1"},"response":{"status":429,"mode":"status"},"repeat_until":{"status":429,"max":3}`,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := parseScenario([]byte(`{"scenario":"x","steps":1}` + "\n" + `{"step":1,` + step + `}`))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			failed := Replay(t.Context(), s, srv.URL)
			if len(failed) != 1 || len(failed[0].Differences) == 0 || !strings.Contains(failed[0].String(), "step 1") {
				t.Errorf("%s: %v", name, failed)
			}
		})
	}

	s, _ := parseScenario([]byte(demoStory))
	srv.Close()
	if failed := Replay(t.Context(), s, srv.URL); len(failed) != len(s.Steps) {
		t.Errorf("a dead server: %d failures", len(failed))
	}
}

func TestMissingRoutesAreNamed(t *testing.T) {
	s, err := parseScenario([]byte(demoStory))
	if err != nil {
		t.Fatal(err)
	}

	srv := httptest.NewServer(demo())
	defer srv.Close()
	missing, err := s.Missing(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) != 5 || slices.Contains(missing, Call{"POST", "/make"}) ||
		slices.Contains(missing, Call{"GET", "/nothing"}) {
		t.Errorf("%v", missing)
	}
}

func TestScenariosNameTheirRoutes(t *testing.T) {
	s, err := LoadFile(Shared(t, "golden", "http.jsonl"))
	if err != nil {
		t.Fatal(err)
	}

	got := s.Routes()
	for _, want := range []string{"POST /api/v2/generate/async", "GET /api/v2/users/{}",
		"GET /api/v2/generate/check/{}", "DELETE /api/v2/generate/status/{}"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %v", want, got)
		}
	}

	for _, unwanted := range []string{"GET /nothing", "GET /api/v2/generate/async", "GET /api/v2/users/"} {
		if slices.Contains(got, unwanted) {
			t.Errorf("%s is asked for on purpose, not needed", unwanted)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, c := range cases() {
		f.Add(string(c.Want), string(c.Got))
	}
	f.Fuzz(func(t *testing.T, want, got string) {
		w, err := decode([]byte(want))
		if err != nil {
			return
		}

		g, err := decode([]byte(got))
		if err != nil {
			return
		}

		match(w, g, "", allMembers)
		matchError(w, g)
	})
}
