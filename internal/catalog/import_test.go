package catalog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store/storetest"
)

// A server that starts while its URL is dead comes up at once with the copy in
// the database.
func TestAServerStartsFromTheCopy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"fetched": {"baseline": "qwen_image"}}`))
		}))
		s := db.Open()
		c := open(t, Config{Images: srv.URL, Store: s})
		run(t, c, func() bool { return c.Snapshot().KnownImage("fetched") })
		srv.Close()

		began := time.Now()
		reg := prometheus.NewRegistry()
		again := open(t, Config{Images: srv.URL, Store: s, Metrics: reg})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("New took %v", took)
		}
		if k := again.Snapshot(); k.Baseline("fetched") != QwenImage || k.KnownImage("Deliberate") || !k.KnownImage(Sketch) {
			t.Errorf("from the copy: %v", k.ImageNames())
		}
		run(t, again, func() bool { return counted(t, reg, readsTotal, Images, "failed") > 0 })
		if !again.Snapshot().KnownImage("fetched") {
			t.Error("a failed reading costs the copy")
		}
		list, err := again.References(t.Context())
		if err != nil || len(list) != 2 || list[0].Kind != Images || list[0].Models != 1 || list[0].Source != srv.URL ||
			list[0].Fetched == nil || list[1].Kind != Texts || list[1].Source != api.BuiltInReference {
			t.Errorf("%+v, %v", list, err)
		}
		// Without the setting the copy stays in use as well.
		if k := open(t, Config{Store: s}).Snapshot(); !k.KnownImage("fetched") {
			t.Errorf("unset: %v", k.ImageNames())
		}
	})
}

const readsTotal = "horde_model_reference_reads_total"

// run runs a catalogue until something holds.
func run(t *testing.T, c *Catalog, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { c.Run(ctx); close(stopped) }()
	defer func() { cancel(); <-stopped }()
	for deadline := time.Now().Add(20 * time.Second); !until(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not after 20 s")
		}
	}
}

// counted reads one figure of a catalogue that has reg.
func counted(t *testing.T, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// A file that has gone is an error, unless its copy is there.
func TestAFileThatHasGoneHasACopy(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	file := write(t, `{"mine": {"baseline": "flux_1"}}`)
	open(t, Config{Images: file, Store: s})
	if err := os.WriteFile(file, []byte(`{"mine": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if k := open(t, Config{Images: file, Store: s}).Snapshot(); k.Baseline("mine") != Flux1 {
		t.Errorf("broken, with a copy: %v", k.ImageNames())
	}
	other := write(t, `[]`)
	if _, err := New(Config{Images: other, Store: s}); err == nil ||
		!strings.Contains(err.Error(), "HORDE_MODEL_REFERENCE_IMAGES") {
		t.Errorf("another file, which never was right: %v", err)
	}
	// The file comes back while the server runs.
	c := open(t, Config{Images: file, Store: s, Retry: time.Millisecond})
	if err := os.WriteFile(file, []byte(`{"new": {"baseline": "flux_1"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, c, func() bool { return c.Snapshot().KnownImage("new") })
}

func TestFailuresAreLoggedOnce(t *testing.T) {
	var up atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		w.Write([]byte(`{"a": {"baseline": "flux_1"}}`))
	}))

	defer srv.Close()

	var log bytes.Buffer // slog writes one line at a time, and none after run
	reg := prometheus.NewRegistry()
	c := open(t, Config{
		Images:  srv.URL,
		Refresh: time.Millisecond,
		Retry:   time.Millisecond,
		Metrics: reg,
		Log:     slog.New(slog.NewTextHandler(&log, nil)),
	})

	run(t, c, func() bool { return counted(t, reg, readsTotal, Images, "failed") >= 5 })
	up.Store(true)
	run(t, c, func() bool { return counted(t, reg, readsTotal, Images, "ok") >= 5 })
	if text := log.String(); strings.Count(text, "not read") != 1 ||
		strings.Count(text, `"model reference read"`) != 1 || !strings.Contains(text, "502") {
		t.Errorf("log:\n%s", text)
	}

	if image, text := counted(t, reg, "horde_model_reference_models", Images), counted(t, reg,
		"horde_model_reference_models", Texts); image != 3 || text != 66 {
		t.Errorf("%v image and %v text models", image, text)
	}
}

func TestAnImportReachesEveryCatalogue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a, b := open(t, Config{Store: s}), open(t, Config{Store: s})
		take(t, a, Images, `{"one": {"baseline": "flux_1", "nsfw": true}}`)
		take(t, a, Texts, `{"t": {"parameters": 7e9}}`)
		if k := b.Snapshot(); !k.KnownImage("one") || k.TextBillions("t") != 7 {
			t.Errorf("after the import: %v", k.ImageNames())
		}

		before := b.Snapshot()
		reload(t, b)
		take(t, b, Images, "\xef\xbb\xbf"+`{"one": {"baseline": "flux_1", "nsfw": true}}`)
		if b.Snapshot() != before {
			t.Error("nothing new makes a new snapshot")
		}

		// A mark that is gone is gone at once: no restart is needed, as it was in
		// the original (platform §15).
		take(t, a, Images, `{"one": {"baseline": "qwen_image"}}`)
		if m, _ := b.Snapshot().Image("one"); m.NSFW || m.Baseline != QwenImage {
			t.Errorf("changed: %+v", m)
		}

		if m, _ := before.Image("one"); !m.NSFW {
			t.Error("a snapshot that somebody holds has changed")
		}

		if err := a.Remove(ctx, Images); err != nil {
			t.Fatal(err)
		}

		for _, c := range []*Catalog{a, b} {
			if k := c.Snapshot(); k.KnownImage("one") || !k.KnownImage("Deliberate") || k.TextBillions("t") != 7 {
				t.Errorf("forgotten: %v", k.ImageNames())
			}
		}

		if err := a.Remove(ctx, Images); horde.CodeOf(err) != horde.NotFound {
			t.Errorf("forgotten twice: %v", err)
		}

		if list, err := a.References(ctx); err != nil || len(list) != 2 || list[0].Source != api.BuiltInReference ||
			list[1].Kind != Texts {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func take(t *testing.T, c *Catalog, slot, doc string) Imported {
	t.Helper()
	got, err := c.Import(t.Context(), slot, "test", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func reload(t *testing.T, c *Catalog) {
	t.Helper()
	if err := c.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The second document is merged into the first, or into the built-in list, and
// wins (platform §15).
func TestTheSecondDocumentWins(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	c := open(t, Config{
		ExtraImages: write(t, `{"Deliberate": {"baseline": "flux_1"}, "more": {"baseline": "qwen_image"}}`),
		Store:       s,
	})
	if k := c.Snapshot(); k.Baseline("Deliberate") != Flux1 || k.Baseline("more") != QwenImage ||
		k.Baseline("AlbedoBase XL (SDXL)") != SDXL {
		t.Errorf("over the built-in list: %v", k.ImageNames())
	}
	take(t, c, Images, `{"base": {"baseline": "stable_cascade"}, "more": {"baseline": "flux_1"}}`)
	if k := c.Snapshot(); k.Baseline("base") != StableCascade || k.Baseline("more") != QwenImage ||
		k.Baseline("Deliberate") != Flux1 {
		t.Errorf("over another: %v", k.ImageNames())
	}
	if got := take(t, c, ExtraImages, `{}`); got.Models != 0 || !got.Changed { // what the public second document is today
		t.Errorf("%+v", got)
	}
	if k := c.Snapshot(); k.Baseline("more") != Flux1 || k.KnownImage("Deliberate") ||
		open(t, Config{Store: s}).Snapshot().Baseline("more") != Flux1 {
		t.Errorf("emptied: %v", k.ImageNames())
	}
}

func TestADocumentThatIsNoneIsNotTaken(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	c := open(t, Config{Store: s})
	take(t, c, Texts, `{"t": {"parameters": 7e9}}`)

	for _, tt := range []struct{ slot, doc, want string }{
		{Images, `{`, "no JSON object"},
		{Images, `null`, "it is null"},
		{Images, `[{}]`, "no JSON object"},
		{Images, ``, "no JSON object"},
		{Images, `{"a": {"baseline": "flux_1"}} {}`, "no JSON object"},
		{Images, `{}`, "no models"},
		{Texts, `{}`, "no models"},
		{Images, `{"a": null}`, "no entry"},
		{Images, `{"a": []}`, "no entry"},
		{Images, `{"a\u0000": {}}`, "no entry"},
		{Images, `{"` + strings.Repeat("ü", 256) + `": {}}`, "no entry"},
		{Images, `{"a": {"requirements": {"samplers": ["` + strings.Repeat("x", 129) + `"]}}}`, "no entry"},
		{Images, `{"a": {"requirements": {"schedulers": [` + strings.Repeat(`"x",`, 64) + `"x"]}}}`, "no entry"},
		{Images, `{"a": {"requirements": {"min_steps": 1e999}}}`, "no entry"},
		{Images, "{\"a\xff\": {}}", "no UTF-8"},
		{Images, `{"a": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "deeper than 32"},
		{Images, strings.Repeat(" ", MaxDocument+1), "larger than 16 MiB"},
		{Images, `{"t": {"parameters": 7e9}}`, "is a reference of text models"},
		{Texts, `{"t": {"baseline": "flux_1", "type": "ckpt"}}`, "is a reference of image models"},
	} {
		t.Run(tt.slot+" "+tt.want, func(t *testing.T) {
			_, err := c.Import(t.Context(), tt.slot, "it", []byte(tt.doc))
			var refused *horde.Error
			if !errors.As(err, &refused) || refused.Code != horde.BadRequest || !strings.HasPrefix(refused.Detail, "it ") ||
				!strings.Contains(refused.Detail, tt.want) {
				t.Errorf("%.60s: %v; want %q", tt.doc, err, tt.want)
			}
		})
	}

	if _, err := c.Import(t.Context(), "video", "it", []byte(`{}`)); horde.CodeOf(err) != horde.NotFound {
		t.Errorf("an unknown slot: %v", err)
	}

	reload(t, c)
	if k := c.Snapshot(); k.TextBillions("t") != 7 || !k.KnownImage("Deliberate") {
		t.Error("a refused document has changed what is known")
	}

	if got := take(t, c, Images, `{"`+strings.Repeat("ü", 255)+
		`": {}, "b": 1, "{\"": {"csam_whitelist": ["w"]}}`); got.Models != 2 || got.LeftOut != 1 {
		t.Errorf("%+v", got)
	}

	if m, _ := c.Snapshot().Image(`{"`); len(m.CSAMWhitelist) != 1 {
		t.Errorf("%+v", m)
	}
}

func TestAnUnreadableCopyStopsNoStart(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	c := open(t, Config{Store: s})
	take(t, c, Images, `{"one": {"baseline": "flux_1"}}`)
	if err := c.keep(t.Context(), Images, "x", part{digest: "9"}, []byte(`{"later": "form"}`)); err != nil {
		t.Fatal(err)
	}
	reload(t, c)
	if !c.Snapshot().KnownImage("one") {
		t.Error("what was known is lost")
	}
	if k := open(t, Config{Store: s}).Snapshot(); !k.KnownImage("Deliberate") {
		t.Errorf("a fresh start: %v", k.ImageNames())
	}
}

// An operator's address may be private; one that it redirects to may not.
func TestARedirectLeadsToNoPrivateAddress(t *testing.T) {
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"a": {"baseline": "flux_1"}}`))
	}))
	defer private.Close()
	srv := httptest.NewServer(http.RedirectHandler(private.URL, http.StatusFound))
	defer srv.Close()
	if _, err := readSource(t.Context(), private.URL); err != nil {
		t.Errorf("a private address: %v", err)
	}
	if doc, err := readSource(t.Context(), srv.URL); err == nil {
		t.Errorf("redirected into the own network: %s", doc)
	}
	for _, address := range []string{"http://user:word@127.0.0.1/", "http://127.1/x", "https:///x"} {
		if _, err := readSource(t.Context(), address); err == nil {
			t.Errorf("%s was read", address)
		}
	}
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := bytes.Repeat([]byte(" "), 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	if _, err := readSource(t.Context(), srv.URL); err == nil || !strings.Contains(err.Error(), "large") {
		t.Errorf("got %v", err)
	}
}

// Whoever asks for a snapshot is not held up by a reload, however long it takes;
// and one that is taken up is whole.
func TestAReloadHoldsNobodyUp(t *testing.T) {
	c := open(t, Config{Store: storetest.On(t, storetest.SQLite).Open()})
	c.mu.Lock() // a reload that takes for ever
	if !c.Snapshot().KnownImage("Deliberate") {
		t.Error("the built-in list is missing")
	}

	c.mu.Unlock()
	docs := []string{`{"a": {"baseline": "flux_1"}, "b": {"baseline": "flux_1"}}`,
		`{"a": {"baseline": "qwen_image"}, "b": {"baseline": "qwen_image"}}`}
	take(t, c, Images, docs[0])

	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			if _, err := c.Import(t.Context(), Images, "test", []byte(docs[i%2])); err != nil {
				t.Error(err)
			}
		}
	}()

	for {
		s := c.Snapshot()
		if s.Baseline("a") != s.Baseline("b") {
			t.Fatal("half of a reference")
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// What an hour's reading of the public references costs: of documents that have
// changed, and of the same again.
func BenchmarkTake(b *testing.B) {
	docs := map[string][]byte{Images: document(b, "image-stable_diffusion.json"), Texts: document(b, "text-db.json")}
	for slot, doc := range docs {
		for name, change := range map[string]bool{"changed": true, "same": false} {
			b.Run(slot+"/"+name, func(b *testing.B) {
				c, err := New(Config{})
				if err != nil {
					b.Fatal(err)
				}
				other := append([]byte(" "), doc...)
				for i := 0; b.Loop(); i++ {
					next := doc
					if change && i%2 == 0 {
						next = other
					}
					if _, err := c.Import(b.Context(), slot, "bench", next); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
