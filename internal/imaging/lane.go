package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"horde/internal/turns"
)

// Errors of lanes in which too many images wait: of all callers, or of one caller alone.
var (
	ErrBusy       = turns.ErrBusy
	ErrCallerBusy = turns.ErrCallerBusy
)

// minSlots is how many small images a lane has room for at least.
const minSlots = 4

// RetryAfter is when to try again after ErrBusy.
const RetryAfter = 5 * time.Second

// maxHold is how long decoding one image may take. What MaxWork lets in takes a second;
// it is for what no look at a file can tell, and for a machine that has other things to do.
const maxHold = 20 * time.Second

// Lane is a share of memory and processors in which the images of one kind of caller
// are decoded and encoded. What one kind sends keeps no other from its turn, and within
// it callers take turns (horde.WithCaller), and an account that calls from many addresses
// gets no more than one caller (horde.WithAccount). It is safe for use by many goroutines.
type Lane struct {
	name  string
	turns *turns.Turns
	large *semaphore.Weighted // see there

	waiting, running       atomic.Int64
	busy, caller, workload atomic.Int64 // refused, by reason
	waited                 prometheus.Histogram
}

// Lanes of a process. Each has room for one large image, or for some small ones. Of one
// address as many wait as a service that passes on what its users send has in hand.
var (
	// Requesters is for what comes with a request: source images and masks.
	Requesters = NewLane("requesters", LaneOptions{Room: 192 << 20, MaxWaiting: 192, PerCaller: 64, Patience: patience})
	// Workers is for results that workers send in place of an upload.
	Workers = NewLane("workers", LaneOptions{Room: 96 << 20, MaxWaiting: 192, PerCaller: 64, Patience: patience})
	// Own is for programs that decode for themselves.
	Own = NewLane("own", LaneOptions{Room: 256 << 20})
)

// large is held by the image that is larger than its lane lets one be: of these, one at a
// time is decoded in a process. It is taken by who has a turn in the lane.
var large = semaphore.NewWeighted(1)

// patience is how long an image of a stranger waits for its turn: what all others have
// before it takes no longer, unless they are many.
const patience = 10 * time.Second

// LaneOptions say how much a lane does at once.
type LaneOptions struct {
	Room       int64 // bytes of memory; an image that takes more leaves room for small ones only
	MaxWaiting int   // images that wait before others are sent away with ErrBusy; 0: any number
	PerCaller  int   // those of one caller, before it is sent away with ErrCallerBusy; 0: any number

	Patience time.Duration // how long an image waits before it is sent away with ErrBusy; 0: as long as its caller
}

// NewLane makes a lane.
func NewLane(name string, o LaneOptions) *Lane {
	slot := o.Room / int64(max(minSlots, runtime.GOMAXPROCS(0)))
	return &Lane{
		name: name,
		turns: turns.New(turns.Options{
			Room:       o.Room,
			Slot:       slot,
			MaxWaiting: o.MaxWaiting,
			PerCaller:  o.PerCaller,
			Patience:   o.Patience,
		}),
		large: large,
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:        "horde_images_wait_seconds",
			Help:        "How long images waited for their turn to be decoded or encoded.",
			ConstLabels: prometheus.Labels{"lane": name},
			Buckets:     []float64{.001, .01, .1, .5, 1, 2.5, 5, 10, 30},
		}),
	}
}

// Metrics are the figures of the lanes that serve strangers.
func Metrics() (all []prometheus.Collector) {
	for _, l := range []*Lane{Requesters, Workers} {
		all = append(all, l.metrics()...)
	}
	return all
}

func (l *Lane) metrics() []prometheus.Collector {
	labels := prometheus.Labels{"lane": l.name}
	gauge := func(name, help string, v *atomic.Int64) prometheus.Collector {
		o := prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}
		return prometheus.NewGaugeFunc(o, func() float64 { return float64(v.Load()) })
	}
	refused := func(reason string, v *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "horde_images_refused_total",
			Help:        "Images refused before or while they were decoded, by reason.",
			ConstLabels: prometheus.Labels{"lane": l.name, "reason": reason},
		}, func() float64 { return float64(v.Load()) })
	}
	return []prometheus.Collector{
		gauge("horde_images_waiting", "Images that wait to be decoded or encoded.", &l.waiting),
		gauge("horde_images_running", "Images being decoded or encoded.", &l.running),
		refused("busy", &l.busy),
		refused("caller", &l.caller),
		refused("work", &l.workload),
		l.waited,
	}
}

// enter waits for the turn of an image that takes so many bytes, as long as ctx lasts.
// Whoever was let in calls leave.
func (l *Lane) enter(ctx context.Context, bytes int64) (leave func(), err error) {
	begun := time.Now()
	l.waiting.Add(1)
	defer l.waiting.Add(-1)

	turn, err := l.turns.Take(ctx, turns.Of(ctx), bytes)
	if err != nil {
		l.countRefusal(err)
		return nil, err
	}
	oversize := l.oversize(bytes)
	if oversize {
		if err := l.large.Acquire(ctx, 1); err != nil {
			l.turns.GiveBack(turn)
			return nil, err
		}
	}

	l.waited.Observe(time.Since(begun).Seconds())
	l.running.Add(1)
	return func() {
		l.running.Add(-1)
		if oversize {
			debug.FreeOSMemory() // else what it leaves and the next one takes are there at once
			l.large.Release(1)
		}
		l.turns.GiveBack(turn)
	}, nil
}

