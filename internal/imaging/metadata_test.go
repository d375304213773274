package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/HugoSmits86/nativewebp"
)

// byteOrder is what TIFF structures are written in.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// exifBlock is an EXIF block of two entries, the orientation the second.
func exifBlock(order byteOrder, kind uint16, value uint32) []byte {
	b := []byte("II*\x00")
	if order.Uint16([]byte{0, 1}) == 1 {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 10) // the directory, behind a gap of two bytes
	b = append(b, 0, 0)
	b = order.AppendUint16(b, 2)
	for _, e := range []struct {
		tag, kind uint16
		value     uint32
	}{{0x0100, 4, 77}, {0x0112, kind, value}} {
		b = order.AppendUint16(b, e.tag)
		b = order.AppendUint16(b, e.kind)
		b = order.AppendUint32(b, 1)
		if e.kind == 3 {
			b = order.AppendUint16(b, uint16(e.value))
			b = append(b, 0, 0)
		} else {
			b = order.AppendUint32(b, e.value)
		}
	}
	return append(b, 0, 0, 0, 0)
}

// riffChunk is a chunk of a RIFF file.
func riffChunk(id string, data []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data))), data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// container writes an image and what is said of its pixels beside them.
type container struct {
	name  string
	write func(t testing.TB, m *image.NRGBA, exif, icc []byte) []byte
}

// containers are the formats that carry EXIF and colour profiles.
var containers = []container{
	{"jpeg", func(t testing.TB, m *image.NRGBA, exif, icc []byte) []byte {
		file := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 100}) })
		out := bytes.Clone(file[:2])
		if exif != nil {
			out = append(out, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x/>")...) // APP1 too, and no EXIF
			out = append(out, segment(0xe1, "Exif\x00\x00"+string(exif))...)
		}
		if icc != nil { // in two segments, the second one first
			half := len(icc) / 2
			out = append(out, segment(0xe2, "ICC_PROFILE\x00\x02\x02"+string(icc[half:]))...)
			out = append(out, segment(0xe2, "ICC_PROFILE\x00\x01\x02"+string(icc[:half]))...)
		}
		return append(out, file[2:]...)
	}},
	{"png", func(t testing.TB, m *image.NRGBA, exif, icc []byte) []byte {
		return pngWith(pngOf(t, m), chunkIf("eXIf", exif), iccpChunk(icc))
	}},
	{"png, EXIF behind the pixels", func(t testing.TB, m *image.NRGBA, exif, icc []byte) []byte {
		file := pngWith(pngOf(t, m), iccpChunk(icc))
		end := len(file) - 12
		return slices.Concat(file[:end], chunkIf("eXIf", exif), file[end:])
	}},
	{"webp", func(t testing.TB, m *image.NRGBA, exif, icc []byte) []byte {
		still := encoded(t, func(b *bytes.Buffer) error { return nativewebp.Encode(b, m, nil) })
		pixels, _ := nextChunk(still[12:])
		var flags byte
		if !m.Opaque() {
			flags = webpAlpha
		}
		chunks := [][]byte{vp8x(m.Rect.Dx(), m.Rect.Dy(), flags)}
		if icc != nil {
			chunks = append(chunks, riffChunk("ICCP", icc))
		}
		chunks = append(chunks, riffChunk("VP8L", pixels.data))
		if exif != nil {
			chunks = append(chunks, riffChunk("EXIF", append([]byte("Exif\x00\x00"), exif...)))
		}
		return riffWebP(chunks...)
	}},
}

func chunkIf(id string, data []byte) []byte {
	if data == nil {
		return nil
	}
	return pngChunk(id, data)
}

func iccpChunk(icc []byte) []byte {
	if icc == nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("a profile\x00\x00")
	z := zlib.NewWriter(&b)
	z.Write(icc)
	z.Close()
	return pngChunk("iCCP", b.Bytes())
}

// pngWith puts chunks between the header and the pixels of a PNG.
func pngWith(file []byte, chunks ...[]byte) []byte {
	return slices.Concat(file[:33], slices.Concat(chunks...), file[33:])
}

const block = 16 // pixels, so that JPEG keeps a colour

// blocks is an image of 3×2 blocks of one colour each.
func blocks(colours [2][3]color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 3*block, 2*block))
	for y := range 2 * block {
		for x := range 3 * block {
			m.SetNRGBA(x, y, colours[y/block][x/block])
		}
	}
	return m
}

var sixColours = [2][3]color.NRGBA{
	{{250, 0, 0, 255}, {0, 250, 0, 255}, {0, 0, 250, 255}},
	{{250, 250, 250, 255}, {0, 0, 0, 255}, {250, 250, 0, 255}},
}

// sides are where the first row and the first column of a file lie in the image,
// by EXIF orientation, in the words of the standard.
var sides = [9][2]string{
	1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
	5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
}

