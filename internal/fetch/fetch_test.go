package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/dns/dnsmessage"

	"horde/internal/horde"
)

func TestPrivateAddressesAreForbidden(t *testing.T) {
	c := New(Options{Timeout: 5 * time.Second})
	for _, address := range []string{
		"http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
		"http://017700000001/",
		"http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:a00:1]/", "http://0.0.0.0/", "http://0/",
		"http://[::]/",
		"http://169.254.169.254/latest/meta-data/", "http://[fd00::1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1]/",
		"http://100.64.0.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://224.0.0.1/",
		"http://255.255.255.255/",
		"http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[2001:db8::1]/",
		"http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://127.0.0.1./", "http://①②⑦.⓪.⓪.①/",
		"http://１２７.0.0.1/",
		"http://user@example.org/", "http://user:pw@example.org/", "http://example.org@127.0.0.1/",
		"http://example.org:22/", "http://example.org:6379/", "http://example.org:0/", "http://example.org:99999/",
		"ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "//example.org/",
		"example.org", "",
		"http://", "http:///x", "http:example.org", "http://exa mple.org/", "http://example.org/\x00", "http://./",
		"http://../", "http://%31%32%37.0.0.1/",
		"http://example.org/" + strings.Repeat("x", 5000),
	} {
		t.Run(fmt.Sprintf("%.60s", address), func(t *testing.T) {
			if _, err := c.Get(t.Context(), address); !errors.Is(err, ErrForbidden) {
				t.Errorf("Get(%.60q) = %v, want ErrForbidden", address, err)
			}
		})
	}

	for _, address := range []string{
		"http://example.org/a.png", "https://example.org:443/?q=1", "http://example.org:80", "https://bücher.example/x",
		"http://93.184.215.14/", "http://[2606:2800:21f::1]/", "http://0xabc.example/", "http://a.b.3com.example.",
	} {
		t.Run(address, func(t *testing.T) {
			if err := c.Check(address); err != nil {
				t.Errorf("Check(%q) = %v", address, err)
			}
		})
	}

	if err := c.Post(t.Context(), "http://example.org/", nil, nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("a webhook by plain http: %v", err)
	}
}

// The socket is what counts: whatever a name resolved to a moment ago, control
// sees the address that is being connected to.
func TestSocketsAreGuarded(t *testing.T) {
	c := New(Options{})
	for _, address := range []string{"127.0.0.1:80", "[::1]:443", "10.1.2.3:80", "[::ffff:192.168.0.1]:80",
		"100.100.0.1:443", "[fd12::1]:80"} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		if err := c.control(network, address, nil); !errors.Is(err, ErrForbidden) {
			t.Errorf("control(%s) = %v", address, err)
		}
	}
	if err := c.control("tcp4", "93.184.215.14:443", nil); err != nil {
		t.Errorf("a public address: %v", err)
	}
}

// guarded makes a Client for which 127.0.0.1 counts as public.
func guarded(opt Options) *Client {
	opt.Ports = []uint16{}
	c := New(opt)
	c.opt.Ports = nil
	c.guard = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.1/32")))
	return c
}

