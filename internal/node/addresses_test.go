package node

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
)

// from is call for somebody at another address, with more headers as "Name: value".
func (n *Node) from(t *testing.T, remote, method, path, key, body string,
	headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(remote), 999).String()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apikey", key)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	n.http.ServeHTTP(w, r)
	return w
}

func refusedWith(t *testing.T, what string, w *httptest.ResponseRecorder, status int, rc string) {
	t.Helper()
	if w.Code != status || rc != "" && !strings.Contains(w.Body.String(), `"rc":"`+rc+`"`) {
		t.Errorf("%s: %d %s, want %d %s", what, w.Code, w.Body, status, rc)
	}
}

const (
	imageBody = `{"prompt":"a lighthouse"}`
	imagePop  = `{"name":"dreamer","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x","max_pixels":4194304}`
	textPop   = `{"name":"scribe","models":["some-model"],"max_length":512,"max_context_length":2048}`
	formsPop  = `{"name":"alchemist","forms":["caption"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x"}`
	formsBody = `{"forms":[{"name":"caption"}],"source_image":"UklGRiQAAABXRUJQ"}`
)

// What an address in timeout may do and may not, and where in the order of checks
// it is refused (generation §1.4 row 20, §1.10, §1.14, §3.1).
func TestWhatAnAddressInTimeoutMayDo(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	var accepted api.Accepted
	n.call(t, "POST", "/api/v2/generate/async", admin, imageBody, &accepted)
	_, walter, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "walter", OAuthID: "test-walter"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const bad, good = "203.0.113.7", "203.0.113.8"
	refusedWith(t, "put into timeout", n.from(t, good, "POST", "/api/v2/operations/ipaddr", admin,
		`{"ipaddr":"203.0.113.7","hours":1}`), 200, "")
	for _, c := range []struct {
		what, from, path, key, body string
		status                      int
		rc                          string
	}{
		{"images", bad, "/generate/async", walter, imageBody, 403, "TimeoutIP"},
		{"images, from elsewhere", good, "/generate/async", walter, imageBody, 202, ""},
		{"texts", bad, "/generate/text/async", walter, imageBody, 403, "TimeoutIP"},
		{"a dry run", bad, "/generate/async", walter, `{"prompt":"x","dry_run":true}`, 403, "TimeoutIP"},
		{"alchemy knows no timeout", bad, "/interrogate/async", walter, formsBody, 400, "ImageValidationFailed"},
		{"a key that is nobody's first", bad, "/generate/async", "nobody", imageBody, 401, "InvalidAPIKey"},
		{"row 17 before it", bad, "/generate/async", walter, `{"prompt":"x","workers":["nobody"]}`, 404, "WorkerNotFound"},
		{"row 18 before it", bad, "/generate/async", walter,
			`{"prompt":"x","disable_batching":true,"params":{"n":2}}`, 400, "RequiresTrust"},
		{"row 25 after it", bad, "/generate/async", walter,
			`{"prompt":"x","params":{"loras":[{"name":"1"},{"name":"2"},{"name":"3"},{"name":"4"},{"name":"5"},{"name":"6"}]}}`,
			403, "TimeoutIP"},

		{"a dreamer", bad, "/generate/pop", walter, imagePop, 403, "TimeoutIP"},
		{"a scribe", bad, "/generate/text/pop", walter, textPop, 403, "TimeoutIP"},
		{"an alchemist", bad, "/interrogate/pop", walter, formsPop, 403, "TimeoutIP"},
		{"the anonymous user first", bad, "/generate/pop", api.AnonymousKey, imagePop, 403, "AnonForbiddenWorker"},
		{"a dreamer from elsewhere", good, "/generate/pop", walter, imagePop, 200, ""},
		{"another type's name first", bad, "/generate/text/pop", walter, strings.Replace(textPop, "scribe", "dreamer", 1),
			400, "PolymorphicNameConflict"},
		{"before whose it is", bad, "/generate/pop", admin, imagePop, 403, "TimeoutIP"},
		{"a known dreamer", bad, "/generate/pop", walter, imagePop, 403, "TimeoutIP"},
	} {
		refusedWith(t, c.what, n.from(t, c.from, "POST", "/api/v2"+c.path, c.key, c.body), c.status, c.rc)
	}
	for from, banned := range map[string]bool{bad: true, good: false} {
		r := httptest.NewRequest("POST", "/register", strings.NewReader("username=x"))
		r.RemoteAddr = from + ":999"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		n.http.ServeHTTP(w, r)
		if key := strings.Contains(w.Body.String(), `class="ah-api-key"`); w.Code != 200 || key == banned ||
			strings.Contains(w.Body.String(), "more seconds") != banned {
			t.Errorf("registration from %s: %d %s", from, w.Code, w.Body)
		}
	}
	check := "/api/v2/generate/check/" + accepted.ID
	refusedWith(t, "a check without a name", n.from(t, bad, "GET", check, "", ""), 403, "Forbidden")
	refusedWith(t, "a check with the name of nobody",
		n.from(t, bad, "GET", check, "", "", "Client-Agent: unknown:0:unknown"), 403, "Forbidden")
	refusedWith(t, "a check with a name", n.from(t, bad, "GET", check, "", "", "Client-Agent: tests:1:me"), 200, "")
	refusedWith(t, "a check from elsewhere", n.from(t, good, "GET", check, "", ""), 200, "")
	refusedWith(t, "a check of nothing", n.from(t, bad, "GET", "/api/v2/generate/check/nothing", "", ""),
		404, "RequestNotFound")
}

