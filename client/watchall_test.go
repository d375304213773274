package client

import (
	"errors"
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

// tellOf writes events in short, for comparison.
func tellOf(e RequestEvent) string {
	what := "nothing"
	switch {
	case e.Gone != nil:
		what = "gone"
	case e.Image != nil:
		what = fmt.Sprintf("end %d", len(e.Image.Generations))
	case e.Text != nil:
		what = fmt.Sprintf("end %d", len(e.Text.Generations))
	case e.Alchemy != nil:
		what = e.Alchemy.State
	case e.Check != nil:
		what = fmt.Sprintf("check %d+%d", e.Check.Waiting, e.Check.Finished)
	case e.Progress != nil:
		what = fmt.Sprintf("progress %s %d/%d", e.Progress.Job, e.Progress.Step, e.Progress.Steps)
	}

	if e.Cancelled {
		what += " cancelled"
	}
	return strings.Join(strings.Fields(e.Request+" "+e.Type+" "+what), " ")
}

func watchAll(t *testing.T, ids []string, h http.HandlerFunc) (got []string) {
	t.Helper()
	c := New("http://horde.test", "", WithTransport(inMemory{h}))
	for e, err := range c.WatchAll(t.Context(), ids) {
		if err != nil {
			got = append(got, "error "+err.Error())
			continue
		}
		got = append(got, tellOf(e))
	}
	return got
}

func TestWatchAllFollowsEveryKindInOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := watchAll(t, []string{"A", "b", "c", "d"}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/ext/v1/events" || r.URL.Query().Get("ids") != "a,b,c,d" {
				t.Errorf("asked for %s", r.URL)
			}
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, `event: gone
data: {"request":"d","rc":"RequestNotFound","message":"not found"}

event: status
data: {"request":"a","type":"image","cancelled":true,"jobs":[{"job":"j","worker_name":"w"}],"waiting":1}

: keep-alive

event: progress
data: {"request":"a","type":"image","job":"j","step":3,"steps":9}

event: unheard of
data: {"request":"a"}

event: status
data: {"request":"c","type":"alchemy","state":"waiting","forms":[]}

event: end
data: {"request":"b","type":"text","generations":[{}],"done":true}

event: status
data: {"request":"b","type":"text","waiting":7}

event: end
data: {"request":"c","type":"alchemy","state":"done","forms":[]}

event: end
data: {"request":"a","type":"image","cancelled":true,"generations":[{},{}]}

`)
		})

		want := []string{
			"d gone",
			"a image check 1+0 cancelled",
			"a image progress j 3/9",
			"c alchemy waiting",
			"b text end 1",
			"c alchemy done",
			"a image end 2 cancelled",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatchAllTakesABrokenStreamUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		got := watchAll(t, []string{"a", "b"}, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Query().Get("ids"))
			switch len(asked) {
			case 1:
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "event: end\ndata: {\"request\":\"a\",\"type\":\"image\"}\n\nevent: status\ndata: {")
			case 2, 3:
				w.WriteHeader(http.StatusBadGateway)
				io.WriteString(w, "<html>")
			default:
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "event: end\ndata: {\"request\":\"b\",\"type\":\"image\"}\n\n")
			}
		})

		if diff := cmp.Diff([]string{"a image end 0", "b image end 0"}, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a,b", "b", "b", "b"}, asked); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPollingIsTheWayOut: where all streams are in use the requests are polled, no
// faster than hordes allow, until the server is to be asked again.
func TestPollingIsTheWayOut(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var polled []time.Time
				streams := 0
				serve := func(w http.ResponseWriter, r *http.Request) {
					switch {
					case strings.HasPrefix(r.URL.Path, "/api/v2/generate/check/"):
						polled = append(polled, time.Now())
						io.WriteString(w, `{"waiting":1}`)
					case streams == 0:
						streams++
						w.Header().Set("Retry-After", "10")
						w.WriteHeader(status)
						io.WriteString(w, `{"message":"too many event streams"}`)
					default:
						streams++
						w.Header().Set("Content-Type", "text/event-stream")
						for _, id := range []string{"a", "b", "c"} {
							fmt.Fprintf(w, "event: end\ndata: {\"request\":%q,\"type\":\"image\"}\n\n", id)
						}
					}
				}
				began := time.Now()
				got := watchAll(t, []string{"a", "b", "c"}, serve)
				if len(got) < 6 || got[0] != "a image check 1+0" || got[len(got)-1] != "c image end 0" || streams != 2 {
					t.Errorf("%d streams, events %q", streams, got)
				}
				if took := time.Since(began); took < 10*time.Second || took > 12*time.Second {
					t.Errorf("the stream was asked for again after %v", took)
				}
				for i := 10; i < len(polled); i++ {
					if polled[i].Sub(polled[i-10]) < time.Second {
						t.Error("more than ten checks in a second")
					}
				}

				streams = 0
				single := watch(t, serve)
				if len(single) != 2 || single[0] != "check 1+0" || single[1] != "end 0" {
					t.Errorf("of one request: %q", single)
				}
			})
		})
	}
}

func TestWatchAllPollsForeignHordes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rounds := 0
		got := watchAll(t, []string{"i", "t", "f", "x"}, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/api/v2/generate/check/i":
				if rounds++; rounds == 2 { // an outage that is shorter than the client's patience
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				fmt.Fprintf(w, `{"waiting":1,"finished":%d,"done":%v}`, rounds, rounds > 2)
			case "/api/v2/generate/status/i":
				io.WriteString(w, `{"generations":[{}],"done":true}`)
			case "/api/v2/generate/text/status/t":
				io.WriteString(w, `{"generations":[{},{}],"done":true}`)
			case "/api/v2/interrogate/status/f":
				io.WriteString(w, `{"state":"partial","forms":[]}`)
			default:
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, `{"message":"not found","rc":"RequestNotFound"}`)
			}
		})

		want := []string{"i image check 1+1", "t text end 2", "f alchemy partial", "x gone", "i image end 1"}
		if len(got) < 5 || got[len(got)-1] != "i image end 1" {
			t.Errorf("events %q", got)
		}
		for _, e := range want[1:4] {
			if n := strings.Count(strings.Join(got, "\n"), e); n != 1 {
				t.Errorf("%q came %d times in %q", e, n, got)
			}
		}
	})
}

func TestWatchAllEndsWhereThereIsNothingToFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"message":"no","rc":"Forbidden"}`)
		}
		if got := watchAll(t, []string{"a"}, refuse); len(got) != 1 || got[0] != "error Forbidden: no" {
			t.Errorf("refused: %q", got)
		}
		got := watchAll(t, make([]string, api.MaxFollowed+1), refuse)
		if len(got) != 1 || !strings.Contains(got[0], "at most 100 requests") {
			t.Errorf("too many: %q", got)
		}
		if got := watchAll(t, nil, refuse); len(got) != 0 {
			t.Errorf("nothing to follow: %q", got)
		}

		c := clientOf(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "event: gone\ndata: {\"request\":\"a\"}\n\nevent: gone\ndata: {\"request\":\"b\"}\n\n")
		})
		for e, err := range c.WatchAll(t.Context(), []string{"a", "b"}) { // leaving the loop ends the stream
			var gone *api.Error
			if err != nil || !errors.As(e.Gone, &gone) || gone.Status != http.StatusNotFound {
				t.Errorf("%+v, %v", e, err)
			}
			break
		}
	})
}
