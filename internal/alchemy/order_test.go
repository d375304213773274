package alchemy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/source"
)

// counted counts the images that are fetched through it.
type counted struct {
	source.Fetcher
	n int
}

func (c *counted) Fetch(ctx context.Context, url string) ([]byte, error) {
	c.n++
	return c.Fetcher.Fetch(ctx, url)
}

// TestRefusalsComeInOrder: of any two checks of generation §3.1 that a request
// fails at once the earlier one refuses it, and its source image is neither
// fetched nor read before all others were passed.
func TestRefusalsComeInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		fetched := &counted{Fetcher: sourceImages{}}
		n.Sources = fetched
		alice := n.person("alice", false)

		type row struct {
			name string
			code horde.Code
			fail func(*Request)
		}

		rows := []row{
			{"maintenance", horde.MaintenanceMode, func(*Request) { n.modes.Maintenance = true }},
			{"webhook", horde.BadRequest, func(a *Request) { a.Body.Webhook = "http://x.example" }},
			{"key", horde.InvalidAPIKey, func(a *Request) { a.Key = "nobody's" }},
			{"open forms", horde.TooManyPrompts, func(a *Request) {
				for len(a.Body.Forms) <= formsPerJob*alice.Concurrency {
					a.Body.Forms = append(a.Body.Forms, api.AlchemyForm{Name: horde.NewID()})
				}
			}},
			{"raid", horde.UntrustedUnsafeIP, func(a *Request) { n.modes.Raid, a.UnsafeIP = true, true }},
			{"NUL", horde.NulByteInPayload, func(a *Request) {
				a.RefuseNUL = func() error { return horde.Errorf(horde.NulByteInPayload, "There is one.") }
			}},
			{"payload", horde.BadRequest, func(a *Request) {
				a.Body.Forms[0].Payload = map[string]string{"x": strings.Repeat("y", maxPayload)}
			}},
			{"source image", horde.ImageValidationFailed, func(a *Request) { a.Body.SourceImage = "https://x.example/none" }},
		}

		accept := func(failed ...row) error {
			n.modes.Maintenance, n.modes.Raid = false, false
			body := api.AlchemyRequest{Forms: forms("caption"), SourceImage: "https://x.example/64x64"}
			a := Request{Key: alice.Key, Body: body}
			for _, r := range failed {
				r.fail(&a)
			}
			_, err := n.Accept(t.Context(), a)
			return err
		}
		if err := accept(); err != nil || fetched.n != 1 {
			t.Fatalf("what fails nothing: %v, %d fetches", err, fetched.n)
		}

		for i, first := range rows {
			alone := accept(first)
			if horde.CodeOf(alone) != first.code {
				t.Errorf("%s: %v, want %s", first.name, alone, first.code)
				continue
			}

			for _, second := range rows[i+1:] {
				before := fetched.n
				err := accept(first, second)
				if err == nil || err.Error() != alone.Error() {
					t.Errorf("%s and %s: %v, want %v", first.name, second.name, err, alone)
				}
				if fetched.n > before {
					t.Errorf("%s and %s: the source image was fetched", first.name, second.name)
				}
			}
		}
	})
}

// TestSourceImagesAreSeenAsMeant: what EXIF says of an image is applied before
// alchemists get it.
func TestSourceImagesAreSeenAsMeant(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 64, 32)) // its left half is white
	for y := range 32 {
		for x := range 64 {
			m.SetNRGBA(x, y, color.NRGBA{uint8(255 * (1 - x/32)), uint8(255 * (1 - x/32)), uint8(255 * (1 - x/32)), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	// An orientation of 8: counter-clockwise.
	const exif = "Exif\x00\x00II*\x00\x08\x00\x00\x00" +
		"\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(exif)))
	file := slices.Concat(b.Bytes()[:2], segment, []byte(exif), b.Bytes()[2:])

	each(t, func(t *testing.T, n *node) {
		id := n.ask(n.person("alice", false),
			api.AlchemyRequest{Forms: forms("caption"), SourceImage: base64.StdEncoding.EncodeToString(file)})
		r, _, err := n.Blobs.Get(t.Context(), id+".webp")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var stored bytes.Buffer
		if _, err := stored.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		img, _, err := imaging.Decode(t.Context(), stored.Bytes(), imaging.SourceLimits)
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, 32, 64) {
			t.Fatalf("%v, want 32×64", img.Bounds())
		}
		upper, lower := color.GrayModel.Convert(img.At(16, 16)).(color.Gray),
			color.GrayModel.Convert(img.At(16, 48)).(color.Gray)
		if upper.Y > 20 || lower.Y < 235 {
			t.Errorf("above %v, below %v; want black above white", upper, lower)
		}
	})
}
