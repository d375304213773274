package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Live is the last lines of a terminal, redrawn in place.
type Live struct {
	w     io.Writer
	lines int // of the current frame
}

// NewLive starts below what w has printed so far.
func NewLive(w io.Writer) *Live { return &Live{w: w} }

// Draw replaces the last frame. draw writes whole lines and
// returns their number.
func (l *Live) Draw(draw func(w io.Writer) int) error {
	var b bytes.Buffer
	l.erase(&b)
	l.lines = draw(&b)
	_, err := l.w.Write(b.Bytes())
	return err
}

// Clear removes the frame.
func (l *Live) Clear() error {
	return l.Draw(func(io.Writer) int { return 0 })
}

func (l *Live) erase(b *bytes.Buffer) {
	b.WriteString("\r")
	if l.lines > 0 {
		fmt.Fprintf(b, "\x1b[%dA", l.lines)
	}
	b.WriteString("\x1b[J")
}

// Bar is a progress bar of width characters, in eighths of a character.
// fraction is cut to 0…1.
func Bar(width int, fraction float64) string {
	const eighths = " ▏▎▍▌▋▊▉"
	n := int(max(0, min(1, fraction))*float64(width*8) + 0.5)
	full, part := n/8, n%8
	bar := strings.Repeat("█", full)
	if full < width {
		bar += string([]rune(eighths)[part]) + strings.Repeat(" ", width-full-1)
	}
	return bar
}
