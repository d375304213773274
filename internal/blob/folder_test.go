package blob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"
)

var secret = []byte("sixteen bytes, at least")

// serve opens a folder behind a server, with a clock that can be moved.
func serve(t *testing.T) (*Folder, *atomic.Int64, string) {
	t.Helper()
	dir := t.TempDir()
	var ahead atomic.Int64
	f, err := OpenFolder(dir, FolderOptions{
		Secret: secret, MaxBytes: 1 << 20,
		Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(Path, f.Handler(nil))
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { srv.Close(); f.Close() })
	f.opt.LocalURL = srv.URL + "/" // a slash at the end must not be doubled
	return f, &ahead, dir
}

func TestAFolderIsAStore(t *testing.T) {
	conforms(t, func(t *testing.T) Store { f, _, _ := serve(t); return f })
}

func TestLinksAreBoundToMethodNameAndTime(t *testing.T) {
	f, ahead, _ := serve(t)
	webp := webpImage(t)
	up, down := f.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute}), f.SignGet(t.Context(), "x.webp", time.Minute)
	if strings.Contains(strings.TrimPrefix(up, "http://"), "//") || !strings.Contains(up, "/blob/x.webp?") {
		t.Errorf("link %s", up)
	}

	if resp, body := call(t, "PUT", up, webp); resp.StatusCode != 200 || len(body) != 0 {
		t.Fatalf("%s %s", resp.Status, body)
	}

	with := func(link, key, value string) string {
		u, _ := url.Parse(link)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}

	query := func(link, key string) string { u, _ := url.Parse(link); return u.Query().Get(key) }
	bare, _, _ := strings.Cut(down, "?")
	for _, tt := range []struct{ name, method, link string }{
		{"no signature", "GET", bare},
		{"write by a link to read", "PUT", down},
		{"read by a link to write", "GET", up},
		{"another name", "GET", strings.Replace(down, "x.webp", "y.webp", 1)},
		{"a later end", "GET", with(down, "e", "99999999999")},
		{"an end with a sign", "GET", with(down, "e", "+"+query(down, "e"))},
		{"signature cut", "GET", with(down, "s", query(down, "s")[:4])},
		{"signature empty", "GET", with(down, "s", "")},
		{"signature of another link", "GET", with(down, "s", query(up, "s"))},
		{"no base64", "GET", with(down, "s", "%%")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := call(t, tt.method, tt.link, webp)
			var e struct{ Message, RC string }
			if err := json.Unmarshal(body, &e); err != nil && tt.name != "an end with a sign" {
				t.Errorf("%s: %v in %q", tt.name, err, body)
			}

			if tt.name == "an end with a sign" {
				return // the same number: no other link
			}

			if resp.StatusCode != 403 || e.RC != "BlobLinkInvalid" || e.Message == "" ||
				resp.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %s %+v", tt.name, resp.Status, e)
			}
		})
	}

	ahead.Store(int64(58 * time.Second))
	if resp, _ := call(t, "GET", down, nil); resp.StatusCode != 200 {
		t.Errorf("before its end: %s", resp.Status)
	}

	ahead.Store(int64(62 * time.Second))
	for method, link := range map[string]string{"GET": down, "PUT": up} {
		if resp, body := call(t, method, link, webp); resp.StatusCode != 403 ||
			!bytes.Contains(body, []byte("BlobLinkExpired")) {
			t.Errorf("%s after its end: %s %s", method, resp.Status, body)
		}
	}

	other, err := OpenFolder(t.TempDir(), FolderOptions{Secret: []byte("another secret of the same kind"), LocalURL: ""})
	if err != nil {
		t.Fatal(err)
	}

	defer other.Close()
	w := httptest.NewRecorder()
	other.Handler(nil).ServeHTTP(w,
		httptest.NewRequest("GET",
			strings.TrimPrefix(f.SignGet(t.Context(), "x.webp", time.Hour), strings.TrimSuffix(f.opt.LocalURL, "/")), nil))

	if w.Code != 403 {
		t.Errorf("a link signed with another secret: %d", w.Code)
	}
}

func TestLinkEndsExactly(t *testing.T) {
	s := newSigner(secret)
	link := s.link("http://h", ticket{method: "GET", name: "x.webp", expires: 1000})
	u, _ := url.Parse(link)
	for ns, want := range map[int64]verdict{999_999_999_999: linkGood, 1000_000_000_000: linkGood,
		1000_000_000_001: linkExpired} {
		if _, got := s.check(u.Query(), "GET", "x.webp", time.Unix(0, ns)); got != want {
			t.Errorf("at %d: %v, want %v", ns, got, want)
		}
	}
}

