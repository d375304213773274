//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// cellSize is the size of a character in pixels; 0 where the terminal does not report
// it.
func cellSize(out *os.File, cols, rows int) (w, h int) {
	size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Xpixel == 0 || size.Ypixel == 0 {
		return 0, 0
	}
	return int(size.Xpixel) / cols, int(size.Ypixel) / rows
}

// inForeground reports whether this process may talk to its terminal.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
