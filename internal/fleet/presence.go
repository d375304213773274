package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// A worker is in memory while it is there, and for a while after it has left: as long as it
// may have jobs in hand, and as there is room. Others are read from the database when
// somebody asks for them, and come back with their next pop.
const (
	keptAway    = 2 * time.Hour // since a worker was seen; no job takes as long
	maxReloaded = 10_000        // workers that are read at once
)

// lately is since when a worker has to have been there to be in memory.
func (f *Fleet) lately() horde.Micros { return horde.MicrosOf(f.Clock()) - horde.MicrosIn(keptAway) }

// belongs reports whether a row is to be in memory: of a worker that was there lately, or
// that is in memory already.
func (f *Fleet) belongs(row *store.Worker) bool {
	return row.LastCheckIn >= f.lately() || f.Worker(row.ID) != nil
}

// enterLocked adds a snapshot to the indexes. The caller holds mu.
func (f *Fleet) enterLocked(w *Worker) {
	f.byID[w.ID], f.byName[w.Name] = w, w

	own := f.byOwner[w.UserID]
	if own == nil {
		own = map[string]*Worker{}
		f.byOwner[w.UserID] = own
	}
	own[w.ID] = w
	f.held.add(w, 1)
}

// leaveLocked removes a snapshot from the indexes; nil is none. The caller holds mu.
func (f *Fleet) leaveLocked(w *Worker) {
	if w == nil {
		return
	}
	delete(f.byID, w.ID)
	if f.byName[w.Name] == w {
		delete(f.byName, w.Name)
	}

	own := f.byOwner[w.UserID]
	delete(own, w.ID)
	if len(own) == 0 {
		delete(f.byOwner, w.UserID)
	}
	f.held.add(w, -1)
}

// Forget removes workers from memory that have been away for long, and others that are not
// there, longest away first, where those take too much together. Those in busy, by id, have
// a job in hand: they stay for as long as a job can take.
func (f *Fleet) Forget(busy map[string]bool) {
	now, lately := horde.MicrosOf(f.Clock()), f.lately()

	f.mu.Lock()
	defer f.mu.Unlock()

	var away []*Worker
	for _, w := range f.byID {
		if !w.Online(now) {
			away = append(away, w)
		}
	}
	slices.SortFunc(away, func(a, b *Worker) int { return cmp.Compare(b.LastSeen(), a.LastSeen()) })

	// No Revision: nobody hands out jobs to workers that are not there.
	taken := 0
	for _, w := range away {
		taken += w.bytes()
		if horde.Micros(w.LastSeen()) < lately || taken > maxAway && !busy[w.ID] {
			f.leaveLocked(w)
		}
	}
}

// Find returns a worker by id, whether it is there or not; a WorkerNotFound error if there
// is none.
func (f *Fleet) Find(ctx context.Context, id string) (*Worker, error) {
	if w := f.Worker(id); w != nil {
		return w, nil
	}
	if horde.IsID(id) {
		w, err := f.fetch(ctx, func() (*store.Worker, error) { return f.Store.Worker(ctx, id) })
		if w != nil || err != nil {
			return w, err
		}
	}
	return nil, horde.Errorf(horde.WorkerNotFound, "Worker with ID '%s' not found.", clip(id, 64))
}

// FindByName returns a worker by name, whether it is there or not; nil if there is none.
func (f *Fleet) FindByName(ctx context.Context, name string) (*Worker, error) {
	if w := f.ByName(name); w != nil {
		return w, nil
	}
	return f.fetch(ctx, func() (*store.Worker, error) { return f.Store.WorkerByName(ctx, name) })
}

// fetch is the worker of a row that read finds, nil if it finds none. The worker comes into
// memory if it was there lately, as by news that has not arrived yet.
func (f *Fleet) fetch(ctx context.Context, read func() (*store.Worker, error)) (*Worker, error) {
	row, err := read()
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	if f.belongs(row) {
		if err := f.Refresh(ctx, []string{row.ID}); err != nil {
			return nil, err
		}
		return f.Worker(row.ID), nil
	}
	return f.absent(ctx, row)
}

// absent is the snapshot of a worker that stays out of memory.
func (f *Fleet) absent(ctx context.Context, row *store.Worker) (*Worker, error) {
	owner, err := f.Accounts.ByID(ctx, row.UserID)
	if err != nil && horde.CodeOf(err) == "" {
		return nil, err
	}
	w, err := snapshot(*row, owner, nil)
	if err != nil {
		return nil, err
	}
	w.sawAt(row.LastCheckIn)
	return w, nil
}

// OwnedIDs returns the ids of the workers of a user in the order of their creation, whether
// they are there or not.
func (f *Fleet) OwnedIDs(ctx context.Context, user horde.UserID) ([]string, error) {
	own, err := f.Store.PlacedWorkers(ctx, user)
	ids := make([]string, len(own))
	for i, w := range own {
		ids[i] = w.ID
	}
	return ids, err
}

// Owned returns the workers of a user that are in memory, in the order of their creation.
func (f *Fleet) Owned(user horde.UserID) []*Worker {
	f.mu.RLock()
	defer f.mu.RUnlock()

	own := make([]*Worker, 0, len(f.byOwner[user]))
	for _, w := range f.byOwner[user] {
		own = append(own, w)
	}
	slices.SortFunc(own, oldest)
	return own
}
