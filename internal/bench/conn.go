package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one HTTP/1.1 connection that is kept alive. It sends requests as they
// are and reads answers with a Content-Length, in chunks, or up to the end of
// the connection. It follows no redirects and knows no compression or TLS: the
// servers it measures are on the same machine. Not safe for concurrent use.
type conn struct {
	addr     string
	nc       net.Conn
	buf      []byte // what was read of the current answer
	deadline time.Time
	used     time.Time // of the last call that was answered
}

const (
	callTimeout = 30 * time.Second
	maxAnswer   = 8 << 20 // bytes
	// maxIdle is how long a connection may be idle before the server may have
	// closed it: only then is a failed call sent again.
	maxIdle = 5 * time.Second
)

var errHTTP = errors.New("the answer is not HTTP/1.1")

func newConn(addr string) *conn { return &conn{addr: addr, buf: make([]byte, 0, 16<<10)} }

func (c *conn) close() {
	if c.nc != nil {
		c.nc.Close()
		c.nc = nil
	}
}

// do sends a request and returns the answer. body is valid until the next call.
func (c *conn) do(req []byte) (status int, body []byte, err error) {
	stale := c.nc != nil && time.Since(c.used) > maxIdle
	status, body, err = c.try(req)
	if err != nil && stale && len(c.buf) == 0 {
		c.close()
		status, body, err = c.try(req)
	}
	if err != nil {
		c.close()
	}
	return status, body, err
}

func (c *conn) try(req []byte) (status int, body []byte, err error) {
	c.buf = c.buf[:0]
	now := time.Now()
	if c.nc == nil {
		c.nc, err = net.DialTimeout("tcp", c.addr, callTimeout)
		if err != nil {
			return 0, nil, err
		}
		c.deadline = time.Time{}
	}

	// Setting a deadline costs more than reading the clock: move it in large steps.
	if c.deadline.Sub(now) < callTimeout {
		c.deadline = now.Add(2 * callTimeout)
		if err := c.nc.SetDeadline(c.deadline); err != nil {
			return 0, nil, err
		}
	}
	if _, err := c.nc.Write(req); err != nil {
		return 0, nil, err
	}

	status, body, keep, err := c.answer()
	if err != nil {
		return 0, nil, err
	}

	if !keep {
		c.close()
	}
	c.used = now
	return status, body, nil
}

// more reads further into the buffer.
func (c *conn) more() error {
	if len(c.buf) == cap(c.buf) {
		if len(c.buf) >= maxAnswer {
			return fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
		}
		grown := make([]byte, len(c.buf), 2*cap(c.buf))
		copy(grown, c.buf)
		c.buf = grown
	}

	n, err := c.nc.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *conn) answer() (status int, body []byte, keep bool, err error) {
	end := -1
	for end < 0 {
		if err := c.more(); err != nil {
			return 0, nil, false, err
		}
		end = bytes.Index(c.buf, []byte("\r\n\r\n"))
	}

	head := c.buf[:end+2]
	if len(head) < 14 || string(head[:7]) != "HTTP/1." {
		return 0, nil, false, errHTTP
	}
	status, err = strconv.Atoi(string(head[9:12]))
	if err != nil {
		return 0, nil, false, errHTTP
	}

	h := scanHeader(head)
	start := end + 4
	switch {
	case status == 204 || status == 304:
		return status, nil, h.keep, nil
	case h.chunked:
		body, err = c.chunks(start)
	case h.length >= 0:
		if h.length > maxAnswer {
			return 0, nil, false, fmt.Errorf("the answer has %d bytes", h.length)
		}
		for len(c.buf) < start+h.length && err == nil {
			err = c.more()
		}
		if err == nil {
			body = c.buf[start : start+h.length]
		}
	default:
		h.keep = false
		for err == nil {
			err = c.more()
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			body, err = c.buf[start:], nil
		}
	}

	return status, body, h.keep, err
}

// header is what matters here of an answer's header.
type header struct {
	length  int // bytes; -1: not given
	chunked bool
	keep    bool
}

func scanHeader(head []byte) header {
	h := header{length: -1, keep: true}
	for len(head) > 0 {
		line := head
		if i := bytes.IndexByte(head, '\n'); i >= 0 {
			line, head = head[:i], head[i+1:]
		} else {
			head = nil
		}

		// Only three names matter, so most lines are skipped by their first letter.
		if len(line) == 0 || line[0]|0x20 != 'c' && line[0]|0x20 != 't' {
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}

		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 {
				h.length = n
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			h.keep = !bytes.EqualFold(value, []byte("close"))
		}
	}
	return h
}

// chunks reads a chunked body that begins at start and joins its pieces in place.
func (c *conn) chunks(start int) ([]byte, error) {
	at, end := start, start // read position; end of the joined body
	line := func() ([]byte, error) {
		for {
			if i := bytes.IndexByte(c.buf[at:], '\n'); i >= 0 {
				l := bytes.TrimSpace(c.buf[at : at+i])
				at += i + 1
				return l, nil
			}
			if err := c.more(); err != nil {
				return nil, err
			}
		}
	}

	for {
		l, err := line()
		if err != nil {
			return nil, err
		}

		size, _, _ := bytes.Cut(l, []byte(";"))
		n, err := strconv.ParseUint(string(size), 16, 32)
		if err != nil || n > maxAnswer {
			return nil, errHTTP
		}

		if n == 0 {
			break
		}
		for len(c.buf) < at+int(n)+2 {
			if err := c.more(); err != nil {
				return nil, err
			}
		}

		copy(c.buf[end:], c.buf[at:at+int(n)])
		end += int(n)
		at += int(n) + 2
	}

	// Trailers, up to an empty line.
	for {
		l, err := line()
		if err != nil {
			return nil, err
		}
		if len(l) == 0 {
			return c.buf[start:end], nil
		}
	}
}
