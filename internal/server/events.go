package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/waiting"
)

const (
	keepAlive     = 10 * time.Second
	eventTime     = 30 * time.Second // a reader that takes longer for one event is cut off
	longestStream = 2 * time.Hour
)

// getEvents streams what happens to one request (api.EventStatus and others).
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := s.Queue.Owner(r.Context(), id); err != nil {
		return err
	}
	return s.streamEvents(w, r, []string{id}, alone{})
}

// getManyEvents streams what happens to several requests of all kinds.
func (s *Server) getManyEvents(w http.ResponseWriter, r *http.Request) error {
	ids, err := followed(r)
	if err != nil {
		return err
	}
	return s.streamEvents(w, r, ids, named{})
}

// eventsQuery are the parameters of getManyEvents.
var eventsQuery = []queryParam{
	{"ids", &api.Schema{Type: api.String, Description: fmt.Sprintf("Ids of at most %d requests for images, texts or alchemy, separated by commas.", api.MaxFollowed)}},
}

// followed reads the ids of requests that a call wants to follow, in the form in
// which they are kept, each once.
func followed(r *http.Request) ([]string, error) {
	var ids []string
	for _, list := range r.URL.Query()["ids"] {
		for id := range strings.SplitSeq(list, ",") {
			if id = horde.PlainID(strings.TrimSpace(id)); id == "" {
				continue
			}
			if !horde.IsID(id) {
				return nil, horde.Errorf(horde.BadRequest, "%q is no id of a request.", clip(id, 64))
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			if len(ids) > api.MaxFollowed {
				return nil, horde.Errorf(horde.BadRequest, "One stream follows at most %d requests.", api.MaxFollowed)
			}
		}
	}
	if len(ids) == 0 {
		return nil, horde.Errorf(horde.BadRequest, "Name the requests to follow: ?ids=ID,ID")
	}
	return ids, nil
}

// A teller makes the data of a stream's events.
type teller interface {
	status(ref api.RequestRef, n queue.News) any
	progress(ref api.RequestRef, p api.JobProgress) any
	imageEnd(ref api.RequestRef, cancelled bool, st api.ImageStatus) any
	textEnd(ref api.RequestRef, cancelled bool, st api.TextStatus) any
	// gone is nil where a stream says nothing of it.
	gone(id string) any
}

// aloneEvents and namedEvents are the types of the data that the two tellers make.
var (
	aloneEvents = eventData{api.Check{}, api.JobProgress{}, api.ImageStatus{}, api.TextStatus{}}
	namedEvents = eventData{
		api.RequestStatus{},
		api.RequestProgress{},
		api.ImageRequestEnd{},
		api.TextRequestEnd{},
		api.AlchemyRequestStatus{},
		api.RequestGone{},
	}
)

// alone is for a stream of one request, which no event has to name.
type alone struct{}

func (alone) status(_ api.RequestRef, n queue.News) any                 { return &n.Check }
func (alone) progress(_ api.RequestRef, p api.JobProgress) any          { return &p }
func (alone) imageEnd(_ api.RequestRef, _ bool, st api.ImageStatus) any { return &st }
func (alone) textEnd(_ api.RequestRef, _ bool, st api.TextStatus) any   { return &st }
func (alone) gone(string) any                                           { return nil }

// named is for a stream of several: every event names its request.
type named struct{}

func (named) status(ref api.RequestRef, n queue.News) any {
	return &api.RequestStatus{
		RequestRef: ref,
		Cancelled:  n.Cancelled,
		Jobs:       n.Running,
		Delivered:  n.Delivered,
		Check:      n.Check,
	}
}

func (named) progress(ref api.RequestRef, p api.JobProgress) any {
	return &api.RequestProgress{RequestRef: ref, JobProgress: p}
}

func (named) imageEnd(ref api.RequestRef, cancelled bool, st api.ImageStatus) any {
	return &api.ImageRequestEnd{RequestRef: ref, Cancelled: cancelled, ImageStatus: st}
}

func (named) textEnd(ref api.RequestRef, cancelled bool, st api.TextStatus) any {
	return &api.TextRequestEnd{RequestRef: ref, Cancelled: cancelled, TextStatus: st}
}

func (named) gone(id string) any {
	return &api.RequestGone{Request: id, RC: "RequestNotFound", Message: fmt.Sprintf("Request with ID '%s' not found.", id)}
}

// streamEvents tells of requests until each has ended or is gone, the reader leaves or
// reads too slowly, or the server begins to stop.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, ids []string, t teller) error {
	leave, err := s.enterStream(r)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := s.untilEnding(r.Context())
	defer cancel()

	watch := waiting.NewWatch()
	f := &follower{server: s, teller: t, requests: map[string]*seen{}}
	_, stop, err := s.Queue.Follow(ctx, ids, watch)
	if err != nil {
		return err
	}
	defer stop()
	if s.Alchemy != nil {
		forms, stop, err := s.Alchemy.Follow(ctx, ids, watch)
		if err != nil {
			return err
		}
		defer stop()
		for _, id := range forms {
			f.requests[id] = &seen{alchemy: true}
		}
	}
	for _, id := range ids {
		if f.requests[id] == nil {
			f.requests[id] = &seen{}
		}
	}

	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"}
	setReadTimeout(w, 0)
	f.out = &eventWriter{w: w, flush: http.NewResponseController(w), writeTime: s.streams.writeTime}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		f.follow(ctx, ids, watch)
	}
	return nil
}

