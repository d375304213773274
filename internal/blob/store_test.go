package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/internal/imaging"
)

// image is a small WebP.
func webpImage(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := imaging.EncodeWebP(t.Context(), &b, image.NewGray(image.Rect(0, 0, 16, 16)), 50); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// call makes one HTTP call and reads the whole answer.
func call(t *testing.T, method, url string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, data
}

func read(t *testing.T, s Store, name string) ([]byte, Info) {
	t.Helper()
	r, info, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data, info
}

// webpObject describes a WebP of so many bytes, -1 when unknown.
func webpObject(name string, size int) Object {
	return Object{Name: name, ContentType: "image/webp", Size: int64(size)}
}

// conforms is what every Store has to do. Its MaxBytes must be 1 MiB.
func conforms(t *testing.T, open func(*testing.T) Store) {
	s := open(t)
	put := func(t *testing.T, name string, data []byte) {
		t.Helper()
		if err := s.Put(t.Context(), webpObject(name, len(data)), bytes.NewReader(data)); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
	}
	exists := func(t *testing.T, name string, want bool) {
		t.Helper()
		if ok, err := s.Exists(t.Context(), name); err != nil || ok != want {
			t.Fatalf("exists %s: %v, %v; want %v", name, ok, err, want)
		}
	}
	webp := webpImage(t)

	t.Run("ready", func(t *testing.T) {
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("put, get, replace, delete", func(t *testing.T) {
		exists(t, "a.webp", false)
		if _, _, err := s.Get(t.Context(), "a.webp"); !errors.Is(err, ErrNotFound) {
			t.Errorf("get before put: %v", err)
		}
		for _, data := range [][]byte{webp, append(bytes.Clone(webp), 0), {7}} {
			put(t, "a.webp", data)
			got, info := read(t, s, "a.webp")
			if !bytes.Equal(got, data) || info.Size != int64(len(data)) || time.Since(info.Modified).Abs() > time.Minute {
				t.Errorf("got %d bytes, %+v; put %d", len(got), info, len(data))
			}
			if len(data) > 1 && info.ContentType != "image/webp" {
				t.Errorf("content type %q", info.ContentType)
			}
			exists(t, "a.webp", true)
		}
		for range 2 {
			if err := s.Delete(t.Context(), "a.webp"); err != nil {
				t.Errorf("delete: %v", err)
			}
			exists(t, "a.webp", false)
		}
	})
	t.Run("sizes", func(t *testing.T) {
		if err := s.Put(t.Context(), webpObject("u.webp", -1), bytes.NewReader(webp)); err != nil {
			t.Errorf("unknown length: %v", err)
		}
		for _, size := range []int{len(webp) + 1, len(webp) - 1} {
			if err := s.Put(t.Context(), webpObject("u.webp", size), bytes.NewReader(make([]byte, len(webp)))); err == nil {
				t.Error("a wrong length was taken")
			}
		}
		half := io.MultiReader(bytes.NewReader(webp[:9]), broken{})
		if err := s.Put(t.Context(), webpObject("u.webp", -1), half); err == nil {
			t.Error("a broken reader was taken")
		}
		for _, size := range []int{-1, 1<<20 + 1} {
			err := s.Put(t.Context(), webpObject("u.webp", size), bytes.NewReader(make([]byte, 1<<20+1)))
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("1 MiB + 1, size %d: %v", size, err)
			}
		}
		if got, _ := read(t, s, "u.webp"); !bytes.Equal(got, webp) {
			t.Error("a failed write changed the object")
		}
		put(t, "u.webp", make([]byte, 1<<20))
	})
	t.Run("names", func(t *testing.T) {
		for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden", "-x", "_x", "a b", "a\x00",
			"ä", "a?b", "a%2e", strings.Repeat("a", 129)} {
			if err := s.Put(t.Context(), Object{Name: name}, bytes.NewReader(nil)); !errors.Is(err, ErrName) {
				t.Errorf("put %q: %v", name, err)
			}
			_, _, err := s.Get(t.Context(), name)
			_, err2 := s.Exists(t.Context(), name)
			if err3 := s.Delete(t.Context(), name); !errors.Is(err, ErrName) || !errors.Is(err2, ErrName) ||
				!errors.Is(err3, ErrName) {
				t.Errorf("%q: %v, %v, %v", name, err, err2, err3)
			}
			if s.SignGet(t.Context(), name, LinkTTL) != "" || s.SignPut(t.Context(), name, Upload{TTL: LinkTTL}) != "" {
				t.Errorf("a link of %q was signed", name)
			}
		}
	})
	t.Run("links", func(t *testing.T) {
		for _, name := range []string{"l.webp", "l_src.webp"} {
			up, down := s.SignPut(t.Context(), name, Upload{TTL: LinkTTL}), s.SignGet(t.Context(), name, LinkTTL)
			if resp, _ := call(t, "GET", down, nil); resp.StatusCode != 404 {
				t.Errorf("get before put: %s", resp.Status)
			}
			for range 2 { // an upload may be repeated
				if resp, body := call(t, "PUT", up, webp); resp.StatusCode != 200 {
					t.Fatalf("put: %s %s", resp.Status, body)
				}
			}
			resp, body := call(t, "GET", down, nil)
			if resp.StatusCode != 200 || !bytes.Equal(body, webp) {
				t.Errorf("get: %s, %d bytes", resp.Status, len(body))
			}
			if resp, body := call(t, "GET", down, nil, "Range", "bytes=0-3"); resp.StatusCode != 206 || string(body) != "RIFF" {
				t.Errorf("range: %s %q", resp.Status, body)
			}
			exists(t, name, true)
			if got, _ := read(t, s, name); !bytes.Equal(got, webp) {
				t.Error("another object was stored")
			}
		}
		up := s.SignPut(t.Context(), "l2.webp", Upload{TTL: LinkTTL})
		for _, headers := range [][]string{{"Content-Type", "image/webp"},
			{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", ""}} {
			if resp, body := call(t, "PUT", up, webp, headers...); resp.StatusCode != 200 {
				t.Errorf("put with %v: %s %s", headers, resp.Status, body)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte(i)}, 10_000)
				for range 4 {
					if err := s.Put(t.Context(), webpObject("m.webp", -1), bytes.NewReader(data)); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for range 4 {
					r, _, err := s.Get(t.Context(), "m.webp")
					if errors.Is(err, ErrNotFound) {
						continue
					}
					if err != nil {
						t.Error(err)
						continue
					}
					data, err := io.ReadAll(r)
					r.Close()
					// S3's Get asks twice, for the size and for the bytes, and
					// says so when another object came between.
					if err == nil && (len(data) != 10_000 || bytes.Count(data, data[:1]) != len(data)) {
						t.Errorf("read a mixture of %d bytes", len(data))
					}
				}
			})
		}
		wg.Wait()
	})
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Put(ctx, Object{Name: "c.webp", Size: -1}, bytes.NewReader(webp)); !errors.Is(err, context.Canceled) {
			t.Errorf("put: %v", err)
		}
		exists(t, "c.webp", false)
	})
	t.Run("prune", func(t *testing.T) {
		if _, err := s.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			put(t, fmt.Sprintf("p%d.webp", i), webp)
		}
		put(t, "p_src.webp", webp)
		if n, err := s.Prune(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
			t.Errorf("pruned %d young objects, %v", n, err)
		}
		if n, err := s.Prune(t.Context(), time.Now().Add(time.Hour)); n != 6 || err != nil {
			t.Errorf("pruned %d of 6, %v", n, err)
		}
		exists(t, "p1.webp", false)
		exists(t, "p_src.webp", false)
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cable pulled") }
