package engine

import (
	"context"
	"image"

	"horde/api"
)

// ImageEngine generates images.
type ImageEngine interface {
	Engine
	Capabilities() ImageCapabilities
	// Generate generates the job's images one after the other. It stops soon after
	// ctx ends and then returns ctx's error; images handed to ImageHooks.Result
	// before stay valid.
	Generate(ctx context.Context, job ImageJob, hooks ImageHooks) error
}

// ImageJob is one pop's worth of images. Payload.N (n_iter) images are generated, at
// least one; image i, counted from 0, uses Seed + i modulo 2^64.
type ImageJob struct {
	// Model is the public name of one of the engine's Models.
	Model string
	// Payload is what the server sent; its Seed string is already parsed into
	// Seed. Engines clamp what lies outside their range, they do not refuse it.
	Payload api.ImagePayload
	Seed    uint64
	// Source is the image to start from; nil for text to image.
	Source image.Image
	// Mask says which parts of Source to regenerate: white is regenerated, black
	// is kept. Nil for none. It is scaled like Source.
	Mask image.Image
}

// ImageProgress is the state of one image after Step of Steps steps, 1 ≤ Step ≤ Steps.
// Preview is a small image (at most 128 pixels a side) of the expected result; nil
// if there is none. The receiver may keep it.
type ImageProgress struct {
	Step, Steps int
	Preview     image.Image
}

// ImageResult is one finished image of exactly the requested size, with the seed that
// generates it again and remarks for the requester (generation §1.20). The receiver
// may keep it.
type ImageResult struct {
	Image    *image.NRGBA
	Seed     uint64
	Metadata []api.GenMetadatum
}

// ImageHooks are called from Generate's goroutine, in order; nil hooks are skipped. index
// is the image's place in the job, from 0. Generation waits for a hook to return, so
// a hook that sends something over a network should hand it to another goroutine.
type ImageHooks struct {
	Progress func(index int, p ImageProgress)
	// Result receives a finished image; an error ends Generate with that error.
	Result func(index int, r ImageResult) error
}

// ImageCapabilities say what an engine can do, in the words of a pop
// (generation §1.14): the worker declines what is false.
type ImageCapabilities struct {
	MaxPixels      int // the largest width × height
	Img2Img        bool
	Inpainting     bool // "painting" in a pop
	PostProcessing bool
	Controlnet     bool
	SDXLControlnet bool
	Lora           bool
	MaxBatch       int // the largest sensible number of images of one job
}
