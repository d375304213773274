package ext

import (
	"context"
	"slices"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/waiting"
)

const (
	keepAlive     = 10 * time.Second // between two signs of life
	longestStream = 2 * time.Hour    // a reader asks again after it
	tellAgain     = time.Second      // after what could not be told
)

// follower is one who reads a stream, and what it was told.
type follower struct {
	api      *API
	teller   teller
	out      *server.EventStream
	requests map[string]*seen // those that have not ended
	late     bool             // something could not be told yet
}

// seen is what was told of a request last.
type seen struct {
	alchemy bool
	told    bool              // once
	status  uint64            // hash of the event; of alchemy the version
	jobs    map[string]uint64 // revisions of their reports, by job id
}

// follow tells everything at once, and then what changes.
func (f *follower) follow(ctx context.Context, ids []string, watch *waiting.Watch) {
	until := time.Now().Add(longestStream)
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()

	for changed := ids; ; {
		f.late = false
		for _, id := range changed {
			if s := f.requests[id]; s != nil && f.tell(ctx, id, s) {
				delete(f.requests, id)
			}
		}
		if len(f.requests) == 0 || f.out.Failed() || !time.Now().Before(until) {
			return
		}

		var again <-chan time.Time
		if f.late {
			again = time.After(tellAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-again:
			changed = f.open()
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

	told := map[string]uint64{}
	for _, p := range n.Progress {
		told[p.Job] = s.jobs[p.Job]
		key := f.key(api.EventProgress, id, p.Revision)
		key.Job = p.Job
		if p.Revision != told[p.Job] && f.share(&f.api.eventTexts, key, func() (any, error) {
			return f.teller.progress(ref, p.JobProgress), nil
		}) {
			told[p.Job] = p.Revision
		}
	}
	s.jobs = told // of the running ones alone

	return n.Ended && f.end(ctx, ref, n.Cancelled)
}

// key is the key of an event of this stream.
func (f *follower) key(event, id string, revision uint64) server.EventKey {
	_, isNamed := f.teller.(named)
	return server.EventKey{Event: event, Named: isNamed, Request: id, Revision: revision}
}

// share writes an event that other streams may write, too. It reports whether it could;
// what could not be told is told later, as it is then.
func (f *follower) share(texts *server.EventTexts, key server.EventKey, read func() (any, error)) (told bool) {
	text := texts.Take(key, read)
	if text == nil {
		f.late = true
		return false
	}
	defer text.Release()

	f.out.WriteText(text)
	return true
}

// end writes the last event of a request, and reports whether it could.
func (f *follower) end(ctx context.Context, ref api.RequestRef, cancelled bool) (told bool) {
	return f.share(&f.api.endTexts, f.key(api.EventEnd, ref.Request, 0), func() (any, error) {
		if ref.Type == string(horde.KindImage) {
			st, err := f.api.Queue.Status(ctx, ref.Request)
			return f.teller.imageEnd(ref, cancelled, st), err
		}
		st, err := f.api.Queue.TextStatus(ctx, ref.Request)
		return f.teller.textEnd(ref, cancelled, st), err
	})
}

// tellForms is tell for an alchemy request.
func (f *follower) tellForms(ctx context.Context, id string, s *seen) (over bool) {
	n := f.api.Alchemy.News(id)
	if n.Gone {
		f.gone(id)
		return true
	}

	version := uint64(n.Version)
	read := func() (any, error) {
		st, err := f.api.Alchemy.ShortStatus(ctx, id)
		if err != nil {
			f.api.Log.WarnContext(ctx, "follow an alchemy request", "request", id, "err", err)
		}
		return &api.AlchemyRequestStatus{
			RequestRef:    api.RequestRef{Request: id, Type: "alchemy"},
			AlchemyStatus: st,
		}, err
	}
	if !s.told || version != s.status {
		if !f.share(&f.api.eventTexts, f.key(api.EventStatus, id, version), read) {
			return false
		}
		s.told, s.status = true, version
	}
	return n.Ended && f.share(&f.api.endTexts, f.key(api.EventEnd, id, version), read)
}

// gone says that a request is not known.
func (f *follower) gone(id string) {
	if data := f.teller.gone(id); data != nil {
		f.out.Write(api.EventGone, data)
	}
}
