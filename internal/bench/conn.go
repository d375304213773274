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

func (cn *conn) close() {
	if cn.nc != nil {
		cn.nc.Close()
		cn.nc = nil
	}
}

// do sends a request and returns the answer. body is valid until the next call.
func (cn *conn) do(req []byte) (status int, body []byte, err error) {
	stale := cn.nc != nil && time.Since(cn.used) > maxIdle
	status, body, err = cn.try(req)
	if err != nil && stale && len(cn.buf) == 0 {
		cn.close()
		status, body, err = cn.try(req)
	}
	if err != nil {
		cn.close()
	}
	return status, body, err
}

func (cn *conn) try(req []byte) (status int, body []byte, err error) {
	cn.buf = cn.buf[:0]
	now := time.Now()
	if cn.nc == nil {
		cn.nc, err = net.DialTimeout("tcp", cn.addr, callTimeout)
		if err != nil {
			return 0, nil, err
		}
		cn.deadline = time.Time{}
	}

	// Setting a deadline costs more than reading the clock: move it in large steps.
	if cn.deadline.Sub(now) < callTimeout {
		cn.deadline = now.Add(2 * callTimeout)
		if err := cn.nc.SetDeadline(cn.deadline); err != nil {
			return 0, nil, err
		}
	}
	if _, err := cn.nc.Write(req); err != nil {
		return 0, nil, err
	}

	status, body, keep, err := cn.answer()
	if err != nil {
		return 0, nil, err
	}

	if !keep {
		cn.close()
	}
	cn.used = now
	return status, body, nil
}

// more reads further into the buffer.
func (cn *conn) more() error {
	if len(cn.buf) == cap(cn.buf) {
		if len(cn.buf) >= maxAnswer {
			return fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
		}
		grown := make([]byte, len(cn.buf), 2*cap(cn.buf))
		copy(grown, cn.buf)
		cn.buf = grown
	}

	n, err := cn.nc.Read(cn.buf[len(cn.buf):cap(cn.buf)])
	cn.buf = cn.buf[:len(cn.buf)+n]
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (cn *conn) answer() (status int, body []byte, keep bool, err error) {
	end := -1
	for end < 0 {
		if err := cn.more(); err != nil {
			return 0, nil, false, err
		}
		end = bytes.Index(cn.buf, []byte("\r\n\r\n"))
	}

	head := cn.buf[:end+2]
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
		body, err = cn.chunks(start)
	case h.length >= 0:
		if h.length > maxAnswer {
			return 0, nil, false, fmt.Errorf("the answer has %d bytes", h.length)
		}
		for len(cn.buf) < start+h.length && err == nil {
			err = cn.more()
		}
		if err == nil {
			body = cn.buf[start : start+h.length]
		}
	default:
		h.keep = false
		for err == nil {
			err = cn.more()
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			body, err = cn.buf[start:], nil
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
func (cn *conn) chunks(start int) ([]byte, error) {
	at, end := start, start // read position; end of the joined body
	line := func() ([]byte, error) {
		for {
			if i := bytes.IndexByte(cn.buf[at:], '\n'); i >= 0 {
				l := bytes.TrimSpace(cn.buf[at : at+i])
				at += i + 1
				return l, nil
			}
			if err := cn.more(); err != nil {
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
		for len(cn.buf) < at+int(n)+2 {
			if err := cn.more(); err != nil {
				return nil, err
			}
		}

		copy(cn.buf[end:], cn.buf[at:at+int(n)])
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
			return cn.buf[start:end], nil
		}
	}
}
