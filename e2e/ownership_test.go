package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

// do sends one call with headers and returns the answer and its body.
func do(t *testing.T, method, url, body string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// want calls and demands a status; the answer's id is returned, if it has one.
func want(t *testing.T, status int, method, url, key, body string) string {
	t.Helper()
	got, answer := call(t, method, url, key, body)
	if got != status {
		t.Fatalf("%s %s: %d %s, wanted %d", method, url, got, clipped(answer), status)
	}
	var named struct{ ID string }
	_ = json.Unmarshal([]byte(answer), &named)
	return named.ID
}

// estate is one thing of each kind that belongs to somebody.
type estate struct{ user, worker, scribe, alchemist, style, textStyle, example, collection, sharedKey string }

func makeEstate(t *testing.T, srv *program.Server, key string) estate {
	t.Helper()
	at := func(path string) string { return srv.URL + "/api/v2/" + path }
	var e estate
	var u api.UserDetails
	status, body := call(t, http.MethodGet, at("find_user"), key, "")
	decodeAs(t, http.StatusOK, status, body, &u)
	e.user = fmt.Sprint(u.ID)
	want(t, 200, "POST", at("generate/pop"), key,
		`{"name":"painter","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13:x"}`)
	want(t, 200, "POST", at("generate/text/pop"), key, `{"name":"scribe","models":["any model"]}`)
	want(t, 200, "POST", at("interrogate/pop"), key, `{"name":"alchemist","forms":["caption"]}`)
	e.worker = want(t, 200, "GET", at("workers/name/painter"), "", "")
	e.scribe = want(t, 200, "GET", at("workers/name/scribe"), "", "")
	e.alchemist = want(t, 200, "GET", at("workers/name/alchemist"), "", "")
	e.style = want(t, 200, "POST", at("styles/image"), key,
		`{"name":"hats","prompt":"{p} in a hat{np}","models":["stable_diffusion"],"params":{"steps":5}}`)
	e.textStyle = want(t, 200, "POST", at("styles/text"), key,
		`{"name":"tales","prompt":"tell {p}","models":["any model"],"params":{"temperature":1}}`)
	e.example = want(t, 200, "POST", at("styles/image/"+e.style+"/example"), key,
		`{"url":"https://example.org/hat.webp","primary":false}`)
	e.collection = want(t, 200, "POST", at("collections"), key, `{"name":"clothes","styles":["hats"]}`)
	e.sharedKey = want(t, 200, "PUT", at("sharedkeys"), key, `{"name":"friends","kudos":100}`)
	return e
}

// paths are the things of an estate, as far as each can be read.
func (e estate) paths() []string {
	return []string{"users/" + e.user, "workers/" + e.worker, "workers/" + e.scribe, "workers/" + e.alchemist,
		"styles/image/" + e.style,
		"styles/text/" + e.textStyle, "collections/" + e.collection, "sharedkeys/" + e.sharedKey}
}

// snapshot is what an owner sees of an estate, without what changes with time.
func (e estate) snapshot(t *testing.T, srv *program.Server, key string) string {
	t.Helper()
	var all []string
	for _, path := range e.paths() {
		status, body := call(t, http.MethodGet, srv.URL+"/api/v2/"+path, key, "")
		var v map[string]any
		decodeAs(t, http.StatusOK, status, body, &v)
		for _, k := range []string{"account_age", "uptime", "online"} {
			delete(v, k)
		}
		text, _ := json.Marshal(v)
		all = append(all, string(text))
	}
	return strings.Join(all, "\n")
}

// TestForeignThings: who is not the owner changes nothing that has an id, whatever
// key they send (OWASP API 1 and 5).
func TestForeignThings(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db})
		p := makeParties(t, srv, 2)
		e := makeEstate(t, srv, p[0].key)
		before := e.snapshot(t, srv, p[0].key)

		calls := []struct{ method, path, body string }{
			{"PUT", "users/" + e.user, `{"username":"stolen"}`},
			{"PUT", "users/" + e.user, `{"contact":"mallory@example.org"}`},
			{"DELETE", "users/" + e.user, ``},
			{"PATCH", "styles/image/" + e.style, `{"name":"stolen","prompt":"{p} stolen{np}"}`},
			{"DELETE", "styles/image/" + e.style, ``},
			{"PATCH", "styles/text/" + e.textStyle, `{"name":"stolen","prompt":"{p} stolen"}`},
			{"DELETE", "styles/text/" + e.textStyle, ``},
			{"POST", "styles/image/" + e.style + "/example", `{"url":"https://example.org/mine.webp","primary":true}`},
			{"PATCH", "styles/image/" + e.style + "/example/" + e.example, `{"url":"https://example.org/mine.webp"}`},
			{"DELETE", "styles/image/" + e.style + "/example/" + e.example, ``},
			{"PATCH", "collections/" + e.collection, `{"name":"stolen","styles":["hats"]}`},
			{"DELETE", "collections/" + e.collection, ``},
			{"PATCH", "sharedkeys/" + e.sharedKey, `{"kudos":-1}`},
			{"DELETE", "sharedkeys/" + e.sharedKey, ``},
		}

		for _, w := range []string{e.worker, e.scribe, e.alchemist} {
			calls = append(calls, []struct{ method, path, body string }{
				{"PUT", "workers/" + w, `{"maintenance":true}`}, {"PUT", "workers/" + w, `{"name":"stolen"}`},
				{"PUT", "workers/" + w, `{"info":"stolen"}`}, {"PUT", "workers/" + w, `{"paused":true}`},
				{"DELETE", "workers/" + w, ``},
			}...)
		}

		for who, key := range map[string]string{"a stranger": p[1].key, "anonymous": api.AnonymousKey,
			"an unknown key": "nobody", "the shared key": e.sharedKey, "no key": ""} {
			for _, c := range calls {
				status, body := call(t, c.method, srv.URL+"/api/v2/"+c.path, key, c.body)
				if status < 400 || status >= 500 {
					t.Errorf("%s: %s %s: %d %s", who, c.method, c.path, status, clipped(body))
				}
			}
		}

		if after := e.snapshot(t, srv, p[0].key); after != before {
			t.Errorf("something of somebody else was changed:\nbefore %s\nafter  %s", before, after)
		}

		ledgerIsSound(t, srv, db)
	})
}

