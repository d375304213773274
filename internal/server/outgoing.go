package server

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// A caller has to take in answerPaceBytes of an answer, or the rest, in every
// answerPace. One that takes in nothing for stallTime keeps us waiting, like one that does
// not send its call: it makes room for others where there are too many connections.
//
// The system holds what a caller has not taken in yet, sendBuffer of it at most, twice
// that with its own bookkeeping. It is enough for 1 MiB/s to the other side of the world.
const (
	answerPace      = 20 * time.Second
	answerPaceBytes = 16 << 10
	stallTime       = time.Second
	sendBuffer      = 256 << 10 // bytes
	streamBuffer    = 16 << 10  // bytes of a stream of events: there are many, and each event is small
)

// boundSendBuffer bounds what the system holds for a caller who does not read.
func boundSendBuffer(conn net.Conn, bytes int) {
	if c, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(bytes) // of a connection that broke; whoever uses it will notice
	}
}

// boundSends is boundSendBuffer for a connection of ours.
func (n *connection) boundSends(bytes int) {
	if n != nil {
		boundSendBuffer(n.Conn, bytes)
	}
}

// Write implements net.Conn.
func (n *connection) Write(p []byte) (int, error) {
	total, err := n.pace(func(done int64) (int64, error) {
		written, err := n.Conn.Write(p[done:])
		return int64(written), err
	})
	return int(total), err
}

// ReadFrom lets files be sent by the kernel.
func (n *connection) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{n}, r)
	}
	file, ok := part.R.(*os.File)
	if !ok {
		return io.Copy(struct{ io.Writer }{n}, r)
	}
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}

	length := part.N
	return n.pace(func(done int64) (int64, error) {
		// What was read and not sent is read again.
		if _, err := file.Seek(begin+done, io.SeekStart); err != nil {
			return 0, err
		}
		part.N = length - done
		return io.Copy(n.Conn, part)
	})
}

// pace goes on with a write, of which so many bytes are done, as long as the caller takes
// them in at the pace.
func (n *connection) pace(write func(done int64) (int64, error)) (total int64, err error) {
	limit := n.home.answerPace
	stalled := false
	for began, window := time.Now(), int64(0); ; {
		deadline := began.Add(limit)
		if !stalled {
			deadline = began.Add(min(stallTime, limit))
		}
		if err := n.Conn.SetWriteDeadline(deadline); err != nil {
			return total, err
		}

		written, err := write(total)
		total += written
		window += written
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if stalled {
				n.serving()
			}
			return total, err
		}

		switch {
		case window >= answerPaceBytes:
			if stalled {
				n.serving()
			}
			began, window, stalled = time.Now(), 0, false
		case time.Since(began) >= limit:
			n.home.giveUp(n)
			return total, err
		default:
			stalled = true
			n.stall()
		}
	}
}

// stall notes that a connection waits for its answer to be read.
func (n *connection) stall() {
	n.home.mu.Lock()
	defer n.home.mu.Unlock()
	n.unread = true
	n.home.waitLocked(n)
}

// giveUp closes a connection whose caller does not read its answer. What was not sent is
// dropped, which the system would go on offering.
func (c *connections) giveUp(n *connection) {
	c.mu.Lock()
	if !n.gone {
		c.noteLocked(closedForUnread, "addr", n.addr)
		c.forgetLocked(n)
	}
	c.mu.Unlock()

	abandon(n.Conn)
}

// abandon closes a connection, and drops what was not sent.
func abandon(conn net.Conn) {
	if c, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}
