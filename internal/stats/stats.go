package stats

import (
	"context"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/store"
)

// Stats reads and keeps the statistics of a horde.
type Stats struct {
	Store   *store.Store
	Catalog *catalog.Catalog
	Clock   horde.Clock
}

// Images sums up the images that were generated.
func (s *Stats) Images(ctx context.Context) (api.ImageTotals, error) {
	w, err := s.Store.Stats(ctx, horde.KindImage, horde.MicrosOf(s.Clock()))
	made := func(t store.Tally) api.ImagesMade { return api.ImagesMade{Images: t.Jobs, Pixelsteps: t.WorkUnits} }
	return api.ImageTotals{
		Minute: made(w.Minute),
		Hour:   made(w.Hour),
		Day:    made(w.Day),
		Month:  made(w.Month),
		Total:  made(w.Total),
	}, err
}

// Texts sums up the text generations.
func (s *Stats) Texts(ctx context.Context) (api.TextTotals, error) {
	w, err := s.Store.Stats(ctx, horde.KindText, horde.MicrosOf(s.Clock()))
	made := func(t store.Tally) api.TextsMade { return api.TextsMade{Requests: t.Jobs, Tokens: t.WorkUnits} }
	return api.TextTotals{
		Minute: made(w.Minute),
		Hour:   made(w.Hour),
		Day:    made(w.Day),
		Month:  made(w.Month),
		Total:  made(w.Total),
	}, err
}

// States of models that a listing can be limited to.
const (
	Known  = "known"  // the model reference has them
	Custom = "custom" // it lacks them
	All    = "all"
)

// ImageModels counts the images by model. state is Known, Custom or All; a
// BadRequest error for another.
func (s *Stats) ImageModels(ctx context.Context, state string) (api.ImageModelTotals, error) {
	known := s.Catalog.Snapshot().KnownImage
	wanted := map[string]func(model string) bool{
		Known:  known,
		Custom: func(model string) bool { return !known(model) },
		All:    func(string) bool { return true },
	}[state]
	if wanted == nil {
		return api.ImageModelTotals{}, horde.Errorf(horde.BadRequest, "model_state must be known, custom or all.")
	}

	t, err := s.models(ctx, horde.KindImage, wanted)
	return api.ImageModelTotals(t), err
}

// TextModels counts the text generations by model.
func (s *Stats) TextModels(ctx context.Context) (api.TextModelTotals, error) {
	t, err := s.models(ctx, horde.KindText, func(string) bool { return true })
	return api.TextModelTotals(t), err
}

// models counts jobs by model, of the wanted models; a model that made nothing within a
// span is not listed in it.
func (s *Stats) models(ctx context.Context, kind horde.Kind, wanted func(model string) bool) (api.ModelTotals, error) {
	all, err := s.Store.ModelStats(ctx, kind, horde.MicrosOf(s.Clock()))
	t := api.ModelTotals{Day: api.ModelJobs{}, Month: api.ModelJobs{}, Total: api.ModelJobs{}}

	for _, m := range all {
		if !wanted(m.Model) {
			continue
		}
		for _, span := range []struct {
			counts api.ModelJobs
			jobs   int64
		}{{t.Day, m.Day}, {t.Month, m.Month}, {t.Total, m.Total}} {
			if span.jobs > 0 {
				span.counts[m.Model] = span.jobs
			}
		}
	}
	return t, err
}

// Merge merges old buckets into coarser ones, as any node may do at any time.
func (s *Stats) Merge(ctx context.Context) error { return s.Store.MergeStats(ctx) }
