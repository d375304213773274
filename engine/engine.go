// Package engine is the border between a worker and whatever generates for it. There
// is one small interface for each kind of work: [ImageEngine] for a Dreamer and
// [TextEngine] for a Scribe. Both share one life cycle, [Engine]:
//
//  1. Probe asks whether the engine can work now. From then on Models and the
//     capabilities of its kind say what it offers; a later Probe may change both.
//  2. The worker turns each pop into one job and has the engine generate. Hooks tell
//     of progress; the end of the context cancels.
//  3. Close ends what the engine holds.
//
// Built in are [horde/engine/pocket], the project's own small diffusion model through
// ONNX Runtime, and [horde/engine/sketch], which draws an image by formula. An engine
// knows nothing of the horde beyond the types of package api: no keys, no uploads.
package engine

import "context"

// Engine is the life cycle that engines of all kinds share. All methods may be called
// from several goroutines.
type Engine interface {
	// Name is the engine's name for logs, for example "pocket".
	Name() string
	// Probe asks whether the engine can work now, and looks again at what it offers.
	// An error says why not; the worker then takes no jobs and probes again some
	// seconds later. Engines inside this process always can.
	Probe(ctx context.Context) error
	// Models lists the public model names that a job's Model may have. An engine in
	// another process may know none before the first Probe.
	Models() []string
	// Close waits for what is being generated and frees what the engine holds.
	// Generating fails afterwards.
	Close() error
}
