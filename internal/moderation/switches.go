package moderation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"horde/internal/store"
)

// Modes are the switches of the whole horde (platform §7.3).
type Modes struct {
	Maintenance bool `json:"maintenance,omitempty"` // no requests are accepted
	InviteOnly  bool `json:"invite_only,omitempty"` // new workers by invitation only
	Raid        bool `json:"raid,omitempty"`        // strangers are shut out quietly
}

// Change says which modes to switch; nil leaves one unchanged.
type Change struct {
	Maintenance, InviteOnly, Raid *bool
}

// Switches holds the modes: in the database for all nodes, and in memory for
// every check.
type Switches struct {
	store *store.Store
	now   atomic.Pointer[Modes]
	mu    sync.Mutex // one reading at a time, so that memory never goes back in time; not held during a write
}

// settingModes is the name of the modes among the horde's settings.
const settingModes = "modes"

// rereadEvery is how often the modes are read without cause: nodes of earlier versions
// do not tell the others what they switch.
const rereadEvery = 30 * time.Second

// OpenSwitches reads the modes of a store.
func OpenSwitches(ctx context.Context, s *store.Store) (*Switches, error) {
	w := &Switches{store: s}
	w.now.Store(&Modes{})
	s.Follow(w.hear)
	return w, w.Refresh(ctx)
}

// hear reads the modes again when they were switched, on whatever node.
func (w *Switches) hear(ctx context.Context, c *store.Changes) error {
	if !c.Missed && !slices.Contains(c.Settings, settingModes) {
		return nil
	}
	return w.Refresh(ctx)
}

// Modes returns the current modes.
func (w *Switches) Modes() Modes { return *w.now.Load() }

// Refresh reads the modes again.
func (w *Switches) Refresh(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, err := w.store.Setting(ctx, settingModes)
	if err != nil {
		return fmt.Errorf("read the modes: %w", err)
	}
	m, err := parseModes(text)
	if err == nil {
		w.now.Store(&m)
	}
	return err
}

func parseModes(text string) (m Modes, err error) {
	if text == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return Modes{}, fmt.Errorf("setting %q: %w", settingModes, err)
	}
	return m, nil
}

// Change switches modes for all nodes and returns all of them. Those
// that the change does not name stay as another node may have set them. What is
// committed is in memory, by hear, before the call returns.
func (w *Switches) Change(ctx context.Context, c Change) (m Modes, err error) {
	err = w.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		text, err := tx.InitSetting(settingModes, "{}")
		if err != nil {
			return err
		}

		if m, err = parseModes(text); err != nil {
			return err
		}

		set(&m.Maintenance, c.Maintenance)
		set(&m.InviteOnly, c.InviteOnly)
		set(&m.Raid, c.Raid)

		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return tx.SetSetting(settingModes, string(b))
	}})
	return m, err
}

// set assigns what is given.
func set(v *bool, to *bool) {
	if to != nil {
		*v = *to
	}
}

// Reread reads the modes now and then until ctx ends, and calls report with failures. It
// returns at once if there are no other nodes.
func (w *Switches) Reread(ctx context.Context, report func(error)) {
	if !w.store.Shared() {
		return
	}
	ticker := time.NewTicker(rereadEvery)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := w.Refresh(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}
