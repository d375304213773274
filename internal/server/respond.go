package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"horde/api"
)

var jsonType = []string{"application/json; charset=utf-8"}

// buffers are reused between answers; one that a large answer made large is
// dropped so that memory does not stay with it.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const maxPooledBuffer = 64 << 10 // bytes

// putBuffer gives a buffer back.
func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooledBuffer {
		buffers.Put(b)
	}
}

// Reply answers with v as JSON, reduced by the caller's X-Fields mask if there
// is one. An error means that v cannot be written as JSON and nothing was sent.
func Reply(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, free, err := masked(r, v)
	if err != nil {
		return err
	}
	defer free()

	exchangeOf(r).answerMade(len(body))
	SendJSON(w, status, body)
	return nil
}

// masked is v as JSON, reduced by the caller's mask. It may be used until it is freed.
func masked(r *http.Request, v any) (body []byte, free func(), err error) {
	buf := buffers.Get().(*bytes.Buffer)
	if err := encode(buf, v); err != nil {
		putBuffer(buf)
		return nil, nil, err
	}
	m := maskOf(r)
	if m == nil {
		return buf.Bytes(), func() { putBuffer(buf) }, nil
	}

	defer putBuffer(buf)
	reduced := buffers.Get().(*bytes.Buffer)
	reduced.Reset()
	m.apply(reduced, buf.Bytes())
	return reduced.Bytes(), func() { putBuffer(reduced) }, nil
}

// ReplyPlain answers with v as JSON and knows no mask, for the few routes whose
// answers are not marshalled (the heartbeat).
func ReplyPlain(w http.ResponseWriter, status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buf)
	if err := encode(buf, v); err != nil {
		return err
	}
	SendJSON(w, status, buf.Bytes())
	return nil
}

// writeBody answers with an error body, to which masks do not apply.
func writeBody(w http.ResponseWriter, status int, v any) {
	if err := ReplyPlain(w, status, v); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// encode writes v as JSON, links in it as they are.
func encode(buf *bytes.Buffer, v any) error {
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write %T as JSON: %w", v, err)
	}
	return nil
}

// ReplyOK answers that all went well, for calls that have nothing else to tell.
func ReplyOK(w http.ResponseWriter, r *http.Request) error {
	return Reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}

// SendJSON answers with a body that is JSON already.
func SendJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that hung up is no error of ours
}
