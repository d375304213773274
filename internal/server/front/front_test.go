package front

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"horde/api"
	"horde/internal/server"
)

// allRoutes is the whole route table.
func allRoutes() []server.Route {
	_, routes := Options{}.withDefaults().routes()
	return routes
}

// call sends a call without a body.
func call(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A horde that says nothing else is called as the original is, and shows the contract's
// first level.
func TestAHordeIsCalledAsTheOriginalIs(t *testing.T) {
	t.Parallel()
	o := Options{}.withDefaults()
	if o.Title != "AI Horde" || o.APILevel != api.Level028 {
		t.Errorf("title %q, level %q", o.Title, o.APILevel)
	}

	said := Options{Title: "Foxes", APILevel: api.Level030}.withDefaults()
	if said.Title != "Foxes" || said.APILevel != api.Level030 {
		t.Errorf("what was said is replaced: title %q, level %q", said.Title, said.APILevel)
	}
}
