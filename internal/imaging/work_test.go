package imaging

import (
	"bytes"
	"errors"
	"image/gif"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"golang.org/x/image/bmp"
)

// scanBits writes the entropy-coded data of a JPEG's scan.
type scanBits struct {
	out []byte
	acc uint32
	n   int
}

func (b *scanBits) put(v uint32, count int) {
	b.acc, b.n = b.acc<<count|v, b.n+count
	for ; b.n >= 8; b.n -= 8 {
		c := byte(b.acc >> (b.n - 8))
		if b.out = append(b.out, c); c == 0xff {
			b.out = append(b.out, 0)
		}
	}
}

// emptyScans is a progressive JPEG whose scans say of all blocks that nothing changes:
// a few bytes each, and a visit to every block.
func emptyScans(side, scans int) []byte {
	out := []byte{0xff, 0xd8}
	frame := []byte{8, byte(side >> 8), byte(side), byte(side >> 8), byte(side), 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	// The only code, of one bit: nothing changes in a run of up to 2^15−1 blocks.
	endOfBand := "\x10\x01" + string(make([]byte, 15)) + "\xe0"
	out = slices.Concat(out,
		segment(0xdb, "\x00"+string(bytes.Repeat([]byte{1}, 64))),
		segment(0xc2, string(frame)),
		segment(0xc4, endOfBand))

	blocks := ((side + 7) / 8) * ((side + 7) / 8)
	for i := range scans {
		var b scanBits
		for left := blocks; left > 0; left -= 1<<15 - 1 {
			b.put(0, 1)
			b.put(1<<14-1, 14)
		}
		b.put(0x7f, 7)
		out = slices.Concat(out, segment(0xda, string([]byte{1, byte(1 + i%3), 0, 1, 63, 0})), b.out)
	}
	return append(out, 0xff, 0xd9)
}

// insert puts chunks behind the header of a PNG.
func insert(file []byte, chunks ...[]byte) []byte {
	const header = 33 // bytes
	return slices.Concat(file[:header], slices.Concat(chunks...), file[header:])
}

// claiming is a PNG whose header claims an area, and depth and colour type, that its
// pixels do not have.
func claiming(file []byte, side int, depth, colourType, interlace byte) []byte {
	high, low := byte(side>>8), byte(side)
	head := []byte{0, 0, high, low, 0, 0, high, low, depth, colourType, 0, 0, interlace}
	return slices.Concat(file[:8], pngChunk("IHDR", head), file[33:])
}

// deflateStorm is a zlib stream of blocks that say how they are packed, and hold nothing.
func deflateStorm(blocks int) []byte {
	out := []byte{0x78, 0x9c}
	acc, n := uint64(0), 0
	put := func(v uint64, count int) {
		acc, n = acc|v<<n, n+count
		for ; n >= 8; n -= 8 {
			out, acc = append(out, byte(acc)), acc>>8
		}
	}

	for range blocks {
		put(0b100, 3) // not the last, dynamic codes
		put(0, 10)    // 257 literals and lengths, 1 distance
		put(14, 4)    // 18 lengths of lengths
		for _, length := range []uint64{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1} {
			put(length, 3)
		}
		put(1|127<<1, 8) // 138 literals without a code
		put(1|107<<1, 8) // 118 more
		put(0, 3)        // the end of the block has one, a distance too; the end
	}
	put(0, 8)
	return out
}

// hostile is a file, and how decoding it has to end; nil: as that of a usual one.
type hostile struct {
	file []byte
	want error
}

// hostileFiles cost more than their bytes and pixels suggest, or would, if somebody
// decoded them without a look at their structure.
func hostileFiles(tb testing.TB) map[string]hostile {
	tb.Helper()
	small := pngOf(tb, scene(8, 8, false))
	photo := encoded(tb, func(b *bytes.Buffer) error { return jpeg.Encode(b, scene(64, 64, false), nil) })
	scan := bytes.Index(photo, []byte{0xff, 0xda})
	still := webpOf(tb, scene(64, 64, false), 50)
	stills := make([][]byte, 2000)
	for i := range stills {
		stills[i] = still
	}
	bitmap := encoded(tb, func(b *bytes.Buffer) error { return bmp.Encode(b, scene(8, 8, false)) })
	tall := bytes.Clone(bitmap)
	emptyTexts := bytes.Repeat(pngChunk("tEXt", nil), 1_000_000)
	emptyChunks := bytes.Repeat([]byte("XXXX\x00\x00\x00\x00"), 100_000)
	tall[18], tall[19], tall[22], tall[23] = 0, 12, 0, 12 // 3072×3072

	end := func(file []byte, tail int) (head, rest []byte) { return file[:len(file)-tail], file[len(file)-tail:] }
	opened, closing := end(photo, 2)
	noScan := slices.Concat(photo[:2], segment(0xc0, "\x08\x0c\x00\x0c\x00\x01\x01\x11\x00"),
		segment(0xda, "\x01\x01\x00\x00\x3f\x00"), closing)
	_, iend := end(small, 12)
	storm := append([]byte("x\x00\x00"), deflateStorm(20_000)...)

	return map[string]hostile{
		"jpeg of 1,500 empty scans":      {emptyScans(3072, 1500), ErrTooMuchWork},
		"jpeg of 45 empty scans":         {emptyScans(3072, 45), ErrTooMuchWork},
		"small jpeg of 100 empty scans":  {emptyScans(256, 100), nil},
		"jpeg that repeats its scan":     {slices.Concat(opened, bytes.Repeat(opened[scan:], 200), closing), nil},
		"jpeg with scans behind its end": {slices.Concat(photo, bytes.Repeat(photo[scan:], 1000)), nil},
		"jpeg of fillers":                {slices.Concat(photo[:2], bytes.Repeat([]byte{0xff}, 1<<20), photo[2:]), nil},
		"jpeg of an area without pixels": {noScan, ErrUnreadable},

		"png of a million chunks":        {insert(small, emptyTexts), ErrTooMuchWork},
		"png of an area without pixels":  {claiming(small, 3072, 16, pngRGBAlpha, 0), ErrUnreadable},
		"the same, interlaced":           {claiming(small, 3072, 16, pngRGBAlpha, 1), ErrUnreadable},
		"png that packs nothing, often":  {slices.Concat(small[:33], pngChunk("IDAT", storm[3:]), iend), ErrUnreadable},
		"png of many profiles":           {insert(small, bytes.Repeat(pngChunk("iCCP", storm[:200]), 1000)), nil},
		"png with a text that is a bomb": {insert(small, pngChunk("zTXt", storm)), nil},
		"bmp of an area without pixels":  {tall, ErrUnreadable},
		"webp of 2,000 frames":           {animate(66, 68, stills...), nil},
		"webp of 100,000 empty chunks":   {riffWebP(vp8x(64, 64, 0), emptyChunks, still[12:]), nil},
		"gif of endless extensions":      {gifWithExtensions(tb, 200_000), nil},
	}
}

// gifWithExtensions is a GIF with so many comments.
func gifWithExtensions(tb testing.TB, n int) []byte {
	tb.Helper()
	file := encoded(tb, func(b *bytes.Buffer) error { return gif.Encode(b, scene(64, 64, false), nil) })
	start := 13 + 3<<(file[10]&7+1)
	return slices.Concat(file[:start], bytes.Repeat([]byte{0x21, 0xfe, 1, 'x', 0}, n), file[start:])
}

// wellFormed is a file of each format, of a side in pixels.
func wellFormed(tb testing.TB, side int) map[string][]byte {
	tb.Helper()
	m := scene(side, side, false)
	return map[string][]byte{
		"png":           pngOf(tb, m),
		"jpeg":          encoded(tb, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) }),
		"jpeg of scans": emptyScans(side, 90),
		"gif":           encoded(tb, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }),
		"bmp":           encoded(tb, func(b *bytes.Buffer) error { return bmp.Encode(b, m) }),
		"webp":          webpOf(tb, m, 90),
	}
}

