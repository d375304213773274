package catalog

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
	"horde/internal/store"
)

// The references that a horde has, by the names that the database and the command
// line know them by.
const (
	Images      = string(horde.KindImage)
	ExtraImages = "image-extra" // a second document that is merged into Images and wins
	Texts       = string(horde.KindText)
)

//go:embed common.json
var commonImages []byte

//go:embed common_texts.json
var commonTexts []byte

// builtIn returns the models that a server knows without a reference.
func builtIn() (images, texts part, err error) {
	if images.parsed, err = parseDocument(Images, commonImages); err != nil {
		return images, texts, fmt.Errorf("built-in list of image models: %w", err)
	}
	p, err := parseDocument(Texts, commonTexts)
	if err != nil {
		return images, texts, fmt.Errorf("built-in list of text models: %w", err)
	}

	// A text model is offered under several names.
	texts.texts = map[string]Text{}
	for name, m := range p.texts {
		for _, form := range forms(name) {
			m.Name = form
			texts.texts[form] = m
		}
	}
	return images, texts, nil
}

// forms returns the names under which text back ends offer a model, as
// the public reference lists them: its own, Aphrodite's and KoboldCpp's.
func forms(name string) []string {
	return []string{name, "aphrodite/" + name, "koboldcpp/" + path.Base(name)}
}

// Config names the references. Each source is a file path or an http(s) URL;
// empty means none.
type Config struct {
	Images      string
	ExtraImages string
	Texts       string

	Store *store.Store // keeps the last good copies; nil: they are kept in memory only
	Clock horde.Clock  // nil: time.Now
	Log   *slog.Logger // nil: slog.Default()

	Refresh time.Duration         // how often sources are read; 0: an hour
	Retry   time.Duration         // first pause after a failed read, doubled each time; 0: 2 s
	Metrics prometheus.Registerer // nil: nothing is counted
}

// Catalog keeps the current Snapshot. Safe for concurrent use.
type Catalog struct {
	cfg     Config
	common  map[string]part // the built-in lists, by slot
	sources []*source
	metrics metrics

	current atomic.Pointer[Snapshot]

	mu    sync.Mutex      // one change at a time
	parts map[string]part // by slot; guarded by mu
}

// part is what is known for one slot.
type part struct {
	parsed
	digest string
}

// New returns a catalogue. It begins with the copies in the store, and with the
// built-in lists if there are none. Sources that are files are read before it
// returns; a file that is missing or no reference is an error, since the operator
// named it, unless the store has a copy of it. URLs are left to Run: New never
// waits for the network.
func New(cfg Config) (*Catalog, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = refreshEvery
	}
	if cfg.Retry <= 0 {
		cfg.Retry = retryFirst
	}

	images, texts, err := builtIn()
	if err != nil {
		return nil, err
	}
	c := &Catalog{
		cfg:     cfg,
		common:  map[string]part{Images: images, Texts: texts},
		metrics: newMetrics(cfg.Metrics),
		parts:   map[string]part{},
	}
	c.rebuildLocked() // nobody else knows c yet

	ctx := context.Background()
	if cfg.Store != nil {
		cfg.Store.Follow(func(ctx context.Context, changes *store.Changes) error {
			if changes.References || changes.Missed {
				return c.reload(ctx)
			}
			return nil
		})
	}
	if err := c.reload(ctx); err != nil {
		return nil, err
	}

	for _, s := range []*source{
		{slot: Images, name: cfg.Images, setting: "HORDE_MODEL_REFERENCE_IMAGES"},
		{slot: ExtraImages, name: cfg.ExtraImages, setting: "HORDE_MODEL_REFERENCE_IMAGES_EXTRA"},
		{slot: Texts, name: cfg.Texts, setting: "HORDE_MODEL_REFERENCE_TEXT"},
	} {
		if s.name == "" {
			continue
		}
		c.sources = append(c.sources, s)
		if err := c.readFirst(ctx, s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// readFirst reads a source that is a file.
func (c *Catalog) readFirst(ctx context.Context, s *source) error {
	if isURL(s.name) {
		return nil
	}

	err := c.refresh(ctx, s)
	if err == nil {
		return nil
	}

	if copied, stored := c.copyOf(ctx, s.slot); stored == nil && copied.Source == s.name {
		c.failed(s, err)
		return nil
	}
	return fmt.Errorf("model reference %w. Correct %s or leave it unset", err, s.setting)
}

// Snapshot returns the current state of the references.
func (c *Catalog) Snapshot() *Snapshot { return c.current.Load() }

// partOf returns what a slot was filled with, else the built-in list; the caller holds mu.
func (c *Catalog) partOfLocked(slot string) part {
	if p, ok := c.parts[slot]; ok {
		return p
	}
	return c.common[slot]
}

// rebuildLocked makes a snapshot of all parts and swaps it in. The caller holds mu,
// or is alone.
func (c *Catalog) rebuildLocked() {
	images := maps.Clone(c.partOfLocked(Images).images)
	maps.Copy(images, c.parts[ExtraImages].images)
	s := newSnapshot(images, c.partOfLocked(Texts).texts)

	c.current.Store(s)
	c.metrics.known(Images, len(s.images))
	c.metrics.known(Texts, len(s.texts))
}
