package use

import (
	"context"
	"fmt"
	"image"
	"io"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
	"horde/internal/imaging"
	"horde/internal/terminal"
)

// view shows a request on its way: a live bar where there is a terminal, a few
// lines where there is none.
type view struct {
	con    *console.Console
	screen terminal.Screen
	live   *terminal.Live // nil: no terminal
	number int

	check     api.Check
	eta       client.ETA
	progress  *api.JobProgress // newest of a job that runs
	preview   image.Image      // newest of that job
	cancelled bool             // only what workers already have is waited for
	warned    bool             // that nobody can serve this now
	lastState string           // without a terminal: what was shown last
}

func (c *GenerateCmd) newView(con *console.Console) *view {
	v := &view{con: con, screen: c.screen(con), number: c.Number}
	switch {
	case con.Getenv("TERM") == "dumb": // cannot draw over earlier output
	case console.IsTerminal(con.Stderr):
		v.live = terminal.NewLive(con.Stderr)
	case console.IsTerminal(con.Stdout):
		v.live = terminal.NewLive(con.Stdout)
	}
	return v
}

func (v *view) accepted(a *api.Accepted) {
	printAccepted(v.con, a)
	v.warned = a.Message != "" // a horde says so itself where no worker can serve
}

// printAccepted prints what the horde said when it accepted a request.
func printAccepted(con *console.Console, a *api.Accepted) {
	fmt.Fprintf(con.Stderr, "request %s\n", console.Clean(a.ID))
	note := func(text string) {
		fmt.Fprintln(con.Stderr, "note:", con.Flags.ReplaceFields(console.Clean(text)))
	}

	if a.Message != "" {
		note(a.Message)
	}

	for _, warning := range a.Warnings {
		if warning.Message != a.Message {
			note(warning.Message)
		}
	}
}

// follow shows the request until it is done, or ctx ends, and returns its last status.
func (v *view) follow(ctx context.Context, h *client.Client, id string) (*api.ImageStatus, error) {
	defer v.clear()
	for event, err := range h.Watch(ctx, id) {
		if err != nil {
			return nil, err
		}

		v.eta.Note(event, time.Now())
		switch {
		case event.End != nil:
			return event.End, nil
		case event.Check != nil:
			v.noteCheck(*event.Check)
			// Other hordes never report a cancelled request as done.
			if v.cancelled && v.check.Processing == 0 {
				return h.Status(ctx, id)
			}
		case event.Progress != nil:
			v.noteProgress(ctx, event.Progress)
		}

		v.draw()
	}
	return nil, io.ErrUnexpectedEOF
}

// noteCheck takes in how far the images are.
func (v *view) noteCheck(c api.Check) {
	// Step and preview belong to a job, and end with it.
	if c.Finished != v.check.Finished || c.Restarted != v.check.Restarted || c.Processing == 0 {
		v.progress, v.preview = nil, nil
	}
	v.check = c

	if !c.IsPossible && !c.Done && !v.warned && !v.cancelled {
		v.warned = true
		v.clear()
		fmt.Fprintln(v.con.Stderr, "note: no worker that is online now can serve this; waiting for one (Ctrl-C cancels)")
	}
}

// previewImage bounds a preview.
var previewImage = imaging.Limits{MaxBytes: 128 << 10, MaxPixels: 512 * 512, MaxSide: 1024}

// noteProgress takes in how far a job is, with its preview: an untrusted image, decoded
// within tight bounds.
func (v *view) noteProgress(ctx context.Context, p *api.JobProgress) {
	if v.progress != nil && v.progress.Job != p.Job {
		v.preview = nil
	}
	v.progress = p
	if p.Preview == "" || v.screen.Protocol == terminal.None {
		return
	}

	img, _, err := imaging.DecodeBase64(ctx, p.Preview, previewImage)
	if err == nil {
		v.preview = img
	}
}

func (v *view) draw() {
	if v.live == nil {
		if state := v.state(); state != "" && state != v.lastState && v.progress == nil {
			v.lastState = state
			fmt.Fprintln(v.con.Stderr, state+v.left())
		}
		return
	}

	v.live.Draw(func(w io.Writer) int {
		lines := 0
		if v.preview != nil {
			rows, err := v.screen.DrawOver(w, v.preview, 40, max(4, min(16, v.screen.Rows-4)))
			if err == nil {
				lines += rows
			}
		}

		text := v.state() + v.left()
		width := max(8, min(30, v.screen.Cols-len([]rune(text))-4))
		line := []rune(fmt.Sprintf("▕%s▏ %s", terminal.Bar(width, v.fraction()), text))
		fmt.Fprintf(w, "%s\r\n", string(line[:min(len(line), v.screen.Cols-1)]))
		return lines + 1
	})
}

func (v *view) clear() {
	if v.live != nil {
		v.live.Clear()
		v.screen.Forget(v.con.Stdout)
	}
}

// state describes how far the request is.
func (v *view) state() string {
	c := v.check
	var parts []string
	if v.number > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d finished", c.Finished, v.number))
	}

	switch {
	case v.progress != nil:
		parts = append(parts,
			fmt.Sprintf("step %d of %d", v.progress.Step, v.progress.Steps),
			console.Clean(v.progress.WorkerName))
	case c.Processing > 0:
		parts = append(parts, "generating")
	case c.QueuePosition > 0:
		parts = append(parts, fmt.Sprintf("position %d in the queue", c.QueuePosition))
	case c.Waiting > 0:
		parts = append(parts, "waiting")
	}
	return strings.Join(parts, ", ")
}

// left says how long the request still takes, as far as that is known.
func (v *view) left() string {
	left, known := v.eta.Left(time.Now())
	if !known || !v.check.IsPossible { // nobody can serve the request: there is no estimate
		return ""
	}
	return etaWords(left)
}

// etaWords say how long something still takes, to be appended to its state.
func etaWords(left time.Duration) string {
	if left <= 0 {
		return ", longer than expected"
	}
	return fmt.Sprintf(", about %s left", max(time.Second, left.Round(time.Second)))
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
func (v *view) saved(ctx context.Context, path string, data []byte, g api.Generation) {
	if v.screen.Protocol != terminal.None {
		if img, _, err := imaging.Decode(ctx, data, savedImage); err == nil {
			v.screen.Draw(v.con.Stdout, img, 60, max(4, min(24, v.screen.Rows-4)))
		}
	}

	fmt.Fprintln(v.con.Stdout, path)
	note := fmt.Sprintf("  seed %s, %s by %s", console.Clean(g.Seed), console.Clean(g.Model), console.Clean(g.WorkerName))
	if g.Censored {
		note += "; censored by the worker"
	}
	fmt.Fprintln(v.con.Stderr, note)

	for _, m := range g.GenMetadata {
		if m.Type == "information" && m.Ref != "" {
			fmt.Fprintln(v.con.Stderr, "  note:", console.Clean(m.Ref))
		} else if m.Value == "download_failed" || m.Value == "parse_failed" {
			fmt.Fprintf(v.con.Stderr, "  note: %s: %s\n", console.Clean(m.Type), console.Clean(m.Value))
		}
	}
}
