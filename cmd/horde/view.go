package main

import (
	"fmt"
	"image"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"horde/api"
	"horde/client"
	"horde/internal/imaging"
	"horde/internal/terminal"
)

// view shows a request on its way: a live bar where there is a terminal, a few
// lines where there is none.
type view struct {
	con    *console
	screen terminal.Screen
	live   *terminal.Live // nil: no terminal
	number int

	check    api.Check
	progress *api.JobProgress
	picture  image.Image // newest preview
	began    time.Time
	warned   bool   // that nobody can paint this now
	lastLine string // without a terminal: what was said last
}

func (c *GenerateCmd) newView(con *console) *view {
	v := &view{con: con, screen: c.screen(con), number: c.Number, began: time.Now()}
	switch {
	case isTerminal(con.stderr):
		v.live = terminal.NewLive(con.stderr)
	case isTerminal(con.stdout):
		v.live = terminal.NewLive(con.stdout)
	}
	return v
}

func (v *view) accepted(a *api.Accepted) {
	tellAccepted(v.con.stderr, a)
	v.warned = a.Message != "" // a horde says so itself where no worker can serve
}

// tellAccepted prints what the horde said when it took a request.
func tellAccepted(w io.Writer, a *api.Accepted) {
	fmt.Fprintf(w, "request %s\n", clean(a.ID))
	if a.Message != "" {
		fmt.Fprintln(w, "note:", clean(a.Message))
	}
	for _, warning := range a.Warnings {
		if warning.Message != a.Message {
			fmt.Fprintln(w, "note:", clean(warning.Message))
		}
	}
}

// follow shows the request until it is done and returns its last state.
func (v *view) follow(h *client.Client, id string) (*api.ImageStatus, error) {
	defer v.clear()
	for event, err := range h.Watch(v.con.ctx, id) {
		switch {
		case err != nil:
			return nil, err
		case event.Check != nil:
			if event.Check.Finished != v.check.Finished {
				v.progress = nil // the next picture begins anew
			}
			v.check = *event.Check
			if !v.check.IsPossible && !v.check.Done && !v.warned {
				v.warned = true
				v.clear()
				fmt.Fprintln(v.con.stderr, "note: no worker that is online now can paint this; waiting for one (Ctrl-C cancels)")
			}
		case event.Progress != nil:
			v.progress = event.Progress
			v.look(event.Progress.Preview)
		case event.End != nil:
			return event.End, nil
		}
		v.draw()
	}
	return nil, io.ErrUnexpectedEOF
}

// look decodes a preview, a stranger's picture, within tight bounds.
func (v *view) look(preview string) {
	if preview == "" || v.screen.Protocol == terminal.None {
		return
	}
	img, _, err := imaging.DecodeBase64(preview, imaging.Limits{MaxBytes: 128 << 10, MaxPixels: 512 * 512, MaxSide: 1024})
	if err == nil {
		v.picture = img
	}
}

func (v *view) draw() {
	if v.live == nil {
		if line := v.state(); line != "" && line != v.lastLine && v.progress == nil {
			v.lastLine = line
			fmt.Fprintln(v.con.stderr, line)
		}
		return
	}
	v.live.Draw(func(w io.Writer) int {
		lines := 0
		if v.picture != nil {
			rows, err := v.screen.DrawOver(w, v.picture, 40, max(4, min(16, v.screen.Rows-4)))
			if err == nil {
				lines += rows
			}
		}
		text := v.state()
		width := max(8, min(30, v.screen.Cols-len([]rune(text))-4))
		line := []rune(fmt.Sprintf("▕%s▏ %s", terminal.Bar(width, v.fraction()), text))
		fmt.Fprintf(w, "%s\r\n", string(line[:min(len(line), v.screen.Cols-1)]))
		return lines + 1
	})
}

func (v *view) clear() {
	if v.live != nil {
		v.live.Clear()
		v.screen.Forget(v.con.stdout)
	}
}

// state says in words how far the request is.
func (v *view) state() string {
	c := v.check
	var parts []string
	if v.number > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d finished", c.Finished, v.number))
	}
	switch {
	case v.progress != nil:
		parts = append(parts, fmt.Sprintf("step %d of %d", v.progress.Step, v.progress.Steps), clean(v.progress.WorkerName))
	case c.Processing > 0:
		parts = append(parts, "painting"+eta(c.WaitTime))
	case c.QueuePosition > 0:
		parts = append(parts, fmt.Sprintf("position %d in the queue%s", c.QueuePosition, eta(c.WaitTime)))
	case c.Waiting > 0:
		parts = append(parts, "waiting"+eta(c.WaitTime))
	}
	return strings.Join(parts, ", ")
}

func eta(seconds int) string {
	if seconds <= 0 {
		return ""
	}
	return fmt.Sprintf(", about %s left", time.Duration(seconds)*time.Second)
}

// fraction of the whole request that is done.
func (v *view) fraction() float64 {
	done := float64(v.check.Finished)
	if p := v.progress; p != nil && p.Steps > 0 {
		done += min(1, float64(p.Step)/float64(p.Steps))
	}
	return done / float64(v.number)
}

// saved names a file on stdout and shows it where the terminal can.
func (v *view) saved(path string, data []byte, g api.Generation) {
	if v.screen.Protocol != terminal.None {
		if img, _, err := imaging.Decode(data, imaging.Limits{MaxBytes: 64 << 20, MaxPixels: 1 << 26}); err == nil {
			v.screen.Draw(v.con.stdout, img, 60, max(4, min(24, v.screen.Rows-4)))
		}
	}
	fmt.Fprintln(v.con.stdout, path)
	note := fmt.Sprintf("  seed %s, %s by %s", clean(g.Seed), clean(g.Model), clean(g.WorkerName))
	if g.Censored {
		note += "; censored by the worker"
	}
	fmt.Fprintln(v.con.stderr, note)
	for _, m := range g.GenMetadata {
		if m.Type == "information" && m.Ref != "" {
			fmt.Fprintln(v.con.stderr, "  note:", clean(m.Ref))
		} else if m.Value == "download_failed" || m.Value == "parse_failed" {
			fmt.Fprintf(v.con.stderr, "  note: %s: %s\n", clean(m.Type), clean(m.Value))
		}
	}
}

// asFile gives the file behind a stream, or nil.
func asFile(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}

func isTerminal(stream any) bool {
	f := asFile(stream)
	return f != nil && term.IsTerminal(int(f.Fd()))
}
