package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/imaging"
	"horde/internal/store/storetest"
)

// lying is an EXIF block that says: turn it by 90° clockwise.
const lying = "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"

// halves is an image of two halves, side by side in its file. In Display P3 the
// left one is sRGB's red.
func halves() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 64 {
			c := color.NRGBA{234, 51, 35, 255}
			if x >= 32 {
				c = color.NRGBA{0, 0, 0, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func pngBytes(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withChunk puts a chunk between the header and the pixels of a PNG.
func withChunk(file []byte, id, content string) []byte {
	return slices.Concat(file[:33], chunkOf(id, []byte(content)), file[33:])
}

// lyingJPEG and lyingPNG are halves as a phone stores them: on their side. The
// colours of the PNG are those of Display P3.
func lyingJPEG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, halves(), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+6+len(lying)))
	return slices.Concat(b.Bytes()[:2], segment, []byte("Exif\x00\x00"+lying), b.Bytes()[2:])
}

func lyingPNG(t testing.TB) []byte {
	t.Helper()
	return withChunk(withChunk(pngBytes(t, halves()), "eXIf", lying), "cICP", "\x0c\x0d\x00\x01")
}

func lyingWebP(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := imaging.EncodeWebP(t.Context(), &b, halves(), 95); err != nil {
		t.Fatal(err)
	}
	exif := append(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(lying))), lying...)
	head := "VP8X\x0a\x00\x00\x00\x08\x00\x00\x00\x3f\x00\x00\x1f\x00\x00"
	out := slices.Concat([]byte("RIFF\x00\x00\x00\x00WEBP"+head), b.Bytes()[12:], exif)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// stored reads an image as a worker gets it.
func (n *node) stored(t testing.TB, name string) image.Image {
	t.Helper()
	r, _, err := n.Blobs.Get(context.Background(), name)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("EXIF")) {
		t.Errorf("%s still has EXIF", name)
	}
	img, _, err := imaging.Decode(t.Context(), b.Bytes(), imaging.SourceLimits)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// wantUpright expects the halves of an image above each other, the upper one of a
// colour.
func wantUpright(t testing.TB, what string, img image.Image, upper color.NRGBA) {
	t.Helper()
	if img.Bounds() != image.Rect(0, 0, 32, 64) {
		t.Errorf("%s is %v, want 32×64", what, img.Bounds().Size())
		return
	}
	differ := func(a, b uint8) bool { return max(a, b)-min(a, b) > 24 } // it was encoded with loss
	for y, want := range map[int]color.NRGBA{16: upper, 48: {0, 0, 0, 255}} {
		got := color.NRGBAModel.Convert(img.At(16, y)).(color.NRGBA)
		if differ(got.R, want.R) || differ(got.G, want.G) || differ(got.B, want.B) {
			t.Errorf("%s at %d: %v, want %v", what, y, got, want)
		}
	}
}

// TestSourceImagesAreSeenAsMeant: what EXIF and colour profile say of the pixels of
// source image, mask and extra source images is applied before workers get them,
// sent in base64 or by address.
func TestSourceImagesAreSeenAsMeant(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		n.Sources = &fetches{file: lyingPNG(t)}
		who := n.person(t, true, 1000)
		plain, red := color.NRGBA{234, 51, 35, 255}, color.NRGBA{255, 0, 0, 255}
		inline := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

		a := ask(who, 1)
		a.Body.SourceImage, a.Body.SourceMask, a.Body.SourceProcessing = inline(lyingJPEG(t)), inline(lyingPNG(t)),
			"inpainting"
		r := n.record(t, n.accept(t, a))
		wantUpright(t, "source image, a JPEG", n.stored(t, r.Source), plain)
		wantUpright(t, "mask, a PNG", n.stored(t, r.Mask), red)

		a = ask(who, 1)
		a.Body.SourceImage = anySource
		r = n.record(t, n.accept(t, a))
		wantUpright(t, "source image by address", n.stored(t, r.Source), red)

		a = ask(who, 1)
		a.Body.Models = &[]string{} // any: remix is refused only for those that cannot
		a.Body.SourceImage, a.Body.SourceProcessing = inline(lyingWebP(t)), "remix"
		a.Body.ExtraSourceImages = []api.ExtraSource{{Image: inline(lyingWebP(t))}, {Image: anySource}}
		r = n.record(t, n.accept(t, a))
		wantUpright(t, "source image, a WebP", n.stored(t, r.Source), plain)
		wantUpright(t, "extra source image, a WebP", n.stored(t, r.Extra[0].Blob), plain)
		wantUpright(t, "extra source image by address", n.stored(t, r.Extra[1].Blob), red)
	})
}

// TestResultsAreSeenAsMeant: the same holds for what workers send in base64.
func TestResultsAreSeenAsMeant(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		who, worker := n.person(t, false, 1000), n.person(t, true, 0)
		n.accept(t, ask(who, 1))
		job := n.take(t, worker, pop("w"))
		_, err := n.Submit(context.Background(), worker.Key,
			api.ImageSubmit{ID: *job.ID, Generation: base64.StdEncoding.EncodeToString(lyingJPEG(t)), State: "ok", Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		wantUpright(t, "result", n.stored(t, resultName(*job.ID)), color.NRGBA{234, 51, 35, 255})
	})
}