// TestForeignIDs: an id of one kind is none of another.
func TestForeignIDs(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)
	e := makeEstate(t, srv, p[0].key)

	at := func(path string) string { return srv.URL + "/api/v2/" + path }
	ids := map[string]string{
		"image": want(t, 202, "POST", at("generate/async"), p[0].key, `{"prompt":"x"}`),
		"text":  want(t, 202, "POST", at("generate/text/async"), p[0].key, `{"prompt":"x"}`),
		"alchemy": want(t, 202, "POST", at("interrogate/async"), p[0].key,
			`{"forms":[{"name":"caption"}],"source_image":"`+tinyImage()+`"}`),
		"worker": e.worker, "style": e.style, "text style": e.textStyle, "collection": e.collection,
		"shared key": e.sharedKey, "user": e.user,
	}

	for path, kind := range map[string]string{"generate/check/": "image", "generate/status/": "image",
		"generate/text/status/": "text", "interrogate/status/": "alchemy",
		"workers/": "worker", "styles/image/": "style", "styles/text/": "text style", "collections/": "collection",
		"sharedkeys/": "shared key"} {
		for other, id := range ids {
			status, body := call(t, http.MethodGet, at(path)+id, p[0].key, "")
			if ok := status == http.StatusOK; ok != (other == kind) || !ok && status >= 500 {
				t.Errorf("GET %s{id of %s}: %d %s", path, other, status, clipped(body))
			}

			if other == kind {
				want(t, 200, "GET", at(path)+strings.ToUpper(id), p[0].key, "") // as some clients write ids
			} else {
				status, body = call(t, http.MethodDelete, at(path)+id, p[0].key, "")
				if status < 400 || status >= 500 {
					t.Errorf("DELETE %s{id of %s}: %d %s", path, other, status, clipped(body))
				}
			}
		}
	}

	want(t, 202, "POST", at("generate/async"), p[0].key,
		`{"prompt":"x","style":"`+strings.ToUpper(e.style)+`","workers":["`+strings.ToUpper(e.worker)+`"]}`)
}

