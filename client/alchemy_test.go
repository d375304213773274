package client

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"horde/api"
)

// A request is followed over an outage, and given up after a long one.
func TestWatchAlchemyOutlivesAnOutage(t *testing.T) {
	for name, tc := range map[string]struct {
		away time.Duration
		done bool
	}{
		"a minute": {away: time.Minute, done: true},
		"an hour":  {away: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				h := clientOf(func(w http.ResponseWriter, r *http.Request) {
					switch passed := time.Since(began); {
					case passed < time.Second:
						io.WriteString(w, `{"state":"processing","forms":[{"form":"caption","state":"processing"}]}`)
					case passed < tc.away:
						w.WriteHeader(http.StatusBadGateway)
						io.WriteString(w, "<html>try later</html>")
					default:
						io.WriteString(w, `{"state":"done","forms":[{"form":"caption","state":"done"}]}`)
					}
				})

				seen := 0
				s, err := h.WatchAlchemy(t.Context(), "id", func(*api.AlchemyStatus) { seen++ })
				switch {
				case tc.done && (err != nil || s.State != "done" || seen != 2):
					t.Errorf("%v, %v, seen %d times", s, err, seen)
				case !tc.done && (err == nil || s == nil || s.State != "processing" || time.Since(began) > 5*time.Minute):
					t.Errorf("%v, %v after %v", s, err, time.Since(began))
				}
			})
		})
	}
}
