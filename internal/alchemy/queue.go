package alchemy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/moderation"
	"horde/internal/notify"
	"horde/internal/source"
	"horde/internal/store"
)

// Config is what the queue depends on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Blobs    blob.Store
	Clock    horde.Clock
	Log      *slog.Logger
	// Modes are the switches of the whole horde; asked at each request.
	Modes func() admission.Server
	// Bounds are how many forms may wait or run, and what their settings may take.
	Bounds admission.Bounds
	// Sources fetches the images that requests name by URL.
	Sources source.Fetcher
	// Checker judges the addresses of requests; nil: all are safe.
	Checker *moderation.Checker
	// Hooks calls the webhooks of requests; nil: none is called.
	Hooks *notify.Notifier
	// FirstPop hears how long a form waited until a worker got it first; nil: nobody does.
	FirstPop func(kind horde.Kind, waited time.Duration)
}

// Queue is the alchemy requests and forms of the horde as this node sees them.
type Queue struct {
	Config
	opened horde.Micros // microseconds; when this node began to take results
	index  *index
}

// New loads the live requests of the store into memory.
func New(ctx context.Context, c Config) (*Queue, error) {
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
	q := &Queue{Config: c, index: newIndex(), opened: horde.MicrosOf(c.Clock())}
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
	return q.Refresh(ctx, c.Alchemy)
}

func (q *Queue) now() horde.Micros { return horde.MicrosOf(q.Clock()) }

// sourceImages reads and stores source images of an account.
func (q *Queue) sourceImages(user horde.UserID) source.Images {
	return source.Images{Fetcher: q.Sources, Blobs: q.Blobs, Account: user}
}

// Reload reads the live requests again: at the start, and when changes of other nodes were
// missed. Those that are over are read when somebody asks for them.
func (q *Queue) Reload(ctx context.Context) error {
	now := q.now()
	known := q.index.ids()
	requests, err := q.Store.OpenAlchemy(ctx, now)
	if err != nil {
		return fmt.Errorf("read alchemy requests: %w", err)
	}
	forms, err := q.Store.OpenForms(ctx, now)
	if err != nil {
		return fmt.Errorf("read forms: %w", err)
	}

	// What has ended since the first reading has no forms in the second.
	of := map[string]bool{}
	for _, f := range forms {
		of[f.RequestID] = true
	}
	requests = slices.DeleteFunc(requests, func(r store.AlchemyRequest) bool { return !of[r.ID] })
	q.take(requests, forms, nil)

	// What is known and has not been read is over, or gone.
	return q.Refresh(ctx, slices.DeleteFunc(known, func(id string) bool { return of[id] }))
}

// Refresh reads requests that another node has changed, or which are over and somebody
// asks for.
func (q *Queue) Refresh(ctx context.Context, ids []string) error {
	requests, err := q.Store.AlchemyRequests(ctx, ids)
	if err != nil {
		return err
	}

	var forms []store.Form
	if len(requests) > 0 {
		if forms, err = q.Store.FormsOf(ctx, ids); err != nil {
			return err
		}
	}
	q.take(requests, forms, ids)
	return nil
}

// rows are those of one request.
type rows struct {
	store.AlchemyRequest
	forms []store.Form
}

// take brings rows of the database into the index. Of gone, those without a row
// are forgotten.
func (q *Queue) take(requests []store.AlchemyRequest, forms []store.Form, gone []string) {
	x := q.index
	x.mu.Lock()
	taken, err := live.Take(x.requests, keeper{x: x, now: q.now()}, byRequest(requests, forms), gone)
	taken = slices.DeleteFunc(taken, (*entry).Over) // nothing for a pop
	x.retireLocked(q.now())
	x.mu.Unlock()
	if err != nil {
		q.Log.Error("unreadable request", "error", err)
	}
	x.requests.Offer(taken...)
}

// byRequest puts forms to their requests.
func byRequest(requests []store.AlchemyRequest, forms []store.Form) []rows {
	of := make(map[string][]store.Form, len(requests))
	for _, f := range forms {
		of[f.RequestID] = append(of[f.RequestID], f)
	}
	all := make([]rows, len(requests))
	for i, r := range requests {
		all[i] = rows{AlchemyRequest: r, forms: of[r.ID]}
	}
	return all
}

