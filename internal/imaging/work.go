package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// MaxWork is how much decoding an image may cost, in pixel visits: how often the decoder
// comes to a pixel. Most files take one visit for a pixel. A progressive JPEG takes one
// in each scan, of all the pixels of a scan's components: ten scans of a photograph of
// 3072×3072 pixels in full colour are 115 million. A million visits take some 2.5 ms.
const MaxWork = 400_000_000 // pixel visits

// workPerPixel is MaxWork for limits that allow more pixels than SourceLimits.
const workPerPixel = 40 // visits

const (
	blockPixels = 64 // of a JPEG, in a block of 8×8
	// chunkWork is what a chunk of a PNG costs that a decoder skips: it clears a buffer
	// of 4 KiB for each.
	chunkWork = 4096 // pixel visits
	// maxUnwalked is how many bytes of deflate are taken without a look at their blocks: they
	// cost some 70 ms at most.
	maxUnwalked = 128 << 10
	// maxInflation is how many bytes a byte of deflate can become at most.
	maxInflation = 1032
)

// cost is what decoding a file takes, as far as that can be seen before.
type cost struct {
	visits int64 // of pixels
	memory int64 // bytes that live at once, for decoding and for encoding the result again
}

// bytesPerPixel is what an image takes while it is decoded, turned or brought to sRGB,
// and encoded.
const bytesPerPixel = 12

// costOf estimates what decoding takes, from the structure of the file alone. A file
// that is too short for the pixels that it claims is ErrUnreadable, so that a few bytes
// get no memory.
func costOf(data []byte, h Header) (cost, error) {
	pixels := int64(h.Width) * int64(h.Height)
	c := cost{visits: pixels, memory: pixels * bytesPerPixel}

	var err error
	switch h.Format {
	case "jpeg":
		err = c.addJPEG(data)
	case "png":
		err = c.addPNG(data)
	case "bmp":
		err = checkBMP(data, h)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %s: %v", ErrUnreadable, h.Format, err)
	}
	return c, nil
}

// Markers of a JPEG's segments.
const (
	markerSOF0 = 0xc0 // baseline frame
	markerSOF2 = 0xc2 // progressive frame; between them the extended one
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerEOI  = 0xd9
	markerSOS  = 0xda
)

// jpegFrame is what a frame header says: how many blocks each component has, by its id.
type jpegFrame struct {
	progressive bool
	blocks      map[byte]int64
}

// parseFrame reads a frame header, nil when it is not one that decoders read.
func parseFrame(marker byte, content []byte) *jpegFrame {
	if len(content) < 6 {
		return nil
	}
	height, width := int64(binary.BigEndian.Uint16(content[1:])), int64(binary.BigEndian.Uint16(content[3:]))
	components := content[6:]
	if count := int(content[5]); count == 0 || len(components) < 3*count {
		return nil
	}

	// A decoder visits whole groups of blocks, whose size is that of the first component;
	// no component has more than 4×4 blocks in a group.
	across, down := int64(components[1]>>4), int64(components[1]&15)
	if across == 0 || down == 0 {
		return nil
	}
	if content[5] == 1 { // alone, it has one block in a group
		across, down = 1, 1
	}
	groups := ((width + 8*across - 1) / (8 * across)) * ((height + 8*down - 1) / (8 * down))

	f := &jpegFrame{progressive: marker == markerSOF2, blocks: map[byte]int64{}}
	for c := components; len(c) >= 3 && len(f.blocks) < int(content[5]); c = c[3:] {
		each := int64(c[1]>>4) * int64(c[1]&15)
		if content[5] == 1 {
			each = 1
		}
		f.blocks[c[0]] = groups * each
	}
	return f
}

// scanned is how many blocks a scan visits.
func (f *jpegFrame) scanned(content []byte) (blocks int64) {
	if len(content) == 0 {
		return 0
	}
	for c := content[1:]; len(c) >= 2 && len(c) >= len(content)-2*int(content[0]); c = c[2:] {
		blocks += f.blocks[c[0]]
	}
	return blocks
}

