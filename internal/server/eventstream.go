package server

import (
	"hash/maphash"
	"net/http"
)

// textSeed is of the hashes by which a stream remembers what it told last.
var textSeed = maphash.MakeSeed()

// An EventStream writes server-sent events to one reader until one cannot be written
// in time (outgoing.go).
type EventStream struct {
	w      http.ResponseWriter
	flush  *http.ResponseController
	failed bool
}

// NewEventStream begins an answer that is a stream of events. The caller has a place
// for it (EnterStream).
func NewEventStream(w http.ResponseWriter) *EventStream {
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"}
	w.WriteHeader(http.StatusOK)
	return &EventStream{w: w, flush: http.NewResponseController(w)}
}

// Failed reports whether nobody reads any more.
func (e *EventStream) Failed() bool { return e.failed }

// WriteIfNew writes an event unless last is the hash of its text already.
func (e *EventStream) WriteIfNew(last *uint64, event string, v any) {
	text := eventText(event, v)
	if hash := maphash.Bytes(textSeed, text); hash != *last {
		*last = hash
		e.raw(text)
	}
}

// Write writes an event whose data is v as JSON.
func (e *EventStream) Write(event string, v any) { e.raw(eventText(event, v)) }

// WriteText writes an event whose text it may share with other streams.
func (e *EventStream) WriteText(t *EventText) { e.raw(t.text) }

// KeepAlive writes a comment, so that nobody on the way takes the stream for dead.
func (e *EventStream) KeepAlive() { e.raw([]byte(": keep-alive\n\n")) }

// raw writes a part of the stream at once, and ends it when nobody takes it in time.
func (e *EventStream) raw(text []byte) {
	if e.failed {
		return
	}

	if _, err := e.w.Write(text); err != nil {
		e.failed = true
		return
	}
	e.failed = e.flush.Flush() != nil
}
