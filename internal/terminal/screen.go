package terminal

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// Protocol is a way to show images.
type Protocol int

// The protocols, from nothing to the best.
const (
	None   Protocol = iota
	Blocks          // ▀ with two colours
	Sixel
	Kitty
)

var protocolNames = []string{"none", "blocks", "sixel", "kitty"}

func (p Protocol) String() string { return protocolNames[p] }

// ParseProtocol is the inverse of String.
func ParseProtocol(s string) (Protocol, error) {
	for p, name := range protocolNames {
		if s == name {
			return Protocol(p), nil
		}
	}
	return None, fmt.Errorf("%q is not a way to show images: choose one of %s", s, strings.Join(protocolNames, ", "))
}

// Screen is a terminal: what it can show and how large it is.
type Screen struct {
	Protocol   Protocol
	Cols, Rows int
	// CellWidth and CellHeight are the pixels of one character.
	CellWidth, CellHeight int
	// TrueColor: 24 bits of colour; else the 256 of xterm.
	TrueColor bool
	// Color is false where the user wants none (NO_COLOR) or TERM is dumb.
	Color bool
}

// Detect examines an output and its environment. Where the environment leaves the
// protocol open the terminal itself is asked, within a fifth of a second. Protocol is
// None where out is not a terminal.
func Detect(out *os.File, getenv func(string) string) Screen {
	s := Screen{Cols: 80, Rows: 24, CellWidth: 10, CellHeight: 20}
	if out == nil || !term.IsTerminal(int(out.Fd())) {
		return s
	}
	if cols, rows, err := term.GetSize(int(out.Fd())); err == nil && cols > 0 && rows > 0 {
		s.Cols, s.Rows = cols, rows
	}

	if w, h := cellSize(out, s.Cols, s.Rows); w > 0 && h > 0 {
		s.CellWidth, s.CellHeight = w, h
	}
	s.fromEnvironment(getenv)
	if s.Protocol == Blocks {
		if p := queryTerminal(); p > s.Protocol {
			s.Protocol = p
		}
	}
	return s
}

// fromEnvironment fills in what well-known terminals say about themselves.
func (s *Screen) fromEnvironment(getenv func(string) string) {
	name, program := getenv("TERM"), getenv("TERM_PROGRAM")
	s.TrueColor = getenv("COLORTERM") == "truecolor" || getenv("COLORTERM") == "24bit"

	s.Color = name != "dumb" && getenv("NO_COLOR") == ""
	switch multiplexed := getenv("TMUX") != "" || strings.HasPrefix(name, "screen"); {
	case !s.Color:
		s.Protocol = None
	case multiplexed: // drops graphics unless it says otherwise when asked
		s.Protocol = Blocks
	case name == "xterm-kitty", getenv("KITTY_WINDOW_ID") != "", name == "xterm-ghostty",
		program == "ghostty", program == "WezTerm":
		s.Protocol, s.TrueColor = Kitty, true
	case strings.HasPrefix(name, "foot"), strings.HasPrefix(name, "mlterm"), strings.HasPrefix(name, "contour"),
		program == "iTerm.app", program == "mintty":
		s.Protocol, s.TrueColor = Sixel, true
	default:
		s.Protocol = Blocks
	}
}

// fit returns the largest whole number of cells within cols × rows that keeps the shape
// of a w × h image; at least one cell.
func (s Screen) fit(w, h, cols, rows int) (int, int) {
	cols, rows = max(1, min(cols, s.Cols)), max(1, rows)
	if w <= 0 || h <= 0 {
		return 1, 1
	}

	// The height in cells of an image as wide as allowed.
	r := float64(cols*s.CellWidth) * float64(h) / float64(w) / float64(s.CellHeight)
	if r <= float64(rows) {
		return cols, max(1, int(r+0.5))
	}
	c := float64(rows*s.CellHeight) * float64(w) / float64(h) / float64(s.CellWidth)
	return max(1, min(cols, int(c+0.5))), rows
}