// stranger is a server that does what strangers' servers do.
func stranger(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/cat.png", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		fmt.Fprint(w, "meow")
	})

	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<p>")
	})

	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("u"), http.StatusFound)
	})

	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop", http.StatusFound)
	})

	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for b := make([]byte, 4096); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})

	mux.HandleFunc("/huge", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
	})

	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write([]byte("x")); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})

	mux.HandleFunc("/silent", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(204)
		_, _ = io.Copy(io.Discard, r.Body)
	})

	mux.HandleFunc("/agent", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.UserAgent(), r.Header.Get("Referer"), r.Header.Get("Accept-Encoding"))
	})

	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestOnlyPublicAnswersAreFetched(t *testing.T) {
	s := stranger(t)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]

	c := guarded(Options{Timeout: 10 * time.Second, MaxBytes: 1 << 16})
	for _, tt := range []struct {
		path string
		want error
	}{
		{"/cat.png", nil},
		{"/to?u=/cat.png", nil},
		{"/to?u=/to?u=/cat.png", nil},
		{"/missing", ErrStatus},
		{"/loop", ErrRedirects},
		{"/endless", ErrTooLarge},
		{"/huge", ErrTooLarge},
		{"/to?u=http://127.0.0.2/", ErrForbidden},
		{"/to?u=http://[::1]" + port + "/cat.png", ErrForbidden},
		{"/to?u=http://169.254.169.254/", ErrForbidden},
		{"/to?u=http://10.0.0.1/", ErrForbidden},
		{"/to?u=file:///etc/passwd", ErrForbidden},
		{"/to?u=http://u:p@127.0.0.1" + port + "/cat.png", ErrForbidden},
		{"/to?u=http://127.1" + port + "/cat.png", ErrForbidden},
	} {
		t.Run(tt.path, func(t *testing.T) {
			res, err := c.Get(t.Context(), s.URL+tt.path)
			if !errors.Is(err, tt.want) {
				t.Errorf("Get %s = %v, want %v", tt.path, err, tt.want)
			}
			if tt.want == nil && (string(res.Body) != "meow" || res.ContentType != "image/png") {
				t.Errorf("Get %s = %q, %s", tt.path, res.Body, res.ContentType)
			}
		})
	}

	if res, err := c.Get(t.Context(), s.URL+"/to?u=/agent"); err != nil || string(res.Body) != "horde" {
		t.Errorf("sent headers are %q, %v", res.Body, err)
	}

	if _, err := New(Options{Timeout: 5 * time.Second}).Get(t.Context(), s.URL+"/cat.png"); !errors.Is(err, ErrForbidden) {
		t.Errorf("the default client called loopback: %v", err)
	}

	if _, err := New(Options{AllowPrivate: true}).Get(t.Context(), s.URL+"/cat.png"); err != nil {
		t.Errorf("AllowPrivate: %v", err)
	}
}

func TestAFetchEndsInTime(t *testing.T) {
	s := stranger(t)
	c := guarded(Options{Timeout: 150 * time.Millisecond})
	for _, path := range []string{"/drip", "/silent"} {
		began := time.Now()
		if _, err := c.Get(t.Context(), s.URL+path); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get %s = %v", path, err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("Get %s took %v", path, d)
		}
	}
}

func TestNoWayFromHTTPSToHTTP(t *testing.T) {
	plain := stranger(t)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/cat.png", http.StatusFound))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	c := guarded(Options{Timeout: 10 * time.Second, TLS: &tls.Config{RootCAs: roots}})
	if _, err := c.Get(t.Context(), secure.URL); !errors.Is(err, ErrForbidden) {
		t.Errorf("Get = %v", err)
	}
	if _, err := guarded(Options{Timeout: 10 * time.Second}).Get(t.Context(), secure.URL); err == nil ||
		errors.Is(err, ErrForbidden) {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func TestAPostFollowsNoRedirect(t *testing.T) {
	s := stranger(t)
	c := New(Options{AllowPrivate: true, Timeout: 10 * time.Second})
	if err := c.Post(t.Context(), s.URL+"/echo", nil, []byte(`{"id":1}`)); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/missing", "/to?u=/echo"} {
		if err := c.Post(t.Context(), s.URL+path, nil, []byte(`{}`)); !errors.Is(err, ErrStatus) {
			t.Errorf("Post %s = %v", path, err)
		}
	}
}

func TestAnImageThatCannotBeFetchedIsRefused(t *testing.T) {
	s := stranger(t)
	p := NewImageFetcher(guarded(Options{Timeout: 500 * time.Millisecond, MaxBytes: 1 << 16}))
	if data, err := p.Fetch(t.Context(), s.URL+"/cat.png"); err != nil || !bytes.Equal(data, []byte("meow")) {
		t.Errorf("Fetch = %q, %v", data, err)
	}
	for path, code := range map[string]horde.Code{
		"/page": horde.SourceImageUrlInvalid, "/endless": horde.SourceImageSizeExceeded,
		"/huge": horde.SourceImageSizeExceeded, "/missing": horde.ImageValidationFailed,
		"/loop": horde.ImageValidationFailed, "/silent": horde.ImageValidationFailed,
		"/to?u=http://10.0.0.1/": horde.ImageValidationFailed,
	} {
		t.Run(path, func(t *testing.T) {
			if _, err := p.Fetch(t.Context(), s.URL+path); horde.CodeOf(err) != code {
				t.Errorf("Fetch %s = %v, want %s", path, err, code)
			} else if strings.Contains(err.Error(), "10.0.0.1") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("Fetch %s tells of the network: %v", path, err)
			}
		})
	}
}

// visitor is somebody whose images are fetched.
type visitor string

