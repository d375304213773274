package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tell writes events in short, for comparison.
func tell(e Event) string {
	switch {
	case e.Check != nil:
		return fmt.Sprintf("check %d+%d", e.Check.Waiting, e.Check.Finished)
	case e.Progress != nil:
		return fmt.Sprintf("progress %s %d/%d", e.Progress.Job, e.Progress.Step, e.Progress.Steps)
	case e.End != nil:
		return fmt.Sprintf("end %d", len(e.End.Generations))
	}
	return "nothing"
}

func watch(t *testing.T, h http.HandlerFunc) []string {
	t.Helper()
	c := New("http://horde.test", "", WithTransport(inMemory{h}))

	var got []string
	for e, err := range c.Watch(t.Context(), "id") {
		if err != nil {
			got = append(got, "error "+err.Error())
			continue
		}
		got = append(got, tell(e))
	}
	return got
}

func TestAStreamIsReadAndKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := watch(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/ext/v1/requests/id/events" || r.Header.Get("Accept") != "text/event-stream" {
				t.Errorf("%s with Accept %q", r.URL.Path, r.Header.Get("Accept"))
			}
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			io.WriteString(w, ": keep-alive\n\nevent: status\r\ndata: {\"waiting\":1}\r\n\r\n"+
				"event: unheard of\ndata: what\n\n"+
				"event: progress\nid: 7\ndata: {\"job\":\"j\",\ndata: \"step\":3,\"steps\":9}\n\n")

			for range 4 { // an hour of silence but for these would be too long
				time.Sleep(20 * time.Second)
				io.WriteString(w, ": keep-alive\n")
			}

			io.WriteString(w, "event: end\ndata: {\"generations\":[{},{}]}\n\nevent: status\ndata: {}\n\n")
		})
		if diff := cmp.Diff([]string{"check 1+0", "progress j 3/9", "end 2"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatchTakesABrokenStreamUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int32
		got := watch(t, func(w http.ResponseWriter, r *http.Request) {
			switch n := opened.Add(1); n {
			case 1, 4:
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "event: status\ndata: {\"waiting\":%d}\n\nevent: progress\ndata: {", n)
			case 2, 3:
				w.WriteHeader(http.StatusBadGateway)
				io.WriteString(w, "<html>")
			case 5: // silent until the client gives up on it
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, ": hello\n")
				<-r.Context().Done()
			default:
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "event: end\ndata: {}\n\n")
			}
		})

		if diff := cmp.Diff([]string{"check 1+0", "check 4+0", "end 0"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatchGivesUpOnWhatWillNotGetBetter(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"an unknown request":     {404, `{"message":"not found","rc":"RequestNotFound"}`},
		"a server that is away":  {503, "<html>"},
		"an event that is none":  {200, "event: status\ndata: {{\n\n"},
		"a refusal of any sort":  {403, `{"message":"no","rc":"Forbidden"}`},
		"a stream of half lines": {200, strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := watch(t, func(w http.ResponseWriter, r *http.Request) {
					if tc.status == 200 {
						w.Header().Set("Content-Type", "text/event-stream")
					}
					w.WriteHeader(tc.status)
					io.WriteString(w, tc.body)
				})
				if len(got) != 1 || !strings.HasPrefix(got[0], "error ") {
					t.Errorf("events %q", got)
				}
			})
		})
	}
}

func TestWatchPollsForeignHordes(t *testing.T) {
	for name, notHere := range map[string]http.HandlerFunc{
		"page":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>404</html>", 404) },
		"JSON":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); io.WriteString(w, `{"message":"x"}`) },
		"method": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(405); io.WriteString(w, `{"message":"x"}`) },
		"site":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `<html>welcome</html>`) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				checks := 0
				began := time.Now()
				got := watch(t, func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/api/v2/generate/check/id":
						checks++
						fmt.Fprintf(w, `{"waiting":%d,"finished":%d,"done":%v}`, max(0, 1-checks/3), checks/5, checks >= 5)
					case "/api/v2/generate/status/id":
						io.WriteString(w, `{"generations":[{"img":"x"}],"done":true}`)
					default:
						notHere(w, r)
					}
				})

				if diff := cmp.Diff([]string{"check 1+0", "check 0+0", "check 0+1", "end 1"}, got); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(began); took != 4*time.Second {
					t.Errorf("5 checks in %v", took)
				}
			})
		})
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "event: status\ndata: {\"waiting\":1}\n\n")
			<-r.Context().Done()
		})

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()

		var last error
		for _, err := range c.Watch(ctx, "id") {
			cancel()
			last = err
		}

		if last != context.Canceled {
			t.Errorf("last error %v", last)
		}
		for range c.Watch(t.Context(), "id") { // leaving the loop ends the stream
			break
		}
	})
}

func FuzzEvents(f *testing.F) {
	f.Add("event: status\ndata: {\"waiting\":1}\n\n")
	f.Add("event:end\r\ndata\n\ndata:{}\n:\n\n")
	f.Add("event: progress\ndata: {\"preview\":\"\ndata: \"}\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		n := 0
		readEvents(strings.NewReader(stream), 256, func() {}, func(e Event) bool {
			if tell(e) == "nothing" {
				t.Error("an empty event")
			}
			n++
			return n < 10
		})
	})
}

func TestEventsAreBounded(t *testing.T) {
	for _, stream := range []string{
		"data: " + strings.Repeat("x", 300) + "\n\n",
		strings.Repeat("data: 0123456789\n", 40) + "\n",
	} {
		err := readEvents(strings.NewReader(stream), 256, func() {}, func(Event) bool { return true })
		if err == nil || !strings.Contains(err.Error(), "longer than 256") {
			t.Errorf("error %v", err)
		}
	}
}
