package image_test

import (
	"testing"
	"time"

	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/kinds/image"
)

// How many images one pop gets (generation §1.18).
func TestABatchFitsItsWorker(t *testing.T) {
	const square = 512 * 512
	known, err := catalog.New(catalog.Config{})
	if err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name                    string
		m                       admission.Image
		maxPixels, amount, left int
		model                   string
		want                    int
	}{
		{"room for all", admission.Image{Width: 512, Height: 512}, 14 * square, 4, 9, "Deliberate", 4},
		{"bounded by the jobs left", admission.Image{Width: 512, Height: 512}, 14 * square, 4, 3, "Deliberate", 3},
		{"one by default", admission.Image{Width: 512, Height: 512}, 99 * square, 1, 9, "Deliberate", 1},
		{"3.5 images of room each", admission.Image{Width: 512, Height: 512}, square, 7, 9, "Deliberate", 2},
		{"half to even, down", admission.Image{Width: 512, Height: 512}, square * 35 / 20, 5, 9, "Deliberate", 2},
		{"half to even, up", admission.Image{Width: 512, Height: 512}, square * 35 / 20, 7, 9, "Deliberate", 4},
		{"never none", admission.Image{Width: 2048, Height: 2048}, 4096, 20, 9, "Deliberate", 1},
		{"batching disabled", admission.Image{Width: 64, Height: 64, DisableBatching: true}, 99 * square, 20, 9,
			"Deliberate", 1},
		{"two post-processors", admission.Image{Width: 512, Height: 512, PostProcessing: []string{"GFPGAN", "GFPGAN"}},
			7 * square, 9, 20, "Deliberate", 9},
		{"two post-processors, less room",
			admission.Image{Width: 512, Height: 512, PostProcessing: []string{"GFPGAN", "GFPGAN"}}, square * 7 / 4, 9, 20,
			"Deliberate", 2},
		{"transparent", admission.Image{Width: 512, Height: 512, Transparent: true}, square * 7 / 2, 9, 20, "Deliberate", 5},
		{"Flux", admission.Image{Width: 512, Height: 512}, square * 7 / 2, 20, 20, "x [Flux]", 4},
		{"Z-Image", admission.Image{Width: 512, Height: 512}, square * 7 / 2, 20, 20, "x [ZImage]", 2},
		{"Qwen", admission.Image{Width: 512, Height: 512}, square * 7 / 2, 20, 20, "x [Qwen]", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := kinds.Pickup{Known: known.Snapshot(), Settings: &fleet.Settings{MaxPixels: tt.maxPixels}, Model: tt.model,
				Amount: tt.amount, Left: tt.left}
			if got := (image.Work{Image: &tt.m}).Batch(p); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

// How long a worker may take (generation §1.18).
func TestHowLongAWorkerMayTake(t *testing.T) {
	known, err := catalog.New(catalog.Config{})
	if err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name string
		m    admission.Image
		slow bool
		want time.Duration
	}{
		{"least", admission.Image{Width: 64, Height: 64, AccurateSteps: 4}, false, 150 * time.Second},
		{"least, extra slow", admission.Image{Width: 64, Height: 64, AccurateSteps: 4}, true, 450 * time.Second},
		{"1024², 30 steps", admission.Image{Width: 1024, Height: 1024, AccurateSteps: 30}, false, 270 * time.Second},
		{"half a second", admission.Image{Width: 1024, Height: 576, AccurateSteps: 37}, false, 196500 * time.Millisecond},
		{"half a second, extra slow", admission.Image{Width: 1024, Height: 576, AccurateSteps: 37}, true,
			589500 * time.Millisecond},
		{"control", admission.Image{Width: 1024, Height: 1024, AccurateSteps: 30, ControlType: "canny"}, false,
			540 * time.Second},
		{"Flux among others", admission.Image{Width: 1024, Height: 1024, AccurateSteps: 8,
			Common: admission.Common{Models: []string{"Deliberate", "x [Flux]"}}}, false, 282 * time.Second},
		{"Qwen, extra slow", admission.Image{Width: 1024, Height: 1024, AccurateSteps: 20,
			Common: admission.Common{Models: []string{"x [Qwen]"}}}, true, 1710 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := kinds.Pickup{Known: known.Snapshot(), Settings: &fleet.Settings{ExtraSlow: tt.slow}}
			if got := (image.Work{Image: &tt.m}).TTL(p); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