func (v visitor) CallerKey() string { return string(v) }

// A few images are fetched at a time, of one caller less than of all: others have their
// turn, and whoever has too many waiting is sent away.
func TestSourceImagesAreFetchedInTurn(t *testing.T) {
	arrived, release := make(chan string, 2*maxOfCaller), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Query().Get("of")
		<-release
		w.Header().Set("Content-Type", "image/png")
	}))
	t.Cleanup(slow.Close)

	// One caller has as many under way as it can, and as many waiting.
	p := NewImageFetcher(New(Options{AllowPrivate: true, Timeout: time.Minute}))
	const most = fetchedAtOnce - 1 + maxOfCaller
	ended := make(chan error, most+2)
	fetch := func(of visitor) {
		_, err := p.Fetch(horde.WithCaller(t.Context(), of), slow.URL+"?of="+string(of))
		ended <- err
	}
	for range most + 1 {
		go fetch("greedy")
	}
	if err := <-ended; horde.CodeOf(err) != horde.ServerBusy {
		t.Errorf("one too many: %v", err)
	}
	for range fetchedAtOnce - 1 {
		<-arrived
	}

	go fetch("other")
	if of := <-arrived; of != "other" {
		t.Errorf("%s came next", of)
	}
	close(release)
	for range most + 1 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1", "http://①②⑦.0.0.1", "http://[::ffff:7f00:1]",
		"https://example.org:443/x", "http://0x7f.1"} {
		f.Add(s)
	}
	c := New(Options{})
	f.Fuzz(func(t *testing.T, s string) {
		u, err := c.parse(s)
		if err != nil {
			return
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil &&
			(ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.Unmap().IsLoopback()) {
			t.Fatalf("%q passed as %s", s, u)
		}
		if _, err := c.check(u); err != nil {
			t.Fatalf("%q became %s, which is refused: %v", s, u, err)
		}
	})
}

// A name that leads to a public address when it is looked at, and inside when it is called,
// brings nobody inside: neither at once nor by a redirect, nor where it has both addresses.
func TestNamesThatChangeTheirAddress(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(inside.Close)
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())

	// The outer address is one of documentation, so that nobody is called.
	public, private := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("127.0.0.1")
	for name, answers := range map[string][][]netip.Addr{
		"inside at once":    {{private}},
		"outside, then in":  {{public}, {private}},
		"in, then outside":  {{private}, {public}},
		"both, outside 1st": {{public, private}},
		"both, inside 1st":  {{private, public}},
		"this network":      {{netip.MustParseAddr("0.0.0.0")}},
		"IPv6 of this one":  {{netip.MustParseAddr("::1")}},
		"IPv4 in IPv6":      {{netip.MustParseAddr("::ffff:127.0.0.1")}},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Options{Timeout: 2 * time.Second})
			c.opt.Ports = nil
			c.http.Transport.(*http.Transport).DialContext = (&net.Dialer{
				Control:  c.control,
				Resolver: rebinding(t, answers),
			}).DialContext
			for range 3 {
				_, err := c.Get(t.Context(), "http://rebind.example:"+port+"/")
				if err == nil {
					t.Error("the call came through")
				}
				_ = c.Post(t.Context(), "https://rebind.example:"+port+"/", nil, nil)
			}
			if n := reached.Load(); n > 0 {
				t.Errorf("%d calls came inside", n)
			}
		})
	}
}

// rebinding looks names up at a server that gives other addresses each time, in turn.
func rebinding(t *testing.T, answers [][]netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })

	go func() {
		buffer := make([]byte, 512)
		for asked := 0; ; asked++ {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			// Each name is asked for twice: its IPv4 and its IPv6.
			reply, err := answerName(buffer[:n], answers[asked/2%len(answers)])
			if err != nil {
				t.Error(err)
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerName answers a question for a name with those of the addresses that it asks for.
func answerName(question []byte, addresses []netip.Addr) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}

	head.Response, head.Authoritative = true, true
	b := dnsmessage.NewBuilder(nil, head)
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
	if err := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers()); err != nil {
		return nil, err
	}
	for _, a := range addresses {
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			err = errors.Join(err, b.AResource(header, dnsmessage.AResource{A: a.As4()}))
		case !a.Is4() && q.Type == dnsmessage.TypeAAAA:
			err = errors.Join(err, b.AAAAResource(header, dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	if err != nil {
		return nil, err
	}
	return b.Finish()
}
