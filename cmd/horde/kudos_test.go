package main

import (
	"context"
	"errors"

	"horde/internal/kudos"
	"horde/internal/store"
)

// makeLife makes a data folder in which a server has recorded finished pictures of
// two machines, one half as fast as the other. A third of the pictures use
// RestoreFormer, which takes twice as long.
func makeLife(folder string) error {
	s, err := store.Open(context.Background(), store.Options{Folder: folder})
	if err != nil {
		return err
	}
	err = s.Write(store.Unit{Do: func(tx *store.Tx) error {
		for i := range 900 {
			o := kudos.Order{Width: 64 * (4 + i%13), Height: 64 * (4 + i/13%13), Steps: 10 + i*7%40, Cfg: 7, Sampler: "k_euler", Karras: true}
			seconds, _ := kudos.Standard().Seconds(&o)
			if i%3 == 0 {
				seconds *= 2
				o.PostProcessing = []string{"RestoreFormer"}
			}
			if i%2 == 0 {
				seconds *= 2
			}
			text, err := o.Features().JSON()
			if err != nil {
				return err
			}
			tx.Time(store.Timing{Hour: 1, Machine: []string{"slow", "fast"}[i%2], Baseline: "stable diffusion 1", Batch: 1, Micros: int64(seconds * 1e6), Features: text})
		}
		return nil
	}})
	return errors.Join(err, s.Close())
}