func TestOperationsAreForModerators(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, walter, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "walter", OAuthID: "test-walter"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	const list, worker = "/operations/ipaddr", "/operations/block_worker_ipaddr/"
	for _, c := range []struct {
		method, path, key, body string
		status                  int
		rc                      string
	}{
		{"GET", list, walter, "", 403, "NotModerator"},
		{"GET", list, "nobody", "", 401, "InvalidAPIKey"},
		{"GET", list, "", "", 400, ""},
		{"GET", list + "/203.0.113.7", walter, "", 403, "NotModerator"},
		{"GET", list + "/203.0.113.7", "", "", 400, ""},
		{"GET", list + "/nonsense", admin, "", 400, "BadRequest"},
		{"GET", list + "/" + strings.Repeat("9", 500), admin, "", 400, "BadRequest"},
		{"POST", list, admin, `{"hours":1}`, 400, ""},
		{"POST", list, admin, `{"ipaddr":"203.0.113.7"}`, 400, ""},
		{"POST", list, admin, `{"ipaddr":"203.0.113.7","hours":721}`, 400, ""},
		{"POST", list, admin, `{"ipaddr":"203.0.113.7","hours":1.5}`, 400, ""},
		{"POST", list, admin, `{"ipaddr":"203.0.113.7","hours":null}`, 400, ""},
		{"POST", list, admin, `[]`, 400, ""},
		{"POST", list, "nobody", `{"ipaddr":"203.0.113.300","hours":1}`, 400, "BadRequest"},
		{"POST", list, "nobody", `{"ipaddr":"203.0.113.7","hours":1}`, 401, "InvalidAPIKey"},
		{"POST", list, walter, `{"ipaddr":"203.0.113.7","hours":1}`, 403, "NotModerator"},
		{"POST", list, admin, `{"ipaddr":"203.0.113.7/33","hours":1}`, 400, "BadRequest"},
		{"POST", list, admin, `{"ipaddr":"2001:db8::1/64","hours":1}`, 400, "BadRequest"},
		{"DELETE", list, admin, `{}`, 400, ""},
		{"DELETE", list, admin, `{"ipaddr":"nonsense"}`, 400, "BadRequest"},
		{"DELETE", list, walter, `{"ipaddr":"203.0.113.7"}`, 403, "NotModerator"},
		{"DELETE", list, admin, `{"ipaddr":"203.0.113.7"}`, 200, ""},
		{"PUT", worker + "nonsense", admin, `{"days":0}`, 400, ""},
		{"PUT", worker + "nonsense", walter, `{"days":1}`, 403, "NotModerator"},
		{"PUT", worker + "nonsense", admin, `{"days":1}`, 404, "WorkerNotFound"},
		{"DELETE", worker + "nonsense", "", "", 400, ""},
		{"DELETE", worker + "nonsense", walter, "", 403, "NotModerator"},
		{"DELETE", worker + "nonsense", admin, "", 404, "WorkerNotFound"},
	} {
		w := n.call(t, c.method, "/api/v2"+c.path, c.key, c.body, nil)
		refusedWith(t, c.method+" "+c.path+" "+c.body, w, c.status, c.rc)
	}

	if got := n.Addresses.Blocks(); len(got) > 0 {
		t.Errorf("refused calls left %+v", got)
	}
}

