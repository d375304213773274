package ext

import (
	"context"
	"slices"
	"time"

	"horde/api"
	"horde/internal/server"
	"horde/internal/waiting"
)

const (
	keepAlive     = 10 * time.Second // between two signs of life
	longestStream = 2 * time.Hour    // a reader asks again after it
)

// follower is one who reads a stream, and what it was told.
type follower struct {
	api      *API
	teller   teller
	out      *server.EventStream
	requests map[string]*seen // those that have not ended
}

// seen is what was told of a request last.
type seen struct {
	alchemy bool
	status  string
	jobs    map[string]string // by job id
}

// follow tells everything at once, and then what changes.
func (f *follower) follow(ctx context.Context, ids []string, watch *waiting.Watch) {
	until := time.Now().Add(longestStream)
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()

	for changed := ids; ; {
		for _, id := range changed {
			if s := f.requests[id]; s != nil && f.tell(ctx, id, s) {
				delete(f.requests, id)
			}
		}
		if len(f.requests) == 0 || f.out.Failed() || !time.Now().Before(until) {
			return
		}

		select {
		case <-ctx.Done():
			return
		case <-watch.Woken():
			changed = watch.Changed()
		case <-ticker.C:
			// Place and time of those that wait change without an event of theirs.
			changed = f.open()
			f.out.KeepAlive()
		}
	}
}

// open returns the requests that have not ended.
func (f *follower) open() (ids []string) {
	for id := range f.requests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// tell writes what is new of a request and reports whether that was the last of it.
func (f *follower) tell(ctx context.Context, id string, s *seen) (over bool) {
	if s.alchemy {
		return f.tellForms(ctx, id, s)
	}

	n := f.api.Queue.News(id)
	if n.Gone {
		f.gone(id)
		return true
	}

	ref := api.RequestRef{Request: id, Type: string(n.Kind)}
	f.out.WriteIfNew(&s.status, api.EventStatus, f.teller.status(ref, n))

	told := map[string]string{}
	for _, p := range n.Progress {
		text := s.jobs[p.Job]
		f.out.WriteIfNew(&text, api.EventProgress, f.teller.progress(ref, p))
		told[p.Job] = text
	}
	s.jobs = told // of the running ones alone

	if n.Ended {
		f.end(ctx, ref, n.Cancelled)
	}
	return n.Ended
}

// end writes the last event of a request.
func (f *follower) end(ctx context.Context, ref api.RequestRef, cancelled bool) {
	if st, err := f.api.Queue.Status(ctx, ref.Request); err == nil {
		f.out.Write(api.EventEnd, f.teller.imageEnd(ref, cancelled, st))
	} else if st, err := f.api.Queue.TextStatus(ctx, ref.Request); err == nil {
		f.out.Write(api.EventEnd, f.teller.textEnd(ref, cancelled, st))
	} else { // it has expired just now
		f.gone(ref.Request)
	}
}

// tellForms is tell for an alchemy request.
func (f *follower) tellForms(ctx context.Context, id string, s *seen) (over bool) {
	n, err := f.api.Alchemy.News(ctx, id)
	if err != nil { // the next change or tick tries again
		f.api.Log.WarnContext(ctx, "follow an alchemy request", "request", id, "err", err)
		return false
	}
	if n.Gone {
		f.gone(id)
		return true
	}

	status := &api.AlchemyRequestStatus{RequestRef: api.RequestRef{Request: id, Type: "alchemy"}, AlchemyStatus: n.Status}
	f.out.WriteIfNew(&s.status, api.EventStatus, status)
	if n.Ended {
		f.out.Write(api.EventEnd, status)
	}
	return n.Ended
}

// gone says that a request is not known.
func (f *follower) gone(id string) {
	if data := f.teller.gone(id); data != nil {
		f.out.Write(api.EventGone, data)
	}
}
