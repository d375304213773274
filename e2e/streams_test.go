package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/client"
	"horde/e2e/program"
	"horde/internal/horde"
)

// askFor sends a body to a route that takes requests and returns the id.
func askFor(t *testing.T, srv *program.Server, p party, path, body string) string {
	t.Helper()
	return want(t, http.StatusAccepted, http.MethodPost, srv.URL+path, p.key, body)
}

// TestOneStreamFollowsEveryRequest has one connection tell of requests of every kind,
// of one that nobody knows, and of ids in capitals, each to its end.
func TestOneStreamFollowsEveryRequest(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db})
		p := makeParties(t, srv, 2)
		image := askFor(t, srv, p[0], "/api/v2/generate/async", `{"prompt":"a lighthouse"}`)
		other := askFor(t, srv, p[0], "/api/v2/generate/async", `{"prompt":"a lighthouse","models":["Deliberate"]}`)
		text := askFor(t, srv, p[0], "/api/v2/generate/text/async", `{"prompt":"Once","models":["koboldcpp/x"]}`)
		forms := askFor(t, srv, p[0], "/api/v2/interrogate/async",
			`{"forms":[{"name":"caption"}],"source_image":"`+tinyImage()+`"}`)
		unknown := horde.NewID()

		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		heard := map[string][]string{}
		note := func(id, what string) { heard[id] = append(heard[id], what) }
		var job string
		var reported bool
		for e, err := range client.New(srv.URL, p[0].key).WatchAll(ctx,
			[]string{strings.ToUpper(image), other, text, forms, unknown}) {
			switch {
			case err != nil:
				t.Fatal(err)
			case e.Gone != nil:
				note(e.Request, "gone")
			case e.Over:
				note(e.Request, fmt.Sprintf("end %s %v", e.Type, e.Cancelled))
				if e.Image != nil && len(e.Image.Generations) != e.Image.Finished {
					t.Errorf("end of %s with %d of %d images", e.Request, len(e.Image.Generations), e.Image.Finished)
				}
			case e.Progress != nil:
				note(e.Request, fmt.Sprintf("step %d", e.Progress.Step))
				if e.Progress.Job != job || e.Progress.Elapsed <= 0 || e.Progress.StepSeconds <= 0 {
					t.Errorf("progress %+v", e.Progress)
				}
				want(t, http.StatusOK, http.MethodPost, srv.URL+"/api/v2/generate/submit", p[1].key,
					fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, job))
			case e.Check != nil && e.Request == image && e.Check.Waiting == 1:
				job = *popUntil(t, srv, p[1]).ID
				want(t, http.StatusOK, http.MethodDelete, srv.URL+"/api/v2/generate/status/"+other, "", "")
				want(t, http.StatusOK, http.MethodDelete, srv.URL+"/api/v2/generate/text/status/"+text, "", "")
				want(t, http.StatusOK, http.MethodDelete, srv.URL+"/api/v2/interrogate/status/"+forms, "", "")
			case e.Check != nil && len(e.Jobs) == 1 && !reported:
				reported = true
				if e.Jobs[0].Job != job || e.Jobs[0].WorkerName != p[1].worker {
					t.Errorf("jobs %+v", e.Jobs)
				}
				status, body := call(t, http.MethodPost, srv.URL+"/api/ext/v1/jobs/"+job+"/progress", p[1].key,
					`{"step":1,"steps":8}`)
				if status != http.StatusNoContent {
					t.Fatalf("progress: %d %s", status, body)
				}
			}
		}
		for id, last := range map[string]string{image: "end image false", other: "end image true", text: "end text true",
			forms: "end alchemy false", unknown: "gone"} {
			if got := heard[id]; len(got) == 0 || got[len(got)-1] != last {
				t.Errorf("%s: heard %q, wanted %q last", id, got, last)
			}
		}
		if len(heard[image]) != 2 || heard[image][0] != "step 1" {
			t.Errorf("of the image: %q", heard[image])
		}
	})
}

// stream opens an event stream and returns its status, headers, and a reader of lines.
func stream(t *testing.T, url string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res, bufio.NewScanner(res.Body)
}

