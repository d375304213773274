package kinds

import (
	"context"
	"time"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/match"
	"horde/internal/store"
)

// RequestLife is how long a request of any kind lives without anything happening to it.
const RequestLife = 20 * time.Minute

// Work is what the kind of a request makes of it. All methods of its parts are functions
// of their inputs.
type Work interface {
	Demand
	Extent
	HandOut
	Outcome
	Objects() Objects
}

// Demand is what a request asks of workers.
type Demand interface {
	Features(Origin) match.Features
	Describe(*match.Item) // adds what pops of the kind look at
}

// Extent is how much work a job is.
type Extent interface {
	WorkUnits() int64       // pixelsteps, tokens
	StatisticsUnits() int64 // the same as statistics count it (platform §3.10)
}

// HandOut is how jobs are given to workers.
type HandOut interface {
	Batch(Pickup) int // jobs that one pop gets
	TTL(Pickup) time.Duration
	JobSeed(left int, random func() uint32) int64
}

// Outcome is what results are worth, and what becomes of them.
type Outcome interface {
	// Keep is what becomes of a result that a worker sent.
	Keep(ctx context.Context, result string) (Kept, error)

	Value(Delivered) Value

	// Suspicions counts how often a speed in work units per second is beyond what
	// hardware can reach (generation §5.10).
	Suspicions(d Delivered, speed float64) int

	// Timing is what is recorded of a delivery to train price networks on; ok is false
	// where there is nothing to train.
	Timing(Delivered) (t Timing, ok bool)

	// WebhookBody is what the webhook of a request is told of a finished job.
	WebhookBody(f Finished, request string, reward float64) any
}

// Objects is what a job has in the blob store.
type Objects struct {
	Stored   bool  // workers fetch from it and put into it
	ByLink   bool  // the requester gets what lies there by a link
	MaxBytes int64 // that a worker may upload for a job
}

// UploadLimit is how many bytes an image of so many pixels may have in whatever format a
// worker sends it (decision 44): those of a plain bitmap, and room for metadata.
func UploadLimit(pixels int64) int64 {
	const room, bytesPerPixel = 256 << 10, 4
	return room + bytesPerPixel*pixels
}

// Upscaled is by how much an upscaler multiplies pixels at most: four times a side.
const Upscaled = 16

// Origin is where a request comes from.
type Origin struct {
	UnsafeIP bool
	Trusted  bool // the requester
}

// Kept is a result as it is stored.
type Kept struct {
	Row   string // what the job's row holds: Uploaded, or the result itself
	Image []byte // WebP to be put into the blob store; nil: nothing is
}

// Uploaded stands in a job's row for an image that lies in the blob store.
const Uploaded = "R2"

// Delivered is a result and what its value depends on.
type Delivered struct {
	Result   string
	Censored bool
	Model    string        // that was used
	Worker   *fleet.Worker // nil: it is gone

	BasePrice float64 // of one job, as told when the request was taken
	Known     *catalog.Snapshot
	Targeting bool // the horde matches requests for named workers with these alone
}

// Value is the worth of a result.
type Value struct {
	Reward float64     // as its worker is told, censored or not
	Worth  horde.Kudos // what of the charge is for the work
	Charge horde.Kudos // of the requester
	Earned horde.Kudos // by the worker's owner
	Made   int64       // work units really made, for the speed
}

// Timing is what is recorded of a delivery to train price networks on.
type Timing struct {
	Baseline string
	Features string // JSON
}

// Finished is a finished job as its requester sees it.
type Finished struct {
	Job        *store.Job
	Shown      string // the result: an address, an image in base64, a text
	Metadata   []api.GenMetadatum
	WorkerName string
}
