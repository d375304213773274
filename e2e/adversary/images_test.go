package adversary

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
)

var images = []class{
	{name: "images/a JPEG of empty scans", attack: sourceImages(emptyScans)},
	{name: "images/large and empty", whole: true, attack: sourceImages(func() []byte {
		return blankPNG(3072, 3072, 0, 0)
	})},
	{name: "images/large and interlaced", attack: sourceImages(func() []byte { return blankPNG(3072, 3072, 1, 0) })},
	{name: "images/fifty gigapixels", whole: true, attack: sourceImages(func() []byte {
		return blankPNG(225_000, 225_000, 0, 0)
	})},
	{name: "images/a strip", whole: true, attack: sourceImages(func() []byte { return blankPNG(65_535, 1, 0, 0) })},
	{name: "images/many chunks", attack: sourceImages(func() []byte { return blankPNG(64, 64, 0, 200_000) })},
	{name: "images/a GIF of many frames", attack: sourceImages(manyFrames)},
	{name: "images/not one", whole: true, attack: sourceImages(func() []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`)
	})},
	{name: "images/nothing", whole: true, attack: sourceImages(func() []byte { return nil })},
}

// sourceImages has eight strangers send an image to work on; half of them do not wait
// for the answer.
func sourceImages(make func() []byte) func(*arena) {
	return func(a *arena) {
		encoded := base64.StdEncoding.EncodeToString(make())
		order := `{"prompt":"x","models":["Deliberate"],"source_processing":"img2img","source_image":"` + encoded + `"}`
		forms := `{"forms":[{"name":"caption"}],"source_image":"` + encoded + `"}`
		a.together(8, a.length(), func(client *http.Client, i int) {
			path, body := "generate/async", order
			if i%4 == 1 {
				path, body = "interrogate/async", forms
			}
			if i%2 == 0 {
				client.Timeout = patience / 100
			}
			got := a.send(client, http.MethodPost, "/api/v2/"+path, anonymous, body)
			if got.status >= 500 && got.status != http.StatusServiceUnavailable {
				a.fault("%s: %d %.100s", path, got.status, got.body)
			}
		})
	}
}

// jpegSegment is a marker with its content.
func jpegSegment(marker byte, content ...byte) []byte {
	n := len(content) + 2
	return append([]byte{0xff, marker, byte(n >> 8), byte(n)}, content...)
}

// emptyScans is a progressive JPEG of 3072×3072 pixels with 1,500 scans that change
// nothing, in 60 KB.
func emptyScans() []byte {
	const side, scans, blocks = 3072, 1500, 3072 / 8 * 3072 / 8
	oneCode := func(class, symbol byte) []byte { // a Huffman table whose only code is "0"
		table := append([]byte{class << 4, 1}, make([]byte, 15)...)
		return append(table, symbol)
	}

	b := []byte{0xff, 0xd8}
	b = append(b, jpegSegment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, jpegSegment(0xc2, 8, side>>8, side&0xff, side>>8, side&0xff, 1, 1, 0x11, 0)...)
	b = append(b, jpegSegment(0xc4, oneCode(0, 0)...)...)
	b = append(b, jpegSegment(0xc4, oneCode(1, 0xe0)...)...)

	b = append(b, jpegSegment(0xda, 1, 1, 0, 0, 0, 0)...)
	b = append(b, make([]byte, blocks/8)...)

	// One code of the table ends up to 32,767 blocks: 1 bit, and 14 that say how many.
	var bits strings.Builder
	for left := blocks; left > 0; {
		run := min(left, 1<<15-1)
		if run < 1<<14 {
			run = 1 << 14 // the last one goes beyond the end
		}
		fmt.Fprintf(&bits, "0%014b", run-1<<14)
		left -= run
	}
	scan := append(jpegSegment(0xda, 1, 1, 0, 1, 63, 0), packBits(bits.String())...)
	return append(append(b, bytes.Repeat(scan, scans)...), 0xff, 0xd9)
}

// packBits makes bytes of zeros and ones, as a JPEG has them.
func packBits(bits string) (b []byte) {
	bits += strings.Repeat("1", (8-len(bits)%8)%8)
	for i := 0; i < len(bits); i += 8 {
		var v byte
		for _, c := range bits[i : i+8] {
			v = v<<1 | byte(c-'0')
		}
		if b = append(b, v); v == 0xff {
			b = append(b, 0)
		}
	}
	return b
}

// blankPNG is an image of 16-bit RGBA zeros, with more chunks of text than anybody
// needs.
func blankPNG(width, height int, interlace byte, chunks int) []byte {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, 16, 6, 0, 0, interlace)

	var data bytes.Buffer
	z, _ := zlib.NewWriterLevel(&data, zlib.BestSpeed)
	const most = 128 << 20 // bytes of pixels
	zeros := make([]byte, 1<<16)
	for left := min(pngBytes(width, height, interlace), most); left > 0; left -= len(zeros) {
		_, _ = z.Write(zeros[:min(left, len(zeros))])
	}
	_ = z.Close()

	b := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", header)...)
	b = append(b, bytes.Repeat(pngChunk("tEXt", []byte("a\x00b")), chunks)...)
	b = append(b, pngChunk("IDAT", data.Bytes())...)
	return append(b, pngChunk("IEND", nil)...)
}

// pngBytes is how much data an image of 16-bit RGBA has before it is compressed.
func pngBytes(width, height int, interlace byte) (n int) {
	passes := [][4]int{{0, 0, 1, 1}} // x, y of the first pixel, distances to the next ones
	if interlace == 1 {
		passes = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	for _, p := range passes {
		columns, rows := (width-p[0]+p[2]-1)/p[2], (height-p[1]+p[3]-1)/p[3]
		if columns > 0 {
			n += rows * (8*columns + 1)
		}
	}
	return n
}

func pngChunk(kind string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = append(append(b, kind...), content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// manyFrames is a GIF of 3072×3072 pixels with 20,000 frames of one pixel each.
func manyFrames() []byte {
	b := append([]byte("GIF89a"), 0, 12, 0, 12, 0x80, 0, 0, 0, 0, 0, 255, 255, 255)
	frame := []byte{0x21, 0xf9, 4, 0, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0}
	return append(append(b, bytes.Repeat(frame, 20_000)...), 0x3b)
}
