package alchemy

import (
	"context"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/settle"
)

// contest is a form that has failed on these workers, before those that could fill it
// in.
func (q *Queue) contest(f *form, tried map[string][]string) kinds.Contest {
	now := q.Clock.Micros()
	return kinds.Contest{
		Online:   func(each func(*fleet.Worker) bool) { q.Fleet.Online(horde.KindAlchemy, each) },
		Revision: q.Fleet.Revision(),
		Now:      now,
		Failed:   func(worker string) bool { return tried[worker] != nil },
		CouldGet: func(w *fleet.Worker) bool {
			return kinds.MayPopFor(w, f.e.row.UserID, now) && kind.LastSeen(w).CouldGet(&f.item, 0)
		},
	}
}

// anotherCouldGet reports whether a live worker could fill a form in besides those
// that have tried it.
func (q *Queue) anotherCouldGet(f *form, tried map[string][]string) bool {
	return q.contest(f, tried).AnyRival()
}

// excuseOf finds out whether the server itself made a worker fault. Images at
// addresses of others are not ours.
func (q *Queue) excuseOf(ctx context.Context, f *form) settle.Excuse {
	needs := settle.Needs{Upload: f.work().Uploads()}
	if name := f.e.record.Source; name != "" {
		needs.Sources = []string{name}
	}
	return q.Server().ExcuseNow(ctx, needs)
}
