package imaging

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/bmp"
)

// scene generates a smooth image; with alpha, its left half is transparent over
// a strong colour.
func scene(w, h int, alpha bool) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{uint8(255 * x / w), uint8(255 * y / h), 90, 255}
			if alpha && x < w/2 {
				c.A = 0
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func encoded(t testing.TB, f func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

func webpOf(t testing.TB, m image.Image, q float32) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return EncodeWebP(t.Context(), b, m, q) })
}

// pngChunk writes one chunk with its checksum.
func pngChunk(id string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, id...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngHeader is a PNG that claims a size and has no pixels.
func pngHeader(w, h uint32, colourType byte) []byte {
	d := binary.BigEndian.AppendUint32(nil, w)
	d = binary.BigEndian.AppendUint32(d, h)
	d = append(d, 8, colourType, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", d)...)
	return append(out, pngChunk("IDAT", []byte{0x78, 0x9c, 0x03, 0, 0, 0, 0, 1})...)
}

// animate wraps still files into an animation whose first frame lies at (2, 4).
func animate(w, h int, stills ...[]byte) []byte {
	head := vp8x(w, h, webpAlpha)
	head[8] |= webpAnimation
	chunks := [][]byte{head, []byte("ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00")}
	for _, s := range stills {
		info, _ := Inspect(s)
		frames := s[12:]
		if c, _ := nextChunk(frames); c.id == "VP8X" {
			frames = c.rest
		}
		d := make([]byte, 16)
		d[0], d[3] = 1, 2
		d[6], d[9], d[12] = byte(info.Width-1), byte(info.Height-1), 100
		d = append(d, frames...)
		c := binary.LittleEndian.AppendUint32([]byte("ANMF"), uint32(len(d)))
		chunks = append(chunks, append(c, d...))
	}
	return riffWebP(chunks...)
}

func TestDecodeReadsEveryFormat(t *testing.T) {
	opaque, clear := scene(48, 32, false), scene(48, 32, true)
	gray := image.NewGray(opaque.Rect)

	deep := image.NewNRGBA64(opaque.Rect)
	for y := range 32 {
		for x := range 48 {
			deep.Set(x, y, clear.At(x, y))
		}
	}

	pal := image.NewPaletted(image.Rect(4, 4, 20, 20), color.Palette{color.Black, color.White})
	part := encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{
			Image: []*image.Paletted{pal, pal}, Delay: []int{1, 1},
			Config: image.Config{Width: 48, Height: 32, ColorModel: pal.Palette},
		})
	})

	for _, tt := range []struct {
		name   string
		data   []byte
		format string
		alpha  bool
	}{
		{"png colour", pngOf(t, asRGBA(opaque)), "png", false},
		{"png alpha", pngOf(t, clear), "png", true},
		{"png grey", pngOf(t, gray), "png", false},
		{"png 16 bit alpha", pngOf(t, deep), "png", true},
		{"jpeg", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, opaque, nil) }), "jpeg", false},
		{"jpeg grey", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, gray, nil) }), "jpeg", false},
		{"jpeg cmyk", cmykJPEG, "jpeg", false},
		{"gif first frame, smaller than its screen", part, "gif", true},
		{"bmp", encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, asRGBA(opaque)) }), "bmp", false},
		{"webp", webpOf(t, opaque, 80), "webp", false},
		{"webp alpha", webpOf(t, clear, 80), "webp", true},
		{"webp animated", animate(48, 32, webpOf(t, scene(24, 16, true), 80), webpOf(t, scene(24, 16, false), 80)), "webp",
			true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := Inspect(tt.data)
			if err != nil {
				t.Fatal(err)
			}

			if h.Format != tt.format || h.Alpha != tt.alpha || h.Width != 48 || h.Height != 32 {
				t.Errorf("Inspect = %+v, want %s, alpha %t, 48×32", h, tt.format, tt.alpha)
			}

			img, format, err := Decode(t.Context(), tt.data, Limits{})
			if err != nil {
				t.Fatal(err)
			}

			if format != tt.format || img.Bounds() != image.Rect(0, 0, 48, 32) {
				t.Errorf("Decode = %s %v", format, img.Bounds())
			}

			if again := webpOf(t, img, 50); !IsWebP(again) {
				t.Error("not encoded as WebP")
			}
		})
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	good := webpOf(t, scene(64, 64, false), 90)
	small, huge := webpOf(t, scene(8, 8, true), 90), bytes.Clone(webpOf(t, scene(16, 16, false), 90))
	mismatch := riffWebP(vp8x(8, 8, 0), huge[12:])

	bomb := pngHeader(50000, 50000, 6)
	for _, tt := range []struct {
		name string
		data []byte
		lim  Limits
		want error
	}{
		{"empty", nil, Limits{}, ErrUnreadable},
		{"text", []byte("<svg onload=alert(1)>"), Limits{}, ErrUnreadable},
		{"png bomb", bomb, Limits{}, ErrTooManyPixels},
		{"png strip", pngHeader(65535, 1, 2), Limits{}, ErrTooManyPixels},
		{"png without pixels", pngHeader(64, 64, 2), Limits{}, ErrUnreadable},
		{"png zero wide", pngHeader(0, 64, 2), Limits{}, ErrUnreadable},
		{"png 2³²−1", pngHeader(1<<32-1, 1<<32-1, 2), Limits{}, ErrUnreadable},
		{"webp bomb", riffWebP(vp8x(50000, 40000, webpAlpha), make([]byte, 12)), Limits{}, ErrUnreadable},
		{"webp whose canvas hides a larger frame", mismatch, Limits{}, ErrUnreadable},
		{"webp animation beyond its canvas", animate(9, 9, small), Limits{}, ErrUnreadable},
		{"webp truncated", good[:len(good)/2], Limits{}, ErrUnreadable},
		{"webp header only", good[:30], Limits{}, ErrUnreadable},
		{"jpeg truncated", cmykJPEG[:len(cmykJPEG)-20], Limits{}, ErrUnreadable},
		{"jpeg start only", cmykJPEG[:3], Limits{}, ErrUnreadable},
		{"gif start only", []byte("GIF89a"), Limits{}, ErrUnreadable},
		{"bmp start only", []byte("BM"), Limits{}, ErrUnreadable},
		{"area", good, Limits{MaxPixels: 64*64 - 1}, ErrTooManyPixels},
		{"side", good, Limits{MaxSide: 63}, ErrTooManyPixels},
		{"bytes", good, Limits{MaxBytes: len(good) - 1}, ErrTooManyBytes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), tt.data, tt.lim)
			if !errors.Is(err, tt.want) || img != nil {
				t.Errorf("Decode = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTruncatedFilesNeverPassWhole(t *testing.T) {
	for name, data := range map[string][]byte{
		"lossy": webpOf(t, scene(40, 40, false), 90), "alpha": webpOf(t, scene(40, 40, true), 90),
		"png": pngOf(t, scene(40, 40, true)),
	} {
		t.Run(name, func(t *testing.T) {
			// The last bytes of a PNG (IEND) and a padding byte carry no pixels.
			for n := range len(data) - 16 {
				if _, _, err := Decode(t.Context(), data[:n], Limits{}); !errors.Is(err, ErrUnreadable) {
					t.Fatalf("%s cut to %d of %d bytes: %v", name, n, len(data), err)
				}
			}
		})
	}
}

func TestBombCostsNoMemory(t *testing.T) {
	bombs := [][]byte{
		pngHeader(50000, 50000, 6),
		riffWebP(vp8x(16000, 16000, webpAlpha), []byte("ALPH\x01\x00\x00\x00\x00\x00")),
		append([]byte("GIF89a\x50\xc3\x50\xc3\x80\x00\x00"), make([]byte, 6)...),
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, b := range bombs {
		if _, _, err := Decode(t.Context(), b, SourceLimits); err == nil {
			t.Error("a bomb was decoded")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for bombs", n)
	}
}

func TestEncodeKeepsPixels(t *testing.T) {
	for _, alpha := range []bool{false, true} {
		in := scene(64, 48, alpha)
		img, _, err := Decode(t.Context(), webpOf(t, in, 95), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		out := asNRGBAOrOpaque(img)
		for y := 4; y < 44; y++ {
			for x := 4; x < 60; x++ {
				a, b := in.NRGBAAt(x, y), out.NRGBAAt(x, y)
				if a.A != b.A {
					t.Fatalf("alpha at (%d, %d): %v became %v", x, y, a, b)
				}
				if !Lossy && a.A == 0 {
					continue // colours under transparency are libwebp's part
				}
				if diff(a.R, b.R) > 8 || diff(a.G, b.G) > 8 || diff(a.B, b.B) > 8 {
					t.Fatalf("at (%d, %d): %v became %v", x, y, a, b)
				}
			}
		}
	}
}

func asNRGBAOrOpaque(img image.Image) *image.NRGBA {
	if opaque(img) {
		m := asRGBA(img)
		return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	return asNRGBA(img)
}

func diff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

func TestEncodeTakesEveryKindOfImage(t *testing.T) {
	base := scene(32, 32, true)
	rect := image.Rect(5, 6, 31, 30)
	kinds := []image.Image{
		base.SubImage(rect), asRGBA(scene(32, 32, false)).SubImage(rect),
		image.NewUniform(color.White), image.NewGray16(rect), image.NewAlpha(rect), image.NewCMYK(rect),
		image.NewYCbCr(rect, image.YCbCrSubsampleRatio420), image.NewNYCbCrA(rect, image.YCbCrSubsampleRatio420),
		image.NewPaletted(rect, color.Palette{color.Transparent, color.White}), image.NewNRGBA64(rect), image.NewRGBA64(rect),
	}
	for _, m := range kinds {
		if _, ok := m.(*image.Uniform); ok {
			if err := EncodeWebP(t.Context(), &bytes.Buffer{}, m, 50); !errors.Is(err, ErrTooManyPixels) {
				t.Errorf("an endless image: %v", err)
			}
			continue
		}
		img, _, err := Decode(t.Context(), webpOf(t, m, 50), Limits{})
		if err != nil || img.Bounds().Size() != rect.Size() {
			t.Errorf("%T: %v", m, err)
		}
	}
	if err := EncodeWebP(t.Context(), &bytes.Buffer{}, image.NewRGBA(image.Rectangle{}), 50); err == nil {
		t.Error("an empty image was encoded")
	}
}

func TestBase64IsReadAsPeopleSendIt(t *testing.T) {
	data := []byte{0xfb, 0xff, 0xfe, 1, 2} // needs +, / and padding
	std := base64.StdEncoding.EncodeToString(data)
	for _, s := range []string{
		std, strings.TrimRight(std, "="), base64.URLEncoding.EncodeToString(data), base64.RawURLEncoding.EncodeToString(data),
		"data:image/png;base64," + std, std[:3] + "\r\n" + std[3:], " " + std + "\n",
	} {
		got, err := Base64(s, Limits{})
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("Base64(%q) = %v, %v", s, got, err)
		}
	}

	for _, s := range []string{"", "=", "a", "%%%%", "data:image/png," + std, "data:", std + std, "http://x/y.png",
		"äöü="} {
		if _, err := Base64(s, Limits{}); !errors.Is(err, ErrUnreadable) {
			t.Errorf("Base64(%q) = %v", s, err)
		}
	}

	long := base64.StdEncoding.EncodeToString(make([]byte, 101))
	if _, err := Base64(long, Limits{MaxBytes: 100}); !errors.Is(err, ErrTooManyBytes) {
		t.Errorf("101 bytes: %v", err)
	}

	if _, err := Base64(strings.Repeat("\n", 1000), Limits{MaxBytes: 100}); !errors.Is(err, ErrTooManyBytes) {
		t.Errorf("line breaks without end: %v", err)
	}

	img, format, err := DecodeBase64(t.Context(), base64.StdEncoding.EncodeToString(pngOf(t, scene(8, 8, false))),
		SourceLimits)
	if err != nil || format != "png" || img.Bounds().Dx() != 8 {
		t.Errorf("DecodeBase64 = %v %s %v", img, format, err)
	}
}

func TestImagesAreDecodedSideBySide(t *testing.T) {
	data := webpOf(t, scene(128, 128, true), 50)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			img, _, err := Decode(t.Context(), data, SourceLimits)
			if err != nil {
				t.Error(err)
				return
			}
			if err := EncodeWebP(t.Context(), &bytes.Buffer{}, img, 50); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	f.Add(pngOf(f, scene(8, 8, true)))
	f.Add(webpOf(f, scene(8, 8, false), 50))
	f.Add(webpOf(f, scene(8, 8, true), 50))
	f.Add(animate(16, 16, webpOf(f, scene(8, 8, true), 50)))
	f.Add(pngHeader(50000, 50000, 2))
	f.Add(cmykJPEG)

	lim := Limits{MaxBytes: 1 << 16, MaxPixels: 1 << 14, MaxSide: 1 << 12}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, format, err := Decode(t.Context(), data, lim)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrTooManyPixels) && !errors.Is(err, ErrTooManyBytes) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}

		h, err := Inspect(data)
		if err != nil || h.Format != format || img.Bounds() != image.Rect(0, 0, h.Width, h.Height) {
			t.Fatalf("header %+v (%v), image %v", h, err, img.Bounds())
		}

		if !opaque(img) && !h.Alpha {
			t.Fatalf("a transparent %T, and the header says that there is no alpha", img)
		}

		if lim.check(h) != nil {
			t.Fatalf("%d×%d passed the limits", h.Width, h.Height)
		}
	})
}

func BenchmarkEncodeWebP512(b *testing.B) {
	m := scene(512, 512, false)
	for b.Loop() {
		if err := EncodeWebP(b.Context(), &bytes.Buffer{}, m, 90); err != nil {
			b.Fatal(err)
		}
	}
}
