package imaging

import "image"

// fromVideo gives the colours of a lossy WebP. Its values are those of video: black
// is 16 and white 235 (BT.601), while the types of Go that the decoder puts them
// into are JPEG's, of 0 to 255: read as such, an image turns paler each time that
// it is decoded. Other images are returned as they are.
func fromVideo(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.YCbCr:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return videoColours(m, nil)
		}
	case *image.NYCbCrA:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return videoColours(&m.YCbCr, m)
		}
	}
	return img
}

// videoColours converts to straight colours; alpha is nil for an opaque image. A
// colour difference is that of two pixels in each direction: WebP has no other.
func videoColours(m *image.YCbCr, alpha *image.NYCbCrA) *image.NRGBA {
	b := m.Bounds()
	out := image.NewNRGBA(image.Rectangle{Max: b.Size()})
	for y := range b.Dy() {
		luma := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:b.Dx()]
		at := m.COffset(b.Min.X, b.Min.Y+y)
		cb, cr := m.Cb[at:], m.Cr[at:]
		row := out.Pix[y*out.Stride:][:4*b.Dx()]

		for x, v := range luma {
			to := row[4*x : 4*x+4 : 4*x+4]
			to[0], to[1], to[2] = videoColour(v, cb[x/2], cr[x/2])
			to[3] = 255
		}

		if alpha != nil {
			for x, a := range alpha.A[alpha.AOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
				row[4*x+3] = a
			}
		}
	}
	return out
}

// videoColour converts one colour. The factors of BT.601 have 16 bits behind the
// point.
func videoColour(y, cb, cr uint8) (r, g, b uint8) {
	const (
		luma      = 76309  // 255/219
		redByCr   = 104597 // 1.596
		greenByCb = -25675 // −0.392
		greenByCr = -53279 // −0.813
		blueByCb  = 132201 // 2.017
		half      = 1 << 15
	)
	l, u, v := luma*(int32(y)-16)+half, int32(cb)-128, int32(cr)-128
	return clamped(l + redByCr*v), clamped(l + greenByCb*u + greenByCr*v), clamped(l + blueByCb*u)
}

func clamped(fixed int32) uint8 { return uint8(min(max(fixed>>16, 0), 255)) }
