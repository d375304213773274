package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/e2e/program"
)

// document is a swagger document as far as this test reads it.
type document struct {
	BasePath    string
	Paths       map[string]pathItem
	Definitions map[string]shape
}

// pathItem are the operations of a path by method.
type pathItem map[string]operation

// UnmarshalJSON leaves out the parameters of the whole path, which stand between its
// methods.
func (i *pathItem) UnmarshalJSON(raw []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	delete(members, "parameters")
	*i = pathItem{}
	for method, member := range members {
		var op operation
		if err := json.Unmarshal(member, &op); err != nil {
			return err
		}
		(*i)[method] = op
	}
	return nil
}

type operation struct {
	Parameters []struct {
		In, Name string
		Schema   *shape
	}
}

type shape struct {
	Ref        string `json:"$ref"`
	AllOf      []shape
	Type       string
	Required   []string
	Properties map[string]shape
	Items      *shape
	Enum       []any
	MinLength  int
	Minimum    float64
	MinItems   int
}

// loose are the members that routes without a schema read.
var loose = map[string][]string{
	"/v2/kudos/transfer": {"username", "amount"}, "/v2/kudos/award": {"username", "amount"},
	"/v2/interrogate/submit": {"id", "result", "state"},
	"/v2/sharedkeys": {
		"kudos", "expiry", "name", "max_image_pixels", "max_image_steps", "max_text_tokens",
	},
	"/v2/sharedkeys/{sharedkey_id}":                  {"kudos", "expiry", "name", "max_image_pixels"},
	"/v2/status/modes":                               {"raid_mode", "invite_only_mode", "maintenance_mode"},
	"/v2/filters":                                    {"regex", "filter_type", "description", "replacement", "prompt"},
	"/v2/filters/{filter_id}":                        {"regex", "filter_type", "description", "replacement"},
	"/v2/operations/ipaddr":                          {"ipaddr", "hours"},
	"/v2/operations/block_worker_ipaddr/{worker_id}": {"days"},
	"/v2/workers/messages":                           {"worker_id", "message", "origin", "expiry"},
	"/v2/teams":                                      {"name", "info"}, "/v2/teams/{team_id}": {"name", "info"},
}

// goodBodies are taken by their routes as they are, so that what stands beside an odd
// member does not hide it.
var goodBodies = map[string]string{
	"/v2/generate/async": `{"prompt":"x","params":{}}`, "/v2/generate/text/async": `{"prompt":"x","params":{}}`,
	"/v2/interrogate/async":                          `{"forms":[{"name":"caption"}],"source_image":"` + tinyImage() + `"}`,
	"/v2/generate/pop":                               `{"name":"painter","models":["stable_diffusion"]}`,
	"/v2/generate/text/pop":                          `{"name":"scribe","models":["any model"]}`,
	"/v2/interrogate/pop":                            `{"name":"alchemist","forms":["caption"]}`,
	"/v2/generate/submit":                            `{"id":"x","generation":"x","seed":1}`,
	"/v2/generate/text/submit":                       `{"id":"x","generation":"x"}`,
	"/v2/interrogate/submit":                         `{"id":"x","result":{"caption":"x"}}`,
	"/ext/v1/kudos/adjust":                           `{"username":"party1#2","amount":1,"reason":"x"}`,
	"/v2/kudos/transfer":                             `{"username":"party1#2","amount":1}`,
	"/v2/kudos/award":                                `{"username":"party1#2","amount":1}`,
	"/v2/styles/image":                               `{"name":"new","prompt":"{p} in blue{np}","models":["stable_diffusion"],"params":{}}`,
	"/v2/styles/text":                                `{"name":"new","prompt":"tell {p}","models":["any model"],"params":{}}`,
	"/v2/styles/image/{style_id}":                    `{"name":"hats","prompt":"{p} in blue{np}"}`,
	"/v2/styles/text/{style_id}":                     `{"name":"tales","prompt":"tell {p}"}`,
	"/v2/styles/image/{style_id}/example":            `{"url":"https://example.org/x.webp"}`,
	"/v2/collections":                                `{"name":"new","styles":["hats"]}`,
	"/v2/collections/{collection_id}":                `{"name":"clothes","styles":["hats"]}`,
	"/v2/operations/ipaddr":                          `{"ipaddr":"203.0.113.1","hours":1}`,
	"/v2/operations/block_worker_ipaddr/{worker_id}": `{"days":1}`,
	"/v2/filters":                                    `{"regex":"zzzz","filter_type":10,"description":"test","prompt":"x"}`,
	"/ext/v1/jobs/{id}/progress":                     `{"step":1,"steps":2}`,
}