// TestMassAssignment: members that are not for the caller to set are ignored or
// refused, never taken (OWASP API 3).
func TestMassAssignment(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	at := func(path string) string { return srv.URL + "/api/v2/" + path }
	e := makeEstate(t, srv, p[1].key)
	const mine = "11111111-1111-4111-8111-111111111111"

	stolen := `"id":"` + mine +
		`","user_id":1,"kudos":-100,"priority":1000000000,"extra_priority":1000000000,"faulted":true,"trusted":true,"jobs":100,"consumed_kudos":-5,"expiry":"2999-01-01"`
	for path, body := range map[string]string{
		"generate/async":      `{"prompt":"x",` + stolen + `}`,
		"generate/text/async": `{"prompt":"x",` + stolen + `}`,
		"interrogate/async": `{"forms":[{"name":"caption","state":"done","result":{"caption":"x"},` + stolen +
			`}],"source_image":"` + tinyImage() + `",` + stolen + `}`,
	} {
		if id := want(t, 202, "POST", at(path), p[0].key, body); id == mine || id == "" {
			t.Errorf("%s: id %q", path, id)
		}
	}

	for field, v := range map[string]string{"trusted": "false", "moderator": "true", "kudos": "1000000",
		"concurrency": "10000", "worker_invited": "100", "usage_multiplier": "0",
		"flagged": "false", "customizer": "true", "vpn": "true", "service": "true", "special": "true", "education": "true",
		"monthly_kudos":   "100000",
		"reset_suspicion": "true", "undelete": "true", "admin_comment": `"x"`, "generate_proxy_passkey": "true"} {
		status, body := call(t, http.MethodPut, at("users/2"), p[1].key, fmt.Sprintf(`{"%s":%s}`, field, v))
		if status < 400 || status >= 500 {
			t.Errorf("a user sets %s: %d %s", field, status, body)
		}
	}

	var u api.UserDetails
	status, body := call(t, http.MethodGet, at("find_user"), p[1].key, "")
	decodeAs(t, http.StatusOK, status, body, &u)
	if u.Username != "party1#2" || u.Moderator || u.Kudos != 100000 || u.Concurrency != 30 {
		t.Errorf("a refused change left traces: %s", body)
	}

	want(t, 200, "POST", at("generate/pop"), p[1].key,
		`{"name":"painter","models":["stable_diffusion"],"id":"`+mine+`","paused":true,"maintenance":true,"trusted":false,"kudos":1000000,"uptime":1000000,"type":"text"}`)
	var w api.WorkerDetails
	status, body = call(t, http.MethodGet, at("workers/"+e.worker), p[1].key, "")
	decodeAs(t, http.StatusOK, status, body, &w)
	if w.MaintenanceMode || w.KudosRewards != 0 || w.Type != "image" || !w.Trusted {
		t.Errorf("a pop sets what is not its: %s", body)
	}

	status, _ = call(t, http.MethodPut, at("workers/"+e.worker), p[1].key, `{"paused":false}`)
	if status != http.StatusForbidden {
		t.Errorf("an owner unpauses: %d", status)
	}

	id := want(t, 200, "PUT", at("sharedkeys"), p[1].key,
		`{"name":"x","kudos":5,"id":"`+mine+`","user_id":1,"utilized":-100,"username":"party0#1"}`)
	status, body = call(t, http.MethodGet, at("sharedkeys/"+id), "", "")
	if id == mine || status != http.StatusOK || !strings.Contains(body, `"username":"party1#2"`) ||
		!strings.Contains(body, `"utilized":0`) {
		t.Errorf("a shared key of %q: %s", id, body)
	}
}

// TestPagesElsewhere: a page elsewhere can use what its visitor lets it, and
// nothing by the visitor's mere presence; names cannot become markup.
func TestPagesElsewhere(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)

	evil := map[string]string{"Origin": "https://evil.example", "Cookie": "session=1; apikey=" + p[0].key,
		"Referer": "https://evil.example/?apikey=" + p[0].key}
	with := func(more map[string]string) map[string]string {
		h := maps.Clone(evil)
		maps.Copy(h, more)
		return h
	}

	for _, c := range []struct {
		method, path, body string
		headers            map[string]string
	}{
		{"GET", "/api/v2/find_user", "", with(map[string]string{"apikey": p[0].key})},
		{"GET", "/", "", evil},
		{"GET", "/register", "", evil},
		{"POST", "/register", "username=x", with(map[string]string{"Content-Type": "application/x-www-form-urlencoded"})},
		{"OPTIONS", "/api/v2/generate/async", "",
			with(map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "apikey"})},
	} {
		res, _ := do(t, c.method, srv.URL+c.path, c.body, c.headers)
		if o := res.Header.Get("Access-Control-Allow-Origin"); o != "*" {
			t.Errorf("%s %s: origin %q", c.method, c.path, o)
		}
		if v, ok := res.Header["Access-Control-Allow-Credentials"]; ok {
			t.Errorf("%s %s: credentials %q", c.method, c.path, v)
		}
		if v, ok := res.Header["Set-Cookie"]; ok {
			t.Errorf("%s %s: cookies %q", c.method, c.path, v)
		}
	}

	// A form of another page can send no JSON and no key; a key counts nowhere but
	// in its header.
	for kind, body := range map[string]string{"text/plain": `{"prompt":"x","a":"="}`,
		"application/x-www-form-urlencoded": "prompt=x&apikey=" + p[0].key, "multipart/form-data; boundary=x": "--x--"} {
		res, answer := do(t, "POST", srv.URL+"/api/v2/generate/async?apikey="+p[0].key, body,
			with(map[string]string{"Content-Type": kind}))
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", kind, res.StatusCode, answer)
		}
	}

	res, answer := do(t, "POST", srv.URL+"/api/v2/generate/async?apikey="+p[0].key,
		`{"prompt":"x","apikey":"`+p[0].key+`"}`, with(map[string]string{"Content-Type": "application/json"}))
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(answer, `"errors":{"apikey"`) {
		t.Errorf("a key in query, body and cookie: %d %s", res.StatusCode, answer)
	}

	checkMarkup(t, srv, p[0].key)
	if log := srv.Log.String(); strings.Contains(log, p[0].key) {
		t.Error("a key stands in the log")
	}
}