func TestOnlyImagesAreServedInline(t *testing.T) {
	f, _, _ := serve(t)
	webp := webpImage(t)
	for _, tt := range []struct {
		name   string
		data   []byte
		inline bool
	}{
		{"p.webp", webp, true},
		{"h.webp", []byte("<html><script>alert(1)</script>"), false},
		{"s.webp", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), false},
		{"r.webp", []byte("RIFF\x00\x00\x00\x00WAVEfmt "), false},
		{"e.webp", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if resp, body := call(t, "PUT", f.SignPut(t.Context(), tt.name, Upload{TTL: time.Minute}), tt.data, "Content-Type",
				"text/html"); resp.StatusCode != 200 {
				t.Fatalf("%s: %s %s", tt.name, resp.Status, body)
			}

			for _, method := range []string{"GET", "HEAD"} {
				resp, body := call(t, method, f.SignGet(t.Context(), tt.name, time.Minute), nil)
				h := resp.Header
				if resp.StatusCode != 200 || h.Get("X-Content-Type-Options") != "nosniff" ||
					h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Length") != fmt.Sprint(len(tt.data)) {
					t.Errorf("%s %s: %s %v", method, tt.name, resp.Status, h)
				}

				if method == "GET" && !bytes.Equal(body, tt.data) {
					t.Errorf("%s: other bytes", tt.name)
				}

				want := "application/octet-stream"
				if tt.inline {
					want = "image/webp"
				}

				if h.Get("Content-Type") != want || strings.HasPrefix(h.Get("Content-Disposition"), "attachment") == tt.inline {
					t.Errorf("%s: %s, %s", tt.name, h.Get("Content-Type"), h.Get("Content-Disposition"))
				}
			}
		})
	}

	link := f.SignGet(t.Context(), "p.webp", time.Minute)
	resp, _ := call(t, "GET", link, nil)
	if again, _ := call(t, "GET", link, nil, "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("revalidation: %s", again.Status)
	}
}

func TestRefusalsOfAFolderSayWhy(t *testing.T) {
	f, _, dir := serve(t)
	base := strings.TrimSuffix(f.opt.LocalURL, "/")

	big := make([]byte, 1<<20+1)
	for _, tt := range []struct {
		name, method, link string
		body               []byte
		status             int
		rc                 string
	}{
		{"too large", "PUT", f.SignPut(t.Context(), "b.webp", Upload{TTL: time.Minute}), big, 413, "BlobTooLarge"},
		{"nothing uploaded", "GET", f.SignGet(t.Context(), "n.webp", time.Minute), nil, 404, "BlobNotFound"},
		{"no name", "GET", base + "/blob/", nil, 404, "BlobNotFound"},
		{"climbing", "GET", base + "/blob/..%2f..%2fetc%2fpasswd?e=1&s=x", nil, 404, "BlobNotFound"},
		{"method", "DELETE", f.SignGet(t.Context(), "n.webp", time.Minute), nil, 405, "MethodNotAllowed"},
		{"post", "POST", f.SignPut(t.Context(), "n.webp", Upload{TTL: time.Minute}), nil, 405, "MethodNotAllowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := call(t, tt.method, tt.link, tt.body)
			var e struct{ Message, RC string }
			if err := json.Unmarshal(body, &e); err != nil || resp.StatusCode != tt.status || e.RC != tt.rc || e.Message == "" {
				t.Errorf("%s: %s %s", tt.name, resp.Status, body)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" ||
				resp.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s: %v", tt.name, resp.Header)
			}
		})
	}

	resp, _ := call(t, "OPTIONS", f.SignPut(t.Context(), "n.webp", Upload{TTL: time.Minute}), nil, "Origin", "https://x",
		"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type")
	if h := resp.Header; resp.StatusCode != 200 || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %s %v", resp.Status, resp.Header)
	}

	// Without a Content-Length, too, the limit holds.
	req, _ := http.NewRequest("PUT", f.SignPut(t.Context(), "b.webp", Upload{TTL: time.Minute}),
		io.MultiReader(bytes.NewReader(big)))
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 413 {
		t.Errorf("chunked: %v %v", resp, err)
	}

	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	f, _, dir := serve(t)
	u, _ := url.Parse(f.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute}))
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nRIFF", u.RequestURI(), u.Host)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn) // until the server is through with it
	conn.Close()
	if s := string(answer); s != "" && !strings.Contains(s, " 400 ") {
		t.Errorf("answer %q", s)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// What a process that was killed left unfinished goes at the next start, and with what is
// pruned; what may still be written, by another node, stays.
func TestUnfinishedWritesAreRemoved(t *testing.T) {
	for when, remove := range map[string]func(*Folder, string) error{
		"at the start": func(f *Folder, dir string) error {
			again, err := OpenFolder(dir, f.opt)
			if err == nil {
				err = again.Close()
			}
			return err
		},
		"with old objects": func(f *Folder, _ string) error {
			n, err := f.Prune(t.Context(), time.Now().Add(-24*time.Hour))
			if n != 0 {
				t.Errorf("%d objects", n)
			}
			return err
		},
	} {
		t.Run(when, func(t *testing.T) {
			f, _, dir := serve(t)
			files := map[string]time.Duration{"killed": tmpKept + time.Minute, "going-on": uploadTime}
			for name, age := range files {
				path, at := filepath.Join(dir, tmpDir, name), time.Now().Add(-age)
				if err := errors.Join(os.WriteFile(path, []byte("half"), 0o600), os.Chtimes(path, at, at)); err != nil {
					t.Fatal(err)
				}
			}

			if err := remove(f, dir); err != nil {
				t.Fatal(err)
			}
			for name, age := range files {
				_, err := os.Stat(filepath.Join(dir, tmpDir, name))
				if stays := err == nil; stays != (age < tmpKept) {
					t.Errorf("%s stays: %v", name, stays)
				}
			}
		})
	}
}

func TestAFolderServesNothingOutsideOfIt(t *testing.T) {
	f, _, dir := serve(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, shard("x.webp")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, shard("x.webp"), "x.webp")); err != nil {
		t.Fatal(err)
	}
	if r, _, err := f.Get(t.Context(), "x.webp"); err == nil {
		r.Close()
		t.Error("a link out of the folder was followed")
	}
}

