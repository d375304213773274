package requests

import (
	"context"
	"log/slog"
	"time"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/notify"
	"horde/internal/settle"
	"horde/internal/source"
	"horde/internal/store"
)

// Config is what requests of every kind depend on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Blobs    blob.Store
	Clock    horde.Clock
	Log      *slog.Logger
	// Modes returns the switches of the whole horde; it is asked at each request.
	Modes func() admission.Server
	// Bounds are how much may wait of each kind of work.
	Bounds admission.Bounds
	// Sources fetches the images that requests name by URL.
	Sources source.Fetcher
	// Checker judges the addresses of requests; nil: all are safe.
	Checker *moderation.Checker
	// Hooks calls the webhooks of requests; nil: none is called.
	Hooks *notify.Notifier
	// FirstPop hears how long a request or form waited until a worker got anything of it
	// first; nil: nobody does.
	FirstPop func(kind horde.Kind, waited time.Duration)

	opened horde.Micros // when this node began to take results
}

// Begin fills in what was left out. From now on the node takes results.
func (c *Config) Begin() {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Modes == nil {
		c.Modes = func() admission.Server { return admission.Server{} }
	}
	if c.FirstPop == nil {
		c.FirstPop = func(horde.Kind, time.Duration) {}
	}
	c.opened = c.Clock.Micros()
}

// SourceImages reads and stores source images of an account.
func (c *Config) SourceImages(user horde.UserID) source.Images {
	return source.Images{Fetcher: c.Sources, Blobs: c.Blobs, Account: user}
}

// Server is what workers depend on besides themselves.
func (c *Config) Server() settle.Server {
	return settle.Server{Store: c.Store, Blobs: c.Blobs, Opened: c.opened}
}

// DropObjects deletes images from the blob store. Nobody waits for it to succeed: what
// cannot be removed now goes when all old ones do.
func (c *Config) DropObjects(ctx context.Context, names ...string) {
	for _, name := range names {
		if err := c.Blobs.Delete(context.WithoutCancel(ctx), name); err != nil {
			c.Log.Warn("delete image", "name", name, "error", err)
		}
	}
}
