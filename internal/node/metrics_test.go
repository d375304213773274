package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/internal/account"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// TestFiguresShowWhatIsInMemory: /metrics says how many requests and jobs a node keeps,
// and what waits for the database.
func TestFiguresShowWhatIsInMemory(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t, func(o *Options) { o.Metrics = prometheus.NewRegistry() })

	figures := func() string {
		return n.call(t, http.MethodGet, "/metrics", "", "", nil).Body.String()
	}
	for _, want := range []string{
		`horde_live_requests{kind="image"} 0`,
		`horde_live_requests{kind="text"} 0`,
		`horde_live_requests{kind="alchemy"} 0`,
		`horde_write_queue 0`,
		`horde_write_queue_oldest_seconds 0`,
		`horde_calls_refused_total{calls="request"} 0`,
	} {
		if text := figures(); !strings.Contains(text, want+"\n") {
			t.Errorf("there is no line %q", want)
		}
	}

	body := `{"prompt":"a fox","params":{"n":1}}`
	w := n.call(t, http.MethodPost, "/api/v2/generate/async", api.AnonymousKey, body, nil)
	if w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if text := figures(); !strings.Contains(text, `horde_live_requests{kind="image"} 1`+"\n") {
		t.Error("the request that was accepted is not counted")
	}
}

// TestBytesAreCountedByClassOfAccount: what waits is told by whose it is, and everybody of
// a kind together.
func TestBytesAreCountedByClassOfAccount(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t, func(o *Options) { o.Metrics = prometheus.NewRegistry() })
	funds := int64(1000)
	keyOf := func(name string, roles account.Role) string {
		t.Helper()
		_, key, _, err := n.Accounts.TestUser(t.Context(),
			account.NewUser{Username: name, OAuthID: "test-" + name, Roles: roles}, &funds)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	askers := map[account.Class][]string{
		account.ClassAnonymous: {api.AnonymousKey},
		account.ClassUntrusted: {keyOf("una", 0), keyOf("uwe", 0)},
		account.ClassTrusted:   {keyOf("tom", account.Trusted)},
		account.ClassHorde:     {admin, keyOf("mo", account.Moderator)},
	}

	body := `{"prompt":"a fox","params":{"n":1}}`
	answered := map[account.Class]int{}
	for class, keys := range askers {
		for _, key := range keys {
			w := n.call(t, http.MethodPost, "/api/v2/generate/async", key, body, nil)
			if w.Code != http.StatusAccepted {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			answered[class] += w.Body.Len()
		}
	}
	form := `{"forms":[{"name":"caption","payload":{"a":"b"}}],"source_image":"` + dot + `"}`
	trusted := askers[account.ClassTrusted][0]
	if w := n.call(t, http.MethodPost, "/api/v2/interrogate/async", trusted, form, nil); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := n.countBytesNow(t.Context()); err != nil {
		t.Fatal(err)
	}

	counted := *n.byClass.Load()
	one := counted[countedAs{bytesWaiting, account.ClassAnonymous}]
	if one < int64(len("a fox")) {
		t.Errorf("%d bytes of the anonymous request", one)
	}
	for class, atLeast := range map[account.Class]int64{
		account.ClassUntrusted: 2 * one,
		account.ClassTrusted:   one + int64(len(`{"a":"b"}`)),
		account.ClassHorde:     2 * one,
	} {
		if got := counted[countedAs{bytesWaiting, class}]; got < atLeast || got > atLeast+200 {
			t.Errorf("%d bytes of %s, want about %d", got, class, atLeast)
		}
	}

	text := n.call(t, http.MethodGet, "/metrics", "", "", nil).Body.String()
	for _, want := range []string{
		fmt.Sprintf(`horde_http_bytes_total{class="anonymous",what="answer"} %d`, answered[account.ClassAnonymous]),
		fmt.Sprintf(`horde_http_bytes_total{class="untrusted",what="answer"} %d`, answered[account.ClassUntrusted]),
		fmt.Sprintf(`horde_account_bytes{class="anonymous",what="waiting"} %d`, one),
		`horde_jobs_waiting{kind="image"} 6`,
		fmt.Sprintf(`horde_http_bytes_total{class="anonymous",what="body"} %d`, len(body)),
		fmt.Sprintf(`horde_http_bytes_total{class="untrusted",what="body"} %d`, 2*len(body)),
		fmt.Sprintf(`horde_http_bytes_total{class="trusted",what="body"} %d`, len(body)+len(form)),
		fmt.Sprintf(`horde_http_bytes_total{class="horde",what="body"} %d`, 2*len(body)),
		`horde_http_bytes_total{class="none",what="body"} 0`,
		`horde_jobs_waiting{kind="alchemy"} 1`,
		`horde_ready{check="database"} 1`,
		`horde_ready{check="images"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no line %q", want)
		}
	}
}

// TestFirstPopIsMeasured: how long a request waited for its first worker is told, once for
// each request however many workers get jobs of it, and not for decoys.
func TestFirstPopIsMeasured(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := hordetest.NewClock()
		n, _ := newNode(t, func(o *Options) {
			o.DBURL, o.Clock, o.Metrics = db.Options().URL, clock.Now, prometheus.NewRegistry()
		})
		_, key, _, err := n.Accounts.TestUser(t.Context(),
			account.NewUser{Username: "tom", OAuthID: "test-tom", Roles: account.Trusted}, nil)
		if err != nil {
			t.Fatal(err)
		}
		post := func(path, body string) *httptest.ResponseRecorder {
			t.Helper()
			w := n.call(t, http.MethodPost, "/api/v2/"+path, key, body, nil)
			if w.Code >= 300 {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			return w
		}

		post("generate/async", `{"prompt":"a fox","models":["stable_diffusion"],"params":{"n":2,"width":64,"height":64}}`)
		post("interrogate/async", `{"forms":[{"name":"caption"}],"source_image":"`+dot+`"}`)
		clock.Advance(40 * time.Second)
		for range 2 {
			post("generate/pop", `{"name":"w","models":["stable_diffusion"],"max_pixels":4194304,`+
				`"bridge_agent":"AI Horde Worker reGen:13.0.0:x"}`)
			post("interrogate/pop", `{"name":"a","forms":["caption"]}`)
			clock.Advance(10 * time.Second)
		}

		text := n.call(t, http.MethodGet, "/metrics", "", "", nil).Body.String()
		for _, kind := range []string{"image", "alchemy"} {
			for _, want := range []string{
				fmt.Sprintf(`horde_first_pop_seconds_count{kind=%q} 1`, kind),
				fmt.Sprintf(`horde_first_pop_seconds_sum{kind=%q} 40`, kind),
			} {
				if !strings.Contains(text, want+"\n") {
					t.Errorf("there is no line %q", want)
				}
			}
		}
	})
}