// A worker over IPv6 is blocked with its network, and let in with it.
func TestAWorkerIsBlockedWithItsNetwork(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, walter, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "walter", OAuthID: "test-walter"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pop := func(from string) *httptest.ResponseRecorder {
		return n.from(t, from, "POST", "/api/v2/generate/pop", walter, imagePop)
	}
	refusedWith(t, "first pop", pop("2001:db8:1::5"), 200, "")
	block := "/api/v2/operations/block_worker_ipaddr/" + n.Fleet.ByName("dreamer").ID
	refusedWith(t, "block", n.call(t, "PUT", block, admin, `{"days":7}`, nil), 200, "")
	refusedWith(t, "blocked", pop("2001:db8:1::5"), 403, "TimeoutIP")
	refusedWith(t, "the network too", pop("2001:db8:1::ffff"), 403, "TimeoutIP")
	refusedWith(t, "not the next", pop("2001:db8:1:1::5"), 200, "")
	if got := n.call(t, "GET", "/api/v2/operations/ipaddr", admin, "", nil).Body.String(); !strings.HasPrefix(got,
		`[{"ipaddr":"2001:db8:1::/64","seconds":`) {
		t.Errorf("the list: %s", got)
	}
	refusedWith(t, "let in", n.call(t, "DELETE", "/api/v2/operations/ipaddr", admin, `{"ipaddr":"2001:db8:1::/64"}`,
		nil), 200, "")
	refusedWith(t, "served again", pop("2001:db8:1::5"), http.StatusOK, "")
}

// In a raid, requests from unsafe addresses are taken from trusted users only; else
// workers that do not want them are spared (generation §1.4 row 39, §1.15,
// §3.1).
func TestUnsafeRequestsInARaid(t *testing.T) {
	t.Parallel()
	const bad, good = "203.0.113.7", "203.0.113.8"
	asked := map[string]int{}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := strings.TrimPrefix(r.URL.Path, "/")
		asked[addr]++
		answer := "0.2"
		if addr == bad {
			answer = "0.99"
		}
		_, _ = w.Write([]byte(answer))
	}))

	defer service.Close()
	n, admin := newNode(t, func(o *Options) { o.AddressChecker = service.URL + "/{ipaddr}" })
	_, alice, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "alice", OAuthID: "test-alice"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	forms := `{"forms":[{"name":"caption"}],"source_image":"` + dot + `"}`
	post := func(from, path, key, body string) *httptest.ResponseRecorder {
		return n.from(t, from, "POST", "/api/v2"+path, key, body)
	}

	var accepted api.Accepted
	w := post(bad, "/generate/async", alice, imageBody)
	if err := json.Unmarshal(w.Body.Bytes(), &accepted); err != nil || w.Code != 202 {
		t.Fatalf("without a raid: %d %s", w.Code, w.Body)
	}

	_, walter, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "walter", OAuthID: "test-walter", Roles: account.Trusted}, nil)
	if err != nil {
		t.Fatal(err)
	}

	var job struct {
		ID      *string
		Skipped map[string]int
	}

	n.call(t, "POST", "/api/v2/generate/pop", walter,
		strings.Replace(imagePop, "{", `{"allow_unsafe_ipaddr":false,`, 1), &job)
	if job.ID != nil || job.Skipped["unsafe_ip"] != 1 {
		t.Errorf("a worker that wants no unsafe addresses gets %v, skipped %v", job.ID, job.Skipped)
	}

	n.call(t, "PUT", "/api/v2/status/modes", admin, `{"raid_mode":true}`, nil)
	for _, c := range []struct {
		what, from, path, key, body string
		status                      int
		rc                          string
	}{
		{"images", bad, "/generate/async", alice, imageBody, 403, "UntrustedUnsafeIP"},
		{"row 33 before it", bad, "/generate/async", alice, `{"prompt":"x","params":{"cfg_scale":7.125}}`,
			400, "BadCFGDecimals"},
		{"row 41 after it", bad, "/generate/async", alice, `{"prompt":"x","source_mask":"x"}`, 403, "UntrustedUnsafeIP"},
		{"images from elsewhere", good, "/generate/async", alice, imageBody, 202, ""},
		{"images of a trusted user", bad, "/generate/async", walter, imageBody, 202, ""},
		{"texts know no such row", bad, "/generate/text/async", alice, imageBody, 202, ""},
		{"forms", bad, "/interrogate/async", alice, forms, 403, "UntrustedUnsafeIP"},
		{"forms of a trusted user", bad, "/interrogate/async", walter, forms, 202, ""},
		{"forms from elsewhere", good, "/interrogate/async", alice, forms, 202, ""},
	} {
		refusedWith(t, c.what, post(c.from, c.path, c.key, c.body), c.status, c.rc)
	}

	if len(asked) != 2 || asked[bad] != 1 || asked[good] != 1 {
		t.Errorf("the service was asked %v", asked)
	}
}

