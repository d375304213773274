//go:build cgo

// Command generate generates one image with the pocket engine, without a horde:
//
//	go run ./engine/pocket/generate [flags] "a red fox in the snow" fox.webp
//
// With -serve it loads the model once and then generates one image for every
// seed that comes in on a line of its own, answering with the seconds from
// seed to encoded WebP; scripts/compare-pocket.sh uses that.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg"
	"image/png"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/chai2010/webp"

	"horde/api"
	"horde/engine"
	"horde/engine/pocket"
	"horde/engine/sketch"
)

// quality of the WebP: the worker's.
const quality = 95

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("generate", flag.ExitOnError)
	var o pocket.Options
	job := engine.ImageJob{Model: pocket.ModelName}
	in := &job.Payload

	f.StringVar(&job.Model, "model", job.Model, "horde_pocket or horde_sketch")
	f.IntVar(&o.Threads, "threads", 2, "threads")
	f.StringVar(&o.Library, "library", "", "ONNX Runtime's shared library")
	f.IntVar(&in.Width, "width", 512, "pixels")
	f.IntVar(&in.Height, "height", 512, "pixels")
	f.IntVar(&in.Steps, "steps", 24, "steps")
	f.StringVar(&in.SamplerName, "sampler", "k_dpmpp_2m", "k_dpmpp_2m, k_euler or k_euler_a")
	f.Uint64Var(&job.Seed, "seed", 1, "seed")
	cfg := f.Float64("cfg", 3.5, "guidance")
	source := f.String("init", "", "image to start from")
	mask := f.String("mask", "", "what of it to regenerate (white)")
	strength := f.Float64("strength", 0.6, "how far to leave -init, 0.01 to 1")
	serve := f.Bool("serve", false, "generate an image for every seed on standard input")
	f.Parse(args)

	if f.NArg() < 1 || f.NArg() < 2 && !*serve {
		return fmt.Errorf("give a prompt and a file name (.webp or .png)")
	}
	s := api.Float(*strength)
	in.Prompt, in.N = f.Arg(0), 1
	in.CfgScale, in.Karras, in.DenoisingStrength = api.Float(*cfg), true, &s

	var err error
	if job.Source, err = open(*source); err != nil {
		return err
	}
	if job.Mask, err = open(*mask); err != nil {
		return err
	}

	e, err := start(job.Model, o)
	if err != nil {
		return err
	}
	defer e.Close()

	if *serve {
		return answer(ctx, e, job, os.Stdin, os.Stdout)
	}
	return generate(ctx, e, job, func(r engine.ImageResult) error {
		for _, m := range r.Metadata {
			fmt.Fprintln(os.Stderr, m.Ref)
		}
		return save(f.Arg(1), r.Image)
	})
}

func start(model string, o pocket.Options) (engine.ImageEngine, error) {
	if model == sketch.ModelName {
		return sketch.New(), nil
	}
	return pocket.New(o)
}

func open(path string) (image.Image, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strings.HasSuffix(path, ".webp") {
		return webp.Decode(f)
	}
	img, _, err := image.Decode(f)
	return img, err
}

func generate(
	ctx context.Context, e engine.ImageEngine, job engine.ImageJob, done func(engine.ImageResult) error,
) error {
	return e.Generate(ctx, job, engine.ImageHooks{
		Progress: func(int, engine.ImageProgress) {}, // so that previews are made, as for a worker
		Result:   func(_ int, r engine.ImageResult) error { return done(r) },
	})
}

func save(path string, img *image.NRGBA) error {
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(path, ".png") {
		err = png.Encode(&b, img)
	} else {
		err = webp.Encode(&b, img, &webp.Options{Quality: quality})
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// answer generates an image for every seed that comes in.
func answer(ctx context.Context, e engine.ImageEngine, job engine.ImageJob, in io.Reader, out io.Writer) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		seed, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			return err
		}
		job.Seed = seed

		start := time.Now()
		var generated time.Duration
		err = generate(ctx, e, job, func(r engine.ImageResult) error {
			generated = time.Since(start)
			return webp.Encode(io.Discard, r.Image, &webp.Options{Quality: quality})
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%.4f %.4f\n", time.Since(start).Seconds(), generated.Seconds())
	}
	return nil
}
