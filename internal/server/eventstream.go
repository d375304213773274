package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

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

// WriteIfNew writes an event unless last is its data already.
func (e *EventStream) WriteIfNew(last *string, event string, v any) {
	if text := jsonText(v); text != *last {
		*last = text
		e.write(event, text)
	}
}

// Write writes an event whose data is v as JSON.
func (e *EventStream) Write(event string, v any) { e.write(event, jsonText(v)) }

// KeepAlive writes a comment, so that nobody on the way takes the stream for dead.
func (e *EventStream) KeepAlive() { e.raw(": keep-alive\n\n") }

// write writes an event.
func (e *EventStream) write(event, data string) {
	e.raw(fmt.Sprintf("event: %s\ndata: %s\n\n", event, data))
}

// raw writes a part of the stream at once, and ends it when nobody takes it in time.
func (e *EventStream) raw(text string) {
	if e.failed {
		return
	}

	if _, err := e.w.Write([]byte(text)); err != nil {
		e.failed = true
		return
	}
	e.failed = e.flush.Flush() != nil
}

// jsonText is the data of an event: v as JSON in one line.
func jsonText(v any) string {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return "{}" // our own plain structs always marshal
	}
	return strings.TrimSuffix(b.String(), "\n")
}