// A link begins with the address that was set, else with what its caller reached,
// else with our own; it is good by all of them.
func TestWhatLinksBeginWith(t *testing.T) {
	const local = "http://127.0.0.1:7001"
	called := horde.WithBase(t.Context(), horde.At("http://horde.lan:7001"))

	unknown := horde.WithBase(t.Context(), horde.At(""))
	for _, c := range []struct {
		name, public string
		ctx          context.Context
		want         string
	}{
		{"the caller's way", "", called, "http://horde.lan:7001"},
		{"what was set", "https://set.example", called, "https://set.example"},
		{"nobody called", "", t.Context(), local},
		{"a way that is not known", "", unknown, local},
		{"nobody called, and it was set", "https://set.example", t.Context(), "https://set.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := OpenFolder(t.TempDir(), FolderOptions{Secret: secret, PublicURL: c.public, LocalURL: local})
			if err != nil {
				t.Fatal(err)
			}

			defer f.Close()
			for _, link := range []string{f.SignGet(c.ctx, "x.webp", time.Minute),
				f.SignPut(c.ctx, "x.webp", Upload{TTL: time.Minute})} {
				query, begins := strings.CutPrefix(link, c.want+"/blob/x.webp?")
				if !begins || strings.Contains(query, "horde") {
					t.Errorf("%s, want it at %s", link, c.want)
				}
			}
		})
	}
}

func TestAFolderNeedsASecretAndAPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, opt := range map[string]FolderOptions{
		t.TempDir(): {Secret: []byte("short")}, file: {Secret: secret},
	} {
		if _, err := OpenFolder(dir, opt); err == nil {
			t.Errorf("%s with %+v was opened", dir, opt)
		}
	}
}

func FuzzLinkCheck(f *testing.F) {
	s := newSigner(secret)
	link := s.link("", ticket{method: "GET", name: "x.webp", expires: 5000})
	f.Add(strings.TrimPrefix(link, "/blob/x.webp?"))
	f.Add("e=5000&s=")
	good, _ := url.Parse(link)
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		if _, got := s.check(q, "PUT", "x.webp", time.Unix(0, 0)); got != linkForged {
			t.Fatalf("%q opens what was never signed", raw)
		}
		if _, got := s.check(q, "GET", "x.webp", time.Unix(0, 0)); got == linkGood &&
			!bytes.HasPrefix([]byte(q.Get("s")), []byte(good.Query().Get("s")[:20])) {
			t.Fatalf("%q passes with another signature", raw)
		}
	})
}

func BenchmarkSignGet(b *testing.B) {
	f, err := OpenFolder(b.TempDir(), FolderOptions{Secret: secret, LocalURL: "https://horde.example"})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.ReportAllocs()
	for b.Loop() {
		f.SignGet(b.Context(), "01985c3e-7d1c-7b1e-9f0a-1234567890ab.webp", LinkTTL)
	}
}
