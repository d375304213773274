package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Config is what the fleet depends on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Catalog  *catalog.Catalog
	Clock    horde.Clock
	Log      *slog.Logger
	// Addresses are those that are shut out; nil: none.
	Addresses *moderation.Addresses
	// Checker judges the addresses of workers; nil: all are safe.
	Checker *moderation.Checker
	// Raid reports whether strangers are shut out quietly.
	Raid func() bool
	// InviteOnly reports whether only invited owners may add workers.
	InviteOnly func() bool
}

// Fleet knows all workers of the horde.
type Fleet struct {
	Config

	mu      sync.RWMutex
	byID    map[string]*Worker                  // guarded by mu
	byName  map[string]*Worker                  // guarded by mu
	byOwner map[horde.UserID]map[string]*Worker // by id; guarded by mu
	held    roomTaken                           // by those above; guarded by mu

	inbox inbox

	// reading is held by whoever reads rows and brings them in, so that what was read
	// earlier never comes in later.
	reading chan struct{}

	teamNames atomic.Pointer[map[string]string] // by id
	revision  atomic.Uint64                     // see Revision

	adding sync.Mutex // one new worker at a time, so that limits hold
}

// New loads the workers of a store that were there lately.
func New(ctx context.Context, c Config) (*Fleet, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Raid == nil {
		c.Raid = func() bool { return false }
	}
	if c.InviteOnly == nil {
		c.InviteOnly = func() bool { return false }
	}
	f := &Fleet{
		Config:  c,
		byID:    map[string]*Worker{},
		byName:  map[string]*Worker{},
		byOwner: map[horde.UserID]map[string]*Worker{},
		reading: make(chan struct{}, 1),
	}
	f.inbox.byID = map[string]*letter{}
	f.Store.Follow(f.hear)
	return f, f.Reload(ctx)
}

// inTurn calls read while nobody else reads.
func (f *Fleet) inTurn(ctx context.Context, read func() error) error {
	select {
	case f.reading <- struct{}{}:
		defer func() { <-f.reading }()
		return read()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reload reads the workers that were there lately, and every message to workers, again.
func (f *Fleet) Reload(ctx context.Context) error {
	if err := f.inTurn(ctx, func() error { return f.reloadWorkers(ctx) }); err != nil {
		return err
	}
	if err := f.reloadTeams(ctx); err != nil {
		return fmt.Errorf("read teams: %w", err)
	}
	return f.reloadMessages(ctx)
}

func (f *Fleet) reloadWorkers(ctx context.Context) error {
	before := f.ids()
	lately, err := f.Store.WorkersSince(ctx, f.lately(), maxReloaded)
	if err != nil {
		return fmt.Errorf("read workers: %w", err)
	}

	// Workers in memory that are not among them have left since, or are gone.
	others := missing(before, lately)
	found, err := f.Store.Workers(ctx, others)
	if err != nil {
		return fmt.Errorf("read workers: %w", err)
	}
	f.drop(missing(others, found)...)
	return f.take(ctx, append(lately, found...))
}

// ids returns the ids of all known workers.
func (f *Fleet) ids() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Collect(maps.Keys(f.byID))
}

// missing returns the ids without a row.
func missing(ids []string, rows []*store.Worker) []string {
	found := make(map[string]bool, len(rows))
	for _, row := range rows {
		found[row.ID] = true
	}
	return slices.DeleteFunc(ids, func(id string) bool { return found[id] })
}

// Refresh reads workers again that have changed.
func (f *Fleet) Refresh(ctx context.Context, ids []string) error {
	return f.inTurn(ctx, func() error {
		some, err := f.Store.Workers(ctx, ids)
		if err != nil {
			return err
		}
		f.drop(missing(slices.Clone(ids), some)...)
		return f.take(ctx, some)
	})
}

// take brings rows into memory, each with its owner, but for workers that have been away
// for long. The caller is the one who reads.
func (f *Fleet) take(ctx context.Context, all []*store.Worker) error {
	owners := map[horde.UserID]*account.User{}
	for _, row := range all {
		if !f.belongs(row) {
			continue
		}
		if _, ok := owners[row.UserID]; !ok {
			u, err := f.Accounts.ByID(ctx, row.UserID)
			if err != nil && horde.CodeOf(err) == "" {
				return err
			}
			owners[row.UserID] = u
		}

		if err := f.put(*row, owners[row.UserID]); err != nil {
			return fmt.Errorf("worker %s: %w", row.ID, err)
		}
	}
	return nil
}

// put makes a new snapshot of a worker from its row, unless a newer row is known;
// a nil owner means the known one.
func (f *Fleet) put(row store.Worker, owner *account.User) error {
	// Nothing is decoded under the lock, under which every pop reads.
	w, err := snapshot(row, owner, f.Worker(row.ID))
	if err != nil {
		return err
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.byID[row.ID]
	if old != nil {
		w = w.after(old)
	}
	w.sawAt(row.LastCheckIn)

	if old == nil || old.turned(w) {
		f.revision.Add(1)
	}
	f.leaveLocked(old)
	f.enterLocked(w)
	return nil
}

// Revision grows whenever a worker comes or goes, or changes in a way that matters to
// whoever hands out jobs: what was derived from the workers holds while it stays the
// same, except for workers that are no longer seen.
func (f *Fleet) Revision() uint64 { return f.revision.Load() }

// turned reports whether a newer snapshot of a worker differs in a way that matters to
// whoever hands out jobs. What each delivery changes does not count.
func (w *Worker) turned(now *Worker) bool {
	return w.Maintenance != now.Maintenance ||
		w.Paused != now.Paused ||
		w.Totals.SuspendedUntil != now.Totals.SuspendedUntil ||
		w.Standing() != now.Standing() ||
		w.pace() != now.pace() ||
		w.Worker.Settings != now.Worker.Settings ||
		!sameUser(w.Owner, now.Owner)
}

// pace is the worker's speed as far as requests for fast workers distinguish speeds:
// in steps of half a megapixelstep per second, of a token per second, of ten seconds
// per form.
func (w *Worker) pace() int {
	step, limit := 1.0, 5.0
	switch w.Kind {
	case horde.KindImage:
		step, limit = 500_000, 1
	case horde.KindAlchemy:
		step, limit = 10, 1
	}
	return int(min(w.Speed()/step, limit))
}

func sameUser(a, b *account.User) bool { return a == b || a != nil && b != nil && *a == *b }

// Worker finds a worker in memory by id: nil for one that has been away for long, as for
// one that there is not. [Fleet.Find] tells the two apart.
func (f *Fleet) Worker(id string) *Worker {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byID[id]
}

// ByName finds a worker in memory by name, as [Fleet.Worker] does by id.
func (f *Fleet) ByName(name string) *Worker {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byName[name]
}

// Online calls each with the workers of a kind seen within 300 s until it
// returns false. each must not call the fleet.
func (f *Fleet) Online(kind horde.Kind, each func(*Worker) bool) {
	now := horde.MicrosOf(f.Clock())
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, w := range f.byID {
		if w.Kind == kind && w.Online(now) && !each(w) {
			return
		}
	}
}

// Count returns how many workers and threads of a kind are online.
func (f *Fleet) Count(kind horde.Kind) (workers, threads int) {
	f.Online(kind, func(w *Worker) bool {
		workers++
		threads += w.Settings.Threads
		return true
	})
	return workers, threads
}
