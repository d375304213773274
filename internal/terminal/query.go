package terminal

import (
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	answerTimeout = 200 * time.Millisecond
	maxReply      = 256 // bytes
)

// query asks for one invisible pixel by kitty's protocol and then for the
// device's attributes, which every terminal answers: an answer to the first
// means kitty, an attribute 4 in the second means sixels.
const query = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"

// queryTerminal asks the controlling terminal what it can show; Blocks where it gives
// no useful answer.
func queryTerminal() Protocol {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return Blocks
	}
	defer tty.Close()

	// Without a deadline an answer that never comes would block us, or a reader left
	// behind would swallow what the user types.
	if tty.SetReadDeadline(time.Now().Add(answerTimeout)) != nil {
		return Blocks
	}
	conn, err := tty.SyscallConn()
	if err != nil {
		return Blocks
	}

	var state *term.State
	conn.Control(func(fd uintptr) {
		// A job in the background would be stopped for touching the terminal.
		if inForeground(int(fd)) {
			state, err = term.MakeRaw(int(fd))
		}
	})
	if err != nil || state == nil {
		return Blocks
	}
	defer conn.Control(func(fd uintptr) { term.Restore(int(fd), state) })
	return exchange(tty)
}

// exchange sends the query to a terminal in raw mode and reads the answer up to its
// end, an error or maxReply bytes.
func exchange(tty io.ReadWriter) Protocol {
	if _, err := io.WriteString(tty, query); err != nil {
		return Blocks
	}

	var answer []byte
	b := make([]byte, 64)
	for len(answer) < maxReply {
		n, err := tty.Read(b)
		answer = append(answer, b[:n]...)
		if _, complete := attributes(string(answer)); complete || err != nil || n == 0 {
			break
		}
	}

	text := string(answer)
	if strings.Contains(text, "\x1b_Gi=31;OK") {
		return Kitty
	}
	if list, ok := attributes(text); ok {
		for _, a := range strings.Split(list, ";")[1:] { // the first is the kind of terminal
			if a == "4" {
				return Sixel
			}
		}
	}
	return Blocks
}

// attributes finds the list in "ESC [ ? list c".
func attributes(answer string) (string, bool) {
	_, rest, ok := strings.Cut(answer, "\x1b[?")
	if !ok {
		return "", false
	}
	list, _, ok := strings.Cut(rest, "c")
	return list, ok
}
