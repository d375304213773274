package kudos

import (
	"fmt"
	"math"
)

// A net sees a job as Inputs numbers. The first 47 are those of the original
// (generation §6.1), in its order:
//
//	0      height / 1024
//	1      width / 1024
//	2      steps / 100, as asked
//	3      cfg scale / 30
//	4      denoising strength; 1 without a source image or with a control type
//	5      control strength, else denoising strength, else 1; 1 without a source
//	       image or without a control type
//	6…9    1 for karras, hires_fix, a source image, a source mask
//	10…24  1 for the sampler; one that no place is for counts as k_euler
//	25…34  1 for the control type
//	35…38  1 for the source processing; remix counts as img2img, and any
//	       without a source image as txt2img
//	39…46  how often each post-processor is named
//
// After these comes room for names that the original's net has no place for; which
// name has which place is the net's [Vocabulary], empty in the net that comes
// with the program:
// with the program:
//
//	47…54  samplers (such as lcm)
//	55…62  control types
//	63…78  post-processors (such as RestoreFormer)
//
// Layout of the inputs.
const (
	fixedInputs  = 47
	Inputs       = roomPosts + RoomPosts
	RoomSamplers = 8
	RoomControls = 8
	RoomPosts    = 16

	// DenoisingInput is the input of the denoising strength.
	DenoisingInput = 4

	atSampler   = 10 // first input of the samplers
	atControl   = 25 // first input of the control types
	atSource    = 35 // first input of the source processings
	atPosts     = 39 // first input of the post-processors
	roomSampler = fixedInputs
	roomControl = roomSampler + RoomSamplers
	roomPosts   = roomControl + RoomControls
)

// Names with a place of their own, in the order of generation §6.1.
var (
	fixedSamplers = []string{
		"ddim", "k_dpm_2", "k_dpm_2_a", "k_dpm_adaptive", "k_dpm_fast", "k_dpmpp_2m", "k_dpmpp_2s_a",
		"k_dpmpp_sde", "k_euler", "k_euler_a", "k_heun", "k_lms", "plms", "uni_pc", "uni_pc_bh2",
	}
	fixedControls = []string{
		"", "canny", "depth", "fakescribbles", "hed", "hough", "normal", "openpose", "scribble", "seg",
	}
	fixedPosts = []string{
		"4x_AnimeSharp", "CodeFormers", "GFPGAN", "NMKD_Siax", "RealESRGAN_x2plus", "RealESRGAN_x4plus",
		"RealESRGAN_x4plus_anime_6B", "strip_background",
	}
)

const sourceTxt2img = atSource + 3

// Vocabulary lists the names that take the further places, in order.
type Vocabulary struct {
	Samplers       []string `json:"samplers,omitempty"`        // at most RoomSamplers
	Controls       []string `json:"controls,omitempty"`        // at most RoomControls
	PostProcessors []string `json:"post_processors,omitempty"` // at most RoomPosts
}

// Encoding turns jobs into the inputs of a net.
type Encoding struct {
	samplers, controls, posts map[string]int // input of each name
}

// NewEncoding makes the encoding with a vocabulary in the further places. It fails if
// names do not fit there or have a place already.
func NewEncoding(v Vocabulary) (*Encoding, error) {
	e := new(Encoding)
	for _, part := range []struct {
		what     string
		to       *map[string]int
		fixed    []string
		at       int
		names    []string
		room, of int
	}{
		{"sampler", &e.samplers, fixedSamplers, atSampler, v.Samplers, roomSampler, RoomSamplers},
		{"control type", &e.controls, fixedControls, atControl, v.Controls, roomControl, RoomControls},
		{"post-processor", &e.posts, fixedPosts, atPosts, v.PostProcessors, roomPosts, RoomPosts},
	} {
		if len(part.names) > part.of {
			return nil, fmt.Errorf("a net has room for %d further names of a %s, not %d", part.of, part.what, len(part.names))
		}

		places := make(map[string]int, len(part.fixed)+len(part.names))
		for i, name := range part.fixed {
			places[name] = part.at + i
		}

		for i, name := range part.names {
			if _, dup := places[name]; dup || name == "" {
				return nil, fmt.Errorf("%s %q has a place already", part.what, name)
			}
			places[name] = part.room + i
		}

		*part.to = places
	}
	return e, nil
}

// Knows reports which of a job's names have a place. Encode accepts unknown
// samplers nevertheless.
func (enc *Encoding) Knows(sampler, control string, posts []string) (s, c, p bool) {
	_, s = enc.samplers[sampler]
	_, c = enc.controls[control]
	p = true
	for _, name := range posts {
		_, ok := enc.posts[name]
		p = p && ok
	}
	return s, c, p
}

// Encode writes a job's inputs to x. It returns false, and x is unusable, for
// a job with a control type, a post-processor or a source processing that has
// no place: such jobs are priced by the fixed formula.
func (enc *Encoding) Encode(o *Order, x *[Inputs]float32) bool {
	*x = [Inputs]float32{
		float32(o.Height) / 1024, float32(o.Width) / 1024, float32(o.Steps) / 100, float32(o.Cfg / 30),
		o.denoise(), o.control(),
		one(o.Karras), one(o.HiresFix), one(o.HasSource), one(o.HasMask),
	}

	// An unknown sampler costs what the most common one does.
	if i, ok := enc.samplers[o.Sampler]; ok {
		x[i] = 1
	} else {
		x[enc.samplers["k_euler"]] = 1
	}

	i, ok := enc.controls[o.ControlType]
	if !ok {
		return false
	}
	x[i] = 1

	if i = o.source(); i < 0 {
		return false
	}
	x[i] = 1

	for _, name := range o.PostProcessing {
		if i, ok = enc.posts[name]; !ok {
			return false
		}
		x[i]++
	}
	return !math.IsNaN(o.Cfg)
}

func one(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// given reports whether a strength was given; 0 counts as not given.
func given(v *float64) bool { return v != nil && *v != 0 }

func (o *Order) denoise() float32 {
	if o.HasSource && o.ControlType == "" && given(o.Denoising) {
		return float32(*o.Denoising)
	}
	return 1
}

func (o *Order) control() float32 {
	switch {
	case !o.HasSource || o.ControlType == "":
		return 1
	case o.ControlStrength != nil:
		return float32(*o.ControlStrength)
	case given(o.Denoising):
		return float32(*o.Denoising)
	}
	return 1
}

// source is the index of the input of the job's source processing, -1 for an unknown one.
func (o *Order) source() int {
	if !o.HasSource {
		return sourceTxt2img
	}
	switch o.SourceProcessing {
	case "img2img", "remix", "":
		return atSource
	case "inpainting":
		return atSource + 1
	case "outpainting":
		return atSource + 2
	case "txt2img":
		return sourceTxt2img
	}
	return -1
}