// follower is one who reads a stream, and what it was told.
type follower struct {
	server   *Server
	teller   teller
	out      *eventWriter
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
		if len(f.requests) == 0 || f.out.failed || !time.Now().Before(until) {
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
			f.out.raw(": keep-alive\n\n")
		}
	}
}

// open are the requests that have not ended.
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
	n := f.server.Queue.News(id)
	if n.Gone {
		f.gone(id)
		return true
	}

	ref := api.RequestRef{Request: id, Type: n.Kind}
	f.out.ifNew(&s.status, api.EventStatus, f.teller.status(ref, n))
	told := map[string]string{}
	for _, p := range n.Progress {
		text := s.jobs[p.Job]
		f.out.ifNew(&text, api.EventProgress, f.teller.progress(ref, p))
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
	if st, err := f.server.Queue.Status(ctx, ref.Request); err == nil {
		f.out.write(api.EventEnd, jsonText(f.teller.imageEnd(ref, cancelled, st)))
	} else if st, err := f.server.Queue.TextStatus(ctx, ref.Request); err == nil {
		f.out.write(api.EventEnd, jsonText(f.teller.textEnd(ref, cancelled, st)))
	} else { // it has expired just now
		f.gone(ref.Request)
	}
}

// tellForms is tell for an alchemy request.
func (f *follower) tellForms(ctx context.Context, id string, s *seen) (over bool) {
	n, err := f.server.Alchemy.News(ctx, id)
	if err != nil { // the next change or tick tries again
		f.server.log.WarnContext(ctx, "follow an alchemy request", "request", id, "err", err)
		return false
	}
	if n.Gone {
		f.gone(id)
		return true
	}
	status := &api.AlchemyRequestStatus{RequestRef: api.RequestRef{Request: id, Type: "alchemy"}, AlchemyStatus: n.Status}
	f.out.ifNew(&s.status, api.EventStatus, status)
	if n.Ended {
		f.out.write(api.EventEnd, jsonText(status))
	}
	return n.Ended
}

// gone says that a request is not known.
func (f *follower) gone(id string) {
	if data := f.teller.gone(id); data != nil {
		f.out.write(api.EventGone, jsonText(data))
	}
}

// eventWriter writes server-sent events until one cannot be written in time.
type eventWriter struct {
	w         http.ResponseWriter
	flush     *http.ResponseController
	writeTime time.Duration
	failed    bool // nobody reads any more
}

// ifNew writes an event unless last is its data already.
func (e *eventWriter) ifNew(last *string, event string, v any) {
	if text := jsonText(v); text != *last {
		*last = text
		e.write(event, text)
	}
}

func (e *eventWriter) write(event, data string) {
	e.raw(fmt.Sprintf("event: %s\ndata: %s\n\n", event, data))
}

func (e *eventWriter) raw(text string) {
	if e.failed {
		return
	}
	_ = e.flush.SetWriteDeadline(time.Now().Add(e.writeTime))
	if _, err := e.w.Write([]byte(text)); err != nil {
		e.failed = true
		return
	}
	e.failed = e.flush.Flush() != nil
}

func jsonText(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // links have an &
	if err := enc.Encode(v); err != nil {
		return "{}" // our own plain structs always marshal
	}
	return strings.TrimSuffix(b.String(), "\n")
}
