package blob

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// prepared opens an S3 store with both buckets made.
func prepared(t *testing.T, opt S3Options) *S3 {
	t.Helper()
	opt.Bucket, opt.SourceBucket, opt.PathStyle, opt.MaxBytes = "images", "sources", true, 1<<20
	s, err := NewS3(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready without buckets")
	}
	for range 2 {
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestS3IsAStore(t *testing.T) {
	conforms(t, func(t *testing.T) Store {
		srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(srv.Close)
		return prepared(t, S3Options{Endpoint: srv.URL, AccessKey: "id", SecretKey: "key"})
	})
}

func TestS3OnVersitygwIsAStore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	conforms(t, func(t *testing.T) Store {
		env := versitygw(t)
		return prepared(t, S3Options{Endpoint: env["HORDE_S3_ENDPOINT"], AccessKey: env["HORDE_S3_ACCESS_KEY"],
			SecretKey: env["HORDE_S3_SECRET_KEY"]})
	})
}

// versitygw starts a real S3 server, which ends with the test, and returns its
// settings. The first start builds it; where that fails the test is skipped.
func versitygw(t *testing.T) map[string]string {
	t.Helper()
	script, err := filepath.Abs("../../scripts/versitygw.sh")
	if err != nil {
		t.Fatal(err)
	}

	if out, err := exec.Command(script, "path").CombinedOutput(); err != nil {
		t.Skipf("versitygw cannot be built here, so S3 is tested on the in-process fake only: %v\n%s", err, out)
	}

	cmd := exec.Command(script, "run", t.TempDir())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})

	env := map[string]string{}
	for lines := bufio.NewScanner(out); len(env) < 3 && lines.Scan(); {
		k, v, _ := strings.Cut(lines.Text(), "=")
		env[k] = v
	}

	if len(env) != 3 {
		t.Fatal("versitygw did not start")
	}

	return env
}

// On a real server: a browser's preflight is allowed, an upload that calls
// itself a page is answered as an image, and links are bound to method, name
// and time.
func TestS3LinksOnVersitygw(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}

	env := versitygw(t)
	s := prepared(t, S3Options{Endpoint: env["HORDE_S3_ENDPOINT"], AccessKey: env["HORDE_S3_ACCESS_KEY"],
		SecretKey: env["HORDE_S3_SECRET_KEY"]})
	up, down := s.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute}), s.SignGet(t.Context(), "x.webp", time.Minute)
	if resp, body := call(t, "PUT", up, []byte("<script>"), "Content-Type", "text/html"); resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}

	resp, _ := call(t, "GET", down, nil, "Origin", "https://page.example")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/webp" ||
		resp.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}

	resp, _ = call(t, "OPTIONS", up, nil, "Origin", "https://page.example", "Access-Control-Request-Method", "PUT",
		"Access-Control-Request-Headers", "content-type")
	if resp.StatusCode >= 300 || !strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("preflight: %s %v", resp.Status, resp.Header)
	}

	for name, link := range map[string]string{"a link to read": down,
		"another name": strings.Replace(up, "x.webp", "y.webp", 1), "no signature": strings.Split(up, "?")[0]} {
		if resp, _ := call(t, "PUT", link, []byte("x")); resp.StatusCode != 403 {
			t.Errorf("put by %s: %s", name, resp.Status)
		}
	}

	removesLargeUploads(t, s)

	short := s.SignGet(t.Context(), "x.webp", time.Second)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if resp, _ := call(t, "GET", short, nil); resp.StatusCode == 403 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a link of one second is valid after ten")
		}
		time.Sleep(100 * time.Millisecond) // nothing signals the end of a link
	}
}

// A store's links know no size: what is more than an image can be is removed when it is
// sealed, before anything reads it.
func TestS3UploadsHaveABound(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(srv.Close)
	removesLargeUploads(t, prepared(t, S3Options{Endpoint: srv.URL, AccessKey: "id", SecretKey: "key"}))
}

func removesLargeUploads(t *testing.T, s *S3) {
	t.Helper()
	for name, there := range map[string]bool{"small.webp": true, "large.webp": false} {
		size := 100
		if !there {
			size = 101
		}
		link := s.SignPut(t.Context(), name, Upload{TTL: time.Minute, MaxBytes: 100})
		if resp, body := call(t, "PUT", link, make([]byte, size)); resp.StatusCode != 200 {
			t.Fatalf("%s: %s %s", name, resp.Status, body)
		}
		s.Seal(t.Context(), name, 100)()
		if got, err := s.Exists(t.Context(), name); err != nil || got != there {
			t.Errorf("%s is there: %v, %v", name, got, err)
		}
	}
}

// refusing is a way to a store that counts what is asked of it, and refuses one method.
type refusing struct {
	method string
	calls  atomic.Int64
}

func (r *refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	r.calls.Add(1)
	if q.Method != r.method {
		return http.DefaultTransport.RoundTrip(q)
	}
	if q.Body != nil {
		q.Body.Close()
	}
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusForbidden)
	return w.Result(), nil
}