// oversize reports whether an image takes more than its lane lets one have.
func (l *Lane) oversize(bytes int64) bool { return bytes > l.turns.Share() }

// countRefusal counts why an image got no turn.
func (l *Lane) countRefusal(err error) {
	switch {
	case errors.Is(err, ErrCallerBusy):
		l.caller.Add(1)
	case errors.Is(err, ErrBusy):
		l.busy.Add(1)
	}
}

// Decode reads an image whose file, header and work are within lim; the result begins
// at (0, 0) and has the size that the header gives. It waits for its turn, and stops
// soon after ctx has ended.
//
// Metadata that changes what the pixels mean is applied: the image is turned as
// its EXIF says, and its colours are those of sRGB. Colours of which the file
// says nothing, or nothing that is understood (profiles of tables, CMYK, HDR),
// stay as they were decoded. The rest of the metadata is dropped. Errors wrap
// ErrTooManyBytes, ErrTooManyPixels, ErrTooMuchWork, ErrUnreadable, ErrBusy or that of ctx.
func (l *Lane) Decode(ctx context.Context, data []byte, lim Limits) (img image.Image, format string, err error) {
	err = l.inTurn(ctx, data, lim, func(decoded image.Image, h Header) error {
		img, format = decoded, h.Format
		return nil
	})
	return img, format, err
}

// ToWebP is Decode and EncodeWebP in one turn, so that no decoded image waits.
func (l *Lane) ToWebP(ctx context.Context, data []byte, lim Limits, quality float32) (webp []byte, err error) {
	err = l.inTurn(ctx, data, lim, func(img image.Image, _ Header) error {
		if err := ctx.Err(); err != nil { // encoding cannot be interrupted
			return err
		}
		var b bytes.Buffer
		err := encode(&b, img, quality)
		webp = b.Bytes()
		return err
	})
	return webp, err
}

// inTurn checks an image, waits for its turn, decodes it and passes it on.
func (l *Lane) inTurn(ctx context.Context, data []byte, lim Limits, use func(image.Image, Header) error) error {
	h, c, err := inspectWithin(data, lim.orDefault())
	if err != nil {
		if errors.Is(err, ErrTooMuchWork) {
			l.workload.Add(1)
		}
		return err
	}

	leave, err := l.enter(ctx, c.memory)
	if err != nil {
		return err
	}
	defer leave()

	img, err := decodeFor(ctx, maxHold, data, h)
	if err != nil {
		if errors.Is(err, ErrTooMuchWork) {
			l.workload.Add(1)
		}
		return err
	}

	// What decoding leaves and what encoding takes, which Go does not manage, would be there
	// at once. It costs some 20 ms of the second and more that such an image takes.
	if l.oversize(c.memory) {
		debug.FreeOSMemory()
	}
	return use(img, h)
}

// inspectWithin reads a header and estimates the work, both within the limits.
func inspectWithin(data []byte, lim Limits) (h Header, c cost, err error) {
	if len(data) > lim.MaxBytes {
		return h, c, fmt.Errorf("%w: %d, at most %d", ErrTooManyBytes, len(data), lim.MaxBytes)
	}
	if h, err = Inspect(data); err != nil {
		return h, c, err
	}
	if err = lim.check(h); err != nil {
		return h, c, err
	}

	if c, err = costOf(data, h); err != nil {
		return h, c, err
	}
	if c.visits > lim.MaxWork {
		return h, c, fmt.Errorf("%w: %d visits of pixels, at most %d", ErrTooMuchWork, c.visits, lim.MaxWork)
	}
	return h, c, nil
}

// decodeFor decodes as long as ctx and the time last.
func decodeFor(ctx context.Context, limit time.Duration, data []byte, h Header) (image.Image, error) {
	held, cancel := context.WithTimeoutCause(ctx, limit, ErrTooMuchWork)
	defer cancel()

	img, err := decode(held, data, h)
	if cause := context.Cause(held); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrUnreadable, h.Format, err)
	}

	if c := coloursOf(data, h.Format, img); c != nil {
		img = c.inSRGB(img)
	}
	return turned(atOrigin(img, h), h.turn), nil
}

// pieceBytes is how much of a file a decoder gets at a time: what it does between two
// looks at its context.
const pieceBytes = 512

// interruptible reads in small pieces, and ends with its context, and with it a decoder
// that cannot be interrupted otherwise. It has no ReadByte, for which decoders would
// bring their own buffer around it.
type interruptible struct {
	ctx  context.Context
	data io.Reader
}

func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.Read(p[:min(len(p), pieceBytes)])
}

// Decode is Own.Decode, for programs that decode for themselves.
func Decode(ctx context.Context, data []byte, lim Limits) (img image.Image, format string, err error) {
	return Own.Decode(ctx, data, lim)
}