// checkMarkup gives everything a name that is a program.
func checkMarkup(t *testing.T, srv *program.Server, key string) {
	t.Helper()
	at := func(path string) string { return srv.URL + "/api/v2/" + path }

	const attack = `<script>alert(1)</script><img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">x</a>`
	for path, body := range map[string]string{
		"generate/pop":      `{"name":"p` + attack + `","models":["stable_diffusion"],"bridge_agent":"b` + attack + `"}`,
		"generate/text/pop": `{"name":"s` + attack + `","models":["any ` + attack + `"],"bridge_agent":"b` + attack + `"}`,
		"interrogate/pop":   `{"name":"a` + attack + `","forms":["caption"],"bridge_agent":"b` + attack + `"}`,
	} {
		want(t, 200, "POST", at(path), key, body)
	}

	status, body := call(t, http.MethodPost, at("styles/image"), key,
		`{"name":"n`+attack+`","info":"i`+attack+`","prompt":"{p} in a hat{np}","models":["stable_diffusion"],"params":{"steps":5}}`)
	if status >= 500 {
		t.Errorf("%d %s", status, body)
	}

	call(t, http.MethodPut, at("users/1"), key, `{"username":"<b onclick=alert(1)>x","contact":"<iframe src=x>"}`)
	for _, path := range []string{"workers", "workers?type=text", "users", "find_user", "styles/image",
		"status/models?type=text"} {
		res, body := do(t, http.MethodGet, at(path), "", map[string]string{"apikey": key})
		if res.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", path, res.Header)
		}

		if path == "status/models?type=text" { // names of models are the workers' own, in JSON
			continue
		}

		for _, live := range []string{"<script", "<img", "<iframe", "<b onclick", "javascript:"} {
			if unquoted := strings.NewReplacer(`\u003c`, "<", `\u003e`,
				">").Replace(body); strings.Contains(withoutModels(unquoted), live) {
				t.Errorf("%s holds %q: %s", path, live, clipped(body[max(0, strings.Index(unquoted, live)-50):]))
			}
		}
	}
}

// withoutModels cuts the lists of models out of an answer.
func withoutModels(body string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(body, `"models":[`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		_, body, _ = strings.Cut(rest, "]")
	}
}

// TestLogLinesCannotBeForged: what strangers send stays within its line of the log.
func TestLogLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{Env: []string{"HORDE_ACCESS_LOG=1"}})
	p := makeParties(t, srv, 1)
	const forged = "level=ERROR msg=forged"
	call(t, http.MethodGet, srv.URL+"/api/v2/generate/check/%0a%0dlevel=ERROR%20msg=forged", "", "")
	call(t, http.MethodPost, srv.URL+"/api/v2/generate/pop", p[0].key,
		`{"name":"w\n`+forged+`","models":["stable_diffusion"],"bridge_agent":"x\r\n`+forged+`"}`)
	call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key,
		`{"prompt":"x","webhook":"https://127.0.0.1/\n`+forged+`"}`)
	do(t, http.MethodGet, srv.URL+"/api/v2/status/heartbeat", "",
		map[string]string{"Client-Agent": "a\tb " + forged, "X-Request-Id": "x " + forged})
	within(t, 10*time.Second, "calls are logged", func() bool { return strings.Contains(srv.Log.String(), "heartbeat") })
	for line := range strings.SplitSeq(strings.TrimSpace(srv.Log.String()), "\n") {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x1b\r") ||
			strings.Count(line, " level=") != 1+strings.Count(line, " "+forged) {
			t.Errorf("a line of somebody else: %q", line)
		}
	}
}