// seen is where a block of the file (row and column) lies in the image.
func seen(orientation, row, column int) (x, y int) {
	put := func(side string, i int) {
		switch side {
		case "top":
			y = i
		case "left":
			x = i
		case "bottom", "right":
			last := 1 // rows of the file, less one
			if side == sides[orientation][1] {
				last = 2
			}
			if side == "bottom" {
				y = last - i
			} else {
				x = last - i
			}
		}
	}
	put(sides[orientation][0], row)
	put(sides[orientation][1], column)
	return x, y
}

// wantBlocks compares an image with the blocks of a file that lies in an
// orientation.
func wantBlocks(t *testing.T, img image.Image, orientation int, colours [2][3]color.NRGBA) {
	t.Helper()
	size := image.Pt(3*block, 2*block)
	if orientation > 4 {
		size = image.Pt(2*block, 3*block)
	}
	if img.Bounds() != (image.Rectangle{Max: size}) {
		t.Fatalf("%v, want %v", img.Bounds(), size)
	}
	for row := range 2 {
		for column := range 3 {
			x, y := seen(orientation, row, column)
			got := color.NRGBAModel.Convert(img.At(x*block+block/2, y*block+block/2)).(color.NRGBA)
			if want := colours[row][column]; !near(got, want, 3) {
				t.Errorf("block (%d, %d): %v, want %v", x, y, got, want)
			}
		}
	}
}

func near(a, b color.NRGBA, by int) bool {
	return diff(a.R, b.R) <= by && diff(a.G, b.G) <= by && diff(a.B, b.B) <= by && a.A == b.A
}

// An image is turned as its EXIF says, in each format that carries EXIF, and its
// header has the size that it is seen in.
func TestOrientationIsApplied(t *testing.T) {
	for _, c := range containers {
		for o := 1; o <= 8; o++ {
			order, kind := byteOrder(binary.LittleEndian), uint16(3)
			if o%2 == 0 {
				order, kind = binary.BigEndian, 4
			}
			t.Run(fmt.Sprintf("%s, %d", c.name, o), func(t *testing.T) {
				data := c.write(t, blocks(sixColours), exifBlock(order, kind, uint32(o)), nil)
				h, err := Inspect(data)
				if err != nil {
					t.Fatal(err)
				}
				img, _, err := Decode(t.Context(), data, SourceLimits)
				if err != nil {
					t.Fatal(err)
				}
				if img.Bounds() != image.Rect(0, 0, h.Width, h.Height) {
					t.Errorf("the header says %d×%d, the image has %v", h.Width, h.Height, img.Bounds())
				}
				wantBlocks(t, img, o, sixColours)

				// What workers get says nothing of it any more.
				again, _, err := Decode(t.Context(), webpOf(t, img, 95), SourceLimits)
				if err != nil || again.Bounds() != img.Bounds() {
					t.Errorf("encoded and decoded again: %v, %v", again.Bounds(), err)
				}
			})
		}
	}
}

// Every kind of pixels that decoders give is turned, colours under transparent
// pixels included.
func TestOrientationOfEveryKindOfPixels(t *testing.T) {
	src := blocks(sixColours)
	for i := 3; i < len(src.Pix); i += 8 {
		src.Pix[i] = 0
	}

	gray, gray16, deep := image.NewGray(src.Rect), image.NewGray16(src.Rect), image.NewNRGBA64(src.Rect)
	wide, ink, palette := image.NewRGBA64(src.Rect), image.NewCMYK(src.Rect),
		image.NewPaletted(src.Rect, color.Palette{color.NRGBA{}})
	for _, row := range sixColours {
		for _, c := range row {
			palette.Palette = append(palette.Palette, c)
		}
	}

	solid := blocks(sixColours)
	for y := range src.Rect.Dy() {
		for x := range src.Rect.Dx() {
			for _, m := range []interface{ Set(x, y int, c color.Color) }{gray, gray16, wide, ink, palette} {
				m.Set(x, y, solid.At(x, y))
			}
			c := src.NRGBAAt(x, y)
			deep.SetNRGBA64(x, y, color.NRGBA64{uint16(c.R) << 8, uint16(c.G) << 8, uint16(c.B) << 8, uint16(c.A) << 8})
		}
	}

	for _, m := range []image.Image{src, asRGBA(solid), gray, gray16, deep, wide, ink, palette, asPalettedAlpha(src)} {
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) {
			got := turned(m, 6)
			for y := range 3 * block {
				for x := range 2 * block {
					if a, b := color.NRGBA64Model.Convert(got.At(x, y)), color.NRGBA64Model.Convert(m.At(y, 2*block-1-x)); a != b {
						t.Fatalf("(%d, %d): %v, want %v", x, y, a, b)
					}
				}
			}
		})
	}

	if out := turned(src, 3).(*image.NRGBA); out.NRGBAAt(3*block-1, 2*block-1) != src.NRGBAAt(0, 0) ||
		src.NRGBAAt(0, 0).A != 0 {
		t.Errorf("the colour under a transparent pixel became %v", out.NRGBAAt(3*block-1, 2*block-1))
	}

	if turned(gray, 1) != image.Image(gray) {
		t.Error("an upright image was copied")
	}
}

