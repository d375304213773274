package cli

import (
	"fmt"
	"io"
	"math"
	"time"

	"horde/internal/terminal"
)

// progress shows on stderr how far a long computation is: a bar on a terminal, else
// a line now and then.
type progress struct {
	con   *console
	live  *terminal.Live // nil: no terminal
	began time.Time
	lines int     // printed from beginning to end, without a terminal
	shown float64 // how many of them were due at the last one
}

func newProgress(con *console, lines int) *progress {
	p := &progress{con: con, began: time.Now(), lines: lines}
	if isTerminal(con.stderr) {
		p.live = terminal.NewLive(con.stderr)
	}
	return p
}

// show says that a share of the work, above 0 and at most 1, is done. words say more;
// how long the rest will take is added to them.
func (p *progress) show(share float64, words string) {
	left := time.Duration(float64(time.Since(p.began)) * (1/share - 1)).Round(time.Second)
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
		fmt.Fprintln(p.con.stderr, words)
	}
}

// clear removes the bar.
func (p *progress) clear() {
	if p.live != nil {
		_ = p.live.Clear()
	}
}
