package queue

import (
	"fmt"
	"testing"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/match"
	"horde/internal/store"
)

// BenchmarkPop measures the search of one pop through queues of different
// lengths: it must not depend on how many requests wait.
func BenchmarkPop(b *testing.B) {
	for _, kind := range []string{"other models", "same model, other needs", "fits"} {
		for _, n := range []int{100, 3000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) { benchmarkPop(b, kind, n) })
		}
	}
}

func benchmarkPop(b *testing.B, kind string, n int) {
	x := newIndex(images, newPartials())
	for i := range n {
		m := admission.Image{Common: admission.Common{Prompt: "a lighthouse", Models: []string{"stable_diffusion"}, N: 1,
			SlowWorkers: true},
			Width: 512, Height: 512, Steps: 30, AccurateSteps: 30, Sampler: "k_euler_a", Karras: true,
			SourceProcessing: "img2img", R2: true}
		switch kind {
		case "other models":
			m.Models = []string{fmt.Sprintf("model %d", i%200)}
		case "same model, other needs":
			m.Width = 1024 + 64*(i%32) // beyond what the worker offers
		}
		x.AddLocked(x.newEntry(store.Request{ID: horde.NewID(), UserID: horde.UserID(i % 100), Created: horde.Micros(i),
			RequestState: store.RequestState{Jobs: 1, Waiting: 1, Expires: 1 << 60, Version: 1}}, record{Image: &m}))
	}
	w := benchWorker(b)
	b.ReportAllocs()
	for b.Loop() {
		p := match.Pop{Worker: w, Want: 1}
		if result := x.Queue.Find(&p); (len(result.Found) > 0) != (kind == "fits") {
			b.Fatalf("found %v", result.Found)
		}
	}
}

// benchWorker is a worker that offers one model and 512×512 pixels.
func benchWorker(b *testing.B) *match.Worker {
	known, err := catalog.New(catalog.Config{})
	if err != nil {
		b.Fatal(err)
	}
	w := &fleet.Worker{Worker: store.Worker{ID: horde.NewID(), UserID: 1000},
		Agent: bridge.Parse("AI Horde Worker reGen:13.0.0:x"),
		Settings: fleet.Settings{Threads: 1, Models: []string{"stable_diffusion"}, NSFW: true, MaxPixels: 512 * 512,
			AllowImg2Img: true}}
	owner := &account.User{ID: 1000, Roles: account.Trusted}
	return images.factsOf(w, &fleet.Offer{Owner: owner, Models: map[string]struct{}{"stable_diffusion": {}},
		ModelList:     []string{"stable_diffusion"},
		PriorityUsers: map[horde.UserID]struct{}{1000: {}}, Amount: 1}, known.Snapshot())
}