// oddValues are JSON values that nobody should send.
var oddValues = []string{
	`null`, `true`, `""`, `"\u0000"`, `"a\ud800"`, `"\u202e\u200b"`, `"<script>"`, `"NaN"`, `"-1"`,
	`"00000000-0000-4000-8000-000000000000"`, `"((((((((((a*)*)*)*"`,
	`-1`, `0`, `1.5`, `1e400`, `-1e400`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`,
	`1e30`, `NaN`, `Infinity`,
	`[]`, `[null]`, `[""]`, `[[[]]]`, `[{}]`, `{}`, `{"":{}}`, `{"a":{"b":[1,null,"\u0000"]}}`, `"` +
		strings.Repeat("long ", 2000) + `"`,
}

// oddWords are segments of paths and values of queries, before they are encoded.
var oddWords = []string{"0", "-1", "1.5", "99999999999999999999", "9223372036854775808", "NaN", "\x00", "\xff\xfe",
	"a/b", "../..", "%", "'; --", "\u202e", "<script>", "null", strings.Repeat("x", 5000),
	"00000000-0000-4000-8000-000000000000", "255.255.255.255", "::1", "0.0.0.0/0", "x#1", "#", "::", "style::x", " "}

// TestNoRouteBreaks sends odd values to every route that the documents know, in
// every place: never a 500, never something that is no JSON, never a line about an
// error of ours in the log.
func TestNoRouteBreaks(t *testing.T) {
	t.Parallel()
	engines(t, noRouteBreaks)
}