// Nobody gets around a timeout, or others into one, by headers: only what our own
// proxies say counts, and a stated address only with the passkey.
func TestHeadersForgeNoAddress(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	passkey := n.passkey(t, admin)
	const bad, good, proxy = "203.0.113.7", "203.0.113.8", "10.0.0.1"
	refusedWith(t, "put into timeout", n.from(t, good, "POST", "/api/v2/operations/ipaddr", admin,
		`{"ipaddr":"203.0.113.7","hours":1}`), 200, "")

	for _, c := range []struct {
		what, from string
		headers    []string
		status     int
	}{
		{"straight", bad, nil, 403},
		{"with a forged hop", bad, []string{"X-Forwarded-For: 203.0.113.8"}, 403},
		{"with a forged stated address", bad, []string{"Proxied-For: 203.0.113.8", "Proxy-Authorization: guess"}, 403},
		{"through our proxy", proxy, []string{"X-Forwarded-For: 203.0.113.7"}, 403},
		{"through our proxy, with a forged hop before it", proxy, []string{"X-Forwarded-For: 203.0.113.8, 203.0.113.7"}, 403},
		{"through our proxy, with a wrong passkey", proxy,
			[]string{"X-Forwarded-For: 203.0.113.7", "Proxied-For: 203.0.113.8", "Proxy-Authorization: guess"}, 403},
		{"another, who names the one in timeout", good, []string{"X-Forwarded-For: 203.0.113.7"}, 202},
		{"the service's caller", proxy, []string{"X-Forwarded-For: 203.0.113.8", "Proxied-For: 203.0.113.7",
			"Proxy-Authorization: " + passkey}, 403},
		{"another caller of a service in timeout", proxy,
			[]string{"X-Forwarded-For: 203.0.113.7", "Proxied-For: 203.0.113.9", "Proxy-Authorization: " + passkey}, 202},
		{"another through our proxy", proxy, []string{"X-Forwarded-For: 203.0.113.7, 203.0.113.8"}, 202},
	} {
		refusedWith(t, c.what, n.from(t, c.from, "POST", "/api/v2/generate/async", admin, imageBody,
			c.headers...), c.status, "")
	}
}

