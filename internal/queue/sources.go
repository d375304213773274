package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/source"
)

// pictures reads and stores source pictures.
func (q *Queue) pictures() source.Images {
	return source.Images{Fetcher: q.Sources, Blobs: q.Blobs}
}

// storeSources decodes the pictures of a request, re-encodes them and puts them
// where workers can fetch them (generation §1.6). What was put is removed again when a
// later one is refused.
func (q *Queue) storeSources(ctx context.Context, id string, ask *api.ImageRequest, rec *record) error {
	err := q.storeAllSources(ctx, id, ask, rec)
	if err != nil {
		q.dropSources(ctx, rec)
	}
	return err
}

func (q *Queue) storeAllSources(ctx context.Context, id string, ask *api.ImageRequest, rec *record) error {
	if ask.SourceImage != "" {
		img, alpha, err := q.pictures().Image(ctx, ask.SourceImage)
		if err != nil {
			return err
		}
		if ask.SourceProcessing == "inpainting" && ask.SourceMask == "" && !alpha {
			return horde.Errorf(horde.InpaintingMissingMask, "Inpainting needs a source_mask, or a source_image with an alpha channel.")
		}
		if err := q.pictures().Put(ctx, id+"_src.webp", img, source.Quality); err != nil {
			return err
		}
		rec.Source = id + "_src.webp"
	}
	if ask.SourceMask != "" {
		if err := q.storeSource(ctx, ask.SourceMask, id+"_msk.webp"); err != nil {
			return err
		}
		rec.Mask = id + "_msk.webp"
	}
	for i, extra := range ask.ExtraSourceImages {
		name := fmt.Sprintf("%s_exra_src_%d.webp", id, i)
		if err := q.storeSource(ctx, extra.Image, name); err != nil {
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

func (q *Queue) storeSource(ctx context.Context, text, name string) error {
	img, _, err := q.pictures().Image(ctx, text)
	if err != nil {
		return err
	}
	return q.pictures().Put(ctx, name, img, source.Quality)
}

func (q *Queue) dropSources(ctx context.Context, rec *record) {
	names := []string{rec.Source, rec.Mask}
	for _, e := range rec.Extra {
		names = append(names, e.Blob)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := q.Blobs.Delete(context.WithoutCancel(ctx), name); err != nil {
			q.Log.Warn("delete source picture", "name", name, "error", err)
		}
	}
}

// inline reads a blob as base64; "" when it is not there.
func (q *Queue) inline(ctx context.Context, name string) string {
	r, info, err := q.Blobs.Get(ctx, name)
	if err != nil {
		return ""
	}
	defer r.Close()
	data := bytes.NewBuffer(make([]byte, 0, info.Size+512))
	if _, err := io.Copy(data, r); err != nil {
		q.Log.Warn("read picture", "name", name, "error", err)
		return ""
	}
	return base64.StdEncoding.EncodeToString(data.Bytes())
}
