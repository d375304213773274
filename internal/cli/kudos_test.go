package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"horde/internal/cli/console"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// makeLife makes a database in which a server has recorded finished images of
// two machines, one half as fast as the other. A third of the images use
// RestoreFormer, which takes twice as long.
func makeLife(where store.Options) error {
	s, err := store.Open(context.Background(), where)
	if err != nil {
		return err
	}

	err = s.Write(context.Background(), store.Unit{Do: func(tx *store.Tx) error {
		for i := range 900 {
			o := kudos.Order{
				Width:   64 * (4 + i%13),
				Height:  64 * (4 + i/13%13),
				Steps:   10 + i*7%40,
				Cfg:     7,
				Sampler: "k_euler",
				Karras:  true,
			}
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
			tx.Time(store.Timing{
				Hour:     1,
				Machine:  []string{"slow", "fast"}[i%2],
				Baseline: "stable diffusion 1",
				Batch:    1,
				Micros:   horde.Micros(seconds * 1e6),
				Features: text,
			})
		}
		return nil
	}})
	return errors.Join(err, s.Close())
}

// TestEitherDatabaseTrainsTheSameNet: what a server recorded makes the same network from either
// database, and one that prices what the built-in one leaves to the formula.
func TestEitherDatabaseTrainsTheSameNet(t *testing.T) {
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
		args := append([]string{"kudos", "train", "--out", net, "--epochs", "20", "--hidden", "32", "--seed", "2",
			"--compare", "built-in"}, source...)
		if code := execute(t.Context(), args, strings.NewReader(""), &out, &errs); code != 0 ||
			!strings.Contains(errs.String(), "900 recorded images: 900 usable") ||
			!strings.Contains(out.String(), "OLD horde-1") {
			t.Fatalf("horde %v: %d\n%s%s", args, code, out.String(), errs.String())
		}

		n, err := kudos.ReadNet(net)
		if err != nil {
			t.Fatal(err)
		}

		if _, ok := n.Seconds(&kudos.Order{
			Width:          512,
			Height:         512,
			Steps:          20,
			Cfg:            7,
			Sampler:        "k_euler",
			PostProcessing: []string{"RestoreFormer"},
		}); !ok {
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
			t.Error("the two databases make different networks of the same images")
		}
	})
}

// dataFile writes jobs that anybody could have had, with further lines below, and
// returns the file's path.
func dataFile(t *testing.T, more string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("width,height,steps,cfg_scale,sampler_name,karras,hires_fix,source_processing," +
		"source_image,source_mask," +
		"denoising_strength,control_type,control_strength,post_processing,seconds,kudos_basis11\n")

	for i := range 400 {
		o := kudos.Order{
			Width:            64 * (4 + i%13),
			Height:           64 * (4 + i/13%13),
			Steps:            10 + i*7%40,
			Cfg:              7,
			Sampler:          "k_euler",
			Karras:           true,
			SourceProcessing: "txt2img",
		}
		seconds, _ := kudos.Standard().Seconds(&o)
		fmt.Fprintf(&text, "%d,%d,%d,7,k_euler,True,False,txt2img,False,False,,None,,,%.3f,%.3f\n",
			o.Width, o.Height, o.Steps, seconds, 11*seconds/kudos.Standard().Basis())
	}

	path := filepath.Join(t.TempDir(), "jobs.csv")
	if err := os.WriteFile(path, []byte(text.String()+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEvalLeavesOutBrokenLines(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"kudos", "eval", "--data",
		dataFile(t, "1,2\nwide\x1b[2J,512,20,7,k_euler,True,False,txt2img,False,False,,None,,,5,9\n,,\n{}\n")}
	if code := execute(t.Context(), args, strings.NewReader(""), &out, &errs); code != 0 ||
		!strings.HasPrefix(out.String(), "accuracy 0.999") {
		t.Fatalf("%d\n%s%s", code, out.String(), errs.String())
	}

	for _, want := range []string{"left out because they cannot be read: 4\n  line 402: wrong number of fields: 2",
		"line 403: width", "  …\n", "400 jobs"} {
		if !strings.Contains(errs.String(), want) || strings.Contains(errs.String(), "\x1b") {
			t.Errorf("%q lacks %q", errs.String(), want)
		}
	}
}

// What stands in the way of writing a net is said before the training, and what
// was read is never overwritten.
func TestTrainLooksWhereItWrites(t *testing.T) {
	data, dir := dataFile(t, ""), t.TempDir()
	before, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}

	net := filepath.Join(dir, "net.bin")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no such folder", []string{"--out", filepath.Join(dir, "none", "net.bin")}, console.ExitUsage,
			"cannot be written there: no such file or directory"},
		{"a folder", []string{"--out", dir}, 2, "is a folder; name a file in it"},
		{"the plot in no folder", []string{"--out", net, "--plot", filepath.Join(dir, "none", "loss.png")},
			console.ExitUsage, "cannot be written there"},
		{"over the data", []string{"--out", data}, 2, "would be overwritten"},
		{"the plot over the data", []string{"--out", net, "--plot", filepath.Join(filepath.Dir(data), ".", "jobs.csv")},
			2, "would be overwritten"},
		{"over itself", []string{"--out", filepath.Join(dir, "net.png")}, 2, "would both be written"},
		{"over the net to compare with", []string{"--out", net, "--compare", net}, 2, "would be overwritten"},
		{"recorded prices that are none", []string{"--out", net, "--recorded", data}, console.ExitUsage, "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := append([]string{"kudos", "train", "--data", data, "--epochs", "1", "--hidden", "4"}, c.args...)
			code := execute(t.Context(), args, strings.NewReader(""), &out, &errs)
			if code != c.code || !strings.Contains(errs.String(), c.want) || strings.Contains(errs.String(), "epoch") {
				t.Errorf("%d %q, want %d %q", code, errs.String(), c.code, c.want)
			}
		})
	}

	if after, err := os.ReadFile(data); err != nil || !bytes.Equal(before, after) {
		t.Error("the data was overwritten", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// An error about a database names the flag that named it.
func TestDatabaseFlagsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		flag string
		code int
		args []string
	}{
		{"--from-db:", console.ExitFailed, []string{"kudos", "train", "--from-db", "mysql://a/b"}},
		{"--data-dir:", console.ExitUsage, []string{"kudos", "eval", "--data-dir", t.TempDir()}},
		{"--db:", console.ExitFailed, []string{"admin", "ledger", "verify", "--db", "mysql://a/b"}},
		{"--data:", console.ExitUsage, []string{"admin", "ledger", "explain", "1", "--data", t.TempDir()}},
	} {
		t.Run(strings.Join(tc.args[:2], " "), func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := execute(t.Context(), tc.args, strings.NewReader(""), &out, &errs); code != tc.code ||
				!strings.HasPrefix(errs.String(), "horde: "+tc.flag) {
				t.Errorf("%v: %d %s", tc.args, code, errs.String())
			}
		})
	}
}
