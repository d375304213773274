package queue

import (
	"context"
	"log/slog"
	"time"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/live"
	"horde/internal/moderation"
	"horde/internal/notify"
	"horde/internal/source"
	"horde/internal/store"
	"horde/internal/style"
)

// Config is what the queue depends on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Catalog  *catalog.Catalog
	Styles   *style.Styles // presets that requests may name
	Blobs    blob.Store
	Clock    horde.Clock
	Log      *slog.Logger
	// Pricer prices images; nil: by the net that comes with the program.
	Pricer *kudos.Pricer
	// Timings: how long finished images took is recorded, to train nets on.
	Timings bool
	// Modes are the switches of the whole horde; asked at each request.
	Modes func() admission.Server
	// Bounds are how much may wait of each kind of work.
	Bounds admission.Bounds
	// Filters judge and rewrite prompts; nil: there are none.
	Filters *moderation.Filters
	// Sources fetches the images that requests name by URL.
	Sources source.Fetcher
	// Addresses are those that are kept out; nil: none is.
	Addresses *moderation.Addresses
	// Checker judges the addresses of requests; nil: all are safe.
	Checker *moderation.Checker
	// Hooks calls the webhooks of requests; nil: none is called.
	Hooks *notify.Notifier
	// FirstPop hears how long a request waited until a worker got the first job of it; nil:
	// nobody does.
	FirstPop func(kind horde.Kind, waited time.Duration)
}

// Queue is the requests and jobs of the horde as this node sees them.
type Queue struct {
	Config
	images, texts *index
	opened        horde.Micros // microseconds; when this node began to take results
	recent        lastHour
	sampler       sampler
}

// indexes are those of all kinds.
func (q *Queue) indexes() [2]*index { return [2]*index{q.images, q.texts} }

// New loads the live requests of the store into memory.
func New(ctx context.Context, c Config) (*Queue, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Pricer == nil {
		c.Pricer = kudos.NewPricer(kudos.Standard())
	}
	if c.Modes == nil {
		c.Modes = func() admission.Server { return admission.Server{} }
	}
	if c.Filters == nil {
		c.Filters = &moderation.Filters{}
	}
	if c.FirstPop == nil {
		c.FirstPop = func(horde.Kind, time.Duration) {}
	}
	q := &Queue{Config: c, images: newIndex(images), texts: newIndex(texts), opened: horde.MicrosOf(c.Clock())}
	c.Store.Follow(q.hear)
	return q, q.Reload(ctx)
}

// find returns the live request of a kind with this id, from the database when it is
// over, or when another node took it in and the news has not come yet. A RequestNotFound
// error when there is none.
func (q *Queue) find(ctx context.Context, x *index, id, what string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry { return x.known(id, horde.MicrosOf(q.Clock())) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "%s (%s) with ID '%s' not found.", x.kind.title, what, clip(id, 64))
	}
	return e, err
}

// findAny is find for a request of whatever kind.
func (q *Queue) findAny(ctx context.Context, id string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry {
		for _, x := range q.indexes() {
			if e := x.known(id, horde.MicrosOf(q.Clock())); e != nil {
				return e
			}
		}
		return nil
	})
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "Request with ID '%s' not found.", clip(id, 64))
	}
	return e, err
}

func (x *index) known(id string, now horde.Micros) *entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests.Live(id, now)
}

// clip cuts what a stranger sent to n bytes, for use in a message.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