// A store is ready when objects can be written to all buckets and removed; nothing stays,
// and a store that is asked often is written to now and then.
func TestS3IsReadyWhenItCanBeWrittenTo(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(srv.Close)
	way := &refusing{}
	s := prepared(t, S3Options{Endpoint: srv.URL, AccessKey: "id", SecretKey: "key", Transport: way})

	for _, refused := range []string{http.MethodPut, http.MethodDelete} {
		way.method = refused
		if err := s.Ready(t.Context()); err == nil {
			t.Errorf("ready while %s is refused", refused)
		}
	}

	way.method = ""
	way.calls.Store(0)
	for range 10 {
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := way.calls.Load(); n != 4 {
		t.Errorf("%d calls, want one to write and one to remove in each of two buckets", n)
	}

	s.readyUntil.Store(nil) // that moment is over
	if err := s.Ready(t.Context()); err != nil || way.calls.Load() != 8 {
		t.Errorf("%v after %d calls", err, way.calls.Load())
	}

	// An outage that began within that moment.
	way.method = http.MethodPut
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("a moment ago it could be written to: %v", err)
	}
	if err := s.ReadyNow(t.Context()); err == nil {
		t.Error("ready now while nothing can be written")
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready after a check has failed")
	}
	if n, err := s.Prune(t.Context(), time.Now().Add(time.Hour)); n > 1 || err != nil { // where DELETE was refused
		t.Errorf("%d objects stay, %v", n, err)
	}
}

// hanging is a transport that answers when it is told to.
type hanging struct {
	called chan struct{}
	answer chan struct{}
}

func (h hanging) RoundTrip(*http.Request) (*http.Response, error) {
	select {
	case h.called <- struct{}{}:
	default: // a second try
	}
	<-h.answer
	return nil, errors.New("nothing came")
}

// TestWhoAsksAStoreThatHangsCanLeave: while one waits for the store, others leave when
// they want to, and do not ask it again.
func TestWhoAsksAStoreThatHangsCanLeave(t *testing.T) {
	t.Parallel()
	way := hanging{make(chan struct{}, 1), make(chan struct{})}
	s, err := NewS3(S3Options{
		Endpoint:  "http://s3.example",
		Region:    "us-east-1",
		AccessKey: "id",
		SecretKey: "key",
		Bucket:    "images",
		Transport: way,
	})
	if err != nil {
		t.Fatal(err)
	}

	waits, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- s.Ready(waits) }()
	<-way.called

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ready(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("one whose call has ended: %v", err)
	}
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first, which leaves: %v", err)
	}
	close(way.answer)
}

func TestS3OptionsAreChecked(t *testing.T) {
	good := S3Options{Endpoint: "https://s3.example", AccessKey: "id", SecretKey: "key", Bucket: "images"}
	for name, change := range map[string]func(*S3Options){
		"no endpoint":  func(o *S3Options) { o.Endpoint = "" },
		"no scheme":    func(o *S3Options) { o.Endpoint = "s3.example" },
		"path":         func(o *S3Options) { o.Endpoint = "https://s3.example/x" },
		"public":       func(o *S3Options) { o.PublicEndpoint = "ftp://s3.example" },
		"no key":       func(o *S3Options) { o.AccessKey = "" },
		"no secret":    func(o *S3Options) { o.SecretKey = "" },
		"no bucket":    func(o *S3Options) { o.Bucket = "" },
		"wrong bucket": func(o *S3Options) { o.SourceBucket = "no/bucket" },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			change(&o)
			if _, err := NewS3(o); err == nil {
				t.Errorf("%s: %+v was taken", name, o)
			}
		})
	}

	o := good
	o.PublicEndpoint, o.SourceBucket = "https://images.example", "sources"
	o.Transport = forbidden{t} // signing never connects
	s, err := NewS3(o)
	if err != nil {
		t.Fatal(err)
	}

	for name, host := range map[string]string{"x.webp": "images", "x_src.webp": "sources"} {
		for _, link := range []string{s.SignGet(t.Context(), name, LinkTTL),
			s.SignPut(t.Context(), name, Upload{TTL: LinkTTL})} {
			u, err := url.Parse(link)
			if err != nil || !strings.HasSuffix(u.Host, "images.example") || u.Scheme != "https" ||
				u.Query().Get("X-Amz-Expires") != "1800" || !strings.Contains(u.Host+u.Path, host) {
				t.Errorf("link %s", link)
			}
			if h := u.Query().Get("X-Amz-SignedHeaders"); h != "host" {
				t.Errorf("signed headers are %q", h)
			}
		}
	}
}

type forbidden struct{ t *testing.T }

func (f forbidden) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("connected to %s", r.URL)
	return nil, http.ErrAbortHandler
}

func BenchmarkS3SignGet(b *testing.B) {
	s, err := NewS3(S3Options{Endpoint: "https://s3.example", AccessKey: "id", SecretKey: "key", Bucket: "images"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.SignGet(b.Context(), "01985c3e-7d1c-7b1e-9f0a-1234567890ab.webp", LinkTTL)
	}
}