func asPalettedAlpha(m *image.NRGBA) *image.Paletted {
	out := image.NewPaletted(m.Rect, nil)
	for i := range out.Pix {
		c := color.NRGBA{m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2], m.Pix[4*i+3]}
		at := slices.Index(out.Palette, color.Color(c))
		if at < 0 {
			at, out.Palette = len(out.Palette), append(out.Palette, c)
		}
		out.Pix[i] = uint8(at)
	}
	return out
}

func TestDamagedExifIsIgnored(t *testing.T) {
	good := exifBlock(binary.BigEndian, 3, 6)
	if orientationIn(good) != 6 {
		t.Fatal("a good block is not read")
	}

	for n := range 36 { // where the entry of the orientation ends
		if orientationIn(good[:n]) != upright {
			t.Errorf("cut to %d bytes it says %d", n, orientationIn(good[:n]))
		}
	}

	far := bytes.Clone(good)
	binary.BigEndian.PutUint32(far[4:], math.MaxUint32)
	many := bytes.Clone(good)
	binary.BigEndian.PutUint16(many[10:], math.MaxUint16)

	binary.BigEndian.PutUint16(many[24:], 0x0101) // no orientation in it
	for name, exif := range map[string][]byte{
		"value 0": exifBlock(binary.LittleEndian, 3, 0), "value 9": exifBlock(binary.LittleEndian, 3, 9),
		"a huge value": exifBlock(binary.LittleEndian, 4, 1<<31), "a text": exifBlock(binary.LittleEndian, 2, 6),
		"a directory outside": far, "more entries than there are": many,
		"neither order": append([]byte("XX*\x00"), good[4:]...),
	} {
		t.Run(name, func(t *testing.T) {
			if got := orientationIn(exif); got != upright {
				t.Errorf("%s: %d", name, got)
			}
			for _, c := range containers {
				if img, _, err := Decode(t.Context(), c.write(t, blocks(sixColours), exif, nil), SourceLimits); err != nil ||
					img.Bounds().Dx() != 3*block {
					t.Errorf("%s, %s: %v", c.name, name, err)
				}
			}
		})
	}
}

// iccTag is an entry of a profile.
type iccTag struct {
	name string
	data []byte
}

func s15(v float64) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536))))
}

func xyzTag(name string, v [3]float64) iccTag {
	return iccTag{name, slices.Concat([]byte("XYZ \x00\x00\x00\x00"), s15(v[0]), s15(v[1]), s15(v[2]))}
}

// curvTag is a gamma with one value, else a table.
func curvTag(name string, values ...uint16) iccTag {
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(values)))
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return iccTag{name, b}
}

func paraTag(name string, kind uint16, values ...float64) iccTag {
	b := binary.BigEndian.AppendUint16([]byte("para\x00\x00\x00\x00"), kind)
	b = append(b, 0, 0)
	for _, v := range values {
		b = append(b, s15(v)...)
	}
	return iccTag{name, b}
}

