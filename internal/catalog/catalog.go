package catalog

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

//go:embed common.json
var commonDocument []byte

// Config names the references. Each source is a file path or an http(s) URL;
// empty means none.
type Config struct {
	Images string
	Texts  string
	Log    *slog.Logger // nil: slog.Default()

	HTTP    *http.Client  // nil: a client of its own
	Refresh time.Duration // 0: an hour
	Retry   time.Duration // first pause after a failed fetch, doubled each time; 0: 2 s
}

const (
	refreshEvery = time.Hour
	retryFirst   = 2 * time.Second
	retryMost    = 5 * time.Minute
	fetchTimeout = 30 * time.Second
)

// Catalog keeps the current Snapshot. Safe for concurrent use.
type Catalog struct {
	cfg     Config
	current atomic.Pointer[Snapshot]
}

// New makes a catalogue. Sources that are files are read before it returns; a file
// that is missing or no reference is an error, since the operator named it.
// URLs are left to Run.
func New(cfg Config) (*Catalog, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: fetchTimeout}
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = refreshEvery
	}
	if cfg.Retry <= 0 {
		cfg.Retry = retryFirst
	}
	common, _, err := parseImages(commonDocument)
	if err != nil {
		return nil, fmt.Errorf("built-in model list: %w", err)
	}
	c := &Catalog{cfg: cfg}
	c.current.Store(newSnapshot(common, nil))
	for _, src := range []source{c.images(), c.texts()} {
		if src.name == "" || isURL(src.name) {
			continue
		}
		if err := src.load(context.Background()); err != nil {
			return nil, fmt.Errorf("%w. Correct %s or leave it unset", err, src.setting)
		}
	}
	return c, nil
}

// Snapshot returns the current state of the references.
func (c *Catalog) Snapshot() *Snapshot { return c.current.Load() }

// Run fetches URLs and reads everything again every hour until ctx ends. A
// source that fails keeps its last good state and is tried again, first after
// seconds, then less often.
func (c *Catalog) Run(ctx context.Context) {
	done := make(chan struct{}, 2)
	sources := []source{c.images(), c.texts()}
	for _, src := range sources {
		go func() {
			defer func() { done <- struct{}{} }()
			if src.name != "" {
				c.follow(ctx, src)
			}
		}()
	}
	for range sources {
		<-done
	}
}

// source is one reference: where it is and how it enters the snapshot.
type source struct {
	name    string
	setting string // the variable that names it, for messages
	load    func(context.Context) error
}

func (c *Catalog) images() source {
	s := source{name: c.cfg.Images, setting: "HORDE_MODEL_REFERENCE_IMAGES"}
	s.load = func(ctx context.Context) error {
		return load(ctx, c, s.name, parseImages, func(m map[string]Image) *Snapshot {
			return newSnapshot(m, c.current.Load().texts)
		})
	}
	return s
}

func (c *Catalog) texts() source {
	s := source{name: c.cfg.Texts, setting: "HORDE_MODEL_REFERENCE_TEXT"}
	s.load = func(ctx context.Context) error {
		return load(ctx, c, s.name, parseTexts, func(m map[string]Text) *Snapshot {
			return &Snapshot{images: c.current.Load().images, texts: m}
		})
	}
	return s
}

// load reads one reference and swaps in the snapshot that with makes of it. The
// other source may swap at the same time, hence the loop.
func load[M any](ctx context.Context, c *Catalog, name string,
	parse func([]byte) (map[string]M, int, error), with func(map[string]M) *Snapshot,
) error {
	doc, err := c.read(ctx, name)
	if err != nil {
		return fmt.Errorf("model reference %s: %w", name, err)
	}
	models, bad, err := parse(doc)
	if err != nil {
		return fmt.Errorf("model reference %s %w", name, err)
	}
	if bad > 0 {
		c.cfg.Log.Warn("model reference has entries that could not be read and were left out",
			"source", name, "entries", bad)
	}
	for {
		old := c.current.Load()
		if c.current.CompareAndSwap(old, with(maps.Clone(models))) {
			return nil
		}
	}
}

func (c *Catalog) follow(ctx context.Context, src source) {
	wait := time.Duration(0)
	if !isURL(src.name) {
		wait = c.cfg.Refresh // read by New
	}
	retry := c.cfg.Retry
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := src.load(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			c.cfg.Log.Warn("model reference not loaded; keeping what is known", "error", err, "retry_in", retry)
			wait, retry = retry, min(2*retry, retryMost)
			continue
		}
		c.cfg.Log.Info("model reference loaded", "source", src.name)
		wait, retry = c.cfg.Refresh, c.cfg.Retry
	}
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// read returns a document of at most maxDocument bytes.
func (c *Catalog) read(ctx context.Context, name string) ([]byte, error) {
	if !isURL(name) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readBounded(f)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.cfg.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", resp.Status)
	}
	return readBounded(resp.Body)
}

func readBounded(r io.Reader) ([]byte, error) {
	doc, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(doc) > maxDocument {
		return nil, fmt.Errorf("is larger than %d MiB", maxDocument>>20)
	}
	return doc, nil
}
