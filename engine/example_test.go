package engine_test

import (
	"context"
	"fmt"

	"horde/api"
	"horde/engine"
	"horde/engine/sketch"
)

// A job of two images, with the engine that needs no model.
func Example() {
	var e engine.ImageEngine = sketch.New()
	defer e.Close()

	job := engine.ImageJob{
		Model:   e.Models()[0],
		Payload: api.ImagePayload{Prompt: "sunset by the sea", Width: 512, Height: 384, Steps: 8, N: 2},
		Seed:    42,
	}
	err := e.Generate(context.Background(), job, engine.ImageHooks{
		Progress: func(index int, p engine.ImageProgress) {
			fmt.Printf("image %d: step %d of %d\n", index, p.Step, p.Steps)
		},
		Result: func(index int, r engine.ImageResult) error {
			fmt.Printf("image %d: %v, seed %d\n", index, r.Image.Bounds().Size(), r.Seed)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// image 0: step 8 of 8
	// image 0: (512,384), seed 42
	// image 1: step 8 of 8
	// image 1: (512,384), seed 43
}
