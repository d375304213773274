package fleet

import (
	"encoding/json"
	"slices"
	"sync/atomic"
	"time"

	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/horde"
	"horde/internal/store"
)

// Settings is what a worker declared at its last full check-in.
type Settings struct {
	BridgeAgent         string         `json:"bridge_agent"`
	Threads             int            `json:"threads"`
	Models              []string       `json:"models"` // those that the horde accepts; for text workers, in their order
	NSFW                bool           `json:"nsfw,omitempty"`
	Blacklist           []string       `json:"blacklist,omitempty"` // lower case
	RequireUpfrontKudos bool           `json:"require_upfront_kudos,omitempty"`
	PriorityUsers       []horde.UserID `json:"priority_users,omitempty"`
	MaxPixels           int            `json:"max_pixels,omitempty"`
	AllowImg2Img        bool           `json:"allow_img2img,omitempty"`
	AllowPainting       bool           `json:"allow_painting,omitempty"`
	AllowUnsafeIP       bool           `json:"allow_unsafe_ipaddr,omitempty"`
	AllowPostProcessing bool           `json:"allow_post_processing,omitempty"`
	AllowControlnet     bool           `json:"allow_controlnet,omitempty"`
	AllowSDXLControlnet bool           `json:"allow_sdxl_controlnet,omitempty"`
	AllowLora           bool           `json:"allow_lora,omitempty"`
	LimitMaxSteps       bool           `json:"limit_max_steps,omitempty"`
	ExtraSlow           bool           `json:"extra_slow_worker,omitempty"`

	// For text workers, in tokens.
	MaxLength        int      `json:"max_length,omitempty"`
	MaxContextLength int      `json:"max_context_length,omitempty"`
	Softprompts      []string `json:"softprompts,omitempty"`

	// For alchemists.
	Forms    []string `json:"forms,omitempty"`
	MaxTiles int      `json:"max_tiles,omitempty"` // 512×512 pixels each
}

// Worker is a snapshot of one worker. It never changes; only LastSeen moves.
type Worker struct {
	store.Worker
	Settings Settings
	Agent    bridge.Agent
	Owner    *account.User // as of the last check-in; nil if this node has not seen one
	stored   horde.Micros  // LastCheckIn in the database

	seen *atomic.Int64 // microseconds; shared by all snapshots of the worker
}

// staleAfter is how long after its last check-in a worker counts as offline.
const staleAfter = 300 * time.Second

// Online reports whether the worker was seen within the last 300 s.
func (w *Worker) Online(now horde.Micros) bool {
	return now-horde.Micros(w.seen.Load()) <= horde.MicrosIn(staleAfter)
}

// LastSeen returns the time of the last pop, in microseconds.
func (w *Worker) LastSeen() int64 { return w.seen.Load() }

// Speeds of workers that have not delivered yet, in work units per second (generation §5.4).
const (
	initialImageSpeed = 1_000_000
	initialSpeed      = 1
)

// Speed returns the mean of the newest samples, in work units per second.
func (w *Worker) Speed() float64 {
	sum := 0.0
	for _, s := range w.Totals.Speeds {
		sum += s
	}

	switch {
	case sum > 0:
		return sum / float64(len(w.Totals.Speeds))
	case w.Kind == horde.KindImage:
		return initialImageSpeed
	}
	return initialSpeed
}

// OwnerTrusted reports whether the owner is trusted.
func (w *Worker) OwnerTrusted() bool { return w.Owner != nil && w.Owner.Is(account.Trusted) }

// Offers reports whether the worker declared the model at its last full check-in.
func (w *Worker) Offers(model string) bool { return slices.Contains(w.Settings.Models, model) }

// snapshot reads a worker's row. What the worker declared is decoded where the known
// snapshot, if there is one, was made of something else: a delivery changes none of it.
func snapshot(row store.Worker, owner *account.User, known *Worker) (*Worker, error) {
	w := &Worker{Worker: row, Owner: owner, stored: row.LastCheckIn}
	if known != nil && known.Worker.Settings == row.Settings {
		w.Settings, w.Agent = known.Settings, known.Agent
		return w, nil
	}

	if err := json.Unmarshal([]byte(row.Settings), &w.Settings); err != nil {
		return nil, err
	}
	w.Agent = bridge.Parse(w.Settings.BridgeAgent)
	return w, nil
}

// after is w as the successor of an older snapshot: with its owner where w names none,
// and with its row where that is the newer one after all.
func (w *Worker) after(old *Worker) *Worker {
	if w.Owner == nil {
		w.Owner = old.Owner
	}
	if w.Version < old.Version {
		newer := *old
		newer.Owner = w.Owner
		return &newer
	}
	w.seen = old.seen
	return w
}

// sawAt notes that the worker was there at a time in microseconds.
func (w *Worker) sawAt(at horde.Micros) {
	if w.seen == nil {
		w.seen = new(atomic.Int64)
	}
	if horde.Micros(w.seen.Load()) < at {
		w.seen.Store(int64(at))
	}
}
