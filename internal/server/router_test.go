package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"horde/api"
)

// testRoutes is a small table with one route of each kind.
func testRoutes() []Route {
	ok := func(w http.ResponseWriter, r *http.Request) error {
		return Reply(w, r, http.StatusOK, map[string]any{"id": r.PathValue("id"), "deep": map[string]int{"a": 1, "b": 2}})
	}

	return []Route{
		Get("/api/v2/things", ok),
		Post("/api/v2/things", func(w http.ResponseWriter, r *http.Request) error {
			in, err := Decode[api.ImagePop](w, r, api.ImagePopSchema)
			if err != nil {
				return err
			}
			return Reply(w, r, http.StatusOK, in.Name)
		}),
		Get("/api/v2/things/{id}", ok),
		Delete("/api/v2/things/{id}", ok).Limit(Rates{{Calls: 2, Per: time.Minute, By: ByPath}}),
		Get("/plain", func(w http.ResponseWriter, _ *http.Request) error {
			return ReplyPlain(w, http.StatusOK, map[string]int{"a": 1, "b": 2})
		}).Limit(Unlimited).Unmasked(),
		Get("/panic", func(http.ResponseWriter, *http.Request) error { panic("secret") }),
		Get("/broken", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("half"))
			panic("late")
		}),
		Get("/fail", func(http.ResponseWriter, *http.Request) error { return errors.New("secret") }),
		Get("/addr", func(w http.ResponseWriter, r *http.Request) error {
			return ReplyPlain(w, 200, []string{PeerAddr(r).String(), NetworkAddr(r).String(), ClientAddr(r).String()})
		}).Unmasked(),
	}
}

func call(s http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Every call gets the headers of the original, whatever becomes of it; a path that is not
// clean is unknown, a wrong method is told which there are, and a failure of ours says
// nothing of itself.
func TestEveryCallIsAnswered(t *testing.T) {
	t.Parallel()
	s := New(Options{Node: "here:7001", Version: "1.2.3"}, testRoutes())
	for _, c := range []struct {
		method, path string
		status       int
		rc, allow    string
	}{
		{"GET", "/api/v2/things", 200, "", ""},
		{"HEAD", "/api/v2/things", 200, "", ""},
		{"GET", "/api/v2/things/7", 200, "", ""},
		{"GET", "/api/v2/things/a%2Fb", 200, "", ""},
		{"PUT", "/api/v2/things", 405, "MethodNotAllowed", "GET, HEAD, OPTIONS, POST"},
		{"BREW", "/api/v2/things/7", 405, "MethodNotAllowed", "DELETE, GET, HEAD, OPTIONS"},
		{"OPTIONS", "/api/v2/things/7", 200, "", "DELETE, GET, HEAD, OPTIONS"},
		{"OPTIONS", "/nowhere", 404, "NotFound", ""},
		{"GET", "/api/v2/things/", 404, "NotFound", ""},
		{"DELETE", "/api/v2/things/", 404, "NotFound", ""},
		{"GET", "/api/v2//things", 404, "NotFound", ""},
		{"GET", "//api/v2/things", 404, "NotFound", ""},
		{"GET", "/api/./v2/things", 404, "NotFound", ""},
		{"GET", "/api/v2/things/../things", 404, "NotFound", ""},
		{"GET", "/api/v2/things/..", 404, "NotFound", ""},
		{"GET", "/api/v2/things/.hidden", 200, "", ""},
		{"GET", "/", 404, "NotFound", ""},
		{"GET", "/nothing", 404, "NotFound", ""},
		{"GET", "/fail", 500, "", ""},
		{"GET", "/panic", 500, "", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := call(s, c.method, c.path)
			h := w.Header()
			var e api.Error
			_ = json.Unmarshal(w.Body.Bytes(), &e) // what is no JSON has no message

			if w.Code != c.status || e.RC != c.rc || h.Get("Allow") != c.allow {
				t.Errorf("%d %s, Allow %q", w.Code, w.Body, h.Get("Allow"))
			}
			if c.status >= 400 && e.Message == "" {
				t.Errorf("no message in %s", w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("the answer says what strangers must not see")
			}

			for _, name := range []string{
				"Access-Control-Allow-Origin",
				"Access-Control-Allow-Methods",
				"Access-Control-Expose-Headers",
				"Access-Control-Max-Age",
				"X-Request-Id",
			} {
				if h.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
			if h.Get("Horde-Node") != "here:7001:1.2.3" {
				t.Errorf("Horde-Node: %s", h.Get("Horde-Node"))
			}
		})
	}
}

func TestPagesServeWhatNoRouteKnows(t *testing.T) {
	t.Parallel()
	s := New(Options{Pages: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		_, _ = w.Write([]byte("page"))
		return true
	}}, testRoutes())
	if w := call(s, "GET", "/"); w.Body.String() != "page" {
		t.Errorf("%s", w.Body)
	}
	if w := call(s, "GET", "/api/v2/x"); w.Code != 404 || !strings.HasPrefix(w.Body.String(), "{") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMaskReducesMarshalledAnswers(t *testing.T) {
	t.Parallel()
	s := New(Options{}, testRoutes())
	for _, c := range []struct{ path, mask, want string }{
		{"/api/v2/things/7", "id", `{"id":"7"}`},
		{"/api/v2/things/7", "deep{a}", `{"deep":{"a":1}}`},
		{"/api/v2/things/7", "{id", `{"message":"Mask parse error: Missing closing bracket"}`},
		{"/plain", "a", `{"a":1,"b":2}`},
		{"/plain", "{a", `{"a":1,"b":2}`},
		{"/api/v2/nothing", "id", `{"message":"` + textUnknownURL + `","rc":"NotFound"}`},
	} {
		t.Run(c.path+" "+c.mask, func(t *testing.T) {
			w := call(s, "GET", c.path, "X-Fields", c.mask)
			if got := strings.TrimSpace(w.Body.String()); got != c.want {
				t.Errorf("%d %s", w.Code, got)
			}
		})
	}
}

func TestTwoRoutesOfOneKindAreAMistake(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	one := Get("/x", nil)
	New(Options{}, []Route{one, one})
}
