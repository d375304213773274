package form

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/store"
)

const (
	// TTL is how long a worker may take over a form (generation §3.3).
	TTL = 3 * time.Minute

	// How long a result is given again to whoever asks for the same (decision 18).
	KnownFor      = 5 * 24 * time.Hour
	KnownImageFor = 90 * time.Minute // images leave the blob store

	maxResult = 64 << 10 // bytes of a result as JSON; an image is uploaded beside it
)

// Work is what there is to do for a form.
type Work struct {
	Name        string
	Payload     string // JSON object, "" for none
	Tiles       int    // of the source image
	SlowWorkers bool   // may fill it in
}

// Uploads reports whether the result is an image to be uploaded.
func (w Work) Uploads() bool {
	_, post := api.PostProcessorByName(w.Name)
	return post
}

// MaxUpload is how many bytes a worker may upload for the form.
func (w Work) MaxUpload() int64 {
	pixels := int64(max(1, w.Tiles)) * kudos.TileSide * kudos.TileSide
	if p, _ := api.PostProcessorByName(w.Name); p.Upscaler {
		pixels *= kinds.Upscaled
	}
	return kinds.UploadLimit(pixels)
}

// Value is the worth of a form (generation §6.3, generation §6.7), whatever is in it.
func (w Work) Value() kinds.Value {
	reward := kudos.FormReward(w.Name, w.Tiles)
	return kinds.Value{
		Reward: reward.Float(),
		Worth:  reward,
		Charge: kudos.FormCost{Reward: reward, SlowWorkers: w.SlowWorkers}.Burn(),
		Earned: reward,
		Made:   1,
	}
}

// BlobName is where the image of a form's result lies.
func BlobName(form string) string { return form + ".webp" }

// Keep is a result as it is stored. The value kinds.Uploaded in it stands for an image
// in the blob store. One that is too long is refused.
func Keep(form string, result map[string]any) (store.FormResult, error) {
	r := store.FormResult{FormID: form}
	if len(result) == 0 {
		return r, nil
	}

	text, err := json.Marshal(result)
	if err != nil {
		return r, horde.Errorf(horde.BadRequest, "The result holds something that is no JSON, such as a number that is none.")
	}

	if len(text) > maxResult {
		return r, horde.Invalid("result", fmt.Sprintf(
			"The result of a form can have at most %d bytes as JSON, not %d.", maxResult, len(text)))
	}

	r.Result = string(text)
	for _, v := range result {
		if v == kinds.Uploaded {
			r.Blob = BlobName(form)
		}
	}
	return r, nil
}

// KnownID names the result of a form about the image at an address (decision 18), by
// all that it depends on.
func (w Work) KnownID(url string) string {
	sum := sha256.Sum256([]byte(w.Name + "\n" + w.Payload + "\n" + url))
	return hex.EncodeToString(sum[:])
}

// Made is a result and how it came to be.
type Made struct {
	store.FormResult
	URL          string // of the image; "": it has no address
	At           horde.Micros
	OwnerTrusted bool // of the worker
}

// Known is a result that others may get too; nil: they may not. Those about an image at
// an address may.
func (w Work) Known(r Made) *store.KnownResult {
	if r.URL == "" || r.Result == "" || len(r.Result) > maxResult {
		return nil
	}

	life := KnownFor
	if w.Uploads() || r.Blob != "" {
		life = KnownImageFor
	}
	return &store.KnownResult{
		ID:      w.KnownID(r.URL),
		Result:  r.Result,
		Blob:    r.Blob,
		Trusted: r.OwnerTrusted,
		Expires: r.At + horde.MicrosIn(life),
	}
}
