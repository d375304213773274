package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/store"
)

// Config is what the queue depends on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Catalog  *catalog.Catalog
	Blobs    blob.Store
	Clock    horde.Clock
	Log      *slog.Logger
	// Modes are the switches of the whole horde; asked at each request.
	Modes func() admission.Server
	// Sources fetches the pictures that requests name by URL.
	Sources SourceFetcher
}

// SourceFetcher gets a picture from an address that a stranger gave.
type SourceFetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// Queue is the requests and jobs of the horde as this node sees them.
type Queue struct {
	Config
	index   *index
	waiters waiters
	recent  recent
}

// Kind of the requests that this queue carries.
const kindImage = fleet.Image

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
	q := &Queue{Config: c, index: newIndex(), waiters: newWaiters()}
	return q, q.Reload(ctx)
}

// Reload reads all live requests again: at the start, and when changes of other
// nodes were missed.
func (q *Queue) Reload(ctx context.Context) error {
	now := q.Clock().UnixMicro()
	before := q.index.ids() // what is known now and not read below has ended
	live, err := q.Store.LiveRequests(ctx, now)
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
	q.take(live, jobs, before)
	return nil
}

// Refresh reads requests again that another node changed.
func (q *Queue) Refresh(ctx context.Context, ids []string) error {
	live, err := q.Store.Requests(ctx, ids)
	if err != nil {
		return err
	}
	jobs, err := q.Store.JobsOf(ctx, ids)
	if err != nil {
		return err
	}
	q.take(live, jobs, ids)
	return nil
}

// take brings rows of the database into the index. Of gone, those without a row
// are forgotten.
func (q *Queue) take(live []store.Request, jobs []store.Job, gone []string) {
	found := make(map[string]bool, len(live))
	var fresh []*entry
	now := q.Clock().UnixMicro()
	x := q.index
	x.mu.Lock()
	for _, row := range live {
		found[row.ID] = true
		if e := x.entries[row.ID]; e != nil {
			x.apply(e, row.RequestState)
			fresh = append(fresh, e)
			continue
		}
		if row.Expires <= now { // perhaps another node has removed it since it was read
			continue
		}
		e, err := newEntry(row)
		if err != nil {
			q.Log.Error("unreadable request", "error", err)
			continue
		}
		x.add(e)
		fresh = append(fresh, e)
	}
	for _, j := range jobs {
		if e := x.entries[j.RequestID]; e != nil {
			x.setJob(e, j)
		}
	}
	for _, id := range gone {
		if e := x.entries[id]; e != nil && !found[id] {
			x.remove(e)
		}
	}
	x.mu.Unlock()
	q.waiters.offer(fresh)
}

// find returns the live request with this id, from the database when another
// node took it in and the news has not come yet. A RequestNotFound error when
// there is none.
func (q *Queue) find(ctx context.Context, id, what string) (*entry, error) {
	if e := q.known(id); e != nil {
		return e, nil
	}
	if q.Store.Shared() && horde.IsID(id) {
		if err := q.Refresh(ctx, []string{id}); err != nil {
			return nil, err
		}
		if e := q.known(id); e != nil {
			return e, nil
		}
	}
	return nil, horde.Errorf("RequestNotFound", "Image Waiting Prompt (%s) with ID '%s' not found.", what, clip(id, 64))
}

func (q *Queue) known(id string) *entry {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	e := q.index.entries[id]
	if e != nil && e.state.Expires <= q.Clock().UnixMicro() {
		return nil
	}
	return e
}

// clip cuts what a stranger sent to n bytes, for use in a message.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// Busy is how many image jobs wait or run, and how much work waits.
type Busy struct {
	Jobs       int     // waiting and in progress (decisions #23)
	Pixelsteps float64 // of the jobs waiting
}

// Busy counts the queue, from the requests that still wait.
func (q *Queue) Busy() Busy {
	b := Busy{Jobs: q.index.queued()}
	x := q.index
	x.mu.Lock()
	defer x.mu.Unlock()
	b.Pixelsteps = float64(x.backlog)
	return b
}
