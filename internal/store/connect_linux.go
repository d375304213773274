package store

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnanswered has the kernel give a connection up whose other side acknowledges
// nothing any more.
func limitUnanswered(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// What is no TCP socket has no such option, and needs none.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unansweredLimit.Milliseconds()))
	})
}
