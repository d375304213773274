package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// segment is a JPEG segment.
func segment(marker byte, content string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(content)+2)), content...)
}

// Whatever a file carries besides its pixels is gone after it was read and written
// again: where a photograph was taken, colour profiles, programs of polyglots.
func TestOnlyPixelsPass(t *testing.T) {
	const secret = "GPS 52.5163 N <script>alert(1)</script>"
	photo := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, scene(48, 32, false), nil) })
	withExif := slices.Concat(photo[:2],
		segment(0xe1, "Exif\x00\x00II*\x00"+secret),
		segment(0xe2, "ICC_PROFILE\x00\x01\x01"+secret),
		photo[2:])
	withComment := append(append(bytes.Clone(photo[:2]), segment(0xfe, secret)...), photo[2:]...)
	pngFile := pngOf(t, scene(48, 32, true))
	beforePixels := func(chunks ...[]byte) []byte { // after IHDR: 8 + 25 bytes
		out := bytes.Clone(pngFile[:33])
		for _, c := range chunks {
			out = append(out, c...)
		}
		return append(out, pngFile[33:]...)
	}
	still := webpOf(t, scene(48, 32, false), 80)
	chunk := func(id, data string) []byte {
		if len(data)%2 == 1 {
			data += " "
		}
		return append(binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data))), data...)
	}
	extended := riffWebP(vp8x(48, 32, 0), still[12:], chunk("EXIF", secret), chunk("XMP ", secret))
	comment := pngChunk("tEXt", []byte("Comment\x00"+secret))
	moving := encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, scene(48, 32, false), nil) })

	for name, file := range map[string][]byte{
		"jpeg with exif and icc":  withExif,
		"jpeg with a comment":     withComment,
		"png with text":           beforePixels(comment, pngChunk("eXIf", []byte("II*\x00"+secret))),
		"png with a tail":         append(bytes.Clone(pngFile), secret...),
		"webp with exif and xmp":  extended,
		"gif that is also a page": append(moving, "<!--"+secret...),
	} {
		t.Run(name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), file, SourceLimits)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			out := webpOf(t, img, 50)
			for _, trace := range []string{"GPS", "script", "Exif", "EXIF", "ICC", "XMP"} {
				if bytes.Contains(out, []byte(trace)) {
					t.Errorf("%s: the result holds %q", name, trace)
				}
			}
		})
	}
}

func TestAnimationsCostOneFrame(t *testing.T) {
	const side, frames = 240, 1000
	frame := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.Black, color.White})
	var many gif.GIF
	for range frames {
		many.Image, many.Delay = append(many.Image, frame), append(many.Delay, 1)
	}

	still := webpOf(t, scene(side, side, false), 10)
	stills := make([][]byte, frames)
	for i := range stills {
		stills[i] = still
	}

	apng := pngOf(t, frame)
	control := pngChunk("acTL", []byte{0, 0, 0xff, 0xff, 0, 0, 0, 0}) // 65,535 frames
	extra := pngChunk("fdAT", bytes.Repeat([]byte{0, 0, 0, 1}, 1<<16))

	end := len(apng) - 12 // of what comes before its last chunk
	apng = slices.Concat(apng[:33], control, apng[33:end], bytes.Repeat(extra, 8), apng[end:])
	for name, file := range map[string][]byte{
		"gif":  encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &many) }),
		"webp": animate(side+2, side+4, stills...),
		"apng": apng,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			img, _, err := Decode(t.Context(), file, SourceLimits)
			runtime.ReadMemStats(&after)
			if err != nil || img.Bounds().Dx() < side {
				t.Errorf("%s: %v", name, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 32*side*side {
				t.Errorf("%s: %d bytes for one frame of %d pixels", name, used, side*side)
			}
		})
	}
}

func TestHeaderAndPixelsMustAgree(t *testing.T) {
	small := pngOf(t, scene(8, 8, false))
	lying := bytes.Clone(small)
	binary.BigEndian.PutUint32(lying[16:], 64) // 64 wide, pixels for 8
	head := pngChunk("IHDR", lying[16:29])
	lying = append(append(bytes.Clone(lying[:8]), head...), small[33:]...)
	photo := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, scene(16, 16, false), nil) })
	start := bytes.Index(photo, []byte{0xff, 0xc0}) // SOF0: height and width at 5 and 7
	tall := bytes.Clone(photo)
	binary.BigEndian.PutUint16(tall[start+5:], 3000)
	huge := bytes.Clone(photo)
	binary.BigEndian.PutUint16(huge[start+5:], 65535)
	binary.BigEndian.PutUint16(huge[start+7:], 65535)
	for name, file := range map[string][]byte{"png": lying, "jpeg": tall, "jpeg of 4 gigapixels": huge} {
		if img, _, err := Decode(t.Context(), file, SourceLimits); err == nil {
			t.Errorf("%s: passes as %v", name, img.Bounds())
		}
	}
	if _, _, err := Decode(t.Context(), []byte(strings.Repeat("\x00", 1<<20)), SourceLimits); err == nil {
		t.Error("a megabyte of zeros is an image")
	}
}