// takeOwn brings in what this node has committed, and offers what there is to hand out
// of it. Its callers wait for it, and the writer may: it reads nothing.
func (q *Queue) takeOwn(c *store.Committed) {
	if len(c.Alchemy)+len(c.Progress)+len(c.Renewed)+len(c.DeletedAlchemy) == 0 {
		return
	}
	more, err := q.index.takeOwn(c, q.now())
	if err != nil {
		q.Log.Error("unreadable request", "error", err)
	}
	q.index.requests.Offer(more...)
}

// takeOwn is that under the lock of the index. It returns the requests of which there
// may be more to hand out than before.
func (x *index) takeOwn(c *store.Committed, now horde.Micros) (more []*entry, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(c.Alchemy)+len(c.DeletedAlchemy) > 0 {
		more, err = live.Take(x.requests, keeper{x: x, now: now}, byRequest(c.Alchemy, c.Forms), c.DeletedAlchemy)
	}

	for _, r := range c.Renewed {
		if e := x.requests.Get(r.ID); e != nil {
			x.renewLocked(e, r.Expires)
		}
	}
	for _, p := range c.Progress {
		f := x.requests.Part(p.ID)
		if f == nil {
			continue
		}
		x.applyLocked(f, p.FormProgress)
		if p.State == store.FormWaiting {
			more = append(more, f.e)
		}
	}
	x.retireLocked(now)
	return more, err
}

// keeper brings rows of requests into an index, whose lock it needs.
type keeper struct {
	x   *index
	now horde.Micros // microseconds
}

func (k keeper) Key(r rows) string { return r.ID }

// Read makes no entry of what has expired: another node, or the sweep, may have removed
// it since it was read. What this node has made itself is not made again.
func (k keeper) Read(r rows) (*entry, error) {
	if r.Expires <= k.now {
		return nil, nil
	}
	if e := k.x.requests.Reserved(r.ID); e != nil {
		e.commit(r.AlchemyRequest)
		return e, nil
	}
	return newEntry(r.AlchemyRequest, r.forms)
}

func (k keeper) Add(e *entry)    { k.x.addLocked(e) }
func (k keeper) Remove(e *entry) { k.x.removeLocked(e) }

func (k keeper) Apply(e *entry, r rows) {
	k.x.renewLocked(e, r.Expires)
	for _, f := range r.forms {
		if known := k.x.requests.Part(f.ID); known != nil {
			k.x.applyLocked(known, f.FormProgress)
		}
	}
}

// find returns the live request with this id, from the database when it is over, or when
// another node took it in and the news has not come yet. A RequestNotFound error when
// there is none.
func (q *Queue) find(ctx context.Context, id string) (*entry, error) {
	e, err := live.Find(ctx, q.Refresh, id, func() *entry { return q.known(id) })
	if e == nil && err == nil {
		err = horde.Errorf(horde.RequestNotFound, "Interrogation with ID '%s' not found.", clip(id))
	}
	return e, err
}

func (q *Queue) known(id string) *entry {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.index.requests.Live(id, q.now())
}

// findForm returns a form of a live request by its id, nil when there is none.
func (q *Queue) findForm(ctx context.Context, id string) (*form, error) {
	id = horde.PlainID(id)
	if f := q.formInIndex(id); f != nil || !horde.IsID(id) {
		return f, nil
	}

	row, err := q.Store.Form(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = q.Refresh(ctx, []string{row.RequestID})
	}
	return q.formInIndex(id), err
}

func (q *Queue) formInIndex(id string) *form {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	f := q.index.requests.Part(id)
	if f == nil || f.e.expires <= q.now() {
		return nil
	}
	return f
}

// snapshot copies the row of a form.
func (q *Queue) snapshot(f *form) store.Form {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return f.Form
}

// Open is how many forms wait or run.
func (q *Queue) Open() int {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.index.requests.Total().Jobs
}

// Size is how many requests are in memory, and how many forms of them.
func (q *Queue) Size() (requests, forms int) {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.index.requests.Size()
}

// BytesByUser adds how many bytes the forms of each user take that wait or run to a sum.
func (q *Queue) BytesByUser(sum map[horde.UserID]int64) {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	q.index.requests.BytesByUser(sum)
}

// clip cuts an id that a stranger sent, for use in a message.
func clip(id string) string {
	if len(id) > 64 {
		return id[:64] + "…"
	}
	return id
}
