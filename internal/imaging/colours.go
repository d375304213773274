package imaging

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"sync"
)

// colours says what the numbers of a file's pixels mean where that is not sRGB.
type colours struct {
	curves [3]curve // of red, green and blue, to linear light
	linear matrix   // linear light to that of sRGB
	grey   bool     // made for files of one channel; all curves are the same, linear is the identity
}

// coloursOf reads what a file says about its colours; nil means sRGB, which is also
// what a file that says nothing means, or one that is not understood.
func coloursOf(data []byte, format string, img image.Image) *colours {
	var c *colours
	grey := false
	switch format {
	case "jpeg":
		c = iccProfile(jpegProfile(data)).colours()
		_, grey = img.(*image.Gray)
	case "webp":
		c = iccProfile(webpChunk(data, "ICCP")).colours()
	case "png":
		c = pngColours(data)
		t := pngColourType(data)
		grey = t == pngGrey || t == pngGreyAlpha
	}

	if _, ink := img.(*image.CMYK); ink || c == nil || c.grey && !grey || c.isSRGB() {
		return nil
	}
	return c
}

// pngColours reads the chunks of a PNG about its colours. Their order of
// precedence is cICP, iCCP, sRGB, cHRM with gAMA; what is not understood counts as
// absent.
func pngColours(data []byte) *colours {
	var cicp, iccp, gama, chrm []byte
	srgb := false
	for name, content := range pngChunks(data) {
		switch name {
		case "cICP":
			cicp = content
		case "iCCP":
			iccp = content
		case "sRGB":
			srgb = true
		case "gAMA":
			gama = content
		case "cHRM":
			chrm = content
		}
		if name == "IDAT" { // they stand before the pixels
			break
		}
	}

	if c, known := cicpColours(cicp); known {
		return c
	}
	if iccp != nil {
		if c := iccProfile(pngProfile(iccp)).colours(); c != nil {
			return c
		}
	}
	if srgb {
		return nil
	}
	return gamaColours(gama, chrm)
}

// primaries are the chromaticities of red, green, blue and white: x, y each.
type primaries [8]float64

var (
	primariesSRGB   = primaries{0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290}
	primariesP3     = primaries{0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290}
	primariesBT2020 = primaries{0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290}
)

// Code points of cICP that 8 bits of plain colour can represent.
var (
	primariesByCode = map[byte]primaries{1: primariesSRGB, 9: primariesBT2020, 12: primariesP3}
	transferByCode  = map[byte]curve{4: gamma(2.2), 5: gamma(2.8), 8: gamma(1), 13: srgbToLinear}
)

// Numbers in gAMA and cHRM count hundred-thousandths.
const (
	gamaUnit      = 100_000
	gamaSRGB      = 45_455 // what writers of sRGB put there
	gamaTolerance = 1_000
)

// cicpColours reads the code points of a cICP chunk. known is false for those that need
// more than 8 bits of plain colour (PQ, HLG) or that nobody writes.
func cicpColours(cicp []byte) (c *colours, known bool) {
	if len(cicp) != 4 || cicp[2] != 0 || cicp[3] != 1 { // RGB of full range is all that PNG allows
		return nil, false
	}

	p, known := primariesByCode[cicp[0]]
	f := transferByCode[cicp[1]]
	if !known || f == nil {
		return nil, false
	}
	return newColours(f, p), true
}

// gamaColours reads a gamma and primaries. Either may be missing: it is
// then that of sRGB, as in browsers. The gamma that approximates the curve of sRGB
// is taken for that curve.
func gamaColours(gama, chrm []byte) *colours {
	if len(gama) != 4 && len(chrm) != 32 {
		return nil
	}

	f := srgbToLinear
	if len(gama) == 4 {
		v := int64(binary.BigEndian.Uint32(gama))
		if v == 0 {
			return nil
		}
		if v < gamaSRGB-gamaTolerance || v > gamaSRGB+gamaTolerance {
			f = gamma(gamaUnit / float64(v))
		}
	}

	p := primariesSRGB
	if len(chrm) == 32 { // white comes first in the file
		for i := range p {
			p[(i+6)%8] = float64(binary.BigEndian.Uint32(chrm[4*i:])) / gamaUnit
		}
	}
	return newColours(f, p)
}

func newColours(f curve, p primaries) *colours {
	m, ok := p.toXYZ()
	if !ok {
		return nil
	}
	return &colours{curves: [3]curve{f, f, f}, linear: xyzToSRGB.times(m)}
}

