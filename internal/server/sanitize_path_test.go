package server

import (
	"net/http"
	"testing"
)

// In path and query.
func TestWhatNoDatabaseTakesReachesNoHandler(t *testing.T) {
	t.Parallel()
	var id, query string
	s := New(Options{}, []Route{Get("/things/{id}/of/{owner}", func(w http.ResponseWriter, r *http.Request) error {
		id, query = r.PathValue("id")+" "+r.PathValue("owner"), r.URL.Query().Encode()
		return nil
	})})

	for path, want := range map[string][2]string{
		"/things/a/of/b":                    {"a b", ""},
		"/things/%FF%FEa/of/%00":            {"\ufffda \ufffd", ""},
		"/things/a%2Fb/of/%E2%80%AE":        {"a/b \u202e", ""},
		"/things/a/of/b?x=%ff&y=1&x=2":      {"a b", "x=%EF%BF%BD&x=2&y=1"},
		"/things/a/of/b?x=a%00b":            {"a b", "x=a%EF%BF%BDb"},
		"/things/a/of/b?x=%C3%A9&z=a+b%2Bc": {"a b", "x=%C3%A9&z=a+b%2Bc"},
	} {
		t.Run(path, func(t *testing.T) {
			if call(s, "GET", path); id != want[0] || query != want[1] {
				t.Errorf("%q %q", id, query)
			}
		})
	}
}
