package console

import (
	"fmt"
	"io"
	"math"
	"time"

	"horde/internal/terminal"
)

// Progress shows on stderr how far a long computation is: a bar on a terminal, else
// a line now and then.
type Progress struct {
	con   *Console
	live  *terminal.Live // nil: no terminal
	Began time.Time
	lines int     // printed from beginning to end, without a terminal
	shown float64 // how many of them were due at the last one
}

func NewProgress(con *Console, lines int) *Progress {
	p := &Progress{con: con, Began: time.Now(), lines: lines}
	if IsTerminal(con.Stderr) {
		p.live = terminal.NewLive(con.Stderr)
	}
	return p
}

// show says that a share of the work, above 0 and at most 1, is done. words say more;
// how long the rest will take is added to them.
func (p *Progress) Show(share float64, words string) {
	left := time.Duration(float64(time.Since(p.Began)) * (1/share - 1)).Round(time.Second)
	words = fmt.Sprintf("%s, %v left", words, left)
	if p.live != nil {
		_ = p.live.Draw(func(w io.Writer) int {
			fmt.Fprintf(w, "%s %3.0f %%\n%s\n", terminal.Bar(40, share), 100*share, words)
			return 2
		})
		return
	}

	if due := math.Ceil(share * float64(p.lines)); due > p.shown {
		p.shown = due
		fmt.Fprintln(p.con.Stderr, words)
	}
}

// clear removes the bar.
func (p *Progress) Clear() {
	if p.live != nil {
		_ = p.live.Clear()
	}
}
