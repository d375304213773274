package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
)

// webpInfo is what the container of a WebP file says, read without decoding a pixel.
type webpInfo struct {
	width, height int // of the canvas
	alpha         bool
	animated      bool
	margin        bool        // the first frame of an animation leaves part of the canvas free
	at            image.Point // where the first frame of an animation lies
	still         []byte      // a file of one frame: the whole file, or the first frame
}

var errWebP = errors.New("not a complete WebP file")

// VP8X flags.
const (
	webpAnimation = 1 << 1
	webpAlpha     = 1 << 4
)

// chunk is one RIFF chunk; rest is what follows it.
type chunk struct {
	id         string
	data, rest []byte
}

// nextChunk cuts the first chunk off data; ok is false at the end or when the
// chunk is cut short.
func nextChunk(data []byte) (c chunk, ok bool) {
	if len(data) < 8 {
		return chunk{}, false
	}
	n := int64(binary.LittleEndian.Uint32(data[4:8]))
	if n > int64(len(data)-8) {
		return chunk{}, false
	}

	end := 8 + n
	c = chunk{id: string(data[:4]), data: data[8:end]}
	c.rest = data[min(end+n&1, int64(len(data))):]
	return c, true
}

// parseWebP walks the chunks of a file. Sizes are those of the frame that will
// be decoded and of the canvas, which must hold it: a small canvas around a
// huge frame is rejected here.
func parseWebP(data []byte) (webpInfo, error) {
	if !IsWebP(data) {
		return webpInfo{}, errWebP
	}

	// Some encoders leave bytes behind the size that RIFF gives; a size beyond
	// the end means that the file was cut.
	size := int64(binary.LittleEndian.Uint32(data[4:8])) + 8
	if size < 20 || size > int64(len(data))+1 {
		return webpInfo{}, fmt.Errorf("%w: %d of %d bytes", errWebP, len(data), size)
	}

	body := data[12:min(size, int64(len(data)))]
	c, ok := nextChunk(body)
	if !ok {
		return webpInfo{}, errWebP
	}

	if c.id != "VP8X" {
		w, h, alpha, err := frameSize(c)
		return webpInfo{width: w, height: h, alpha: alpha, still: data}, err
	}

	if len(c.data) != 10 {
		return webpInfo{}, errWebP
	}

	info := webpInfo{
		width:    uint24(c.data[4:]) + 1,
		height:   uint24(c.data[7:]) + 1,
		alpha:    c.data[0]&webpAlpha != 0,
		animated: c.data[0]&webpAnimation != 0,
		still:    data,
	}

	if info.animated {
		return info, info.firstFrame(c.rest)
	}
	return info, info.checkFrame(c.rest, info.width, info.height)
}

// checkFrame finds the image among chunks and compares its size.
func (w *webpInfo) checkFrame(chunks []byte, width, height int) error {
	for c, ok := nextChunk(chunks); ok; c, ok = nextChunk(c.rest) {
		if c.id != "VP8 " && c.id != "VP8L" {
			continue
		}

		fw, fh, _, err := frameSize(c)
		if err == nil && (fw != width || fh != height) {
			err = fmt.Errorf("a frame of %d×%d in place of %d×%d", fw, fh, width, height)
		}
		return err
	}
	return errWebP
}

// firstFrame makes a still file of the first ANMF chunk (a frame).
func (w *webpInfo) firstFrame(chunks []byte) error {
	for c, ok := nextChunk(chunks); ok; c, ok = nextChunk(c.rest) {
		if c.id != "ANMF" {
			continue
		}

		if len(c.data) < 16 {
			return errWebP
		}

		w.at = image.Pt(2*uint24(c.data[0:]), 2*uint24(c.data[3:]))
		fw, fh := uint24(c.data[6:])+1, uint24(c.data[9:])+1
		if w.at.X+fw > w.width || w.at.Y+fh > w.height {
			return errors.New("the first frame lies beyond the canvas")
		}
		w.margin = fw != w.width || fh != w.height

		frame := c.data[16:]
		if err := w.checkFrame(frame, fw, fh); err != nil {
			return err
		}

		// Rebuild the frame as a file of its own, with a header if it has alpha.
		first, _ := nextChunk(frame)
		var flags byte
		if first.id == "ALPH" {
			flags = webpAlpha
		}
		head := vp8x(fw, fh, flags)
		w.still = riffWebP(head, frame)
		return nil
	}
	return errWebP
}

// frameSize reads the size of a VP8 or VP8L chunk.
func frameSize(c chunk) (width, height int, alpha bool, err error) {
	switch {
	case c.id == "VP8 " && len(c.data) >= 10 && string(c.data[3:6]) == "\x9d\x01\x2a":
		width = int(binary.LittleEndian.Uint16(c.data[6:])) & 0x3fff
		height = int(binary.LittleEndian.Uint16(c.data[8:])) & 0x3fff
	case c.id == "VP8L" && len(c.data) >= 5 && c.data[0] == 0x2f:
		bits := binary.LittleEndian.Uint32(c.data[1:])
		width, height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
		alpha = bits>>28&1 != 0
	default:
		return 0, 0, false, errWebP
	}
	return width, height, alpha, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// vp8x returns the chunk that announces a canvas.
func vp8x(width, height int, flags byte) []byte {
	b := []byte("VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	b[8] = flags
	w, h := width-1, height-1
	b[12], b[13], b[14] = byte(w), byte(w>>8), byte(w>>16)
	b[15], b[16], b[17] = byte(h), byte(h>>8), byte(h>>16)
	return b
}

// riffWebP wraps whole chunks into a file.
func riffWebP(chunks ...[]byte) []byte {
	n := 4
	for _, c := range chunks {
		n += len(c)
	}

	out := make([]byte, 0, n+8)
	out = append(out, "RIFF"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(n))
	out = append(out, "WEBP"...)

	for _, c := range chunks {
		out = append(out, c...)
	}
	return out
}