// Pops of all kinds carry the messages to their worker; those of alchemists have
// the member only when there are any.
func TestPopsCarryMessages(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, walter, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "walter", OAuthID: "test-walter"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct{ path, body, nothing string }{
		"dreamer":   {"/api/v2/generate/pop", imagePop, `"messages":[]`},
		"scribe":    {"/api/v2/generate/text/pop", textPop, `"messages":[]`},
		"alchemist": {"/api/v2/interrogate/pop", formsPop, `{"forms":null,"skipped":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if w := n.call(t, "POST", c.path, walter, c.body, nil); w.Code != 200 ||
				!strings.Contains(w.Body.String(), c.nothing) {
				t.Errorf("%s without messages: %d %s", name, w.Code, w.Body)
			}

			var m api.Message
			n.call(t, "POST", "/api/v2/workers/messages", walter,
				`{"worker_id":"`+n.Fleet.ByName(name).ID+`","message":"to `+name+`","expiry":2}`, &m)
			var got struct{ Messages []api.WorkerMessage }
			n.call(t, "POST", c.path, walter, c.body, &got)
			if len(got.Messages) != 1 ||
				got.Messages[0] != (api.WorkerMessage{ID: m.ID, Message: "to " + name, Origin: m.UserID, Expiry: m.Expiry}) {
				t.Errorf("%s is told %+v", name, got)
			}
		})
	}

	refusedWith(t, "to all without being a moderator",
		n.call(t, "POST", "/api/v2/workers/messages", walter, `{"message":"x"}`, nil), 400, "BadRequest")
	refusedWith(t, "a NUL", n.call(t, "POST", "/api/v2/workers/messages", admin, `{"message":"a\u0000b"}`, nil),
		400, "NulByteInPayload")
	refusedWith(t, "to all", n.call(t, "POST", "/api/v2/workers/messages", admin, `{"message":"x"}`, nil), 200, "")
	refusedWith(t, "a page that is no number", n.call(t, "GET", "/api/v2/workers/messages?page=x", admin, "",
		nil), 400, "")
	var got struct{ Messages []api.WorkerMessage }
	n.call(t, "POST", "/api/v2/interrogate/pop", walter, formsPop, &got)
	if len(got.Messages) != 2 || got.Messages[0].Origin != "AI Horde Moderators" {
		t.Errorf("an alchemist is told %+v", got)
	}
}

// passkey makes the account of a moderator's key a service with a passkey.
func (n *Node) passkey(t *testing.T, key string) string {
	t.Helper()
	user, err := n.Accounts.ByKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	at := "/api/v2/users/" + user.ID.String()
	var changed api.ModifiedUser
	n.call(t, "PUT", at, key, `{"service":true}`, nil)
	if n.call(t, "PUT", at, key, `{"generate_proxy_passkey":true}`, &changed); changed.ProxyPasskey == nil {
		t.Fatal("no passkey")
	}
	return *changed.ProxyPasskey
}

// A refused prompt puts its sender's address into timeout and no other: not one
// that the sender has made up, and not the service that called for them.
func TestWhoIsPunished(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	passkey := n.passkey(t, admin)
	_, alice, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "alice", OAuthID: "test-alice"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range []string{`{"regex":"badger","filter_type":10}`, `{"regex":"naked","filter_type":20}`} {
		if w := n.call(t, "PUT", "/api/v2/filters", admin, f, nil); w.Code/100 != 2 {
			t.Fatalf("filter: %d %s", w.Code, w.Body)
		}
	}

	const victim, proxy, service = "203.0.113.99", "10.0.0.1", "203.0.113.50"
	for i, c := range []struct {
		from    string
		headers []string
		punish  string
	}{
		{"203.0.113.1", nil, "203.0.113.1"},
		{"203.0.113.2", []string{"X-Forwarded-For: " + victim}, "203.0.113.2"},
		{"203.0.113.3", []string{"Proxied-For: " + victim, "Proxy-Authorization: " + passkey}, "203.0.113.3"},
		{proxy, []string{"X-Forwarded-For: " + victim + ", 203.0.113.4"}, "203.0.113.4"},
		{proxy, []string{"X-Forwarded-For: 203.0.113.5", "Proxied-For: " + victim, "Proxy-Authorization: guess"},
			"203.0.113.5"},
		{proxy, []string{"X-Forwarded-For: " + service, "Proxied-For: 203.0.113.6", "Proxy-Authorization: " + passkey},
			"203.0.113.6"},
		{proxy, []string{"X-Forwarded-For: 2001:db8::7"}, "2001:db8::8"},
	} {
		w := n.from(t, c.from, "POST", "/api/v2/generate/async", alice,
			`{"prompt":"a naked badger","replacement_filter":false}`, c.headers...)
		refusedWith(t, strconv.Itoa(i), w, 400, "CorruptPrompt")
		if seconds, _ := n.Addresses.Refused(netip.MustParseAddr(c.punish)); seconds < 170 || seconds > 180 {
			t.Errorf("%d: %s has to wait %d s", i, c.punish, seconds)
		}

		for _, other := range []string{victim, proxy, service} {
			if _, refused := n.Addresses.Refused(netip.MustParseAddr(other)); refused {
				t.Fatalf("%d: %s is punished", i, other)
			}
		}
	}

	w := n.from(t, proxy, "POST", "/api/v2/generate/async", admin, imageBody, "X-Forwarded-For: "+service)
	refusedWith(t, "the service for itself", w, 202, "")
}
