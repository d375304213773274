package queue

import (
	"context"
	"fmt"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/source"
	"horde/internal/store"
)

// storeSources decodes the source images of a request, re-encodes them and puts them
// where workers can fetch them (generation §1.6). What was put is removed again when a
// later one is refused.
func (q *Queue) storeSources(ctx context.Context, row *store.Request, ask *api.ImageRequest, rec *record) error {
	err := storeAllSources(ctx, q.SourceImages(row.UserID), row.ID, ask, rec)
	if err != nil {
		q.dropSources(ctx, rec)
	}
	return err
}

// storeAllSources stores the source image, the mask and what a remix has besides.
func storeAllSources(
	ctx context.Context, images source.Images, id string, ask *api.ImageRequest, rec *record,
) error {
	if ask.SourceImage != "" {
		webp, alpha, err := images.WebP(ctx, ask.SourceImage)
		if err != nil {
			return err
		}
		if ask.SourceProcessing == "inpainting" && ask.SourceMask == "" && !alpha {
			return horde.Errorf(horde.InpaintingMissingMask,
				"Inpainting needs a source_mask, or a source_image with an alpha channel.")
		}
		if err := images.Put(ctx, id+"_src.webp", webp); err != nil {
			return err
		}
		rec.Source = id + "_src.webp"
	}

	if ask.SourceMask != "" {
		if err := storeSource(ctx, images, ask.SourceMask, id+"_msk.webp"); err != nil {
			return err
		}
		rec.Mask = id + "_msk.webp"
	}

	for i, extra := range ask.ExtraSourceImages {
		name := fmt.Sprintf("%s_exra_src_%d.webp", id, i)
		if err := storeSource(ctx, images, extra.Image, name); err != nil {
			return err
		}
		strength := 1.0
		if extra.Strength != nil {
			strength = *extra.Strength
		}
		rec.Extra = append(rec.Extra, extraSource{Blob: name, Strength: strength})
	}
	return nil
}

func storeSource(ctx context.Context, images source.Images, text, name string) error {
	webp, _, err := images.WebP(ctx, text)
	if err != nil {
		return err
	}
	return images.Put(ctx, name, webp)
}

// dropSources deletes the source images of a request.
func (q *Queue) dropSources(ctx context.Context, rec *record) {
	q.DropObjects(ctx, rec.sources()...)
}