func noRouteBreaks(t *testing.T, db string) {
	t.Helper()
	srv := program.Start(t, program.Setup{DB: db, Env: []string{`ADMINS=["party0#1"]`}})
	makeParties(t, srv, 2)
	_, body := call(t, http.MethodPost, srv.URL+"/api/v2/dev/test-user", "",
		`{"username":"party0","oauth_id":"party-0","moderator":true,"kudos":100000}`)
	var admin struct {
		APIKey string `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(body), &admin); err != nil {
		t.Fatal(err)
	}

	key := admin.APIKey
	want(t, 200, "PUT", srv.URL+"/api/v2/users/1", key, `{"concurrency":500}`)
	e := makeEstate(t, srv, key)
	real := map[string]string{"user_id": "2", "worker_id": e.worker, "style_id": e.style, "collection_id": e.collection,
		"sharedkey_id": e.sharedKey, "example_id": e.example}

	b := breaker{T: t, base: srv.URL, key: key, real: real}
	for _, at := range []string{"/api/swagger.json", "/api/ext/v1/swagger.json"} {
		status, text := call(t, http.MethodGet, srv.URL+at, "", "")
		var d document
		decodeAs(t, http.StatusOK, status, text, &d)
		b.tryAll(d)
	}

	if b.calls < 2000 {
		t.Errorf("only %d calls", b.calls)
	}

	t.Logf("%d calls", b.calls)
	b.tryHeaders()

	for line := range strings.SplitSeq(srv.Log.String(), "\n") {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("%s", clipped(line))
		}
	}

	ledgerIsSound(t, srv, db)
}

// breaker sends calls and looks at their answers.
type breaker struct {
	*testing.T
	base, key string
	real      map[string]string // parameters of paths that lead somewhere
	calls     int
	header    [2]string // sent beside the usual ones
}

// tryAll goes through a document, what ends things last.
func (b *breaker) tryAll(d document) {
	type line struct{ method, path string }
	var lines []line
	for path, methods := range d.Paths {
		for method := range methods {
			lines = append(lines, line{strings.ToUpper(method), path})
		}
	}

	slices.SortFunc(lines, func(x, y line) int {
		late := func(l line) int {
			switch {
			case l.method == http.MethodDelete:
				return 2
			case strings.HasSuffix(l.path, "/modes") || strings.Contains(l.path, "operations") ||
				strings.Contains(l.path, "filters"):
				return 1
			}
			return 0
		}
		if n := late(x) - late(y); n != 0 {
			return n
		}

		return strings.Compare(x.path+x.method, y.path+y.method)
	})

	for _, l := range lines {
		if strings.HasSuffix(l.path, "/events") { // a stream without an end
			continue
		}
		op := d.Paths[l.path][strings.ToLower(l.method)]
		b.tryPath(l.method, d.BasePath, l.path)
		b.tryQuery(l.method, d.BasePath+b.fill(l.path), op)
		b.tryBody(d, l.method, l.path, op)
		b.tryWholeBodies(d, l.method, l.path, op)
	}
}

// tryWholeBodies sends every operation, whether it reads a body or not, bodies that
// are wrong as a whole: those that nobody should send, and all members of the
// document at once with values that it does not allow.
func (b *breaker) tryWholeBodies(d document, method, path string, op operation) {
	bodies := slices.Concat(oddBodies, d.wrongBodies(op))
	if len(bodies) < 30 {
		b.Errorf("%s %s: only %d bodies", method, path, len(bodies))
	}
	target := d.BasePath + b.fill(path)
	for i, body := range bodies {
		b.header = [2]string{"Content-Type", oddTypes[i%len(oddTypes)]}
		b.send(method, target, body)
	}
	b.header = [2]string{}
}

// oddTypes are values of Content-Type; most calls have the usual one.
var oddTypes = []string{"application/json", "application/json", "application/json; charset=utf-16", "application/json",
	"text/plain", "", "multipart/form-data; boundary=x"}

// oddBodies are bodies that no operation should get, bytes of any kind.
var oddBodies = func() []string {
	deep := func(open, inside, shut string, n int) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(shut, n)
	}
	return []string{
		"", " ", "null", "true", "0", `"{}"`, "[]", `[{}]`, "{", `{"prompt"`, `{"prompt":"x"`, `{"prompt":"x"} trailing`,
		`{"prompt":"x"}{"prompt":"y"}`,
		`{'prompt':'x'}`, `{"prompt":"x",}`, `{/* comment */"prompt":"x"}`, "prompt=x&params=1",
		"--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n--x--",
		deep("[", "1", "]", 5_000), deep(`{"a":`, "1", "}", 5_000), `{"params":` + deep("[", "", "]", 200) + `}`,
		`{"params":` + deep(`{"params":`, "{}", "}", 90) + `}`,
		"\x00", "{\"prompt\":\"a\x00b\"}",
		`{"prompt":"a\u0000b","name":"\u0000","username":"\u0000","info":"\u0000"}`, `{"\u0000":1,"":2}`,
		"\xef\xbb\xbf{\"prompt\":\"x\"}", "\xff\xfe{\x00}\x00", "{\"prompt\":\"caf\xe9\",\"name\":\"\xc0\x80\"}",
		`{"prompt":"\ud800","name":"\udfff\ud800"}`,
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", `{"prompt":1,"prompt":[],"prompt":null,"name":"a","name":{}}`,
		`{"n":1e999999999,"amount":-1e999999999,"id":` + strings.Repeat("9", 20_000) + `}`, `{"n":0.` +
			strings.Repeat("0", 20_000) + `1}`, `{"n":-0,"amount":-0.0,"id":0x10}`,
		`{"n":NaN,"amount":Infinity,"hours":-Infinity}`, `{"__proto__":{"x":1},"constructor":{"prototype":{}}}`, `{` +
			strings.Join(numbered(5_000), ",") + `}`,
	}
}()

// wrongBodies have all members that the document names, each with a value that it
// does not allow.
func (d document) wrongBodies(op operation) []string {
	var s shape
	for _, p := range op.Parameters {
		if p.Schema != nil {
			s = d.resolve(*p.Schema)
		}
	}

	if len(s.Properties) == 0 {
		return nil
	}

	all := func(value func(shape) string) string {
		var members []string
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			members = append(members, `"`+name+`":`+value(d.resolve(s.Properties[name])))
		}
		return "{" + strings.Join(members, ",") + "}"
	}

	other := map[string]string{"string": "[1]", "integer": `"one"`, "number": `{"a":1}`, "boolean": `"maybe"`,
		"array": `{"0":1}`, "object": `["a"]`}
	same := func(v string) func(shape) string { return func(shape) string { return v } }

	bodies := []string{all(same("null")), all(same("[[[]]]")), all(same(`{"a":{"b":{}}}`)),
		all(same("-9223372036854775809")), all(same("1e308"))}
	return append(bodies,
		all(func(m shape) string { return other[m.Type] }),
		all(func(m shape) string { return `[` + d.example(m, 0) + `]` }),
		all(func(m shape) string { return `{"":` + d.example(m, 0) + `}` }),
		all(func(m shape) string {
			if m.Type == "string" {
				return `"` + strings.Repeat("long ", 3_000) + `"`
			}
			return fmt.Sprint(m.Minimum - 1)
		}),
		all(func(m shape) string {
			if len(m.Enum) > 0 {
				return `"of no list"`
			}
			return d.example(m, 0)
		}),
		strings.Replace(all(func(m shape) string { return d.example(m, 0) }), "{", `{"unheard_of":[{"a":null}],`, 1),
	)
}

// fill puts parameters that exist into a path.
func (b *breaker) fill(path string) string {
	for name, v := range b.real {
		path = strings.ReplaceAll(path, "{"+name+"}", v)
	}
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "00000000-0000-4000-8000-000000000000" + after
	}
	return path
}

func (b *breaker) tryPath(method, base, path string) {
	before, rest, found := strings.Cut(path, "{")
	if !found {
		return
	}
	_, after, _ := strings.Cut(rest, "}")
	for _, odd := range oddWords {
		b.send(method, base+before+url.PathEscape(odd)+b.fill(after), `{}`)
	}
}

func (b *breaker) tryQuery(method, path string, op operation) {
	for _, p := range op.Parameters {
		if p.In != "query" || method == http.MethodDelete {
			continue
		}
		for _, odd := range oddWords {
			b.send(method, path+"?"+p.Name+"="+url.QueryEscape(odd), "")
		}
		b.send(method, path+"?"+p.Name+"=%zz&"+p.Name, "")
	}
}

// tryBody sends, for each member, a body that is good but for it.
func (b *breaker) tryBody(d document, method, path string, op operation) {
	s := shape{Type: "object", Properties: map[string]shape{}}
	for _, name := range loose[path] {
		s.Properties[name] = shape{Type: "string"}
	}

	for _, p := range op.Parameters {
		if p.Schema != nil {
			s = d.resolve(*p.Schema)
		}
	}

	if method == http.MethodGet || method == http.MethodDelete || len(s.Properties) == 0 {
		return
	}

	good := map[string]json.RawMessage{}
	if body, ok := goodBodies[path]; ok {
		if err := json.Unmarshal([]byte(body), &good); err != nil {
			b.Fatal(err)
		}
	} else {
		for _, name := range s.Required {
			good[name] = json.RawMessage(d.example(s.Properties[name], 0))
		}
	}

	target := d.BasePath + b.fill(path)
	for _, odd := range oddValues {
		b.send(method, target, odd)
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			b.send(method, target, withMember(good, name, odd))
			if inner := d.resolve(s.Properties[name]); len(inner.Properties) > 0 && len(odd) < 1000 {
				for _, member := range slices.Sorted(maps.Keys(inner.Properties)) {
					b.send(method, target, withMember(good, name, withMember(nil, member, odd)))
				}
			}
		}
	}
}

// tryHeaders sends odd values in the headers that the server reads.
func (b *breaker) tryHeaders() {
	for _, name := range []string{"apikey", "Client-Agent", "Idempotency-Key", "X-Fields", "Prefer", "X-Request-Id",
		"X-Forwarded-For", "Proxied-For", "Proxy-Authorization", "Content-Type", "Accept", "Range", "If-None-Match"} {
		for _, odd := range []string{"", "\xff\xfe", "x\xc0\x80y", strings.Repeat("x", 30_000), "wait=99999999999999999999",
			"wait=-1", "{{{{", strings.Repeat("{a", 5000), "*, *", "bytes=0-,5-1", "::1", "🦄"} {
			b.header = [2]string{name, odd}
			b.send(http.MethodPost, "/api/v2/kudos/transfer", goodBodies["/v2/kudos/transfer"])
			b.send(http.MethodPost, "/api/v2/generate/async", goodBodies["/v2/generate/async"])
			b.send(http.MethodGet, "/api/v2/users/2", "")
			if name != "Prefer" { // it may wait
				b.send(http.MethodPost, "/api/v2/interrogate/pop", goodBodies["/v2/interrogate/pop"])
			}
		}
	}
	b.header = [2]string{}
}

// withMember writes an object with one member more; odd need not be JSON.
func withMember(good map[string]json.RawMessage, name, odd string) string {
	var out strings.Builder
	out.WriteByte('{')
	for _, k := range slices.Sorted(maps.Keys(good)) {
		if k != name {
			out.WriteString(`"` + k + `":` + string(good[k]) + `,`)
		}
	}
	out.WriteString(`"` + name + `":` + odd + `}`)
	return out.String()
}

func (d document) resolve(s shape) shape {
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return d.resolve(d.Definitions[name])
	}
	if len(s.AllOf) == 0 {
		return s
	}
	whole := shape{Type: "object", Properties: map[string]shape{}}
	for _, part := range s.AllOf {
		part = d.resolve(part)
		maps.Copy(whole.Properties, part.Properties)
		whole.Required = append(whole.Required, part.Required...)
	}
	return whole
}

// example is a value that a shape allows.
func (d document) example(s shape, depth int) string {
	s = d.resolve(s)
	if len(s.Enum) > 0 {
		text, _ := json.Marshal(s.Enum[0])
		return string(text)
	}
	switch s.Type {
	case "string":
		return `"{p}` + strings.Repeat("x", s.MinLength) + `{np}"`
	case "integer", "number":
		return "1"
	case "boolean":
		return "true"
	case "array":
		if s.MinItems == 0 || s.Items == nil || depth > 3 {
			return "[]"
		}
		return "[" + d.example(*s.Items, depth+1) + "]"
	}
	return "{}"
}

// send makes one call.
func (b *breaker) send(method, path, body string) {
	b.Helper()
	b.calls++
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		return // not even a URL
	}

	req.Header.Set("apikey", b.key)
	req.Header.Set("Content-Type", "application/json")
	if name := b.header[0]; name != "" {
		req.Header.Set(name, b.header[1])
	}

	began := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Errorf("%s %s %s: %v", method, clipped(path), clipped(body), err)
		return
	}

	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)

	isJSON := strings.HasPrefix(res.Header.Get("Content-Type"), "application/json")
	switch {
	case err != nil || res.StatusCode >= 500:
		b.Errorf("%s %s %s %.60q: %d %s %v", method, clipped(path), clipped(body), b.header, res.StatusCode,
			clipped(string(answer)), err)
	case isJSON && !json.Valid(answer), bytes.Contains(answer, []byte("goroutine ")):
		b.Errorf("%s %s %s: no answer in JSON: %s", method, clipped(path), clipped(body), clipped(string(answer)))
	case time.Since(began) > 10*time.Second:
		b.Errorf("%s %s %s took %v", method, clipped(path), clipped(body), time.Since(began))
	}
}
