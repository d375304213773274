package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// makeLife makes a database in which a server has recorded finished pictures of
// two machines, one half as fast as the other. A third of the pictures use
// RestoreFormer, which takes twice as long.
func makeLife(where store.Options) error {
	s, err := store.Open(context.Background(), where)
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

// TestTrainFromDatabase: what a server recorded makes the same network from either
// database, and one that prices what the built-in one leaves to the formula.
func TestTrainFromDatabase(t *testing.T) {
	var first []byte
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		where := db.Options()
		if err := makeLife(where); err != nil {
			t.Fatal(err)
		}
		source := []string{"--data-dir", where.Folder}
		if db.Engine == storetest.Postgres {
			source = []string{"--from-db", where.URL}
		}
		net := filepath.Join(t.TempDir(), "own.bin")
		var out, errs bytes.Buffer
		args := append([]string{"kudos", "train", "--out", net, "--epochs", "20", "--hidden", "32", "--seed", "2", "--compare", "built-in"}, source...)
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != 0 ||
			!strings.Contains(errs.String(), "900 recorded pictures: 900 of use") || !strings.Contains(out.String(), "OLD horde-1") {
			t.Fatalf("horde %v: %d\n%s%s", args, code, out.String(), errs.String())
		}
		n, err := kudos.ReadNet(net)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := n.Seconds(&kudos.Order{Width: 512, Height: 512, Steps: 20, Cfg: 7, Sampler: "k_euler", PostProcessing: []string{"RestoreFormer"}}); !ok {
			t.Error("the network does not know RestoreFormer, which it was trained on")
		}
		text, err := os.ReadFile(net)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(text, first) {
			t.Error("the two databases make different networks of the same pictures")
		}
	})
}
