package use

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"horde/internal/imaging"
)

// A photograph that its file says to turn is sent the right way up, whatever the
// horde makes of EXIF; any other file is sent as it is.
func TestSourceImagesAreSentTheRightWayUp(t *testing.T) {
	// Twice as wide as high, dark on the left.
	img := image.NewGray(image.Rect(0, 0, 128, 64))
	for y := range 64 {
		for x := 64; x < 128; x++ {
			img.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, img, nil); err != nil {
		t.Fatal(err)
	}

	// Orientation 6: to be turned clockwise, so that the left becomes the top.
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a" +
		"\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	turned := append(append([]byte("\xff\xd8"), exif...), plain.Bytes()[2:]...)

	sent := func(data []byte) []byte {
		t.Helper()
		path := filepath.Join(t.TempDir(), "photo.jpg")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}

		c := GenerateCmd{Prompt: "a fox", Init: path, Number: 1, Width: 512, Height: 512}
		request, err := c.request(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		raw, err := base64.StdEncoding.DecodeString(request.SourceImage)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}

	if got := sent(plain.Bytes()); !bytes.Equal(got, plain.Bytes()) {
		t.Error("a file without a turn is not sent as it is")
	}
	up, _, err := imaging.Decode(t.Context(), sent(turned), imaging.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	bright := func(x, y int) bool { r, _, _, _ := up.At(x, y).RGBA(); return r > 0x8000 }
	if up.Bounds().Dx() != 64 || up.Bounds().Dy() != 128 || bright(32, 16) || !bright(32, 112) {
		t.Errorf("it is sent as %v, with a bright top: %v, a bright foot: %v", up.Bounds(), bright(32, 16), bright(32, 112))
	}
}
