package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"horde/api"
)

type nullWriter struct{ h http.Header }

func (w nullWriter) Header() http.Header { return w.h }

func (w nullWriter) Write(p []byte) (int, error) { return len(p), nil }

func (w nullWriter) WriteHeader(int) {}

// The price of our own layer: a route that does nothing.
func BenchmarkNoopRoute(b *testing.B) {
	s := New(Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		[]Route{Get("/api/v2/generate/check/{id}", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusNoContent)
			return nil
		})})
	r := httptest.NewRequest("GET", "/api/v2/generate/check/00000000-0000-0000-0000-000000000000", nil)
	w := nullWriter{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(w, r)
	}
}

func BenchmarkReply(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	w := nullWriter{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		if err := Reply(w, r, 200, &api.Check{Finished: 1, Kudos: 10.5}); err != nil {
			b.Fatal(err)
		}
	}
}