// addJPEG counts what scans visit. It walks the markers as decoders do, and leaves
// what is damaged to them: they stop there.
func (c *cost) addJPEG(data []byte) error {
	var frame *jpegFrame
	var blocks int64
	for at := 2; ; {
		marker, content, next := nextSegment(data, at)
		if next < 0 {
			break
		}
		at = next

		switch {
		case marker >= markerSOF0 && marker <= markerSOF2 && frame == nil:
			frame = parseFrame(marker, content)
		case marker == markerSOS && frame != nil:
			blocks += frame.scanned(content)
		}
	}
	if frame == nil {
		return nil
	}

	c.visits += blocks * blockPixels
	if frame.progressive { // coefficients of all blocks are kept until the end, 4 bytes each
		for _, n := range frame.blocks {
			c.memory += 4 * blockPixels * n
		}
		return nil
	}
	if blocks > 8*int64(len(data)) { // each takes a bit and more
		return fmt.Errorf("%d bytes cannot hold %d blocks", len(data), blocks)
	}
	return nil
}

// nextSegment finds the segment of a JPEG at or behind a position, skipping what
// belongs to none, the data of scans among it. next is where it ends, -1 where there is
// none any more.
func nextSegment(data []byte, at int) (marker byte, content []byte, next int) {
	for {
		skip := bytes.IndexByte(data[min(at, len(data)):], 0xff)
		if skip < 0 || at+skip+4 > len(data) {
			return 0, nil, -1
		}

		at += skip + 1
		switch marker = data[at]; {
		case marker == 0xff:
			continue // filler; what follows may be the marker
		case marker == 0 || marker >= markerRST0 && marker <= markerRST7:
			at++
			continue
		case marker == markerEOI || at+3 > len(data):
			return 0, nil, -1
		}

		size := int(binary.BigEndian.Uint16(data[at+1:]))
		if size < 2 || at+1+size > len(data) {
			return 0, nil, -1
		}
		return marker, data[at+3 : at+1+size], at + 1 + size
	}
}

// addPNG counts bytes of pixels, passes and chunks.
func (c *cost) addPNG(data []byte) error {
	if len(data) < 33 {
		return errShortPNG
	}
	width, height := int64(binary.BigEndian.Uint32(data[16:])), int64(binary.BigEndian.Uint32(data[20:]))
	depth, colourType, interlaced := int64(data[24]), data[25], data[28] != 0
	bits := depth * channels(colourType)
	raw := (width*bits + 7) / 8 * height

	var deflated, chunks int64
	var pieces [][]byte
	for name, content := range pngChunks(data) {
		chunks++
		if name == "IDAT" {
			deflated += int64(len(content))
			pieces = append(pieces, content)
		}
	}
	if raw/maxInflation > deflated {
		return errShortPNG
	}

	// Filters touch each byte, interlacing each pixel once more.
	c.visits += raw + chunks*chunkWork
	c.memory += raw
	if deflated > maxUnwalked {
		c.visits += deflateWork(pieces, max(MaxWork, workPerPixel*width*height))
	}
	if interlaced {
		c.visits += width * height
		c.memory += raw
	}
	return nil
}

var errShortPNG = fmt.Errorf("it has too few bytes for its pixels")

// channels of a colour type of PNG, as they lie in the file.
func channels(colourType byte) int64 {
	switch colourType {
	case 2: // RGB
		return 3
	case pngGreyAlpha:
		return 2
	case pngRGBAlpha:
		return 4
	}
	return 1 // grey, palette
}

// checkBMP compares the size of a BMP, which is not compressed, with its pixels.
func checkBMP(data []byte, h Header) error {
	if len(data) < 30 {
		return fmt.Errorf("%d bytes are no header", len(data))
	}
	start, bits := int64(binary.LittleEndian.Uint32(data[10:])), int64(binary.LittleEndian.Uint16(data[28:]))
	row := (int64(h.Width)*bits + 31) / 32 * 4
	if need := start + row*int64(h.Height); int64(len(data)) < need {
		return fmt.Errorf("it has %d bytes of %d", len(data), need)
	}
	return nil
}
