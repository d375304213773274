package queue

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
}

// Queue is the requests and jobs of the horde as this node sees them.
type Queue struct {
	Config
	images, texts *index
	opened        int64 // microseconds; when this node began to take results
	recent        recent
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
	q := &Queue{Config: c, images: newIndex(images), texts: newIndex(texts), opened: c.Clock().UnixMicro()}
	c.Store.Follow(q.hear)
	return q, q.Reload(ctx)
}

// hear brings changed requests into memory: those of this node with their rows, before
// whoever wrote them is answered, those of other nodes by reading them.
func (q *Queue) hear(ctx context.Context, c *store.Changes) error {
	switch {
	case c.Missed:
		return q.Reload(ctx)
	case c.Own:
		q.takeOwn(&c.Committed)
		return nil
	}
	return q.Refresh(ctx, c.Requests)
}

// Reload reads all live requests again: at the start, and when changes of other
// nodes were missed.
func (q *Queue) Reload(ctx context.Context) error {
	now := q.Clock().UnixMicro()
	var before []string // what is known now and not read below has ended
	for _, x := range q.indexes() {
		before = append(before, x.ids()...)
	}
	rows, err := q.Store.LiveRequests(ctx, now)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	jobs, err := q.Store.LiveJobs(ctx, now)
	if err != nil {
		return fmt.Errorf("read jobs: %w", err)
	}
	if err := q.recent.reload(ctx, q.Store, now); err != nil {
		return err
	}
	q.take(rows, jobs, before)
	return nil
}

// Refresh reads requests again that another node changed.
func (q *Queue) Refresh(ctx context.Context, ids []string) error {
	rows, err := q.Store.Requests(ctx, ids)
	if err != nil {
		return err
	}
	jobs, err := q.Store.JobsOf(ctx, ids)
	if err != nil {
		return err
	}
	q.take(rows, jobs, ids)
	return nil
}

// take brings rows of the database into the indexes. Of gone, those without a
// row are forgotten.
func (q *Queue) take(rows []store.Request, jobs []store.Job, gone []string) {
	for _, x := range q.indexes() {
		fresh := x.take(rows, jobs, gone, q.Clock().UnixMicro(), q.Log)
		x.requests.Offer(fresh...)
	}
}

// takeOwn brings in what this node has committed. Its callers wait for it, and the
// writer may: it reads nothing.
func (q *Queue) takeOwn(c *store.Committed) {
	if len(c.Requests)+len(c.States)+len(c.Jobs)+len(c.Ended)+len(c.Deleted) == 0 {
		return
	}
	for _, x := range q.indexes() {
		more := x.takeOwn(c, q.Clock().UnixMicro(), q.Log)
		x.requests.Offer(more...)
	}
}

// takeOwn brings in what this node has committed of the index's kind. It returns the
// requests of which there may be more to hand out than before.
func (x *index) takeOwn(c *store.Committed, now int64, log *slog.Logger) (more []*entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(c.Requests)+len(c.Deleted) > 0 {
		more = x.takeRowsLocked(c.Requests, c.Deleted, now, log)
	}

	for _, s := range c.States {
		e := x.requests.Get(s.ID)
		if e == nil {
			continue
		}
		// Where the state has been read before, a claim of it gives back below what
		// pops have missed since.
		known, waiting := s.Version <= e.state.Version, e.state.Waiting
		x.applyLocked(e, s.RequestState)
		if known || e.state.Waiting > waiting {
			more = append(more, e)
		}
	}

	// A claim gives back what it has reserved at the moment at which its request has
	// fewer jobs: no pop sees them twice, or misses others.
	for _, j := range c.Jobs {
		x.releaseLocked(j.PopID())
		if e := x.requests.Get(j.RequestID); e != nil {
			x.setJobLocked(e, j)
		}
	}
	for _, j := range c.Ended {
		x.endJobLocked(j)
	}
	return more
}

// take brings in the rows that are of the index's kind and returns their
// requests.
func (x *index) take(rows []store.Request, jobs []store.Job, gone []string, now int64, log *slog.Logger) []*entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	taken := x.takeRowsLocked(rows, gone, now, log)

	for _, j := range jobs {
		if e := x.requests.Get(j.RequestID); e != nil {
			x.setJobLocked(e, j)
		}
	}
	return taken
}

func (x *index) takeRowsLocked(rows []store.Request, gone []string, now int64, log *slog.Logger) []*entry {
	own := slices.DeleteFunc(slices.Clone(rows), func(r store.Request) bool { return r.Kind != x.kind.name })
	taken, err := live.Take(x.requests, keeper{x: x, now: now}, own, gone)
	if err != nil {
		log.Error("unreadable request", "error", err)
	}
	return taken
}

// keeper brings rows of requests into an index, whose lock it needs.
type keeper struct {
	x   *index
	now int64
}

func (k keeper) Key(r store.Request) string { return r.ID }

// Read leaves out what has expired: perhaps another node has removed it since it was
// read. What this node has made itself is not made again.
func (k keeper) Read(r store.Request) (*entry, error) {
	if r.Expires <= k.now {
		return nil, nil
	}
	if e := k.x.requests.Reserved(r.ID); e != nil {
		e.commit(r)
		return e, nil
	}
	return k.x.readEntry(r)
}

func (k keeper) Add(e *entry)                    { k.x.addLocked(e) }
func (k keeper) Remove(e *entry)                 { k.x.removeLocked(e) }
func (k keeper) Apply(e *entry, r store.Request) { k.x.applyLocked(e, r.RequestState) }

// find returns the live request of a kind with this id, from the database when
// another node took it in and the news has not come yet. A RequestNotFound error
// when there is none.
func (q *Queue) find(ctx context.Context, x *index, id, what string) (*entry, error) {
	e, err := live.Find(ctx, q.source(), id, func() *entry { return x.known(id, q.Clock().UnixMicro()) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "%s (%s) with ID '%s' not found.", x.kind.title, what, clip(id, 64))
	}
	return e, err
}

// findAny is find for a request of whatever kind.
func (q *Queue) findAny(ctx context.Context, id string) (*entry, error) {
	e, err := live.Find(ctx, q.source(), id, func() *entry {
		for _, x := range q.indexes() {
			if e := x.known(id, q.Clock().UnixMicro()); e != nil {
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

// source reads requests that another node may have taken in.
func (q *Queue) source() live.Source { return live.Source{Shared: q.Store.Shared(), Read: q.Refresh} }

func (x *index) known(id string, now int64) *entry {
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