// isSRGB reports whether colours are those of sRGB to within one of 255 levels,
// so that a conversion would only add its rounding.
func (c *colours) isSRGB() bool {
	const steps = 8 // of each channel, in the grid of colours that are compared
	near := func(r, g, b float64) bool {
		x, y, z := c.convert(r, g, b)
		const level = 1. / 255
		return math.Abs(x-r) < level && math.Abs(y-g) < level && math.Abs(z-b) < level
	}

	for i := range 256 {
		if v := float64(i) / 255; !near(v, v, v) {
			return false
		}
	}

	for i := range (steps + 1) * (steps + 1) * (steps + 1) {
		r, g, b := i%(steps+1), i/(steps+1)%(steps+1), i/(steps+1)/(steps+1)
		if !near(float64(r)/steps, float64(g)/steps, float64(b)/steps) {
			return false
		}
	}
	return true
}

// convert converts one colour to sRGB, exactly.
func (c *colours) convert(r, g, b float64) (x, y, z float64) {
	r, g, b = c.linear.apply(unit(c.curves[0](r)), unit(c.curves[1](g)), unit(c.curves[2](b)))
	return linearToSRGB(unit(r)), linearToSRGB(unit(g)), linearToSRGB(unit(b))
}

// inSRGB converts the colours of an image, also those under transparent pixels.
// The result has 8 bits a channel; it may be img, changed in place.
func (c *colours) inSRGB(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.Paletted:
		for i, entry := range m.Palette {
			n := color.NRGBAModel.Convert(entry).(color.NRGBA)
			r, g, b := c.convert(float64(n.R)/255, float64(n.G)/255, float64(n.B)/255)
			m.Palette[i] = color.NRGBA{level(r), level(g), level(b), n.A}
		}
		return m
	case *image.Gray16:
		return c.deepInSRGB(m.Pix, m.Stride, m.Rect.Size(), deepGrey)
	case *image.NRGBA64:
		return c.deepInSRGB(m.Pix, m.Stride, m.Rect.Size(), deepColour)
	case *image.RGBA64: // opaque: decoders give it for colours without alpha
		return c.deepInSRGB(m.Pix, m.Stride, m.Rect.Size(), deepColour)
	}

	out := straightColours(img)
	t := c.tables(1 << 8)
	for y := range out.Rect.Dy() {
		row := out.Pix[y*out.Stride:][:4*out.Rect.Dx()]
		for ; len(row) > 0; row = row[4:] {
			row[0], row[1], row[2] = t.convert(int(row[0]), int(row[1]), int(row[2]))
		}
	}
	return out
}

// Bytes of a pixel of 16 bits a channel.
const (
	deepGrey   = 2
	deepColour = 8
)

func (c *colours) deepInSRGB(pix []byte, stride int, size image.Point, bytesPerPixel int) image.Image {
	out := image.NewNRGBA(image.Rectangle{Max: size})
	t := c.tables(1 << 16)
	for y := range size.Y {
		row, to := pix[y*stride:][:bytesPerPixel*size.X], out.Pix[y*out.Stride:]
		for ; len(row) > 0; row, to = row[bytesPerPixel:], to[4:] {
			r := int(binary.BigEndian.Uint16(row))
			g, b, a := r, r, byte(255)
			if bytesPerPixel == deepColour {
				g, b, a = int(binary.BigEndian.Uint16(row[2:])), int(binary.BigEndian.Uint16(row[4:])), row[6]
			}

			to[0], to[1], to[2] = t.convert(r, g, b)
			to[3] = a
		}
	}
	return out
}

// tables are a conversion, prepared for many pixels.
type tables struct {
	curves [3][]float32
	linear [3][3]float32
	levels *[fineSteps + 1]uint8
}

// fineSteps is the resolution of the table of linear light: dark levels of sRGB lie
// 1/3294 apart.
const fineSteps = 1 << 14

var srgbLevels = sync.OnceValue(func() *[fineSteps + 1]uint8 {
	var t [fineSteps + 1]uint8
	for i := range t {
		t[i] = level(linearToSRGB(float64(i) / fineSteps))
	}
	return &t
})

// tables prepares a conversion of channels that take this many values.
func (c *colours) tables(values int) *tables {
	t := &tables{levels: srgbLevels()}
	for i, f := range c.curves {
		t.curves[i] = make([]float32, values)
		for v := range values {
			t.curves[i][v] = float32(unit(f(float64(v) / float64(values-1))))
		}
		for j := range 3 {
			t.linear[i][j] = float32(c.linear[i][j])
		}
	}
	return t
}

func (t *tables) convert(r, g, b int) (x, y, z uint8) {
	lr, lg, lb := t.curves[0][r], t.curves[1][g], t.curves[2][b]
	look := func(row *[3]float32) uint8 {
		v := row[0]*lr + row[1]*lg + row[2]*lb
		return t.levels[int(min(max(v, 0), 1)*fineSteps+0.5)]
	}
	return look(&t.linear[0]), look(&t.linear[1]), look(&t.linear[2])
}

// unit clamps a number to 0…1; NaN becomes 0.
func unit(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

func level(v float64) uint8 { return uint8(v*255 + 0.5) }

func srgbToLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func linearToSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
