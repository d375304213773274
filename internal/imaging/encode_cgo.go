//go:build cgo

package imaging

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void give_large_blocks_back(void) { mallopt(M_MMAP_THRESHOLD, 1 << 20); }
#else
static void give_large_blocks_back(void) {}
#endif
*/
import "C"

import (
	"errors"
	"image"

	"github.com/chai2010/webp"
)

// FreeLargeBlocks has the C library of the whole process give memory back at once that
// libwebp has freed. By itself it keeps blocks of up to 32 MiB, for each of its threads:
// some 100 MB after a few large images, which count towards the limit of the process. It
// is for processes that generate no images: what ONNX Runtime frees it soon needs again.
func FreeLargeBlocks() { C.give_large_blocks_back() }

// Lossy reports whether EncodeWebP honours its quality: this build has libwebp.
const Lossy = true

func encodeOpaque(m *image.RGBA, quality float32) ([]byte, error) {
	return webp.EncodeRGBA(m, quality)
}

// encodeAlpha keeps the colours under transparent pixels. libwebp's simple
// interface flattens them, so the image is encoded in two parts, colours
// without alpha and alpha without colours, and the file is put together from
// the chunks of both.
func encodeAlpha(m *image.NRGBA, quality float32) ([]byte, error) {
	b := m.Bounds()
	part := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))

	// Encode the colours, all opaque.
	for y := range b.Dy() {
		from, to := m.Pix[y*m.Stride:], part.Pix[y*part.Stride:(y+1)*part.Stride]
		copy(to, from[:len(to)])
		for x := 3; x < len(to); x += 4 {
			to[x] = 255
		}
	}
	colours, err := webp.EncodeRGBA(part, quality)
	if err != nil {
		return nil, err
	}

	// Encode the alpha channel of a black image.
	for y := range b.Dy() {
		from, to := m.Pix[y*m.Stride:], part.Pix[y*part.Stride:(y+1)*part.Stride]
		for x := 0; x < len(to); x += 4 {
			to[x], to[x+1], to[x+2], to[x+3] = 0, 0, 0, from[x+3]
		}
	}

	alpha, err := webp.EncodeRGBA(part, 0)
	if err != nil {
		return nil, err
	}

	return join(b.Dx(), b.Dy(), alpha, colours)
}

// join combines the ALPH chunk of one file and the VP8 chunk of another.
func join(width, height int, alpha, colours []byte) ([]byte, error) {
	a, v := findChunk(alpha, "ALPH"), findChunk(colours, "VP8 ")
	if a == nil || v == nil {
		return nil, errors.New("libwebp wrote no alpha or no image")
	}
	return riffWebP(vp8x(width, height, webpAlpha), a, v), nil
}

// findChunk returns a chunk with its header and padding, nil when absent.
func findChunk(file []byte, id string) []byte {
	body := file[12:]
	for c, ok := nextChunk(body); ok; c, ok = nextChunk(body) {
		if c.id == id {
			return body[:len(body)-len(c.rest)]
		}
		body = c.rest
	}
	return nil
}
