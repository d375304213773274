package server

import (
	"io"
	"net/http"
	"time"
)

// A caller has bodyTime for a body, and within it has to send paceBytes, or the rest, in
// every paceTime. A handler that takes large files sets another time in all by
// http.ResponseController.SetReadDeadline, before it reads.
const (
	bodyTime  = 60 * time.Second
	paceTime  = 20 * time.Second
	paceBytes = 16 << 10

	// drainTime is how long the rest of a body may take that no handler has read, before
	// the answer is sent and the connection closed.
	drainTime = time.Second
)

// incoming is the body of a call on its way in. It watches its time.
type incoming struct {
	io.ReadCloser
	x      *exchange
	until  time.Time // when all of it has to be there
	window int       // bytes that came since the deadline was set
	total  int64     // bytes that came
	ended  bool      // nothing more is to come
}

// receive begins the time of a call's body, and puts its reader in the place of it.
func (x *exchange) receive(r *http.Request) {
	b := &x.body
	if r.Body == nil || r.Body == http.NoBody {
		b.ended = true
		x.conn.serving()
		return
	}

	b.ReadCloser, b.x = r.Body, x
	b.until = time.Now().Add(x.server.times.body)
	b.nextWindow()
	r.Body = b
}

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	b.x.rest()
	n, err := b.ReadCloser.Read(p)
	b.x.resume()
	b.total += int64(n)
	if b.ended {
		return n, err
	}

	b.window += n
	switch {
	case err == io.EOF:
		// From here on the connection is read only to notice that the caller hangs up, and
		// the answer may take as long as it likes.
		b.ended = true
		b.x.setReadDeadline(time.Time{})
		b.x.conn.serving()
	case b.window >= paceBytes:
		b.nextWindow()
	}
	return n, err
}

// nextWindow sets the deadline for the next part.
func (b *incoming) nextWindow() {
	b.window = 0
	deadline := time.Now().Add(b.x.server.times.pace)
	if b.until.Before(deadline) {
		deadline = b.until
	}
	b.x.setReadDeadline(deadline)
}

// SetReadDeadline sets when the body has to be there, for http.ResponseController.
func (x *exchange) SetReadDeadline(t time.Time) error {
	if x.body.ended || x.body.x == nil {
		return nil
	}
	x.body.until = t
	x.body.nextWindow()
	return nil
}

// setReadDeadline passes a deadline on to the connection. Writers that know none (in
// tests) go without.
func (x *exchange) setReadDeadline(t time.Time) {
	_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(t)
}

// drain gives what is left of a body that was not read a last moment. The standard
// library reads it before it answers, so that the caller hears of the answer, and closes
// the connection when it does not end.
func (x *exchange) drain() {
	if x.body.ended || x.body.x == nil {
		return
	}
	x.body.ended = true
	x.setReadDeadline(time.Now().Add(x.server.times.drain))
}
