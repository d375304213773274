package form

import (
	"errors"
	"strings"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// What a form earns and costs (generation §6.3, generation §6.7).
func TestWhatAFormEarnsAndCosts(t *testing.T) {
	for _, tt := range []struct {
		work           Work
		earned, charge int64 // whole kudos
	}{
		{Work{Name: "caption"}, 1, 2},
		{Work{Name: "caption", SlowWorkers: true}, 1, 3},
		{Work{Name: "interrogation", SlowWorkers: true}, 3, 5},
		{Work{Name: "GFPGAN", Tiles: 4}, 12, 13},
		{Work{Name: "GFPGAN", Tiles: 4, SlowWorkers: true}, 12, 14},
	} {
		t.Run(tt.work.Name, func(t *testing.T) {
			v := tt.work.Value()
			if v.Earned != horde.Whole(tt.earned) || v.Worth != v.Earned || v.Charge != horde.Whole(tt.charge) ||
				v.Reward != float64(tt.earned) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestAnUploadedImageIsNamedByItsForm(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result map[string]any
		want   store.FormResult
	}{
		{"nothing", nil, store.FormResult{FormID: "f"}},
		{"a caption", map[string]any{"caption": "a fox"}, store.FormResult{FormID: "f", Result: `{"caption":"a fox"}`}},
		{"an image", map[string]any{"GFPGAN": "R2"}, store.FormResult{
			FormID: "f",
			Result: `{"GFPGAN":"R2"}`,
			Blob:   "f.webp",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Keep("f", tt.result); err != nil || got != tt.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if _, err := Keep("f", map[string]any{"x": func() {}}); horde.CodeOf(err) != horde.BadRequest {
		t.Errorf("no JSON: %v", err)
	}

	long := strings.Repeat("x", maxResult-len(`{"caption":""}`))
	if _, err := Keep("f", map[string]any{"caption": long}); err != nil {
		t.Errorf("a long result: %v", err)
	}
	var refused *horde.Error
	_, err := Keep("f", map[string]any{"caption": long + "x"})
	if !errors.As(err, &refused) || refused.Fields["result"] == "" {
		t.Errorf("a result that is too long: %v", err)
	}
}

// Results about images at addresses are kept for others, images for a shorter time
// (decision 18).
func TestResultsAtAddressesAreKeptForOthers(t *testing.T) {
	const url = "https://images.example/fox.png"
	caption := store.FormResult{Result: `{"caption":"a fox"}`}
	for _, tt := range []struct {
		name   string
		work   Work
		result store.FormResult
		url    string
		life   time.Duration // 0: not kept
	}{
		{"caption", Work{Name: "caption"}, caption, url, KnownFor},
		{"enlarged", Work{Name: "GFPGAN"}, store.FormResult{Result: "{}", Blob: "f.webp"}, url, KnownImageFor},
		{"sent image", Work{Name: "caption"}, caption, "", 0},
		{"nothing", Work{Name: "caption"}, store.FormResult{}, url, 0},
		{"too long", Work{Name: "caption"}, store.FormResult{Result: strings.Repeat("x", maxResult+1)}, url, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			known := tt.work.Known(Made{FormResult: tt.result, URL: tt.url, At: 1000, OwnerTrusted: true})
			if (known != nil) != (tt.life > 0) {
				t.Fatalf("%+v", known)
			}
			if known != nil && (known.Expires != 1000+horde.MicrosIn(tt.life) || !known.Trusted ||
				known.ID != tt.work.KnownID(url)) {
				t.Errorf("%+v", known)
			}
		})
	}

	if a, b := (Work{Name: "caption"}).KnownID(url), (Work{Name: "caption", Payload: `{"x":1}`}).KnownID(url); a == b {
		t.Error("forms with other settings have one result")
	}
}
