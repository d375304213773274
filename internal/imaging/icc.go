package imaging

import (
	"encoding/binary"
	"math"
)

// maxTags bounds the entries of an ICC profile's table that are examined.
const maxTags = 100

// curve makes a channel's value linear; both run from 0 to 1.
type curve func(float64) float64

// iccProfile is a view of an ICC profile's bytes. Its offsets and sizes come from
// a stranger: each is compared with the length before it is used, and nothing is
// allocated by what it claims.
type iccProfile []byte

// Where fields stand in an ICC profile, in bytes.
const (
	iccSpace     = 16 // what the channels are
	iccPCS       = 20 // what the profile leads to
	iccSignature = 36
	iccTags      = 128
	iccEntrySize = 12
)

// colours reads a profile of curves and, for RGB, a matrix: those of screens,
// cameras and working spaces. Profiles that have only tables (printers, scanners,
// CMYK) and damaged ones yield nil.
func (p iccProfile) colours() *colours {
	if len(p) < iccTags+4 || string(p[iccSignature:iccSignature+4]) != "acsp" {
		return nil
	}

	pcs := string(p[iccPCS : iccPCS+4])
	switch space := string(p[iccSpace : iccSpace+4]); {
	case space == "RGB " && pcs == "XYZ ":
		return p.rgb()
	case space == "GRAY" && (pcs == "XYZ " || pcs == "Lab "):
		return p.grey(pcs == "Lab ")
	}
	return nil
}

func (p iccProfile) rgb() *colours {
	var c colours
	var toXYZ matrix
	for i, channel := range []string{"r", "g", "b"} {
		column, ok := p.xyz(channel + "XYZ")
		if c.curves[i] = p.curve(channel + "TRC"); c.curves[i] == nil || !ok {
			return nil
		}
		for row := range 3 {
			toXYZ[row][i] = column[row]
		}
	}

	c.linear = xyzToSRGB.times(toXYZ)
	return &c
}

// grey reads a profile of one channel. Its curve leads to the luminance or, with
// Lab, to the lightness.
func (p iccProfile) grey(lab bool) *colours {
	f := p.curve("kTRC")
	if f == nil {
		return nil
	}
	if lab {
		toLightness := f
		f = func(v float64) float64 { return luminance(toLightness(v)) }
	}
	return &colours{grey: true, curves: [3]curve{f, f, f}, linear: identity}
}

// luminance is the Y of a lightness L*, both from 0 to 1.
func luminance(lightness float64) float64 {
	l := lightness * 100
	if l <= 8 {
		return l * 27 / 24389
	}
	t := (l + 16) / 116
	return t * t * t
}

// tag returns the content of an entry of the table; nil when it is absent or
// lies outside the profile.
func (p iccProfile) tag(name string) []byte {
	entries := p[iccTags+4:]
	for range min(binary.BigEndian.Uint32(p[iccTags:]), maxTags) {
		if len(entries) < iccEntrySize {
			return nil
		}
		if string(entries[:4]) == name {
			at, size := uint64(binary.BigEndian.Uint32(entries[4:])), uint64(binary.BigEndian.Uint32(entries[8:]))
			if at+size > uint64(len(p)) {
				return nil
			}
			return p[at : at+size]
		}

		entries = entries[iccEntrySize:]
	}
	return nil
}

// xyz reads a colour, an XYZ triple.
func (p iccProfile) xyz(name string) (v [3]float64, ok bool) {
	t := p.tag(name)
	if len(t) < 20 || string(t[:4]) != "XYZ " {
		return v, false
	}
	for i := range v {
		v[i] = fixed(t[8+4*i:])
	}
	return v, true
}

// fixed reads a signed number with 16 bits after the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / (1 << 16) }

// curve reads a curve; nil when it is absent or not understood.
func (p iccProfile) curve(name string) curve {
	t := p.tag(name)
	if len(t) < 12 {
		return nil
	}

	switch string(t[:4]) {
	case "curv":
		return sampled(t)
	case "para":
		return parametric(t)
	}
	return nil
}

// sampled is a curve given by values at equal distances, or by a gamma.
func sampled(t []byte) curve {
	n := uint64(binary.BigEndian.Uint32(t[8:]))
	points := t[12:]
	if n > uint64(len(points)/2) {
		return nil
	}

	at := func(i int) float64 { return float64(binary.BigEndian.Uint16(points[2*i:])) }
	switch n {
	case 0:
		return func(v float64) float64 { return v }
	case 1:
		return gamma(at(0) / (1 << 8))
	}

	last := int(n) - 1
	return func(v float64) float64 {
		x := v * float64(last)
		i := min(int(x), last-1)
		return (at(i) + (x-float64(i))*(at(i+1)-at(i))) / math.MaxUint16
	}
}

func gamma(g float64) curve {
	if !(g > 0) || math.IsInf(g, 0) {
		return nil
	}
	return func(v float64) float64 { return math.Pow(v, g) }
}

// parametric is a curve given by up to seven numbers: a power from d on, a line
// below.
func parametric(t []byte) curve {
	counts := [...]int{1, 3, 4, 5, 7}
	kind := int(binary.BigEndian.Uint16(t[8:]))
	if kind >= len(counts) || len(t) < 12+4*counts[kind] {
		return nil
	}

	var p [7]float64
	for i := range counts[kind] {
		p[i] = fixed(t[12+4*i:])
	}

	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		return gamma(g)
	case 1, 2: // no line: c is added on both sides, from −b/a on
		if a == 0 {
			return nil
		}
		c, d, e, f = 0, -b/a, c, c
	}

	return func(v float64) float64 {
		if v >= d {
			return math.Pow(a*v+b, g) + e
		}
		return c*v + f
	}
}
