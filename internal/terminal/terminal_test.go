package terminal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mattn/go-sixel"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file, in which escapes can be read.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	text := strings.ReplaceAll(strings.ReplaceAll(string(got), "\x1b", "␛"), "\r", "␍")
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; run the test with -update and look at the change\ngot  %q\nwant %q", path, text, want)
	}
}

// quarters is an image of four colours.
func quarters(side int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.NRGBA{R: 255, A: 255}
			switch {
			case x >= side/2 && y >= side/2:
				c = color.NRGBA{R: 128, G: 128, B: 128, A: 255}
			case x >= side/2:
				c = color.NRGBA{G: 255, A: 255}
			case y >= side/2:
				c = color.NRGBA{B: 200, G: 60, A: 255}
			}

			img.Set(x, y, c)
		}
	}
	return img
}

func screen(p Protocol) Screen {
	return Screen{Protocol: p, Cols: 80, Rows: 24, CellWidth: 4, CellHeight: 8, TrueColor: true, Color: true}
}

func TestImagesAreDrawnAsRecorded(t *testing.T) {
	few := screen(Blocks)
	few.TrueColor = false
	for name, s := range map[string]Screen{
		"blocks":    screen(Blocks),
		"blocks256": few,
		"sixel":     screen(Sixel),
		"kitty":     screen(Kitty),
		"none":      screen(None),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			rows, err := s.Draw(&b, quarters(16), 4, 4)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 0, false: 2}[s.Protocol == None]; rows != want {
				t.Errorf("%d lines, want %d", rows, want)
			}
			golden(t, name, b.Bytes())
		})
	}
}

func TestSixelCanBeDecoded(t *testing.T) {
	var b bytes.Buffer
	if _, err := screen(Sixel).Draw(&b, quarters(64), 8, 8); err != nil {
		t.Fatal(err)
	}

	s := b.String()
	start, end := strings.Index(s, "\x1bP"), strings.Index(s, "\x1b\\")
	if start < 0 || end < 0 {
		t.Fatalf("no sixel in %q", s)
	}
	var img image.Image
	if err := sixel.NewDecoder(strings.NewReader(s[start : end+2])).Decode(&img); err != nil {
		t.Fatal(err)
	}

	if b := img.Bounds(); b.Dx() != 32 || b.Dy() < 32 {
		t.Errorf("%v", b)
	}
	if r, g, _, _ := img.At(4, 4).RGBA(); r < 0xf000 || g > 0x1000 {
		t.Errorf("top left is %v", img.At(4, 4))
	}
}

func TestKittyPiecesMakeAPNG(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	for i := range noise.Pix { // too little to compress into one piece
		noise.Pix[i] = byte(i*i>>3) | byte(i%4/3*255)
	}

	var b bytes.Buffer
	s := screen(Kitty)
	s.CellWidth, s.CellHeight = 10, 20
	if _, err := s.DrawOver(&b, noise, 40, 20); err != nil {
		t.Fatal(err)
	}

	var data strings.Builder
	pieces := regexp.MustCompile(`\x1b_G([^;]*);([^\x1b]*)\x1b\\`).FindAllStringSubmatch(b.String(), -1)
	for i, p := range pieces {
		first, more := i == 0, i < len(pieces)-1
		if len(p[2]) > 4096 || strings.Contains(p[1], "m=1") != more || strings.Contains(p[1], "a=T") != first {
			t.Errorf("piece %d of %d: %s with %d bytes", i, len(pieces), p[1], len(p[2]))
		}
		data.WriteString(p[2])
	}

	if len(pieces) < 2 || !strings.Contains(pieces[0][1], "i=7001") {
		t.Errorf("%d pieces", len(pieces))
	}
	raw, err := base64.StdEncoding.DecodeString(data.String())
	if err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(bytes.NewReader(raw)); err != nil || img.Bounds() != noise.Bounds() {
		t.Errorf("%v", err)
	}

	b.Reset()
	s.Forget(&b)
	if !strings.Contains(b.String(), "a=d") {
		t.Errorf("Forget wrote %q", b.String())
	}
}

func TestAnImageFitsItsScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(1, most).Draw(t, name) }
		s := Screen{Cols: n("screen", 300), CellWidth: n("cw", 30), CellHeight: n("ch", 40)}
		w, h, cols, rows := n("w", 4000), n("h", 4000), n("cols", 100), n("rows", 60)
		c, r := s.fit(w, h, cols, rows)
		if c < 1 || r < 1 || c > cols || r > rows || c > s.Cols {
			t.Fatalf("%d×%d cells of %d×%d", c, r, cols, rows)
		}
	})

	if c, r := (Screen{Cols: 80, CellWidth: 10, CellHeight: 20}).fit(512, 512, 60, 24); c != 48 || r != 24 {
		t.Errorf("a square takes %d×%d", c, r)
	}
	if c, r := (Screen{Cols: 80, CellWidth: 10, CellHeight: 20}).fit(1024, 512, 40, 24); c != 40 || r != 10 {
		t.Errorf("a wide image takes %d×%d", c, r)
	}
}

