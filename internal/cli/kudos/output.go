package kudos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"horde/internal/cli/console"
	"horde/internal/kudos/training"
)

// complete derives what was not given from the name of the net's file.
func (c *TrainCmd) complete() {
	stem := strings.TrimSuffix(c.Out, filepath.Ext(c.Out))
	if c.Name == "" {
		c.Name = filepath.Base(stem)
	}
	if c.Plot == "" {
		c.Plot = stem + ".png"
	}
}

// writable checks, before minutes go into training, that the net and its plot can be
// written, and that they overwrite nothing that is read.
func (c *TrainCmd) writable() error {
	if sameFile(c.Out, c.Plot) {
		return console.UsageError("net and plot would both be written to %s; name others with --out and --plot", c.Out)
	}

	for _, in := range []string{c.Data, c.Recorded, c.Compare, c.Models} {
		for _, out := range []string{c.Out, c.Plot} {
			if in != "" && sameFile(in, out) {
				return console.UsageError("%s is read here, and would be overwritten; write elsewhere with --out and --plot", in)
			}
		}
	}

	for _, out := range []string{c.Out, c.Plot} {
		if info, err := os.Stat(out); err == nil && info.IsDir() {
			return console.UsageError("%s is a folder; name a file in it", out)
		}
		f, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+"-*")
		if err != nil {
			return console.UsageError("%s cannot be written there: %w", out, errors.Unwrap(err))
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// sameFile reports whether two paths lead to one file, whether it exists or not.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errX == nil && errY == nil && os.SameFile(x, y)
}

// write plots the loss and writes the net.
func (c *TrainCmd) write(con *console.Console, r *training.Result) error {
	net, err := r.Net.Bytes()
	if err != nil {
		return err
	}

	plot, err := training.Plot("loss of "+c.Name, r.Epochs)
	if err != nil {
		return err
	}
	if err := replaceFile(c.Plot, plot); err != nil {
		return err
	}
	if err := replaceFile(c.Out, net); err != nil {
		return err
	}

	fmt.Fprintf(con.Stderr, "the basis job takes %.2f s; wrote %s and %s\n", r.Net.Basis(), c.Out, c.Plot)
	return nil
}

// replaceFile writes a file so that path holds all of the new bytes or still
// the old ones.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())

	_, err = io.Copy(f, bytes.NewReader(b))
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