func profileOf(space, pcs string, tags ...iccTag) []byte {
	b := make([]byte, 128)
	copy(b[12:], "mntr"+space+pcs)
	copy(b[36:], "acsp")
	b = binary.BigEndian.AppendUint32(b, uint32(len(tags)))
	at := len(b) + 12*len(tags)
	for _, t := range tags {
		b = append(b, t.name...)
		b = binary.BigEndian.AppendUint32(b, uint32(at))
		b = binary.BigEndian.AppendUint32(b, uint32(len(t.data)))
		at += (len(t.data) + 3) &^ 3
	}
	for _, t := range tags {
		b = append(b, t.data...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// rgbProfile has the columns of a matrix and one curve.
func rgbProfile(r, g, b [3]float64, curve func(name string) iccTag) []byte {
	return profileOf("RGB ", "XYZ ", xyzTag("rXYZ", r), xyzTag("gXYZ", g), xyzTag("bXYZ", b),
		curve("rTRC"), curve("gTRC"), curve("bTRC"))
}

func srgbPara(name string) iccTag {
	return paraTag(name, 3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
}

func srgbTable(name string) iccTag {
	values := make([]uint16, 1024)
	for i := range values {
		values[i] = uint16(math.Round(srgbToLinear(float64(i)/1023) * 65535))
	}
	return curvTag(name, values...)
}

// Working spaces as their makers publish them (columns adapted to D50).
var (
	profileSRGB = rgbProfile([3]float64{0.43607, 0.22249, 0.01392}, [3]float64{0.38515, 0.71687, 0.09708},
		[3]float64{0.14307, 0.06061, 0.71410}, srgbPara)
	profileP3 = rgbProfile([3]float64{0.51512, 0.24120, -0.00105}, [3]float64{0.29198, 0.69225, 0.04189},
		[3]float64{0.15710, 0.06657, 0.78407}, srgbPara)
	// Adobe RGB (1998), of gamma 563/256.
	profileAdobe = rgbProfile([3]float64{0.60974, 0.31111, 0.01947}, [3]float64{0.20528, 0.62567, 0.06087},
		[3]float64{0.14919, 0.06322, 0.74457},
		func(n string) iccTag { return curvTag(n, 563) })
	profileProPhoto = rgbProfile([3]float64{0.79767, 0.28804, 0}, [3]float64{0.13519, 0.71188, 0},
		[3]float64{0.03134, 0.00009, 0.82491},
		func(n string) iccTag { return paraTag(n, 0, 1.8) })
	profileGrey18 = profileOf("GRAY", "XYZ ", curvTag("kTRC", 461)) // gamma 1.8
)

// Red, green, blue and a middle grey of sRGB in other spaces: the figures that
// colour tables and measuring programs give.
var inOtherSpaces = []struct {
	name    string
	profile []byte
	same    [4]color.NRGBA
}{
	{"sRGB", profileSRGB, [4]color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {128, 128, 128, 255}}},
	{"sRGB, a table", rgbProfile([3]float64{0.43607, 0.22249, 0.01392}, [3]float64{0.38515, 0.71687, 0.09708},
		[3]float64{0.14307, 0.06061, 0.71410}, srgbTable),
		[4]color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {128, 128, 128, 255}}},
	{"Display P3", profileP3,
		[4]color.NRGBA{{234, 51, 35, 255}, {117, 251, 76, 255}, {0, 0, 245, 255}, {128, 128, 128, 255}}},
	{"Adobe RGB", profileAdobe,
		[4]color.NRGBA{{219, 0, 0, 255}, {144, 255, 60, 255}, {0, 0, 250, 255}, {127, 127, 127, 255}}},
	{"ProPhoto RGB", profileProPhoto,
		[4]color.NRGBA{{179, 70, 26, 255}, {138, 237, 78, 255}, {86, 35, 236, 255}, {108, 108, 108, 255}}},
}

// Colours of an embedded profile are converted to sRGB, in each format that
// carries one, and look the same.
func TestProfilesAreApplied(t *testing.T) {
	plain := [4]color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {128, 128, 128, 255}}
	for _, c := range containers {
		for _, s := range inOtherSpaces {
			t.Run(c.name+", "+s.name, func(t *testing.T) {
				m := blocks([2][3]color.NRGBA{{s.same[0], s.same[1], s.same[2]}, {s.same[3], {255, 255, 255, 255}, {0, 0, 0, 255}}})
				img, _, err := Decode(t.Context(), c.write(t, m, exifBlock(binary.BigEndian, 3, 6), s.profile), SourceLimits)
				if err != nil {
					t.Fatal(err)
				}
				wantSoft(t, img, [2][3]color.NRGBA{{plain[0], plain[1], plain[2]},
					{plain[3], {255, 255, 255, 255}, {0, 0, 0, 255}}})
			})
		}
	}
}

// wantSoft compares blocks that were turned by 6. Colours at the edge of sRGB
// move a good deal by the rounding to 8 bits of a larger space: near 0 one step
// of linear light is many levels.
func wantSoft(t *testing.T, img image.Image, want [2][3]color.NRGBA) {
	t.Helper()
	for row := range 2 {
		for column := range 3 {
			x, y := seen(6, row, column)
			got := color.NRGBAModel.Convert(img.At(x*block+block/2, y*block+block/2)).(color.NRGBA)
			if w := want[row][column]; !near(got, w, 22) || row == 1 && !near(got, w, 2) {
				t.Errorf("%v, want %v", got, w)
			}
		}
	}
}

func TestSRGBProfilesChangeNothing(t *testing.T) {
	m := scene(64, 64, false)
	file := pngOf(t, m)
	for name, chunk := range map[string][]byte{
		"a curve":                        iccpChunk(profileSRGB),
		"a table":                        iccpChunk(inOtherSpaces[1].profile),
		"the chunk sRGB, a gamma beside": slices.Concat(pngChunk("sRGB", []byte{0}), pngChunk("gAMA", be32(100000))),
		"the gamma that stands for it":   pngChunk("gAMA", be32(45455)),
		"its primaries": slices.Concat(pngChunk("gAMA", be32(45455)),
			pngChunk("cHRM", be32(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))),
		"its code points, a profile aside": slices.Concat(pngChunk("cICP", []byte{1, 13, 0, 1}), iccpChunk(profileP3)),
		"a gamma of 0":                     pngChunk("gAMA", be32(0)),
		"primaries without an area":        pngChunk("cHRM", be32(0, 0, 0, 0, 0, 0, 0, 0)),
		"primaries on one line":            pngChunk("cHRM", be32(31270, 32900, 10000, 10000, 20000, 20000, 30000, 30000)),
		"code points of HDR":               pngChunk("cICP", []byte{9, 16, 0, 1}),
	} {
		t.Run(name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), pngWith(file, chunk), SourceLimits)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if !bytes.Equal(straightColours(img).Pix, m.Pix) {
				t.Errorf("%s: values changed", name)
			}
		})
	}
}

