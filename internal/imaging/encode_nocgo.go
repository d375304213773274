//go:build !cgo

package imaging

import (
	"bytes"
	"image"

	"github.com/HugoSmits86/nativewebp"
)

// FreeLargeBlocks has nothing to do in a build without libwebp.
func FreeLargeBlocks() {}

// Lossy reports whether EncodeWebP honours its quality: this build has no libwebp.
const Lossy = false

func encodeOpaque(m *image.RGBA, _ float32) ([]byte, error) {
	return encodeLossless(m)
}

func encodeAlpha(m *image.NRGBA, _ float32) ([]byte, error) {
	return encodeLossless(m)
}

func encodeLossless(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := nativewebp.Encode(&b, m, nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
