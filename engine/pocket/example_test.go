package pocket_test

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"os"

	"horde/api"
	"horde/engine"
	"horde/engine/pocket"
)

// An image into a file. It needs ONNX Runtime, so it only compiles here.
func Example() {
	e, err := pocket.New(pocket.Options{})
	if errors.Is(err, pocket.ErrNoRuntime) {
		fmt.Println("get ONNX Runtime:", err)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()

	job := engine.ImageJob{Model: pocket.ModelName, Payload: api.ImagePayload{Prompt: "a red fox in the snow"}, Seed: 42}
	err = e.Generate(context.Background(), job, engine.ImageHooks{
		Result: func(_ int, r engine.ImageResult) error {
			f, err := os.Create("fox.png")
			if err != nil {
				return err
			}
			defer f.Close()
			return png.Encode(f, r.Image)
		},
	})
	if err != nil {
		fmt.Println(err)
	}
}
