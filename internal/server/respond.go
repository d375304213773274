package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

var jsonType = []string{"application/json; charset=utf-8"}

// buffers are reused between answers; one that a large answer made large is
// dropped so that memory does not stay with it.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const maxPooledBuffer = 64 << 10

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooledBuffer {
		buffers.Put(b)
	}
}

// reply answers with v as JSON, reduced by the caller's X-Fields mask if there
// is one. An error means that v cannot be written as JSON and nothing was sent.
func reply(w http.ResponseWriter, r *http.Request, status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buf)
	if err := encode(buf, v); err != nil {
		return err
	}
	body := buf.Bytes()
	if m := maskOf(r); m != nil {
		masked := buffers.Get().(*bytes.Buffer)
		defer putBuffer(masked)
		masked.Reset()
		m.apply(masked, body)
		body = masked.Bytes()
	}
	send(w, status, body)
	return nil
}

// replyPlain answers with v as JSON and knows no mask, for the few routes whose
// answers are not marshalled (the heartbeat).
func replyPlain(w http.ResponseWriter, status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buf)
	if err := encode(buf, v); err != nil {
		return err
	}
	send(w, status, buf.Bytes())
	return nil
}

// writeBody answers with an error body, to which masks do not apply.
func writeBody(w http.ResponseWriter, _ *http.Request, status int, v any) {
	if err := replyPlain(w, status, v); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func encode(buf *bytes.Buffer, v any) error {
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write %T as JSON: %w", v, err)
	}
	return nil
}

func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that hung up is no error of ours
}
