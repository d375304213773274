package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
)

// givenUp is a horde without streams that has given its requests up while a worker
// has one more job in hand of each, which comes before the fourth look.
func givenUp() http.HandlerFunc {
	looks := map[string]int{}
	return func(w http.ResponseWriter, r *http.Request) {
		inHand := 0
		check := func() string {
			if looks[r.URL.Path]++; looks[r.URL.Path] < 4 {
				inHand = 1
			}
			return fmt.Sprintf(`"faulted":true,"done":true,"restarted":3,"processing":%d,"finished":%d`, inHand, 2-inHand)
		}

		results := func() string { return strings.TrimSuffix(strings.Repeat("{},", 2-inHand), ",") }
		switch r.URL.Path {
		case "/api/v2/generate/check/image":
			fmt.Fprintf(w, "{%s}", check())
		case "/api/v2/generate/status/image":
			if looks["/api/v2/generate/check/image"] < 4 {
				inHand = 1
			}
			fmt.Fprintf(w, `{"done":true,"faulted":true,"generations":[%s]}`, results())
		case "/api/v2/generate/text/status/text":
			counts := check()
			fmt.Fprintf(w, `{%s,"generations":[%s]}`, counts, results())
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"message":"not found"}`)
		}
	}
}

// TestARequestThatWasGivenUpBringsWhatIsInHand: what another worker has begun by the
// time is paid for, and waited for.
func TestARequestThatWasGivenUpBringsWhatIsInHand(t *testing.T) {
	t.Run("Watch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := New("http://horde.test", "", WithTransport(inMemory{givenUp()}))
			var got []string
			for e, err := range c.Watch(t.Context(), "image") {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, tell(e))
			}

			if diff := cmp.Diff([]string{"check 0+1", "check 0+2", "end 2"}, got); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("WatchAll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := strings.Join(watchAll(t, []string{"image", "text"}, givenUp()), "\n")
			if !strings.Contains(got, "image image end 2") || !strings.Contains(got, "text text end 2") {
				t.Errorf("events\n%s", got)
			}
		})
	})

	t.Run("WatchText", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := New("http://horde.test", "", WithTransport(inMemory{givenUp()}))
			last, err := c.WatchText(t.Context(), "text", func(*api.TextStatus) {})
			if err != nil || len(last.Generations) != 2 {
				t.Errorf("%+v, %v", last, err)
			}
		})
	})
}

// TestWatchAllKeepsToTheLimitOfTexts: hordes allow 60 looks a minute at requests for
// texts, all together.
func TestWatchAllKeepsToTheLimitOfTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks []time.Time
		watchAll(t, []string{"a", "b", "c"}, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/api/v2/generate/text/status/") {
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, `{"message":"not found"}`)
				return
			}
			looks = append(looks, time.Now())
			fmt.Fprintf(w, `{"done":%v,"generations":[]}`, len(looks) > 150)
		})

		if len(looks) < 150 {
			t.Fatalf("%d looks", len(looks))
		}
		for i := 60; i < len(looks); i++ {
			if looks[i].Sub(looks[i-60]) < time.Minute {
				t.Fatal("more than 60 looks in a minute")
			}
		}
	})
}
