package image

import (
	"math"
	"slices"
	"time"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/kinds"
)

// Batch is how many images one pop gets (generation §1.18 "Batch size"; the factor of large
// models by baseline, decision 21).
func (w Work) Batch(p kinds.Pickup) int {
	m := w.Image
	if m.DisableBatching {
		return 1
	}

	load := float64(m.Pixels()) * (1 + 0.4*float64(len(m.PostProcessing)))
	if m.Transparent || slices.ContainsFunc(m.PostProcessing, isHeavy) {
		load *= 1.8
	}
	switch p.Known.Baseline(p.Model) {
	case catalog.Flux1:
		load *= 5
	case catalog.ZImageTurbo:
		load *= 8
	case catalog.QwenImage:
		load *= 10
	}

	n := int(math.RoundToEven(float64(p.Settings.MaxPixels) / 3.5 * float64(p.Amount) / load))
	return max(1, min(n, p.Amount, p.Left))
}

func isHeavy(postProcessor string) bool {
	known, _ := api.PostProcessorByName(postProcessor)
	return known.Heavy
}

// TTL is how long a worker may take over a job (generation §1.18 "TTL").
func (w Work) TTL(p kinds.Pickup) time.Duration {
	m := w.Image
	s := 30 + float64(m.AccurateSteps)*2*float64(m.Pixels())/262144
	if m.ControlType != "" {
		s *= 2
	}
	if slices.ContainsFunc(m.Models, func(name string) bool { return isSlow(p.Known.Baseline(name)) }) {
		s *= 3
	}

	d := max(time.Duration(s*float64(time.Second)), kinds.LeastTTL)
	if p.Settings.ExtraSlow {
		d *= 3
	}
	return d
}

func isSlow(baseline string) bool {
	return baseline == catalog.Flux1 || baseline == catalog.QwenImage || baseline == catalog.ZImageTurbo
}