func TestVariablesTellTheTerminal(t *testing.T) {
	for _, tc := range []struct {
		env  string
		want Protocol
		true bool
	}{
		{"TERM=xterm-kitty", Kitty, true},
		{"TERM=xterm-256color TERM_PROGRAM=WezTerm", Kitty, true},
		{"TERM=foot", Sixel, true},
		{"TERM=xterm-256color COLORTERM=truecolor", Blocks, true},
		{"TERM=xterm-256color", Blocks, false},
		{"TERM=screen KITTY_WINDOW_ID=1", Blocks, false},
		{"TERM=tmux-256color TMUX=x KITTY_WINDOW_ID=1", Blocks, false},
		{"TERM=dumb", None, false},
		{"TERM=xterm-kitty NO_COLOR=1", None, false},
	} {
		t.Run(tc.env, func(t *testing.T) {
			env := map[string]string{}
			for _, kv := range strings.Fields(tc.env) {
				k, v, _ := strings.Cut(kv, "=")
				env[k] = v
			}

			var s Screen
			s.fromEnvironment(func(k string) string { return env[k] })
			if s.Protocol != tc.want || s.TrueColor != tc.true {
				t.Errorf("%s: %v, true colour %v", tc.env, s.Protocol, s.TrueColor)
			}
		})
	}
}

func TestAFileShowsNoImages(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s := Detect(f, func(string) string { return "xterm-kitty" }); s.Protocol != None {
		t.Errorf("a file shows images by %v", s.Protocol)
	}
	if s := Detect(nil, os.Getenv); s.Protocol != None {
		t.Error("nothing shows images")
	}
}

// fakeTTY answers in the pieces given and then times out.
type fakeTTY struct {
	asked   bytes.Buffer
	answers []string
}

func (f *fakeTTY) Write(b []byte) (int, error) { return f.asked.Write(b) }
func (f *fakeTTY) Read(b []byte) (int, error) {
	if len(f.answers) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, f.answers[0])
	f.answers = f.answers[1:]
	return n, nil
}

func TestATerminalIsAskedWhatItShows(t *testing.T) {
	for _, tc := range []struct {
		answers []string
		want    Protocol
	}{
		{[]string{"\x1b_Gi=31;OK\x1b\\\x1b[?62;c"}, Kitty},
		{[]string{"\x1b_Gi=31;O", "K\x1b\\\x1b[?6", "2;4c"}, Kitty},
		{[]string{"\x1b[?62;4;22c"}, Sixel},
		{[]string{"\x1b[?4;22c"}, Blocks}, // 4 is the kind here
		{[]string{"\x1b_Gi=31;EINVAL:x\x1b\\\x1b[?64;1;2c"}, Blocks},
		{nil, Blocks},
		{slices.Concat([]string{strings.Repeat("typed ahead ", 5)}, slices.Repeat([]string{strings.Repeat("x", 64)}, 4)),
			Blocks},
	} {
		t.Run(fmt.Sprintf("%q", tc.answers), func(t *testing.T) {
			if got := exchange(&fakeTTY{answers: tc.answers}); got != tc.want {
				t.Errorf("%q: %v, want %v", tc.answers, got, tc.want)
			}
		})
	}
	if got := exchange(brokenTTY{}); got != Blocks {
		t.Errorf("broken: %v", got)
	}
}

type brokenTTY struct{}

func (brokenTTY) Write([]byte) (int, error) { return 0, errors.New("no") }
func (brokenTTY) Read([]byte) (int, error)  { return 0, errors.New("no") }

func TestLiveDrawsOverItself(t *testing.T) {
	var b bytes.Buffer
	l := NewLive(&b)
	for _, lines := range []int{2, 3, 1} {
		l.Draw(func(w io.Writer) int {
			for i := range lines {
				fmt.Fprintf(w, "line %d\r\n", i)
			}
			return lines
		})
	}

	l.Clear()
	golden(t, "live", b.Bytes())
}

func TestABarShowsEighths(t *testing.T) {
	for fraction, want := range map[float64]string{
		-1:      "    ",
		0:       "    ",
		0.5:     "██  ",
		0.53125: "██▏ ",
		1:       "████",
		7:       "████",
	} {
		t.Run(fmt.Sprint(fraction), func(t *testing.T) {
			if got := Bar(4, fraction); got != want {
				t.Errorf("Bar(4, %v) = %q, want %q", fraction, got, want)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(0, 100).Draw(t, "width")
		if n := utf8.RuneCountInString(Bar(width, rapid.Float64().Draw(t, "fraction"))); n != width {
			t.Fatalf("%d characters, want %d", n, width)
		}
	})
}

func TestProtocolsAreReadByName(t *testing.T) {
	for p := None; p <= Kitty; p++ {
		if got, err := ParseProtocol(p.String()); got != p || err != nil {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	if _, err := ParseProtocol("ascii"); err == nil {
		t.Error("ascii is no protocol")
	}
}
