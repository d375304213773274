package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
)

// inMemory carries requests straight to a handler, so that time in a synctest
// bubble can pass; streams work too.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: pw, ready: make(chan int, 1)}
	go func() {
		m.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		pw.Close()
	}()

	context.AfterFunc(r.Context(), func() { pw.CloseWithError(r.Context().Err()) })
	select {
	case status := <-w.ready:
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: w.header, Body: pr, Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	ready  chan int
	sent   bool
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) Flush()              {}
func (w *pipeWriter) WriteHeader(status int) {
	if !w.sent {
		w.sent = true
		w.ready <- status
	}
}
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// clientOf is a client of a handler in memory.
func clientOf(h http.HandlerFunc) *Client {
	return New("http://horde.test", "", WithTransport(inMemory{h}))
}

func serve(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return New(s.URL, "key", opts...)
}

func TestTheAddressOfAHordeMayNameItsAPI(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:7001":           "http://127.0.0.1:7001",
		"http://127.0.0.1:7001/":          "http://127.0.0.1:7001",
		"https://aihorde.net/api":         "https://aihorde.net",
		"https://aihorde.net/api/":        "https://aihorde.net",
		"https://aihorde.net/api/v2":      "https://aihorde.net",
		"https://example.org/horde/api/":  "https://example.org/horde",
		" http://127.0.0.1:7001 ":         "http://127.0.0.1:7001",
		"http://127.0.0.1:7001?x=y#there": "http://127.0.0.1:7001",
	} {
		t.Run(in, func(t *testing.T) {
			if got := New(in, "").URL(); got != want {
				t.Errorf("New(%q).URL() = %q, want %q", in, got, want)
			}
		})
	}
	for _, bad := range []string{"", "localhost:7001", "ftp://x", "http://", "::"} {
		_, err := New(bad, "").Heartbeat(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no address of a horde") {
			t.Errorf("New(%q): error %v", bad, err)
		}
	}
}

func TestCallsSayWhoCallsAndForHowLongTheyWait(t *testing.T) {
	var got struct {
		header http.Header
		path   string
		body   map[string]any
	}

	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.header, got.path = r.Header.Clone(), r.URL.Path
		json.NewDecoder(r.Body).Decode(&got.body)
		io.WriteString(w, `{"id":null,"ids":[],"payload":{},"skipped":{"nsfw":2}}`)
	})

	pop, err := c.Pop(t.Context(), &api.ImagePop{Name: "w"}, 1500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}

	if pop.ID != nil || pop.Skipped["nsfw"] != 2 {
		t.Errorf("pop = %+v", pop)
	}
	want := map[string]string{
		"apikey":       "key",
		"Client-Agent": "horde:" + api.Version + ":" + api.Repository,
		"Prefer":       "wait=2",
		"Content-Type": "application/json",
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("header %s = %q, want %q", name, got.header.Get(name), value)
		}
	}

	if got.path != "/api/v2/generate/pop" || got.body["name"] != "w" {
		t.Errorf("path %s, body %v", got.path, got.body)
	}
}

func TestRefusalsAreReadFromAnyHorde(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		header     string // Retry-After
		want       api.Error
		foreign    bool
		temporary  bool
	}{
		{name: "refusal", status: 400, body: `{"message":"no","rc":"BadRequest","errors":{"params.n":"too many"}}`,
			want: api.Error{Message: "no", RC: "BadRequest", Errors: map[string]string{"params.n": "too many"}, Status: 400}},
		{
			name:   "strange errors",
			status: 400,
			body:   `{"message":"no","errors":["a"]}`,
			want:   api.Error{Message: "no", Status: 400},
		},
		{
			name:      "limit without time",
			status:    429,
			body:      `{"message":"2 per 1 second"}`,
			want:      api.Error{Message: "2 per 1 second", Status: 429},
			temporary: true,
		},
		{
			name:      "page",
			status:    502,
			body:      "<html>bad gateway</html>",
			want:      api.Error{Status: 502},
			foreign:   true,
			temporary: true,
		},
		{
			name:      "page as success",
			status:    200,
			body:      "<html>hello</html>",
			want:      api.Error{Status: 200},
			foreign:   true,
			temporary: true,
		},
		{
			name:      "empty",
			status:    503,
			body:      "",
			want:      api.Error{Status: 503, RetryAfter: 120},
			header:    "120",
			foreign:   true,
			temporary: true,
		},
		{
			name:      "JSON without a message",
			status:    500,
			body:      `{}`,
			want:      api.Error{Status: 500},
			foreign:   true,
			temporary: true,
		},
		{
			name:      "server",
			status:    500,
			body:      `{"message":"Internal Server Error"}`,
			want:      api.Error{Message: "Internal Server Error", Status: 500},
			temporary: true,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.body)
			}, WithRetries(0))

			_, err := c.Submit(t.Context(), &api.ImageSubmit{ID: "x"})
			var e *api.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v is no *api.Error", err)
			}

			var f *ForeignError
			if errors.As(err, &f) != tc.foreign {
				t.Errorf("foreign = %v", !tc.foreign)
			}

			if tc.foreign {
				tc.want.Message = e.Message
			}
			if diff := cmp.Diff(tc.want, *e); diff != "" {
				t.Error(diff)
			}
			if Temporary(err) != tc.temporary {
				t.Errorf("temporary = %v", !tc.temporary)
			}
		})
	}
}

