package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Imported is the result of importing a document.
type Imported struct {
	Models  int
	LeftOut int  // entries that could not be read
	Changed bool // it differs from the document that was in use
}

// Import makes a document the reference of a slot and keeps it in the store, from
// where other nodes pick it up. source says where it came from. Refusals have
// code BadRequest.
func (c *Catalog) Import(ctx context.Context, slot, source string, doc []byte) (Imported, error) {
	if !known(slot) {
		return Imported{}, unknownSlot(slot)
	}
	t, err := c.install(ctx, slot, source, doc)
	if bad := (*documentError)(nil); errors.As(err, &bad) {
		return t, horde.Errorf(horde.BadRequest, "%s", bad)
	}
	return t, err
}

// documentError refuses a document.
type documentError struct {
	source string
	err    error
}

func (e *documentError) Error() string { return e.source + " " + e.err.Error() }
func (e *documentError) Unwrap() error { return e.err }

// install makes a document the reference of a slot, unless it is already. Where the
// store keeps copies, the reference comes from there, as it does to other nodes.
func (c *Catalog) install(ctx context.Context, slot, source string, doc []byte) (t Imported, err error) {
	doc = bytes.TrimPrefix(doc, byteOrderMark)
	digest := digestOf(doc)

	next := c.part(slot)
	if t.Changed = next.digest != digest; t.Changed {
		next.digest = digest
		if next.parsed, err = parseDocument(slot, doc); err != nil {
			return t, &documentError{source, err}
		}
	}

	t.Models, t.LeftOut = next.models(), next.bad
	if c.cfg.Store != nil {
		if err := c.keep(ctx, slot, source, next, doc); err != nil {
			return t, fmt.Errorf("keep the reference %s in the database: %w", source, err)
		}
		if c.part(slot).digest != digest { // another node keeps it already, and this one has not heard of it
			return t, c.reload(ctx)
		}
		return t, nil
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts[slot] = next
	c.rebuildLocked()
	return t, nil
}

// part returns what a slot is filled with.
func (c *Catalog) part(slot string) part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[slot]
}

// keep stores the copy of a slot.
func (c *Catalog) keep(ctx context.Context, slot, source string, p part, doc []byte) error {
	now := horde.MicrosOf(c.cfg.Clock())
	v := store.Reference{
		Slot:     slot,
		Source:   source,
		Digest:   p.digest,
		Models:   int64(p.models()),
		Fetched:  now,
		Changed:  now,
		Document: string(doc),
	}

	err := c.cfg.Store.Write(ctx, store.Unit{Key: "reference:" + slot, Do: func(tx *store.Tx) error {
		_, err := tx.PutReference(v)
		return err
	}})
	if err == nil {
		c.metrics.copied(slot, now)
	}
	return err
}

func digestOf(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

func known(slot string) bool { return slot == Images || slot == ExtraImages || slot == Texts }

func unknownSlot(slot string) error {
	return horde.Errorf(horde.NotFound,
		"There is no model reference %.40q; there are %s, %s and %s.", slot, Images, ExtraImages, Texts)
}

// Remove deletes the copy of a slot: the built-in list, if there is one, applies
// again. A source that is configured brings it back when it is next read.
func (c *Catalog) Remove(ctx context.Context, slot string) error {
	if !known(slot) {
		return unknownSlot(slot)
	}
	if c.cfg.Store == nil {
		return errors.New("this catalogue keeps no copies")
	}

	err := c.cfg.Store.Write(ctx, store.Unit{Key: "reference:" + slot, Do: func(tx *store.Tx) error {
		return tx.DeleteReference(slot)
	}})
	if errors.Is(err, store.ErrNotFound) {
		return horde.Errorf(horde.NotFound, "No copy of the model reference %s is kept.", slot)
	}
	return err
}

// reload picks up what the store keeps, as far as it differs from what is known:
// after it was changed. A copy that cannot be read, since a later
// version wrote it, is skipped.
func (c *Catalog) reload(ctx context.Context) error {
	if c.cfg.Store == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()

	heads, err := c.cfg.Store.References(ctx)
	if err != nil {
		return fmt.Errorf("read the model references: %w", err)
	}

	present, changed := map[string]bool{}, false
	for _, h := range heads {
		present[h.Slot] = known(h.Slot)
		if !present[h.Slot] {
			continue
		}
		c.metrics.copied(h.Slot, h.Fetched)
		if c.parts[h.Slot].digest == h.Digest {
			continue
		}
		if err := c.reloadLocked(ctx, h.Slot); err != nil {
			return err
		}
		changed = true
	}

	// Drop what the store no longer keeps.
	for slot := range c.parts {
		if !present[slot] {
			delete(c.parts, slot)
			c.metrics.copied(slot, 0)
			changed = true
		}
	}

	if changed {
		c.rebuildLocked()
	}
	return nil
}

// reloadLocked reads the copy of one slot; the caller holds mu.
func (c *Catalog) reloadLocked(ctx context.Context, slot string) error {
	v, err := c.cfg.Store.Reference(ctx, slot)
	if errors.Is(err, store.ErrNotFound) {
		return nil // gone meanwhile; the change log reports that too
	}
	if err != nil {
		return fmt.Errorf("read the model reference %s: %w", slot, err)
	}

	p, err := parseDocument(slot, []byte(v.Document))
	if err != nil {
		c.cfg.Log.Error("the kept copy of a model reference cannot be read; it is skipped", "reference", slot, "error", err)
		return nil
	}
	c.parts[slot] = part{parsed: p, digest: v.Digest}
	return nil
}

// copyOf returns what the store keeps for a slot; store.ErrNotFound if nothing.
func (c *Catalog) copyOf(ctx context.Context, slot string) (store.Reference, error) {
	if c.cfg.Store == nil {
		return store.Reference{}, store.ErrNotFound
	}
	return c.cfg.Store.Reference(ctx, slot)
}

// References lists the slots that are filled, by a kept copy or else by a built-in
// list.
func (c *Catalog) References(ctx context.Context) ([]api.ModelReference, error) {
	list := []api.ModelReference{}
	for slot, p := range c.common {
		list = append(list, api.ModelReference{Kind: slot, Models: p.models(), Source: api.BuiltInReference})
	}

	if c.cfg.Store != nil {
		heads, err := c.cfg.Store.References(ctx)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			fetched, changed := h.Fetched.Time(), h.Changed.Time()
			list = slices.DeleteFunc(list, func(v api.ModelReference) bool { return v.Kind == h.Slot })
			list = append(list, api.ModelReference{
				Kind:    h.Slot,
				Models:  int(h.Models),
				Source:  h.Source,
				Fetched: &fetched,
				Changed: &changed,
			})
		}
	}

	slices.SortFunc(list, func(a, b api.ModelReference) int { return strings.Compare(a.Kind, b.Kind) })
	return list, nil
}
