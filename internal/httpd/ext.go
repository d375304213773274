package httpd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/queue"
)

// postProgress takes a worker's report from inside a job.
func (s *Server) postProgress(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.Progress](w, r, api.ProgressSchema)
	if err != nil {
		return err
	}
	err = s.Queue.Progress(r.Context(), apiKey(r), r.PathValue("id"), in)
	if code := horde.CodeOf(err); code == "AbortedGen" || code == "RequestExpired" {
		return refusedAs{err, http.StatusGone} // the worker can stop
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

const (
	keepAlive     = 10 * time.Second
	eventTime     = 30 * time.Second // a reader that takes longer for one event is cut off
	longestStream = 2 * time.Hour
)

// getEvents streams what happens to a request (api.EventStatus and others).
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := s.Queue.Owner(r.Context(), id); err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"}
	setReadTimeout(w, 0)
	e := &events{w: w, flush: http.NewResponseController(w), until: time.Now().Add(longestStream)}
	ctx, cancel := s.untilEnding(r.Context())
	defer cancel()
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	idle := make(chan struct{})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				select {
				case idle <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	w.WriteHeader(http.StatusOK)
	done := false
	err := s.Queue.Watch(ctx, id, func(n queue.News) bool {
		done = n.Check.Done
		return e.tell(n)
	}, idle)
	if err == nil && done {
		if st, err := s.Queue.Status(r.Context(), id); err == nil {
			e.send(api.EventEnd, &st)
		} else if st, err := s.Queue.TextStatus(r.Context(), id); err == nil {
			e.send(api.EventEnd, &st)
		}
	}
	return nil
}

// events writes server-sent events, each only when it says something new.
type events struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	until time.Time
	check string
	jobs  map[string]string
}

// tell writes what changed since the last time; false when nobody reads.
func (e *events) tell(n queue.News) bool {
	ok := true
	wrote := false
	if text := jsonText(&n.Check); text != e.check {
		e.check = text
		ok, wrote = e.write(api.EventStatus, text), true
	}
	for _, p := range n.Progress {
		if text := jsonText(&p); text != e.jobs[p.Job] && ok {
			if e.jobs == nil {
				e.jobs = map[string]string{}
			}
			e.jobs[p.Job] = text
			ok, wrote = e.write(api.EventProgress, text), true
		}
	}
	if !wrote && ok {
		ok = e.raw(": keep-alive\n\n")
	}
	return ok && time.Now().Before(e.until)
}

func (e *events) send(event string, v any) bool { return e.write(event, jsonText(v)) }

func (e *events) write(event, data string) bool {
	return e.raw(fmt.Sprintf("event: %s\ndata: %s\n\n", event, data))
}

func (e *events) raw(text string) bool {
	_ = e.flush.SetWriteDeadline(time.Now().Add(eventTime))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return false
	}
	return e.flush.Flush() == nil
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
