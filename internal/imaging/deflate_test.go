package imaging

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// deflated packs data, with a flush after each of some parts.
func deflated(tb testing.TB, level int, parts ...[]byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			tb.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// inPieces cuts data at random places.
func inPieces(r *rand.Rand, data []byte) (pieces [][]byte) {
	for len(data) > 0 {
		n := min(len(data), 1+r.IntN(300))
		pieces = append(pieces, data[:n])
		data = data[n:]
	}
	return pieces
}

// TestEveryBlockOfDeflateIsCounted: the walk finds every block of a stream, whatever its level and
// wherever it is cut, up to the last: one more behind the walk would be missed.
func TestEveryBlockOfDeflateIsCounted(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 50_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	text := bytes.Repeat([]byte("a red fox in the snow, and a lighthouse; "), 2_000)
	few := slices.Concat(noise[:300], text[:5000], noise[300:400], make([]byte, 5000))

	for name, tt := range map[string]struct {
		stream                 []byte
		leastDynamic, mostRest int64
	}{
		"stored":      {deflated(t, flate.NoCompression, noise, noise), 0, 12},
		"noise":       {deflated(t, flate.BestCompression, noise), 0, 12},
		"text":        {deflated(t, flate.BestCompression, text, few, text), 2, 12},
		"quick":       {deflated(t, flate.BestSpeed, text, few, text), 3, 12},
		"Huffman":     {deflated(t, flate.HuffmanOnly, text, few), 2, 12},
		"fixed codes": {deflated(t, flate.DefaultCompression, []byte("abc")), 0, 4},
		"nothing":     {deflated(t, flate.DefaultCompression), 0, 2},
		"storm":       {deflateStorm(500), 500, 2},
	} {
		t.Run(name, func(t *testing.T) {
			whole := deflateWork([][]byte{tt.stream}, MaxWork)
			dynamic, rest := whole/(dynamicBlockWork+blockWork), whole%(dynamicBlockWork+blockWork)/blockWork
			if dynamic < tt.leastDynamic || dynamic > tt.leastDynamic+10 || rest > tt.mostRest {
				t.Errorf("%d blocks with codes and %d others", dynamic, rest)
			}
			if cut := deflateWork(inPieces(r, tt.stream), MaxWork); cut != whole {
				t.Errorf("%d visits in pieces, %d whole", cut, whole)
			}

			// The stream is walked to its end: what the last block holds is found there too.
			if name == "storm" {
				return
			}
			w := &deflateWalk{bits: bitReader{pieces: [][]byte{tt.stream}}}
			if left := w.untilEnd(t); left != 4 {
				t.Errorf("%d bytes are left behind the last block, want the 4 of the sum", left)
			}
		})
	}

	// It ends at its bound.
	if n := deflateWork([][]byte{deflateStorm(5000)}, 100*dynamicBlockWork); n > 102*(dynamicBlockWork+blockWork) {
		t.Errorf("%d visits beyond a bound of %d", n, 100*dynamicBlockWork)
	}
}

// untilEnd walks a stream and returns how many bytes are left.
func (w *deflateWalk) untilEnd(t *testing.T) (left int) {
	t.Helper()
	w.bits.take(16)
	for last := false; !last; {
		last = w.bits.take(1) == 1
		switch w.bits.take(2) {
		case 0:
			w.stored()
		case 1:
			w.walk(fixedCodes())
		case 2:
			w.dynamic()
		}
		if w.damaged || w.bits.short {
			t.Fatal("the stream is damaged")
		}
	}
	left = int(w.bits.have / 8)
	for i, p := range w.bits.pieces {
		if left += len(p); i == 0 {
			left -= w.bits.at
		}
	}
	return left
}

func TestDamagedDeflateEndsTheWalk(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	whole := deflated(t, flate.BestCompression, bytes.Repeat([]byte("a red fox in the snow; "), 500))
	for range 20_000 {
		damaged := bytes.Clone(whole)
		for range 1 + r.IntN(4) {
			damaged[r.IntN(len(damaged))] ^= byte(1 << r.IntN(8))
		}
		deflateWork(inPieces(r, damaged[:r.IntN(len(damaged)+1)]), MaxWork)
	}
	noise := make([]byte, 4096)
	for range 2_000 {
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		deflateWork([][]byte{noise}, MaxWork)
	}
}

// TestStormsAreRefused: a PNG of empty blocks is refused before it is decoded, one that an
// encoder wrote is not, though it flushed after every row.
func TestStormsAreRefused(t *testing.T) {
	t.Parallel()
	storm := append([]byte("x\x9c"), deflateStorm(200_000)[2:]...)
	small := pngOf(t, scene(8, 8, false))
	iend := small[len(small)-12:]
	file := slices.Concat(claiming(small, 1024, 8, pngRGBAlpha, 0)[:33], pngChunk("IDAT", storm), iend)
	if _, _, err := inspectWithin(file, SourceLimits.orDefault()); !errors.Is(err, ErrTooMuchWork) {
		t.Errorf("a storm: %v", err)
	}

	rows := make([][]byte, 1024)
	r := rand.New(rand.NewPCG(5, 6))
	for y := range rows {
		rows[y] = make([]byte, 1+4*1024)
		for x := range rows[y][1:] {
			rows[y][1+x] = byte(r.Uint32() % 50)
		}
	}
	file = slices.Concat(claiming(small, 1024, 8, pngRGBAlpha, 0)[:33],
		pngChunk("IDAT", deflated(t, flate.BestCompression, rows...)), iend)
	if _, c, err := inspectWithin(file, SourceLimits.orDefault()); err != nil || c.visits > MaxWork/10 {
		t.Errorf("an image that was flushed after every row: %d visits, %v", c.visits, err)
	}
	if _, _, err := Decode(t.Context(), file, SourceLimits); err != nil {
		t.Error(err)
	}
}

func BenchmarkDeflateWork(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	photo := scene(1024, 1024, false).Pix
	for i := range photo {
		photo[i] += byte(r.Uint32() % 16)
	}
	for name, stream := range map[string][]byte{
		"photo": deflated(b, flate.DefaultCompression, photo),
		"storm": deflateStorm(20_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				deflateWork([][]byte{stream}, 1<<62)
			}
		})
	}
}
