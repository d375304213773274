package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// inbox holds the messages to workers that have not expired, in memory, so that a
// pop needs no query for them.
type inbox struct {
	reading sync.Mutex // one read at a time, so that memory never goes back in time

	mu      sync.RWMutex
	byID    map[string]*letter   // guarded by mu
	byAddee map[string][]*letter // guarded by mu: by worker, "" for those to all; the oldest first
}

// letter is a message with the form in which pops carry it.
type letter struct {
	store.WorkerMessage
	told api.WorkerMessage
}

// rfc822 formats a time as the wire does.
func rfc822(micros horde.Micros) string {
	return micros.Time().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}

// noMessages is the list for workers without messages.
var noMessages = []api.WorkerMessage{}

// MessagesFor returns the messages that a worker gets with a pop: those to all
// workers and those to it, the oldest first, then that it is suspended; never nil.
func (f *Fleet) MessagesFor(worker string) []api.WorkerMessage {
	now := horde.MicrosOf(f.Clock())
	w := f.Worker(worker)
	suspended := w != nil && w.Suspended(now)

	b := &f.inbox
	b.mu.RLock()
	defer b.mu.RUnlock()
	all, own := b.byAddee[""], b.byAddee[worker]
	if len(all)+len(own) == 0 && !suspended {
		return noMessages
	}

	out := make([]api.WorkerMessage, 0, len(all)+len(own)+1)
	for _, list := range [][]*letter{all, own} {
		for _, l := range list {
			if l.Expires > now {
				out = append(out, l.told)
			}
		}
	}

	if suspended {
		out = append(out, *w.suspensionMessage())
	}
	return out
}

// addressedTo returns the messages to one worker, without those to all; that it is
// suspended is among them.
func (f *Fleet) addressedTo(w *Worker) []api.Message {
	b := &f.inbox
	out := []api.Message{}
	now := horde.MicrosOf(f.Clock())

	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, l := range b.byAddee[w.ID] {
		if l.Expires > now {
			out = append(out, messageOf(l.WorkerMessage))
		}
	}

	if w.Suspended(now) {
		m := w.suspensionMessage()
		out = append(out, messageOf(store.WorkerMessage{
			ID:       m.ID,
			WorkerID: w.ID,
			Message:  m.Message,
			Origin:   m.Origin,
			Created:  w.Totals.SuspendedUntil - horde.MicrosIn(suspension),
			Expires:  w.Totals.SuspendedUntil,
		}))
	}
	return out
}

// reloadMessages reads all live messages again.
func (f *Fleet) reloadMessages(ctx context.Context) error {
	b := &f.inbox
	b.reading.Lock()
	defer b.reading.Unlock()

	rows, err := f.Store.LiveMessages(ctx, horde.MicrosOf(f.Clock()))
	if err != nil {
		return fmt.Errorf("read messages to workers: %w", err)
	}

	b.mu.Lock()
	b.byID, b.byAddee = map[string]*letter{}, map[string][]*letter{}
	b.mu.Unlock()
	b.take(rows, nil, horde.MicrosOf(f.Clock()))
	return nil
}

// refreshMessages reads messages again that were created or deleted.
func (f *Fleet) refreshMessages(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}

	b := &f.inbox
	b.reading.Lock()
	defer b.reading.Unlock()

	rows, err := f.Store.WorkerMessages(ctx, ids)
	if err != nil {
		return fmt.Errorf("read messages to workers: %w", err)
	}

	b.take(rows, ids, horde.MicrosOf(f.Clock()))
	return nil
}

// take brings rows into memory, forgets those of gone that have no row, and drops what
// has expired.
func (b *inbox) take(rows []store.WorkerMessage, gone []string, now horde.Micros) {
	b.mu.Lock()
	defer b.mu.Unlock()

	for _, id := range gone {
		delete(b.byID, id)
	}
	for _, m := range rows {
		told := api.WorkerMessage{ID: m.ID, Message: m.Message, Origin: m.Origin, Expiry: rfc822(m.Expires)}
		b.byID[m.ID] = &letter{m, told}
	}

	maps.DeleteFunc(b.byID, func(_ string, l *letter) bool { return l.Expires <= now })
	b.byAddee = map[string][]*letter{}
	for _, l := range b.byID {
		b.byAddee[l.WorkerID] = append(b.byAddee[l.WorkerID], l)
	}
	for _, list := range b.byAddee {
		slices.SortFunc(list, func(x, y *letter) int {
			if x.Created != y.Created {
				return int(min(max(x.Created-y.Created, -1), 1))
			}
			return strings.Compare(x.ID, y.ID)
		})
	}
}
