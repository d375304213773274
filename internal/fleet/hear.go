package fleet

import (
	"context"
	"slices"

	"horde/internal/store"
)

// hear brings into memory what was committed of workers, their owners, teams and
// messages, on whatever node.
func (f *Fleet) hear(ctx context.Context, c *store.Changes) error {
	if c.Missed {
		return f.Reload(ctx)
	}

	if err := f.refreshOwners(ctx, c.Users); err != nil {
		return err
	}
	if c.Teams {
		if err := f.reloadTeams(ctx); err != nil {
			return err
		}
	}
	if err := f.refreshMessages(ctx, c.Messages); err != nil {
		return err
	}
	return f.hearWorkers(ctx, c)
}

// hearWorkers replaces the snapshots of changed workers, by the rows that came with
// the news where there are any.
func (f *Fleet) hearWorkers(ctx context.Context, c *store.Changes) error {
	brought := make(map[string]bool, len(c.WorkerRows))
	for _, row := range c.WorkerRows {
		if f.Worker(row.ID) == nil { // its owner has to be read too, unless it stays out
			brought[row.ID] = !f.belongs(row)
			continue
		}
		brought[row.ID] = true
		if err := f.put(*row, nil); err != nil {
			f.Log.Error("worker", "id", row.ID, "error", err)
		}
	}

	unread := slices.DeleteFunc(slices.Clone(c.Workers), func(id string) bool { return brought[id] })
	if len(unread) == 0 {
		return nil
	}
	return f.Refresh(ctx, unread)
}
