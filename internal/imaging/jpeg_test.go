package imaging

import (
	"bytes"
	"image"
	"image/jpeg"
)

// cmykJPEG is a JPEG of 48×32 with four ink channels and an Adobe marker, all
// of middle value. No encoder at hand writes one, so it is put together from the
// tables of a grey JPEG.
var cmykJPEG = makeCMYK()

func makeCMYK() []byte {
	var grey bytes.Buffer
	if err := jpeg.Encode(&grey, image.NewGray(image.Rect(0, 0, 48, 32)), nil); err != nil {
		panic(err)
	}

	out := []byte{0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
	for src := grey.Bytes()[2:]; src[1] != 0xda; {
		n := 2 + int(src[2])<<8 + int(src[3])
		if src[1] == 0xdb || src[1] == 0xc4 { // quantisation and Huffman tables
			out = append(out, src[:n]...)
		}
		src = src[n:]
	}

	out = append(out, 0xff, 0xc0, 0, 20, 8, 0, 32, 0, 48, 4)
	for id := range byte(4) {
		out = append(out, id+1, 0x11, 0)
	}

	out = append(out, 0xff, 0xda, 0, 14, 4)
	for id := range byte(4) {
		out = append(out, id+1, 0)
	}

	out = append(out, 0, 63, 0)
	// 24 units of 4 blocks, each "no difference, end of block": 00 1010.
	out = append(out, bytes.Repeat([]byte{0x28, 0xa2, 0x8a}, 24)...)
	return append(out, 0xff, 0xd9)
}