func be32(values ...uint32) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// PNG says colours in four ways: by code points, profile, or gamma with
// primaries; greys, palettes and deep pixels are converted like any other, and
// alpha stays.
func TestColoursOfPNG(t *testing.T) {
	flat := func(set func(image.Rectangle) image.Image) []byte { return pngOf(t, set(image.Rect(0, 0, 4, 4))) }
	colour := func(c color.NRGBA) []byte {
		return flat(func(r image.Rectangle) image.Image {
			m := image.NewNRGBA(r)
			for i := range m.Pix {
				m.Pix[i] = []uint8{c.R, c.G, c.B, c.A}[i%4]
			}
			return m
		})
	}

	grey := flat(func(r image.Rectangle) image.Image {
		m := image.NewGray(r)
		for i := range m.Pix {
			m.Pix[i] = 55
		}
		return m
	})

	deepGrey := flat(func(r image.Rectangle) image.Image {
		m := image.NewGray16(r)
		for i := range m.Pix {
			m.Pix[i] = []uint8{0, 97}[i%2] // 97 of 65535: 0 in 8 bits
		}
		return m
	})

	deep := flat(func(r image.Rectangle) image.Image {
		m := image.NewNRGBA64(r)
		for i := range m.Pix {
			m.Pix[i] = []uint8{0x36, 0x78, 0, 0, 0, 0, 0x80, 0}[i%8]
		}
		return m
	})

	palette := flat(func(r image.Rectangle) image.Image {
		return image.NewPaletted(r, color.Palette{color.NRGBA{234, 51, 35, 0}, color.NRGBA{1, 2, 3, 9}})
	})

	linear, p3chrm := pngChunk("gAMA", be32(100000)),
		pngChunk("cHRM", be32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
	red := color.NRGBA{234, 51, 35, 255} // sRGB's red in Display P3
	for _, c := range []struct {
		name string
		file []byte
		want color.NRGBA
		by   int
	}{
		{"linear light", pngWith(grey, linear), color.NRGBA{128, 128, 128, 255}, 1},
		{"linear light of 16 bits", pngWith(deepGrey, linear), color.NRGBA{5, 5, 5, 255}, 0},
		{"linear light with alpha, 16 bits", pngWith(deep, linear), color.NRGBA{127, 0, 0, 128}, 1},
		{"primaries alone", pngWith(colour(red), p3chrm), color.NRGBA{255, 0, 0, 255}, 14},
		{"primaries and a gamma", pngWith(colour(red), p3chrm, pngChunk("gAMA", be32(45455))), color.NRGBA{255, 0, 0, 255},
			14},
		{"code points", pngWith(colour(red), pngChunk("cICP", []byte{12, 13, 0, 1})), color.NRGBA{255, 0, 0, 255}, 14},
		{"HDR, a profile beside", pngWith(colour(red), pngChunk("cICP", []byte{9, 16, 0, 1}), iccpChunk(profileP3)),
			color.NRGBA{255, 0, 0, 255}, 14},
		{"profile before sRGB", pngWith(colour(red), pngChunk("sRGB", []byte{0}), iccpChunk(profileP3)),
			color.NRGBA{255, 0, 0, 255}, 14},
		{"colour under alpha", pngWith(colour(color.NRGBA{234, 51, 35, 0}), iccpChunk(profileP3)),
			color.NRGBA{255, 0, 0, 0}, 14},
		{"palette with alpha", pngWith(palette, iccpChunk(profileP3)), color.NRGBA{255, 0, 0, 0}, 14},
		{"grey profile", pngWith(grey, iccpChunk(profileGrey18)), color.NRGBA{70, 70, 70, 255}, 1},
		{"grey profile of a lightness", pngWith(grey, iccpChunk(profileOf("GRAY", "Lab ", curvTag("kTRC")))),
			color.NRGBA{51, 51, 51, 255}, 1},
		{"grey profile on colours", pngWith(colour(red), iccpChunk(profileGrey18)), red, 0},
		{"colour profile on greys", pngWith(grey, iccpChunk(profileProPhoto)), color.NRGBA{70, 70, 70, 255}, 1},
		{"table alone", pngWith(colour(red), iccpChunk(profileOf("RGB ", "Lab ", iccTag{"A2B0", make([]byte, 64)}))), red, 0},
		{"ink", pngWith(colour(red), iccpChunk(profileOf("CMYK", "Lab ", iccTag{"A2B0", make([]byte, 64)}))), red, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), c.file, SourceLimits)
			if err != nil {
				t.Fatal(err)
			}
			if got := straightColours(img).NRGBAAt(2, 2); !near(got, c.want, c.by) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Curves of each form that profiles have agree with the formula that they are of.
func TestCurvesOfProfiles(t *testing.T) {
	table := make([]uint16, 4096)
	for i := range table {
		table[i] = uint16(math.Round(math.Pow(float64(i)/4095, 2.2) * 65535))
	}

	for name, c := range map[string]struct {
		tag  iccTag
		want curve
	}{
		"identity":     {curvTag("rTRC"), func(v float64) float64 { return v }},
		"gamma":        {curvTag("rTRC", 0x0233), gamma(0x0233 / 256.)},
		"table":        {curvTag("rTRC", table...), gamma(2.2)},
		"table of two": {curvTag("rTRC", 65535, 0), func(v float64) float64 { return 1 - v }},
		"power":        {paraTag("rTRC", 0, 1.8), gamma(1.8)},
		"power from a point": {paraTag("rTRC", 1, 2, 2, -0.5),
			func(v float64) float64 { return math.Pow(max(0, 2*v-0.5), 2) }},
		"power on a floor": {paraTag("rTRC", 2, 2, 1, 0, 0.25), func(v float64) float64 { return v*v + 0.25 }},
		"sRGB":             {srgbPara("rTRC"), srgbToLinear},
		"all seven": {paraTag("rTRC", 4, 2, 1, 0, 0.5, 0.5, 0.1, 0.2), func(v float64) float64 {
			return map[bool]float64{true: v*v + 0.1, false: v/2 + 0.2}[v >= 0.5]
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := iccProfile(profileOf("RGB ", "XYZ ", c.tag)).curve("rTRC")
			if f == nil {
				t.Errorf("%s: not read", name)
				return
			}
			for i := range 101 {
				if v := float64(i) / 100; math.Abs(f(v)-c.want(v)) > 1e-4 {
					t.Errorf("%s at %v: %v, want %v", name, v, f(v), c.want(v))
				}
			}
		})
	}

	for name, tag := range map[string]iccTag{
		"gamma 0": curvTag("rTRC", 0), "power 0": paraTag("rTRC", 0, 0), "a power of -1": paraTag("rTRC", 0, -1),
		"kind 5":          paraTag("rTRC", 5, 1, 1, 1, 1, 1, 1, 1),
		"too few numbers": paraTag("rTRC", 4, 1, 1, 1), "slope 0": paraTag("rTRC", 1, 2, 0, 1),
		"another type":      {"rTRC", make([]byte, 40)},
		"a table cut short": {"rTRC", curvTag("", 1, 2, 3).data[:16]}, "short": {"rTRC", []byte("curv")},
	} {
		t.Run(name, func(t *testing.T) {
			if iccProfile(profileOf("RGB ", "XYZ ", tag)).curve("rTRC") != nil {
				t.Errorf("%s is taken for a curve", name)
			}
		})
	}
}

// A damaged profile, or one that claims what it has not, is no profile; the image
// stays as it was decoded. Inflating one is bounded.
func TestDamagedProfilesAreIgnored(t *testing.T) {
	outside := bytes.Clone(profileP3)
	binary.BigEndian.PutUint32(outside[132+4:], math.MaxUint32-3)
	many := bytes.Clone(profileP3[:200])
	binary.BigEndian.PutUint32(many[128:], math.MaxUint32)
	noSignature := bytes.Clone(profileP3)
	copy(noSignature[36:], "xxxx")
	for name, profile := range map[string][]byte{
		"empty": {}, "a header": profileP3[:128], "cut": profileP3[:300], "an entry outside": outside,
		"four billion entries": many, "no signature": noSignature,
		"large": append(bytes.Clone(profileP3), make([]byte, maxProfile)...),
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range containers {
				if c.name == "jpeg" && len(profile) > maxProfile || c.name == "webp" && len(profile) > maxProfile {
					continue // a segment holds 64 KiB, and WebP has no need to copy
				}
				img, _, err := Decode(t.Context(), c.write(t, blocks(sixColours), nil, profile), SourceLimits)
				if err != nil {
					t.Errorf("%s, %s: %v", c.name, name, err)
					continue
				}
				wantBlocks(t, img, 1, sixColours)
			}
		})
	}

	bomb := pngWith(pngOf(t, image.NewGray(image.Rect(0, 0, 8, 8))), iccpChunk(make([]byte, 64<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := Decode(t.Context(), bomb, SourceLimits); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes allocated for a profile that inflates to 64 MiB", n)
	}
}

func TestJPEGProfilesMustBeWhole(t *testing.T) {
	file := encoded(t, func(b *bytes.Buffer) error {
		return jpeg.Encode(b, blocks(sixColours), &jpeg.Options{Quality: 100})
	})
	part := func(number, of int, content []byte) []byte {
		return segment(0xe2, "ICC_PROFILE\x00"+string([]byte{byte(number), byte(of)})+string(content))
	}
	for name, segments := range map[string][]byte{
		"the second is missing": part(1, 2, profileP3),
		"the first comes twice": slices.Concat(part(1, 1, profileP3), part(1, 1, profileP3)),
		"number 0":              part(0, 1, profileP3), "of 0": part(1, 0, profileP3),
		"of two counts": slices.Concat(part(1, 2, profileP3[:200]), part(2, 3, profileP3[200:])),
		"no number":     segment(0xe2, "ICC_PROFILE\x00"), "of another program": segment(0xe2, "MPF\x00"+string(profileP3)),
	} {
		t.Run(name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), slices.Concat(file[:2], segments, file[2:]), SourceLimits)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			wantBlocks(t, img, 1, sixColours)
		})
	}
}

