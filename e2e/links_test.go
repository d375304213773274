package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"horde/api"
	"horde/e2e/program"
)

// reach are three ways to a server that listens on all addresses: other addresses
// of this machine than the one it would name by itself.
type reach struct{ requester, worker, other string }

func reachOf(t *testing.T, srv *program.Server) reach {
	t.Helper()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	at := func(host string) string { return "http://" + net.JoinHostPort(host, u.Port()) }
	if runtime.GOOS != "linux" { // elsewhere the loopback network is one address
		return reach{at("localhost"), at("127.0.0.1"), at("localhost")}
	}
	return reach{at("127.0.0.2"), at("127.0.0.3"), at(ownAddress())}
}

// ownAddress is an address of this machine that other machines may reach, where it
// has one.
func ownAddress() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	return "127.0.0.4"
}

// onAllAddresses starts a server that listens on all addresses.
func onAllAddresses(t *testing.T, o program.Setup) *program.Server {
	t.Helper()
	_, port, err := net.SplitHostPort(program.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	o.Addr = net.JoinHostPort("0.0.0.0", port)
	return program.Start(t, o)
}

// linksOf are the links in an answer.
type linksOf struct {
	upload, source string // of the worker's job
	img            string // of the requester's status
}

// serveOne lets a request for an image from another go its way, the requester and
// the worker reaching the server in ways of their own. Every link is used.
func serveOne(t *testing.T, srv *program.Server, at reach, p []party) (id string, l linksOf) {
	t.Helper()
	id = want(t, 202, "POST", at.requester+"/api/v2/generate/async", p[0].key,
		`{"prompt":"x","source_image":"`+tinyImage()+`","params":{"width":64,"height":64,"steps":1}}`)
	events := follow(t, at.requester, id)

	var job api.ImageJob
	status, body := call(t, http.MethodPost, at.worker+"/api/v2/generate/pop", p[1].key,
		`{"name":"`+p[1].worker+`","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x","allow_img2img":true,"max_pixels":1048576}`)
	decodeAs(t, http.StatusOK, status, body, &job)
	if job.ID == nil || job.R2Upload == nil || job.SourceImage == nil {
		t.Fatalf("popped %s", body)
	}
	l.upload, l.source = *job.R2Upload, *job.SourceImage
	if status, body := call(t, http.MethodGet, l.source, "", ""); status != http.StatusOK || len(body) < 10 {
		t.Errorf("the source image by %s: %d", l.source, status)
	}
	if got := put(t, l.upload, webpStart); got != http.StatusOK {
		t.Errorf("upload to %s: %d", l.upload, got)
	}
	status, body = call(t, http.MethodPost, at.worker+"/api/v2/generate/submit", p[1].key,
		fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID))
	decodeAs(t, http.StatusOK, status, body, new(api.Submitted))

	l.img = imgOf(t, at.requester, id, nil)
	checkServed(t, l.img)
	if got := <-events; !strings.HasPrefix(got, at.requester+"/blob/") {
		t.Errorf("the stream ends with %s, want a link at %s", got, at.requester)
	}
	return id, l
}

// follow reads the events of a request and returns the link in the last one.
func follow(t *testing.T, base, id string) <-chan string {
	t.Helper()
	res, err := http.Get(base + "/api/ext/v1/requests/" + id + "/events")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { res.Body.Close() })
	link := make(chan string, 1)
	go func() {
		defer close(link)
		ended := false
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			data, isData := strings.CutPrefix(lines.Text(), "data: ")
			switch {
			case lines.Text() == "event: "+api.EventEnd:
				ended = true
			case isData && ended:
				var st api.ImageStatus
				if json.Unmarshal([]byte(data), &st) == nil && len(st.Generations) == 1 {
					link <- st.Generations[0].Img
				}
				return
			}
		}
	}()

	return link
}

// imgOf is the link to the image of a finished request.
func imgOf(t *testing.T, base, id string, headers map[string]string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, base+"/api/v2/generate/status/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var st api.ImageStatus
	decodeAs(t, http.StatusOK, res.StatusCode, string(body), &st)
	if len(st.Generations) != 1 {
		t.Fatalf("status %s", body)
	}
	return st.Generations[0].Img
}

// A server that listens on all addresses gives everybody links that begin with
// what they reached, and they work: the worker's from its pop, the requester's from
// the status and from the stream.
func TestLinksBeginWithWhatTheCallerReached(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := onAllAddresses(t, program.Setup{DB: db})
		at := reachOf(t, srv)
		id, l := serveOne(t, srv, at, makeParties(t, srv, 2))

		for what, c := range map[string][2]string{
			"upload": {l.upload, at.worker}, "source": {l.source, at.worker}, "image": {l.img, at.requester},
			"image asked for elsewhere": {imgOf(t, at.other, id, nil), at.other},
			"image asked for again":     {imgOf(t, at.requester, id, nil), at.requester},
		} {
			if link, base := c[0], c[1]; !strings.HasPrefix(link, base+"/blob/") {
				t.Errorf("%s: %s, want it at %s", what, link, base)
			}
		}

		// A link is good by whatever way its holder comes.
		checkServed(t, strings.Replace(l.img, at.requester, at.other, 1))

		// Nobody trusts what a stranger says of the way.
		evil := map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
			"Forwarded": "host=evil.example;proto=https"}
		if got := imgOf(t, at.requester, id, evil); !strings.HasPrefix(got, at.requester+"/blob/") {
			t.Errorf("by a stranger's word: %s", got)
		}
		if log := srv.Log.String(); !strings.Contains(log, "links begin with the scheme and host of each call") {
			t.Errorf("nothing is said at the start of what links begin with:\n%s", log)
		}
	})
}

// Behind a proxy that is trusted, links begin with what it says that the caller
// reached; with --public-url, with that in any case.
func TestLinksBehindAProxyAndWithAPublicAddress(t *testing.T) {
	t.Parallel()
	said := map[string]string{"X-Forwarded-Host": "horde.example", "X-Forwarded-Proto": "https"}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"a trusted proxy", "https://horde.example", []string{"--trusted-proxies", "127.0.0.0/8"}},
		{"a public address", "https://set.example",
			[]string{"--public-url", "https://set.example", "--trusted-proxies", "127.0.0.0/8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := onAllAddresses(t, program.Setup{Args: c.args})
			at := reachOf(t, srv)
			p := makeParties(t, srv, 2)
			id := want(t, 202, "POST", at.requester+"/api/v2/generate/async", p[0].key,
				`{"prompt":"x","params":{"width":64,"height":64,"steps":1}}`)
			job := popUntil(t, srv, p[1])
			upload, err := url.Parse(*job.R2Upload)
			if err != nil {
				t.Fatal(err)
			}
			if got := put(t, at.worker+upload.RequestURI(), webpStart); got != http.StatusOK {
				t.Fatalf("upload: %d", got)
			}
			status, body := call(t, http.MethodPost, at.worker+"/api/v2/generate/submit", p[1].key,
				fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID))
			decodeAs(t, http.StatusOK, status, body, new(api.Submitted))

			link := imgOf(t, at.requester, id, said)
			if !strings.HasPrefix(link, c.want+"/blob/") {
				t.Errorf("the link is %s, want it at %s", link, c.want)
			}
			checkServed(t, strings.Replace(link, c.want, at.requester, 1))
			if log := srv.Log.String(); strings.Contains(log, "links begin with") {
				t.Errorf("warned though it is known:\n%s", log)
			}
		})
	}
}
