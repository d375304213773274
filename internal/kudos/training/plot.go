package training

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Geometry of a plot, in pixels.
const (
	plotWidth, plotHeight                    = 960, 540
	plotLeft, plotRight, plotTop, plotBottom = 80, 940, 40, 490
)

var (
	paper   = color.RGBA{255, 255, 255, 255}
	ink     = color.RGBA{40, 40, 40, 255}
	rule    = color.RGBA{225, 225, 225, 255}
	learnt  = color.RGBA{31, 119, 180, 255}
	keptOut = color.RGBA{214, 39, 40, 255}
)

// Plot draws the loss of each epoch, on the jobs trained on and on those kept
// back, as a PNG with a logarithmic scale.
func Plot(title string, epochs []Epoch) ([]byte, error) {
	if len(epochs) == 0 {
		return nil, errors.New("no epochs to draw")
	}
	p := newPlot(epochs)
	p.axes(title)
	p.curve(epochs, learnt, func(e Epoch) float64 { return e.Loss })
	p.curve(epochs, keptOut, func(e Epoch) float64 { return e.Held })

	last := epochs[len(epochs)-1]
	p.text(plotRight-380, plotTop+20, learnt, "trained on")
	p.text(plotRight-380, plotTop+38, keptOut, fmt.Sprintf("kept back: accuracy %.4f, worst percentile %.4f",
		last.Score.Accuracy, last.Score.Worst))

	var b bytes.Buffer
	err := png.Encode(&b, p.img)
	return b.Bytes(), err
}

type plot struct {
	img       *image.RGBA
	low, high float64 // decimal logarithms of the ends of the scale
	n         int
}

func newPlot(epochs []Epoch) *plot {
	p := &plot{
		img:  image.NewRGBA(image.Rect(0, 0, plotWidth, plotHeight)),
		low:  math.Inf(1),
		high: math.Inf(-1),
		n:    len(epochs),
	}
	for _, e := range epochs {
		for _, v := range []float64{e.Loss, e.Held} {
			p.low, p.high = math.Min(p.low, logOf(v)), math.Max(p.high, logOf(v))
		}
	}

	p.low, p.high = p.low-0.05, p.high+0.05
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	return p
}

func logOf(v float64) float64 { return math.Log10(math.Max(v, 1e-9)) }

func (pl *plot) x(i int) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(i)/math.Max(1, float64(pl.n-1))
}

func (pl *plot) y(v float64) float64 {
	return plotBottom - (plotBottom-plotTop)*(logOf(v)-pl.low)/(pl.high-pl.low)
}

func (pl *plot) axes(title string) {
	for exp := math.Floor(pl.low); exp <= pl.high; exp++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, exp)
			if l := logOf(v); l < pl.low || l > pl.high {
				continue
			}
			y := pl.y(v)
			pl.line(plotLeft, y, plotRight, y, rule)
			pl.text(14, int(y)+4, ink, fmt.Sprintf("%8.3g", v))
		}
	}

	for k := range 6 {
		i := (pl.n - 1) * k / 5
		label := fmt.Sprint(i + 1)
		pl.text(int(pl.x(i))-7*len(label)/2, plotBottom+18, ink, label)
	}

	pl.line(plotLeft, plotTop, plotLeft, plotBottom, ink)
	pl.line(plotLeft, plotBottom, plotRight, plotBottom, ink)
	pl.text(plotLeft, 24, ink, title)
	pl.text((plotLeft+plotRight)/2-20, plotBottom+38, ink, "epoch")
}

func (pl *plot) curve(epochs []Epoch, c color.RGBA, of func(Epoch) float64) {
	for i := range epochs {
		from := max(0, i-1)
		pl.line(pl.x(from), pl.y(of(epochs[from])), pl.x(i), pl.y(of(epochs[i])), c)
	}
}

func (pl *plot) line(x0, y0, x1, y1 float64, c color.RGBA) {
	n := int(math.Max(math.Abs(x1-x0), math.Abs(y1-y0))) + 1
	for i := range n + 1 {
		t := float64(i) / float64(n)
		pl.img.SetRGBA(int(math.Round(x0+t*(x1-x0))), int(math.Round(y0+t*(y1-y0))), c)
	}
}

func (pl *plot) text(x, y int, c color.RGBA, s string) {
	d := font.Drawer{Dst: pl.img, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(s)
}
