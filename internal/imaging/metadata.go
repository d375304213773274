package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"iter"
)

// maxProfile is the size in bytes of the largest ICC profile that is examined. Those that
// are understood (matrix and curves) have a few kilobytes.
const maxProfile = 1 << 20

// jpegSegments yields the segments before the pixels with their markers. Like
// decoders it skips bytes between segments.
func jpegSegments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		const startOfScan, endOfImage = 0xda, 0xd9
		for rest := data[2:]; ; {
			at := bytes.IndexByte(rest, 0xff)
			if at < 0 || len(rest) < at+4 {
				return
			}
			marker := rest[at+1]
			switch {
			case marker == startOfScan || marker == endOfImage:
				return
			case marker == 0xff, marker <= 0x01, marker >= 0xd0 && marker <= 0xd8: // padding, or no content
				rest = rest[at+1:]
				continue
			}

			rest = rest[at+2:]
			n := int(binary.BigEndian.Uint16(rest))
			if n < 2 || n > len(rest) || !yield(marker, rest[2:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// Markers of the segments that carry EXIF and ICC profiles.
const (
	app1 = 0xe1
	app2 = 0xe2
)

func jpegOrientation(data []byte) orientation {
	for marker, content := range jpegSegments(data) {
		if marker == app1 && bytes.HasPrefix(content, []byte(exifPrefix)) {
			return orientationIn(content)
		}
	}
	return upright
}

// jpegProfile puts an ICC profile together, which may be spread over up to 255
// segments; nil when there is none or a part is missing.
func jpegProfile(data []byte) []byte {
	const prefix = "ICC_PROFILE\x00"

	var parts [256][]byte // by number, from 1
	count, size := 0, 0
	for marker, content := range jpegSegments(data) {
		if marker != app2 || len(content) < len(prefix)+2 || string(content[:len(prefix)]) != prefix {
			continue
		}

		number, of := content[len(prefix)], int(content[len(prefix)+1])
		if count == 0 {
			count = of
		}
		if of != count || parts[number] != nil {
			return nil
		}
		parts[number] = content[len(prefix)+2:]
		size += len(parts[number])
	}
	if count == 0 || size > maxProfile {
		return nil
	}

	profile := make([]byte, 0, size)
	for _, part := range parts[1 : count+1] {
		if part == nil {
			return nil
		}
		profile = append(profile, part...)
	}
	return profile
}

// pngChunks yields the chunks of a PNG up to its end.
func pngChunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		const around = 12 // bytes of a chunk beside its content: length, name, checksum
		for rest := data[min(8, len(data)):]; len(rest) >= around; {
			n := uint64(binary.BigEndian.Uint32(rest))
			if n > uint64(len(rest)-around) {
				return
			}
			name := string(rest[4:8])
			if name == "IEND" || !yield(name, rest[8:8+n]) {
				return
			}
			rest = rest[around+n:]
		}
	}
}

// Colour types of PNG that have one channel of grey, and an alpha channel.
const (
	pngGrey      = 0
	pngGreyAlpha = 4
	pngRGBAlpha  = 6
)

// pngColourType is byte 25 of the file.
func pngColourType(data []byte) byte {
	if len(data) < 26 {
		return 0
	}
	return data[25]
}

// pngMetadata reports an alpha channel, which a chunk of its own can add to
// palettes, greys and colours, and the orientation by EXIF, which may follow the pixels.
func pngMetadata(data []byte) (alpha bool, turn orientation) {
	colourType := pngColourType(data)
	alpha, turn = colourType == pngGreyAlpha || colourType == pngRGBAlpha, upright

	for name, content := range pngChunks(data) {
		switch name {
		case "tRNS":
			alpha = true
		case "eXIf":
			return alpha, orientationIn(content)
		}
	}
	return alpha, turn
}

// pngProfile inflates the profile in an iCCP chunk; nil when it is damaged or
// larger than maxProfile.
func pngProfile(content []byte) []byte {
	name, rest, ok := bytes.Cut(content, []byte{0})
	if !ok || len(name) > 79 || len(rest) < 1 || rest[0] != 0 { // 0: the only method of compression
		return nil
	}

	z, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil || len(profile) > maxProfile {
		return nil
	}
	return profile
}

// webpChunk finds a chunk of an extended WebP file; nil when there is none.
func webpChunk(data []byte, id string) []byte {
	if !IsWebP(data) || string(data[12:16]) != "VP8X" {
		return nil
	}
	size := uint64(binary.LittleEndian.Uint32(data[4:])) + 8 // what follows is not part of the file
	if size < 12 {
		return nil
	}

	body := data[12:min(size, uint64(len(data)))]
	for c, ok := nextChunk(body); ok; c, ok = nextChunk(c.rest) {
		if c.id == id {
			return c.data
		}
	}
	return nil
}

// gifAlpha reports whether the first frame of a GIF has a transparent colour or
// leaves a part of its canvas free.
func gifAlpha(data []byte) bool {
	const screen, descriptor = 13, 10 // bytes: header with the canvas, start of a frame
	if len(data) < screen {
		return false
	}

	width, height := binary.LittleEndian.Uint16(data[6:]), binary.LittleEndian.Uint16(data[8:])
	rest := data[screen:]
	if flags := data[10]; flags&0x80 != 0 { // a palette for all frames
		rest = rest[min(3<<(flags&7+1), len(rest)):]
	}

	transparent := false
	for len(rest) >= descriptor {
		switch {
		case rest[0] == ',':
			at := binary.LittleEndian.Uint32(rest[1:])
			w, h := binary.LittleEndian.Uint16(rest[5:]), binary.LittleEndian.Uint16(rest[7:])
			return transparent || at != 0 || w != width || h != height
		case rest[0] != '!':
			return transparent
		}
		if rest[1] == 0xf9 && rest[2] == 4 { // how the next frame is drawn
			transparent = rest[3]&1 != 0
		}

		for rest = rest[2:]; len(rest) > 0 && rest[0] != 0; {
			rest = rest[min(1+int(rest[0]), len(rest)):]
		}
		rest = rest[min(1, len(rest)):]
	}
	return transparent
}