// TestAnyAlphaIsAMask: an image that can be transparent serves for inpainting
// without a mask, in whatever way its format says so (generation §1.6).
func TestAnyAlphaIsAMask(t *testing.T) {
	t.Parallel()
	clear := halves()
	for i := 3; i < len(clear.Pix)/2; i += 4 {
		clear.Pix[i] = 0
	}

	full := image.NewRGBA(clear.Rect)
	for i := range full.Pix {
		full.Pix[i] = 255
	}

	palette := image.NewPaletted(clear.Rect, color.Palette{color.NRGBA{9, 9, 9, 255}, color.NRGBA{200, 0, 0, 0}})
	for i := range palette.Pix[:64*16] {
		palette.Pix[i] = 1
	}

	opaque := image.NewPaletted(clear.Rect, color.Palette{color.Black, color.White})
	var webp, gifFile, plainGIF bytes.Buffer
	if err := imaging.EncodeWebP(t.Context(), &webp, clear, 80); err != nil {
		t.Fatal(err)
	}

	forGIF := image.NewPaletted(clear.Rect, color.Palette{color.Black, color.Transparent})
	copy(forGIF.Pix, palette.Pix)

	for b, m := range map[*bytes.Buffer]image.Image{&gifFile: forGIF, &plainGIF: opaque} {
		if err := gif.Encode(b, m, nil); err != nil {
			t.Fatal(err)
		}
	}

	const refused = "InpaintingMissingMask"
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		who := n.person(t, false, 1000)
		for _, c := range []struct {
			name string
			file []byte
			code horde.Code
		}{
			{"PNG, four bands", pngBytes(t, clear), ""},
			{"PNG, a palette with alpha", pngBytes(t, palette), ""},
			{"PNG, grey with alpha", greyAlpha(t), ""},
			{"PNG, colours of which one is transparent", withChunk(pngBytes(t, full), "tRNS", "\x00\xff\x00\xff\x00\xff"), ""},
			{"WebP with alpha", webp.Bytes(), ""},
			{"GIF with a transparent colour", gifFile.Bytes(), ""},
			{"PNG, three bands", pngBytes(t, full), refused},
			{"PNG, a palette", pngBytes(t, opaque), refused},
			{"PNG, grey", pngBytes(t, image.NewGray(clear.Rect)), refused},
			{"GIF", plainGIF.Bytes(), refused},
			{"JPEG", lyingJPEG(t), refused},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := ask(who, 1)
				a.Body.SourceImage, a.Body.SourceProcessing = base64.StdEncoding.EncodeToString(c.file), "inpainting"
				answer, err := n.Accept(context.Background(), a)
				if c.code != "" {
					wantCode(t, c.name, err, c.code)
					return
				}
				if err != nil {
					t.Fatal(err)
				}

				img := n.stored(t, n.record(t, answer.Accepted.ID).Source)
				if o, ok := img.(interface{ Opaque() bool }); !ok || o.Opaque() {
					t.Error("the worker gets no transparent part")
				}
			})
		}
	})
}

// greyAlpha is a PNG of two channels.
func greyAlpha(t testing.TB) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for i := range m.Pix {
		m.Pix[i] = uint8(4 * i)
	}
	file := pngBytes(t, m)
	if file[25] != 6 {
		t.Fatal("the encoder wrote no alpha")
	}
	// Twice as many pixels of half as many bands are the same bytes.
	head := bytes.Clone(file[16:29])
	binary.BigEndian.PutUint32(head, 8)
	head[9] = 4
	return slices.Concat(file[:8], chunkOf("IHDR", head), file[33:])
}

func chunkOf(id string, content []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	chunk = append(append(chunk, id...), content...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// TestWhoCannotPayCostsNoFetch: what an account cannot pay upfront, or its shared key
// does not allow, is refused before a source image is fetched, read or stored;
// nothing but a request that passes costs a fetch.
func TestWhoCannotPayCostsNoFetch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		n := newNode(t, db, hordetest.NewClock())
		fetched := &fetches{file: pngBytes(t, halves())}
		n.Sources = fetched
		poor, rich := n.person(t, false, 26), n.person(t, false, 100_000)
		spent := n.key(t, rich, account.SharedKeyChange{Kudos: ptr(int64(5))})

		narrow := n.key(t, rich, account.SharedKeyChange{Kudos: ptr(int64(-1)), MaxSteps: ptr(int64(1))})
		for _, c := range []struct {
			key  string
			code horde.Code
		}{{poor.Key, horde.KudosUpfront}, {spent, horde.SharedKeyInsufficientKudos}, {narrow, horde.BadRequest},
			{"nobody's", horde.InvalidAPIKey}} {
			for what, source := range map[string]string{"by address": anySource, "that is not there": noSource,
				"that is none": "no image"} {
				a := dearAsk(hordetest.Person{Key: c.key})
				a.Body.SourceImage, a.Body.SourceMask = source, anySource
				_, err := n.Accept(ctx, a)
				wantCode(t, fmt.Sprintf("%s, a source image %s", c.code, what), err, c.code)
			}
		}

		if k := fetched.n.Load(); k != 0 {
			t.Errorf("%d source images were fetched for callers who were refused", k)
		}

		a := dearAsk(rich)
		a.Body.SourceImage = anySource
		n.accept(t, a)
		if k := fetched.n.Load(); k != 1 {
			t.Errorf("%d fetches for a request that passes", k)
		}
	})
}
