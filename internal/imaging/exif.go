package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation says how the rows and columns of a file lie in the image that is
// meant, by the numbers of EXIF: 1 as they are, 2–8 mirrored or turned.
type orientation uint8

const upright orientation = 1

// swapsSides reports whether columns of the file are rows of the image.
func (o orientation) swapsSides() bool { return o >= 5 }

// Of EXIF, a TIFF file without pixels.
const (
	exifPrefix     = "Exif\x00\x00" // before it in JPEG, and in WebP files of some programs
	tagOrientation = 0x0112
	typeShort      = 3  // 2 bytes
	typeLong       = 4  // 4 bytes
	ifdEntrySize   = 12 // bytes
)

// orientationIn reads the orientation out of an EXIF block. What is damaged or
// says nothing is upright: browsers show such a file too. It reads each entry
// of the first directory at most once.
func orientationIn(exif []byte) orientation {
	exif = bytes.TrimPrefix(exif, []byte(exifPrefix))
	if len(exif) < 8 {
		return upright
	}

	var order binary.ByteOrder
	switch string(exif[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}

	// Offsets are of 32 bits: compare them before they are used as ints.
	at := order.Uint32(exif[4:])
	if uint64(at)+2 > uint64(len(exif)) {
		return upright
	}
	directory := exif[at:]
	entries := directory[2:]
	for range order.Uint16(directory) {
		if len(entries) < ifdEntrySize {
			return upright
		}
		if order.Uint16(entries) == tagOrientation {
			return orientationOf(entries, order)
		}
		entries = entries[ifdEntrySize:]
	}
	return upright
}

// orientationOf reads the value of a directory entry.
func orientationOf(entry []byte, order binary.ByteOrder) orientation {
	var v uint32
	switch order.Uint16(entry[2:]) {
	case typeShort:
		v = uint32(order.Uint16(entry[8:]))
	case typeLong:
		v = order.Uint32(entry[8:])
	}
	if v < 1 || v > 8 {
		return upright
	}
	return orientation(v)
}

// turned returns an image the right way up.
func turned(img image.Image, o orientation) image.Image {
	if o <= upright {
		return img
	}

	size := img.Bounds().Size()
	if o.swapsSides() {
		size.X, size.Y = size.Y, size.X
	}
	to := image.Rectangle{Max: size}

	switch m := img.(type) {
	case *image.Gray:
		out := image.NewGray(to)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 1, o)
		return out
	case *image.Gray16:
		out := image.NewGray16(to)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 2, o)
		return out
	case *image.Paletted:
		out := image.NewPaletted(to, m.Palette)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 1, o)
		return out
	case *image.NRGBA64:
		out := image.NewNRGBA64(to)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 8, o)
		return out
	case *image.RGBA64:
		out := image.NewRGBA64(to)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 8, o)
		return out
	case *image.CMYK:
		out := image.NewCMYK(to)
		turnPixels(out.Pix, m.Pix, m.Stride, m.Rect.Size(), 4, o)
		return out
	}

	from, out := straightColours(img), image.NewNRGBA(to)
	turnPixels(out.Pix, from.Pix, from.Stride, from.Rect.Size(), 4, o)
	return out
}

// turnPixels copies the pixels of an image of the given size, of n bytes each,
// into dst, whose rows follow each other without a gap.
func turnPixels(dst, src []byte, stride int, size image.Point, n int, o orientation) {
	// Where the first pixel of the result lies in src, and how far it is from
	// there to the next one in its row and in its column.
	right, down := n, stride
	first := 0
	if o == 2 || o == 3 || o == 7 || o == 8 { // mirrored left to right
		first += (size.X - 1) * n
		right = -n
	}
	if o == 3 || o == 4 || o == 6 || o == 7 { // mirrored top to bottom
		first += (size.Y - 1) * stride
		down = -stride
	}
	if o.swapsSides() {
		size.X, size.Y = size.Y, size.X
		right, down = down, right
	}

	for y := range size.Y {
		at := first + y*down
		row := dst[y*size.X*n:][:size.X*n]
		for len(row) > 0 {
			copy(row[:n], src[at:at+n])
			row, at = row[n:], at+right
		}
	}
}
