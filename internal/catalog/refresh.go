package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"horde/internal/fetch"
)

// How often sources are read, and how long that may take.
const (
	refreshEvery = time.Hour
	retryFirst   = 2 * time.Second
	maxRetry     = 5 * time.Minute
	fetchTimeout = 30 * time.Second
)

// source is where a slot is filled from.
type source struct {
	slot    string
	name    string // file or URL
	setting string // the variable that names it, for messages
	failing bool   // the last read failed, and the log says so
}

// Run reads URLs at once, and everything again every hour or as configured,
// until ctx ends. A source that fails keeps its last good state and is tried
// again, first after seconds, then less often.
func (c *Catalog) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range c.sources {
		all.Go(func() { c.follow(ctx, s) })
	}
	all.Wait()
}

// Refresh reads the URLs once, for programs that do not Run.
func (c *Catalog) Refresh(ctx context.Context) error {
	for _, s := range c.sources {
		if !isURL(s.name) {
			continue // read by New
		}
		if err := c.refresh(ctx, s); err != nil {
			return fmt.Errorf("model reference %w", err)
		}
	}
	return nil
}

// follow reads one source until ctx ends.
func (c *Catalog) follow(ctx context.Context, s *source) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: c.cfg.Retry, Multiplier: 2, MaxInterval: maxRetry}
	wait := time.Duration(0)
	if !isURL(s.name) && !s.failing {
		wait = c.cfg.Refresh // read by New
	}

	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}

		err := c.refresh(ctx, s)
		if ctx.Err() != nil {
			return
		}

		if err != nil {
			c.failed(s, err)
			wait = min(pauses.NextBackOff(), c.cfg.Refresh)
			continue
		}
		pauses.Reset()
		wait = c.cfg.Refresh
	}
}

// failed logs a failure: once, until a read succeeds again.
func (c *Catalog) failed(s *source, err error) {
	if s.failing {
		c.cfg.Log.Debug("model reference still not read", "error", err)
		return
	}
	s.failing = true
	c.cfg.Log.Warn("model reference not read; the last copy stays in use and the source is tried again", "error", err)
}

// refresh reads a source once.
func (c *Catalog) refresh(ctx context.Context, s *source) error {
	doc, err := readSource(ctx, s.name)
	if err != nil {
		c.metrics.read(s.slot, err)
		return fmt.Errorf("%s: %w", s.name, err)
	}

	t, err := c.install(ctx, s.slot, s.name, doc)
	c.metrics.read(s.slot, err)
	if err != nil {
		return err
	}

	if t.LeftOut > 0 && t.Changed {
		c.cfg.Log.Warn("model reference has entries that could not be read and were left out",
			"source", s.name, "entries", t.LeftOut)
	}

	if t.Changed || s.failing {
		c.cfg.Log.Info("model reference read", "source", s.name, "models", t.Models)
	}
	s.failing = false
	return nil
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// An operator may keep references inside their own network, so an address that the
// operator named may lead anywhere; one to which a stranger's server redirects may
// not.
var (
	public   = fetch.New(fetch.Options{Timeout: fetchTimeout, MaxBytes: MaxDocument})
	anywhere = fetch.New(fetch.Options{Timeout: fetchTimeout, MaxBytes: MaxDocument, AllowPrivate: true, Redirects: -1})
)

// readSource returns a document of at most MaxDocument bytes.
func readSource(ctx context.Context, name string) ([]byte, error) {
	if !isURL(name) {
		return readFile(name)
	}
	res, err := public.Get(ctx, name)
	if errors.Is(err, fetch.ErrForbidden) {
		res, err = anywhere.Get(ctx, name)
	}
	return res.Body, err
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadBounded(f)
}

// ReadBounded reads a document of at most MaxDocument bytes.
func ReadBounded(r io.Reader) ([]byte, error) {
	doc, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err == nil && len(doc) > MaxDocument {
		err = tooLarge()
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}
