// Package engine is the border between a Dreamer worker and whatever paints
// its pictures. A driver implements [Engine]; the worker turns each pop into
// one [Job], calls [Engine.Paint] and hears of every step and finished picture
// through [Hooks].
//
// Two engines are built in: [horde/engine/pocket] runs the project's own small
// diffusion model through ONNX Runtime, [horde/engine/sketch] draws a picture
// by formula for load tests and for machines without ONNX Runtime. An engine
// knows nothing of the horde beyond the words of package api: no keys, no
// network, no upload.
package engine

import (
	"context"
	"image"

	"horde/api"
)

// Job is one pop's worth of pictures. Payload.N (n_iter) pictures are painted,
// at least one; picture i, counted from 0, uses Seed + i modulo 2^64.
type Job struct {
	// Model is the public name of one of the engine's Models.
	Model string
	// Payload is what the server sent; its Seed text is already parsed into
	// Seed. Engines clamp what lies outside of their range, they do not refuse.
	Payload api.ImagePayload
	Seed    uint64
	// Source is the picture to start from; nil for text to image.
	Source image.Image
	// Mask says where to repaint Source: white is repainted, black is kept.
	// Nil for none. It is scaled like Source.
	Mask image.Image
}

// Progress is the state of one picture after Step of Steps steps, 1 ≤ Step ≤
// Steps. Preview is a small picture (at most 128 pixels a side) of what the
// engine expects to come out; nil if it has none. The receiver may keep it.
type Progress struct {
	Step, Steps int
	Preview     image.Image
}

// Picture is one finished picture of exactly the asked size, with the seed
// that paints it again and remarks for the requester
// (generation §1.20). The receiver may keep it.
type Picture struct {
	Image    *image.NRGBA
	Seed     uint64
	Metadata []api.GenMetadatum
}

// Hooks are called from Paint's goroutine, in order; nil hooks are skipped.
// picture counts from 0. Painting waits for a hook to return, so a hook that
// sends something over a network should hand it to another goroutine.
type Hooks struct {
	Progress func(picture int, p Progress)
	// Picture takes a finished picture; an error ends Paint with that error.
	Picture func(picture int, pic Picture) error
}

// Capabilities say what an engine can do, in the words of a pop
// (generation §1.14): the worker declines what is false.
type Capabilities struct {
	// MaxPixels is the largest width times height.
	MaxPixels      int
	Img2Img        bool
	Painting       bool
	PostProcessing bool
	Controlnet     bool
	SDXLControlnet bool
	Lora           bool
	// MaxBatch is the largest sensible number of pictures of one job.
	MaxBatch int
}

// Engine paints. All methods may be called from several goroutines.
type Engine interface {
	// Name is the engine's name for logs, for example "pocket".
	Name() string
	// Models lists the public model names that Job.Model may have.
	Models() []string
	Capabilities() Capabilities
	// Paint paints the job's pictures one after the other. It stops soon after
	// ctx ends and then returns ctx's error; pictures handed to Hooks.Picture
	// before stay valid.
	Paint(ctx context.Context, job Job, hooks Hooks) error
	// Close waits for running Paint calls and frees what the engine holds.
	// Paint fails afterwards.
	Close() error
}
