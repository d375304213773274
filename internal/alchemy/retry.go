package alchemy

import (
	"context"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/match"
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

// yieldsLocked reports whether the worker has to leave a form that has failed to others:
// to whoever has not failed on it if it has, else to whoever stands better. First tries
// are anybody's. What is found of the others is remembered for a while.
func (p *popper) yieldsLocked(it *match.Item) bool {
	q, f := p.q, p.q.index.Requests.Part(it.ID)
	if f.FailedBy == "" {
		return false
	}
	tried := settle.FailuresOf(&f.FormProgress)
	if !f.rivals.Current(q.Fleet.Revision(), q.Clock.Micros()) {
		f.rivals = q.contest(f, tried).Rivals()
	}
	return f.rivals.Best < kinds.StandingOf(q.Fleet.Latest(p.worker), tried)
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