// TestStreamsOfAnAddress: streams of one address have a bound, beyond which a caller
// is told when to try again; one that leaves frees its place, and so does the end.
func TestStreamsOfAnAddress(t *testing.T) {
	t.Parallel()
	const most = 64
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)
	id := askFor(t, srv, p[0], "/api/v2/generate/async", `{"prompt":"x","models":["Deliberate"]}`)
	url := srv.URL + "/api/ext/v1/events?ids=" + id
	var open []*http.Response
	for i := range most {
		one := url
		if i%2 == 1 {
			one = srv.URL + "/api/ext/v1/requests/" + id + "/events" // both kinds count
		}
		res, lines := stream(t, one)
		if res.StatusCode != http.StatusOK || !lines.Scan() || lines.Text() != "event: status" {
			t.Fatalf("stream %d: %d %q", i, res.StatusCode, lines.Text())
		}
		open = append(open, res)
	}
	refused, _ := stream(t, url)
	var e api.Error
	if err := json.NewDecoder(refused.Body).Decode(&e); err != nil || refused.StatusCode != http.StatusTooManyRequests ||
		refused.Header.Get("Retry-After") == "" || !strings.Contains(e.Message, "64 event streams") {
		t.Errorf("one too many: %d %v %+v, %v", refused.StatusCode, refused.Header, e, err)
	}

	open[0].Body.Close()
	within(t, 20*time.Second, "a reader that left frees its place", func() bool {
		res, _ := stream(t, url)
		return res.StatusCode == http.StatusOK
	})
	want(t, http.StatusOK, http.MethodDelete, srv.URL+"/api/v2/generate/status/"+id, "", "")
	within(t, 20*time.Second, "all have ended with the request", func() bool {
		status, body := call(t, http.MethodGet, srv.URL+"/metrics", "", "")
		return status == http.StatusOK && strings.Contains(body, "horde_event_streams 0\n")
	})
	for _, bad := range []string{"", "?ids=", "?ids=" + id + ",nonsense", "?ids=" + strings.Repeat(horde.NewID()+",", 3) +
		manyIDs(api.MaxFollowed)} {
		status, body := call(t, http.MethodGet, srv.URL+"/api/ext/v1/events"+bad, "", "")
		checkRefusal(t, bad, status, body, http.StatusBadRequest, "BadRequest")
	}
}

func manyIDs(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = horde.NewID()
	}
	return strings.Join(ids, ",")
}

// TestCancelledRequestIsFollowedToItsEnd: after a cancel the stream goes on until what
// a worker had in hand has come, which is charged; both streams tell of its image.
func TestCancelledRequestIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	id := askFor(t, srv, p[0], "/api/v2/generate/async", `{"prompt":"a lighthouse","params":{"n":3}}`)
	first := *popUntil(t, srv, p[1]).ID
	second := *popUntil(t, srv, party{key: p[1].key, worker: "another"}).ID
	want(t, http.StatusOK, http.MethodDelete, srv.URL+"/api/v2/generate/status/"+id, "", "")

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h := client.New(srv.URL, p[0].key)
	deliver := func(job string) {
		want(t, http.StatusOK, http.MethodPost, srv.URL+"/api/v2/generate/submit", p[1].key,
			fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, job))
	}
	var alone, among *api.ImageStatus
	for e, err := range h.WatchAll(ctx, []string{id}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Check != nil && e.Check.Processing == 2:
			if !e.Cancelled {
				t.Error("it is not said that the request is cancelled")
			}
			deliver(first)
		case e.Check != nil && e.Check.Processing == 1: // done by the contract, and not the end
			for e, err := range h.Watch(ctx, id) {
				switch {
				case err != nil:
					t.Fatal(err)
				case e.Check != nil && e.Check.Processing == 1:
					deliver(second)
				case e.End != nil:
					alone = e.End
				}
			}
		case e.Image != nil:
			among = e.Image
		}
	}
	for _, end := range []*api.ImageStatus{alone, among} {
		if end == nil || len(end.Generations) != 2 || end.Kudos <= 3 {
			t.Errorf("end %+v", end)
		}
	}
}
