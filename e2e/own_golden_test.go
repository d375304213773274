package e2e

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"horde/e2e/program"
	"horde/internal/golden"
)

// ownGolden is the folder of the scenarios that we wrote ourselves, from the
// rulebooks and in the format of the recordings: what those lack.
const ownGolden = "testdata/golden"

// TestOwnGolden plays every scenario of our own, each on a fresh server with the
// short list of models that is built in. ${files} is a site beside it, in the
// environment too.
func TestOwnGolden(t *testing.T) {
	t.Parallel()
	engines(t, playOwnGolden)
}

func playOwnGolden(t *testing.T, db string) {
	t.Helper()
	scenarios, err := golden.Load(ownGolden)
	if err != nil {
		t.Fatal(err)
	}

	files := imageServer(t)
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			s.Vars = map[string]any{"files": files}
			for name, v := range s.Env {
				s.Env[name] = strings.ReplaceAll(v, "${files}", files)
			}

			o := setupFor(s)
			if db != "" {
				o.DB = program.Postgres(t)
			}

			srv := program.Start(t, o)
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
			defer cancel()
			for _, f := range golden.Replay(ctx, s, srv.URL) {
				t.Error(f)
			}
		})
	}
}

// imageServer is a site that requesters name for source images, some of them
// good; ${files} in our scenarios.
func imageServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	serve := func(path, kind string, body []byte) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		})
	}

	good := pngOf(image.NewGray(image.Rect(0, 0, 64, 64)))
	serve("/picture.png", "image/png", good)
	serve("/cut.png", "image/png", good[:len(good)-20])
	serve("/long.png", "image/png", pngHeader(8200, 8200)) // 17 × 17 tiles
	serve("/bomb.png", "image/png", pngHeader(50_000, 50_000))
	serve("/words.txt", "text/plain", []byte("no image"))
	serve("/noise.png", "image/png", []byte("no image either"))
	serve("/huge.png", "image/png", make([]byte, 5<<20+1))

	mux.HandleFunc("/endless.png", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})

	mux.HandleFunc("/slow.png", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})

	// Judges addresses: one is a VPN's, for another there is no time.
	mux.HandleFunc("/judge/{addr}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("addr") {
		case "203.0.113.66":
			_, _ = io.WriteString(w, "0.99\n")
		case "203.0.113.67":
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, "0.05")
		}
	})

	mux.Handle("/circle", http.RedirectHandler("/circle", http.StatusFound))
	mux.Handle("/to-file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

func pngOf(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // of an image in memory
	}
	return b.Bytes()
}