// Whether an image can be transparent is a property of its pixels, in whatever way
// the format says so. It is what serves as a mask for inpainting.
func TestAlphaIsAProperty(t *testing.T) {
	clear, solid := scene(32, 32, true), scene(32, 32, false)
	palette := image.NewPaletted(image.Rect(0, 0, 32, 32),
		color.Palette{color.NRGBA{200, 10, 10, 255}, color.NRGBA{10, 200, 10, 0}})
	for i := range palette.Pix {
		palette.Pix[i] = uint8(i % 32 / 16)
	}
	opaquePalette := image.NewPaletted(palette.Rect, color.Palette{color.Black, color.White})
	grey := image.NewGray(palette.Rect)
	gifFile := func(m *image.Paletted, w, h int) []byte {
		return encoded(t, func(b *bytes.Buffer) error {
			return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0},
				Config: image.Config{Width: w, Height: h}})
		})
	}
	gifPalette := image.NewPaletted(palette.Rect, color.Palette{color.Black, color.Transparent})
	copy(gifPalette.Pix, palette.Pix)
	greyAlpha := pngGreyAlphaFile()
	for _, c := range []struct {
		name        string
		data        []byte
		alpha       bool
		transparent bool // some pixel is
	}{
		{"png RGBA", pngOf(t, clear), true, true},
		{"png palette with alpha", pngOf(t, palette), true, true},
		{"png palette", pngOf(t, opaquePalette), false, false},
		{"png grey with alpha", greyAlpha, true, true},
		{"png grey", pngOf(t, grey), false, false},
		{"png grey, one of them transparent", pngWith(pngOf(t, grey), pngChunk("tRNS", []byte{0, 0})), true, true},
		{"png RGB", pngOf(t, asRGBA(solid)), false, false},
		{"png RGB, one colour transparent", pngWith(pngOf(t, asRGBA(solid)), pngChunk("tRNS", []byte{0, 0, 0, 0, 0, 90})),
			true, true},
		{"png RGBA, all opaque", opaqueRGBA(t), true, false},
		{"webp", webpOf(t, solid, 80), false, false},
		{"webp with alpha", webpOf(t, clear, 80), true, true},
		{"webp lossless with alpha", encoded(t, func(b *bytes.Buffer) error { return nativewebp.Encode(b, clear, nil) }),
			true, true},
		{"gif with a transparent colour", gifFile(gifPalette, 32, 32), true, true},
		{"gif", gifFile(opaquePalette, 32, 32), false, false},
		{"gif with a free margin", gifFile(opaquePalette, 40, 40), true, true},
		{"jpeg", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, solid, nil) }), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Inspect(c.data)
			if err != nil {
				t.Fatal(err)
			}
			img, _, err := Decode(t.Context(), c.data, SourceLimits)
			if err != nil {
				t.Fatal(err)
			}
			if h.Alpha != c.alpha || opaque(img) == c.transparent {
				t.Errorf("alpha %t, opaque %t; want %t, %t", h.Alpha, opaque(img), c.alpha, !c.transparent)
			}
			again, _, err := Decode(t.Context(), webpOf(t, img, 95), SourceLimits)
			if err != nil || opaque(again) == c.transparent {
				t.Errorf("as WebP: opaque %t, %v", opaque(again), err)
			}
		})
	}

	img, _, err := Decode(t.Context(), pngOf(t, palette), SourceLimits)
	if err != nil {
		t.Fatal(err)
	}
	if got := asNRGBA(img).NRGBAAt(20, 3); got != (color.NRGBA{10, 200, 10, 0}) {
		t.Errorf("the colour under a transparent entry became %v", got)
	}
}

