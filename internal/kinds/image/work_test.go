package image_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"

	stdimage "image"
	"image/png"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kinds/image"
	"horde/internal/kudos"
)

func known(t *testing.T) *catalog.Snapshot {
	t.Helper()
	c, err := catalog.New(catalog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c.Snapshot()
}

// What an image is worth to its worker, its owner and its requester (generation §6.2,
// generation §6.3, generation §6.4). The request was told 20.99 for each.
func TestWhatAnImageIsWorth(t *testing.T) {
	models := known(t)
	worker := func(agent string) *fleet.Worker {
		return &fleet.Worker{Agent: bridge.Parse(agent), Owner: &account.User{Roles: account.Trusted}}
	}

	const newest, older = "AI Horde Worker reGen:99:x", "AI Horde Worker reGen:1:x"
	for _, tt := range []struct {
		name      string
		image     admission.Image
		baselines []string
		delivered kinds.Delivered
		want      kinds.Value
	}{
		{
			name:      "by a model of no known baseline",
			image:     admission.Image{Common: admission.Common{SlowWorkers: true}},
			delivered: kinds.Delivered{Model: "m", Worker: worker(newest)},
			want:      kinds.Value{Reward: 20.99, Worth: 2099, Charge: 2199, Earned: 2099},
		},
		{
			name:      "SDXL, as it was when the request was taken",
			image:     admission.Image{Common: admission.Common{Models: []string{"m"}, SlowWorkers: true}},
			baselines: []string{catalog.SDXL},
			delivered: kinds.Delivered{Model: "m", Worker: worker(newest)},
			want:      kinds.Value{Reward: 41.98, Worth: 4198, Charge: 4298, Earned: 4198},
		},
		{
			name:      "for fast workers",
			image:     admission.Image{},
			delivered: kinds.Delivered{Model: "m", Worker: worker(newest)},
			want:      kinds.Value{Reward: 20.99, Worth: 2099, Charge: horde.KudosOf(21.99 * 1.2), Earned: 2099},
		},
		{
			name:      "censored: the worker's owner gets it all the same",
			image:     admission.Image{Common: admission.Common{SlowWorkers: true}},
			delivered: kinds.Delivered{Model: "m", Worker: worker(newest), Censored: true},
			want:      kinds.Value{Reward: 20.99, Worth: 0, Charge: 100, Earned: 2099},
		},
		{
			name:      "by an older bridge",
			image:     admission.Image{Common: admission.Common{SlowWorkers: true}},
			delivered: kinds.Delivered{Model: "m", Worker: worker(older)},
			want:      kinds.Value{Reward: 20.99, Worth: 2099, Charge: 2199, Earned: horde.KudosOf(20.99 * 0.9)},
		},
		{
			name:      "by a bridge of no known name",
			image:     admission.Image{Common: admission.Common{SlowWorkers: true}},
			delivered: kinds.Delivered{Model: "m", Worker: worker("mine:1:x")},
			want:      kinds.Value{Reward: 20.99, Worth: 2099, Charge: 2199, Earned: horde.KudosOf(20.99 * 0.75)},
		},
		{
			name:      "by a worker that is gone",
			image:     admission.Image{Common: admission.Common{SlowWorkers: true}},
			delivered: kinds.Delivered{Model: "m"},
			want:      kinds.Value{Reward: 20.99, Worth: 2099, Charge: 2199, Earned: 2099},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.image
			m.Width, m.Height, m.Steps, m.AccurateSteps = 1024, 1024, 30, 30
			d := tt.delivered
			d.BasePrice, d.Known = 20.99, models
			tt.want.Made = 1024 * 1024 * 30
			if got := (image.Work{Image: &m, Baselines: tt.baselines}).Value(d); got != tt.want {
				t.Errorf("%+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// What becomes of a result that was not uploaded.
func TestWhatIsKeptOfAResult(t *testing.T) {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, stdimage.NewGray(stdimage.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name, result string
		row          string
		stored       bool
		code         string
	}{
		{name: "uploaded", result: "R2", row: "R2"},
		{name: "an image in base64", result: base64.StdEncoding.EncodeToString(encoded.Bytes()), row: "R2", stored: true},
		{name: "what is no image", result: "https://elsewhere.example/x.webp", row: "https://elsewhere.example/x.webp"},
		{name: "too much of that", result: strings.Repeat("x", 1<<20+1), code: "BadRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, err := image.Work{}.Keep(t.Context(), tt.result)
			if string(horde.CodeOf(err)) != tt.code || kept.Row != tt.row || (kept.Image != nil) != tt.stored {
				t.Errorf("row %q, %d bytes, %v", kept.Row, len(kept.Image), err)
			}
			if tt.stored && !bytes.HasPrefix(kept.Image, []byte("RIFF")) {
				t.Error("what is to be stored is no WebP")
			}
		})
	}
}

// No hardware makes more than 20 megapixelsteps a second (generation §5.10).
func TestASpeedBeyondHardwareIsSuspicious(t *testing.T) {
	for speed, want := range map[float64]int{20_000_000: 0, 20_000_001: 1} {
		if got := (image.Work{}).Suspicions(kinds.Delivered{}, speed); got != want {
			t.Errorf("%v: %d", speed, got)
		}
	}
}

// A request that names no model is priced by the dearest that is offered (decision 6).
func TestTheDearestModelPricesARequestThatNamesNone(t *testing.T) {
	price := func(named, offered []string) horde.Kudos {
		a := image.Asked{Request: &admission.Request{Models: known(t)}, Pricer: kudos.NewPricer(nil)}
		a.Image = admission.Image{Common: admission.Common{N: 1, Models: named, SlowWorkers: true}, Width: 512, Height: 512,
			Steps: 30}
		return a.Price(offered).Needed
	}

	cheap, dear := price([]string{catalog.Sketch}, nil), price([]string{"SDXL 1.0"}, nil)
	if cheap >= dear {
		t.Fatalf("%s is no less than %s", cheap, dear)
	}

	for _, tt := range []struct {
		name           string
		named, offered []string
		want           horde.Kudos
	}{
		{name: "nothing is offered", want: cheap},
		{name: "the cheap one is offered", offered: []string{catalog.Sketch}, want: cheap},
		{name: "both are", offered: []string{catalog.Sketch, "SDXL 1.0"}, want: dear},
		{name: "a model is named, whatever is offered", named: []string{catalog.Sketch}, offered: []string{"SDXL 1.0"},
			want: cheap},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := price(tt.named, tt.offered); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
