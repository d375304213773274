package sketch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/engine"
)

func job(prompt string, w, h, n int, seed uint64) engine.ImageJob {
	return engine.ImageJob{
		Model:   ModelName,
		Payload: api.ImagePayload{Prompt: prompt, Width: w, Height: h, N: n, Steps: 4},
		Seed:    seed,
	}
}

func generate(t testing.TB, j engine.ImageJob) []engine.ImageResult {
	t.Helper()
	var out []engine.ImageResult
	err := New().Generate(context.Background(), j, engine.ImageHooks{Result: func(i int, p engine.ImageResult) error {
		if i != len(out) {
			t.Fatalf("image %d came as number %d", i, len(out))
		}
		out = append(out, p)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestASketchSaysThatItIsNoAI(t *testing.T) {
	for _, size := range []image.Point{{64, 64}, {512, 512}, {768, 512}, {64, 3072}, {3072, 64}} {
		for _, prompt := range []string{"", "a red fox in the snow", "night city by the sea", "desert at noon ### ugly"} {
			pics := generate(t, job(prompt, size.X, size.Y, 2, 7))
			if len(pics) != 2 {
				t.Fatalf("%d images, want 2", len(pics))
			}
			for i, p := range pics {
				if p.Image.Rect != image.Rect(0, 0, size.X, size.Y) || p.Seed != 7+uint64(i) {
					t.Errorf("%q %v: image %d has bounds %v, seed %d", prompt, size, i, p.Image.Rect, p.Seed)
				}
				remark := api.GenMetadatum{Type: "information", Value: "see_ref", Ref: Disclosure}
				if len(p.Metadata) != 1 || p.Metadata[0] != remark {
					t.Errorf("metadata %v do not say that this is no AI", p.Metadata)
				}
				if colours(p.Image) < 20 {
					t.Errorf("%q %v: only %d colours", prompt, size, colours(p.Image))
				}
			}

			if bytes.Equal(pics[0].Image.Pix, pics[1].Image.Pix) {
				t.Errorf("%q: two seeds give the same image", prompt)
			}
		}
	}
}

func colours(img *image.NRGBA) int {
	seen := map[[4]byte]bool{}
	for i := 0; i < len(img.Pix); i += 4 {
		seen[[4]byte(img.Pix[i:])] = true
	}
	return len(seen)
}

// Any prompt, size and seed gives an opaque image, the same each time, and
// image i of a batch is the single image of seed + i.
func TestASketchIsTheSameEachTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prompt := rapid.String().Draw(rt, "prompt")
		w, h := 64*rapid.IntRange(1, 6).Draw(rt, "w"), 64*rapid.IntRange(1, 6).Draw(rt, "h")
		seed := rapid.Uint64().Draw(rt, "seed")
		batch := generate(t, job(prompt, w, h, 2, seed))
		single := generate(t, job(prompt, w, h, 1, seed+1))
		if !bytes.Equal(batch[1].Image.Pix, single[0].Image.Pix) {
			rt.Fatal("image 1 of a batch is not the image of seed + 1")
		}

		for i := 3; i < len(single[0].Image.Pix); i += 4 {
			if single[0].Image.Pix[i] != 255 {
				rt.Fatalf("pixel %d is not opaque", i/4)
			}
		}
	})
}

func TestACancelledSketchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	err := New().Generate(ctx, job("fox", 64, 64, 20, 1), engine.ImageHooks{Result: func(int, engine.ImageResult) error {
		count++
		cancel()
		return nil
	}})
	if !errors.Is(err, context.Canceled) || count != 1 {
		t.Errorf("%d images, error %v; want 1 and context.Canceled", count, err)
	}

	failed := errors.New("upload failed")
	err = New().Generate(context.Background(), job("fox", 64, 64, 2, 1), engine.ImageHooks{
		Result: func(int, engine.ImageResult) error { return failed },
	})
	if err != failed {
		t.Errorf("error %v, want the hook's", err)
	}

	e := New()
	e.Close()
	if err := e.Generate(context.Background(), job("fox", 64, 64, 1, 1), engine.ImageHooks{}); err == nil {
		t.Error("a closed engine paints")
	}

	other := job("fox", 64, 64, 1, 1)
	other.Model = "stable_diffusion"
	if err := New().Generate(context.Background(), other, engine.ImageHooks{}); err == nil {
		t.Error("a model that the engine does not have is accepted")
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, side := range []int{64, 512, 1024} {
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			e := New()
			for i := 0; b.Loop(); i++ {
				j := job("a red fox in the snow by the lake at night", side, side, 1, uint64(i))
				e.Generate(context.Background(), j, engine.ImageHooks{})
			}
		})
	}
}