// pngGreyAlphaFile is a PNG of two channels, grey and alpha: Go's encoder writes
// none.
func pngGreyAlphaFile() []byte {
	const side = 32
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	for range side {
		line := []byte{0} // no filter
		for x := range side {
			line = append(line, uint8(8*x), uint8(x/16*255))
		}
		z.Write(line)
	}
	z.Close()
	head := append(be32(side, side), 8, 4, 0, 0, 0)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", head), pngChunk("IDAT", rows.Bytes()),
		pngChunk("IEND", nil))
}

// opaqueRGBA is a PNG with an alpha channel that is full everywhere: Go's encoder
// leaves such a channel away.
func opaqueRGBA(t testing.TB) []byte {
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	for range 8 {
		z.Write(append([]byte{0}, bytes.Repeat([]byte{9, 99, 199, 255}, 8)...))
	}
	z.Close()
	file := slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(be32(8, 8), 8, 6, 0, 0, 0)),
		pngChunk("IDAT", rows.Bytes()), pngChunk("IEND", nil))
	if _, err := png.Decode(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	return file
}

// A lossy WebP is read as it was written: black is black, however often an image
// is decoded and encoded.
func TestLossyWebPKeepsContrast(t *testing.T) {
	if !Lossy {
		t.Skip("a build without libwebp writes no lossy files")
	}
	for _, alpha := range []uint8{255, 128} {
		colours := sixColours
		for row := range colours {
			for column := range colours[row] {
				colours[row][column].A = alpha
			}
		}
		img := image.Image(blocks(colours))
		for range 4 {
			var err error
			if img, _, err = Decode(t.Context(), webpOf(t, img, 90), SourceLimits); err != nil {
				t.Fatal(err)
			}
		}
		wantBlocks(t, img, 1, colours)
	}
}