func TestOnlyWhatIsSafeIsSentAgain(t *testing.T) {
	post := func(ctx context.Context, c *Client) error {
		_, err := c.Submit(ctx, &api.ImageSubmit{ID: "x"})
		return err
	}
	get := func(ctx context.Context, c *Client) error { _, err := c.Check(ctx, "x"); return err }
	for _, tc := range []struct {
		name       string
		do         func(context.Context, *Client) error
		status     int
		retryAfter string
		calls      int32
		ok         bool
	}{
		{"read of a broken server", get, 503, "", 3, true},
		{"read of something unknown", get, 404, "", 1, false},
		{"write to a broken server", post, 503, "", 1, false},
		{"write over the limit", post, 429, "1", 3, true},
		{"write over the limit without a time", post, 429, "", 1, false},
		{"write far over the limit", post, 429, "3600", 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				c := clientOf(func(w http.ResponseWriter, r *http.Request) {
					if calls.Add(1) < 3 {
						w.Header().Set("Retry-After", tc.retryAfter)
						w.WriteHeader(tc.status)
						io.WriteString(w, `{"message":"no"}`)
						return
					}
					io.WriteString(w, `{}`)
				})

				err := tc.do(t.Context(), c)
				if (err == nil) != tc.ok || calls.Load() != tc.calls {
					t.Errorf("error %v after %d calls, want %d", err, calls.Load(), tc.calls)
				}
			})
		})
	}
}

func TestKeyStaysOnItsHost(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("apikey") != "" {
			t.Error("the key went to another host")
		}
		io.WriteString(w, `{}`)
	}))
	defer thief.Close()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}, WithRetries(0))
	if _, err := c.Check(t.Context(), "x"); err == nil {
		t.Error("followed a redirect to another host")
	}
}

func TestStorageIsNeverShownTheKey(t *testing.T) {
	var stored []byte
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("apikey") != "" {
			t.Error("storage was shown the key")
		}
		switch {
		case r.URL.Path == "/denied":
			http.Error(w, "<Error>expired</Error>", http.StatusForbidden)
		case r.Method == http.MethodPut:
			if _, has := r.Header["Content-Type"]; has || r.ContentLength != 5 {
				t.Errorf("Content-Type %q, length %d", r.Header.Get("Content-Type"), r.ContentLength)
			}
			stored, _ = io.ReadAll(r.Body)
		default:
			w.Write(stored)
		}
	}, WithRetries(0))
	if err := c.Upload(t.Context(), c.URL()+"/blob?sig=1", []byte("image")); err != nil {
		t.Fatal(err)
	}

	got, err := c.Download(t.Context(), c.URL()+"/blob", 5)
	if err != nil || string(got) != "image" {
		t.Errorf("download: %q, %v", got, err)
	}
	if _, err := c.Download(t.Context(), c.URL()+"/blob", 4); err == nil {
		t.Error("a download over its limit succeeded")
	}

	var e *api.Error
	if err := c.Upload(t.Context(), c.URL()+"/denied", []byte("image")); !errors.As(err, &e) || e.Status != 403 {
		t.Errorf("denied upload: %v", err)
	}
}

func TestANewKeyIsReadFromThePage(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("username") != "fox" {
			io.WriteString(w, "<p>not allowed</p>")
			return
		}
		io.WriteString(w, `<p>Your key: <code class="ah-api-key">abc_-123</code></p>`)
	})
	if key, err := c.Register(t.Context(), "fox"); err != nil || key != "abc_-123" {
		t.Errorf("key %q, %v", key, err)
	}
	if _, err := c.Register(t.Context(), "hound"); err == nil {
		t.Error("a page without a key counted as success")
	}
}

func TestABreakdownIsAskedByKind(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.String()+" "+string(body))
		io.WriteString(w, `{"lines":[{"code":"n","text":"2 of them.","factor":2.0,"kudos":12.5}],"kudos":12.5,"exact":true,"floor":14.0}`)
	})

	price, err := c.Breakdown(t.Context(), &api.ImageRequest{Prompt: "x"})
	text, errText := c.BreakdownText(t.Context(), &api.TextRequest{Prompt: "x"})
	if err != nil || errText != nil || price.Kudos != 12.5 || text.Floor != 14 || *price.Lines[0].Factor != 2 {
		t.Errorf("%+v, %v; %+v, %v", price, err, text, errText)
	}

	for i, kind := range []string{"image", "text"} {
		if !strings.HasPrefix(asked[i], "POST /api/ext/v1/kudos/price?type="+kind+` {"prompt":"x"`) {
			t.Error(asked[i])
		}
	}
}

func TestPriceIsADryRun(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body api.ImageRequest
		json.NewDecoder(r.Body).Decode(&body)
		if body.DryRun == nil || !*body.DryRun {
			t.Error("no dry run")
		}
		io.WriteString(w, `{"kudos":12.5}`)
	})

	request := &api.ImageRequest{Prompt: "x"}
	price, err := c.Price(t.Context(), request)
	if err != nil || price.Kudos != 12.5 || request.DryRun != nil {
		t.Errorf("price %v, %v; request %+v", price, err, request)
	}
}
