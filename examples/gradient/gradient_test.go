package main

import (
	"testing"

	"horde/api"
	"horde/engine"
)

func TestEachImageHasItsSizeAndSeed(t *testing.T) {
	g := &gradient{model: "gradient"}
	var seeds []uint64
	hooks := engine.ImageHooks{Result: func(i int, r engine.ImageResult) error {
		if i != len(seeds) {
			t.Errorf("image %d came as number %d", i, len(seeds))
		}
		if size := r.Image.Bounds().Size(); size.X != 128 || size.Y != 64 {
			t.Errorf("image %d is %v", i, size)
		}
		seeds = append(seeds, r.Seed)
		return nil
	}}
	job := engine.ImageJob{Model: "gradient", Seed: 7, Payload: api.ImagePayload{Width: 128, Height: 64, N: 2}}
	if err := g.Generate(t.Context(), job, hooks); err != nil {
		t.Fatal(err)
	}
	if len(seeds) != 2 || seeds[0] != 7 || seeds[1] != 8 {
		t.Errorf("seeds %v, want 7 and 8", seeds)
	}

	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.Generate(t.Context(), job, hooks); err == nil {
		t.Error("a closed engine generates")
	}
}