// No file costs more than its bytes and pixels allow: what would is refused before it
// is decoded, as an image that cannot be read or that takes too much.
func TestHostileFilesCostLittle(t *testing.T) {
	t.Parallel()
	const maxTime = 5 * time.Second // of a file that takes 50 ms by itself, on a machine that is busy

	for name, tt := range hostileFiles(t) {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, _, err := Decode(t.Context(), tt.file, SourceLimits)
			if took := time.Since(begun); took > maxTime {
				t.Errorf("it took %v", took)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The work of a progressive JPEG is counted as its scans visit blocks.
func TestTheWorkOfScansIsCounted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		side, scans int
	}{
		{name: "whole blocks", side: 64, scans: 3},
		{name: "an edge of a pixel", side: 65, scans: 7},
		{name: "one block", side: 1, scans: 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := Inspect(emptyScans(tt.side, tt.scans))
			if err != nil {
				t.Fatal(err)
			}
			c, err := costOf(emptyScans(tt.side, tt.scans), h)
			if err != nil {
				t.Fatal(err)
			}

			blocks := int64((tt.side+7)/8) * int64((tt.side+7)/8)
			want := int64(tt.side*tt.side) + blocks*blockPixels*int64(tt.scans)
			if c.visits != want {
				t.Errorf("%d visits, want %d", c.visits, want)
			}
		})
	}
}

// What programs write is far within the bound: a file of each format, and a photograph
// of the largest area whose components are sent in six scans each.
func TestUsualFilesAreWithinTheBound(t *testing.T) {
	t.Parallel()
	files := wellFormed(t, 300)
	files["a large progressive jpeg"] = emptyScans(3072, 18)
	delete(files, "jpeg of scans")

	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := inspectWithin(data, SourceLimits); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever a file holds, the look before decoding ends, counts no less than nothing, and
// refuses no file that can be decoded.
func FuzzCost(f *testing.F) {
	for _, data := range wellFormed(f, 24) {
		f.Add(data)
	}
	f.Add(emptyScans(16, 40))
	f.Add(claiming(pngOf(f, scene(8, 8, false)), 512, 16, pngRGBAlpha, 1))
	f.Add(gifWithExtensions(f, 3))

	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Inspect(data)
		if err != nil || h.Width <= 0 || h.Height <= 0 || h.Width*h.Height > 1<<14 {
			return
		}
		c, err := costOf(data, h)
		if c.visits < 0 || c.memory < 0 {
			t.Fatalf("%+v", c)
		}
		if err == nil || len(data) > 1<<14 {
			return
		}
		if _, decoded := decode(t.Context(), data, h); decoded == nil {
			t.Errorf("%v, but it can be decoded", err)
		}
	})
}