// An image of which nothing is said costs no allocation to look at beyond its
// header.
func TestPlainImagesAreNotTouched(t *testing.T) {
	for name, data := range map[string][]byte{
		"jpeg": encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, scene(64, 64, false), nil) }),
		"png":  pngOf(t, scene(64, 64, true)), "webp": webpOf(t, scene(64, 64, false), 80),
	} {
		img, _, err := Decode(t.Context(), data, SourceLimits)
		if err != nil {
			t.Fatal(err)
		}
		if turned(img, upright) != img || coloursOf(data, name, img) != nil {
			t.Errorf("%s: converted", name)
		}
		n := testing.AllocsPerRun(10, func() {
			jpegOrientationOf(data)
			coloursOf(data, name, img)
		})
		if n > 2 {
			t.Errorf("%s: %v allocations to find nothing", name, n)
		}
	}
}

// jpegOrientationOf looks for EXIF in whatever format it is.
func jpegOrientationOf(data []byte) orientation {
	switch sniff(data) {
	case "jpeg":
		return jpegOrientation(data)
	case "png":
		_, o := pngMetadata(data)
		return o
	}
	return orientationIn(webpChunk(data, "EXIF"))
}

func FuzzExif(f *testing.F) {
	for o := range 10 {
		f.Add(exifBlock(binary.LittleEndian, 3, uint32(o)))
		f.Add(append([]byte(exifPrefix), exifBlock(binary.BigEndian, 4, uint32(o))...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientationIn(data); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}

func FuzzProfile(f *testing.F) {
	for _, s := range inOtherSpaces {
		f.Add(s.profile)
	}
	f.Add(profileGrey18)
	f.Add(profileOf("RGB ", "XYZ ", paraTag("rTRC", 4, 2, 1, 0, 0.5, 0.5, 0.1, 0.2)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := iccProfile(data).colours()
		if c == nil {
			return
		}
		c.isSRGB()
		m := image.NewNRGBA(image.Rect(0, 0, 16, 1))
		for i := range m.Pix {
			m.Pix[i] = uint8(i * 4)
		}
		c.inSRGB(m)
		c.inSRGB(image.NewNRGBA64(m.Rect))
	})
}

// FuzzNotes looks through the containers for what is said of pixels.
func FuzzNotes(f *testing.F) {
	for _, c := range containers {
		f.Add(c.write(f, blocks(sixColours), exifBlock(binary.BigEndian, 3, 6), profileP3))
	}
	f.Add(pngWith(pngOf(f, scene(4, 4, false)), pngChunk("gAMA", be32(100000)),
		pngChunk("cHRM", be32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))))
	f.Add(pngWith(pngOf(f, scene(4, 4, false)), pngChunk("cICP", []byte{12, 13, 0, 1})))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Inspect(data)
		if err != nil {
			return
		}
		if h.turn < 1 || h.turn > 8 {
			t.Fatalf("orientation %d", h.turn)
		}
		if _, _, err := Decode(t.Context(), data, Limits{MaxBytes: 1 << 16, MaxPixels: 1 << 14}); err != nil &&
			!errors.Is(err, ErrUnreadable) &&
			!errors.Is(err, ErrTooManyPixels) && !errors.Is(err, ErrTooManyBytes) {
			t.Fatalf("an error of no kind: %v", err)
		}
		if c := pngColours(data); c != nil {
			c.inSRGB(image.NewNRGBA(image.Rect(0, 0, 2, 2)))
		}
	})
}
