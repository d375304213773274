package terminal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"github.com/mattn/go-sixel"
	"golang.org/x/image/draw"
)

// Draw shows img in at most cols × rows characters, keeping its shape, and
// returns how many lines it took: 0 where the screen shows no images.
func (s Screen) Draw(w io.Writer, img image.Image, cols, rows int) (int, error) {
	return s.draw(w, img, cols, rows, 0)
}

// DrawOver is Draw for an image that the next DrawOver replaces; Forget removes the
// last one.
func (s Screen) DrawOver(w io.Writer, img image.Image, cols, rows int) (int, error) {
	return s.draw(w, img, cols, rows, liveID)
}

// liveID is the kitty image id that DrawOver uses again and again.
const liveID = 7001

// Forget frees what the terminal keeps of the last DrawOver.
func (s Screen) Forget(w io.Writer) {
	if s.Protocol == Kitty {
		io.WriteString(w, kittyCommand("", "a=d", "d=I", fmt.Sprintf("i=%d", liveID), "q=2"))
	}
}

func (s Screen) draw(w io.Writer, img image.Image, cols, rows, id int) (int, error) {
	b := img.Bounds()
	cols, rows = s.fit(b.Dx(), b.Dy(), cols, rows)

	var out []byte
	var err error
	switch s.Protocol {
	case None:
		return 0, nil
	case Blocks:
		out = s.blocks(img, cols, rows)
	case Sixel:
		out, err = sixels(scale(img, cols*s.CellWidth, rows*s.CellHeight))
		out = inLines(out, rows)
	case Kitty:
		// The terminal scales; more pixels than cells have would be wasted.
		small := img
		if b.Dx() > cols*s.CellWidth {
			small = scale(img, cols*s.CellWidth, rows*s.CellHeight)
		}
		out, err = kittyPNG(small, cols, rows, id)
		out = inLines(out, rows)
	}

	if err != nil {
		return 0, err
	}
	_, err = w.Write(out)
	return rows, err
}

// inLines makes room for n lines (the screen may scroll), draws in it and leaves the
// cursor below, wherever the drawing itself would have put it.
func inLines(drawing []byte, n int) []byte {
	var b bytes.Buffer
	b.WriteString(strings.Repeat("\n", n))
	fmt.Fprintf(&b, "\r\x1b[%dA\x1b7", n)
	b.Write(drawing)
	fmt.Fprintf(&b, "\x1b8\x1b[%dB\r", n)
	return b.Bytes()
}

// blocks draws two pixels per character.
func (s Screen) blocks(img image.Image, cols, rows int) []byte {
	px := scale(img, cols, 2*rows)
	var b bytes.Buffer
	for y := 0; y < 2*rows; y += 2 {
		last := ""
		for x := range cols {
			// Terminals remember colours: send them only where they change.
			colours := s.sgr(38, px.RGBAAt(x, y)) + s.sgr(48, px.RGBAAt(x, y+1))
			if colours != last {
				b.WriteString(colours)
				last = colours
			}
			b.WriteString("▀")
		}

		b.WriteString("\x1b[0m\r\n")
	}
	return b.Bytes()
}

// sgr names a colour for the foreground (38) or background (48).
func (s Screen) sgr(ground int, c color.RGBA) string {
	if s.TrueColor {
		return fmt.Sprintf("\x1b[%d;2;%d;%d;%dm", ground, c.R, c.G, c.B)
	}
	return fmt.Sprintf("\x1b[%d;5;%dm", ground, xterm256(c))
}

// xterm256 is the nearest of xterm's 6×6×6 colours, or of its 24 greys where
// the colour is grey.
func xterm256(c color.RGBA) int {
	if c.R == c.G && c.G == c.B {
		switch {
		case c.R < 4:
			return 16
		case c.R > 246:
			return 231
		}
		return 232 + min(23, max(0, (int(c.R)-3)/10))
	}

	level := func(v uint8) int {
		switch {
		case v < 48:
			return 0
		case v < 115:
			return 1
		}
		return (int(v) - 35) / 40
	}
	return 16 + 36*level(c.R) + 6*level(c.G) + level(c.B)
}

func sixels(img *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	enc := sixel.NewEncoder(&b)
	enc.Colors = 255
	if err := enc.Encode(img); err != nil {
		return nil, fmt.Errorf("sixel: %w", err)
	}
	return b.Bytes(), nil
}

// kittyPNG sends an image as PNG in chunks of the protocol's size, to be shown on cols ×
// rows cells without moving the cursor and without an answer.
func kittyPNG(img image.Image, cols, rows, id int) ([]byte, error) {
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		return nil, fmt.Errorf("kitty: %w", err)
	}

	data := base64.StdEncoding.EncodeToString(file.Bytes())
	opts := []string{"a=T", "f=100", fmt.Sprintf("c=%d", cols), fmt.Sprintf("r=%d", rows), "C=1", "q=2"}
	if id != 0 {
		opts = append(opts, fmt.Sprintf("i=%d", id), "p=1")
	}

	var b bytes.Buffer
	for first := true; first || data != ""; first = false {
		piece := data[:min(len(data), maxKittyChunk)]
		data = data[len(piece):]
		if !first {
			opts = []string{"q=2"}
		}
		more := "m=0"
		if data != "" {
			more = "m=1"
		}
		b.WriteString(kittyCommand(piece, append(opts, more)...))
	}

	return b.Bytes(), nil
}

// maxKittyChunk is how much of an image one command of kitty's protocol may carry.
const maxKittyChunk = 4096 // bytes of base64

// kittyCommand is one command of kitty's graphics protocol. It is written here because
// the library that has it fills tables of character widths at the start of the program,
// which takes longer than most commands.
func kittyCommand(payload string, opts ...string) string {
	command := "\x1b_G" + strings.Join(opts, ",")
	if payload != "" {
		command += ";" + payload
	}
	return command + "\x1b\\"
}

func scale(img image.Image, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}
