// Command gradient is a worker with an engine of its own: it takes jobs from a
// horde and answers each with a colour gradient. It shows how a driver for your own
// models implements package engine, and what a worker has to do around it.
//
// The worker of this project (horde work) does more: it finishes what it holds
// when it is stopped, gives jobs back after a crash, uploads instead of sending
// images along, and reports its progress.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log"
	"os"
	"os/signal"
	"strconv"
	"time"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// popWait is for how long the horde may hold a pop until there is a job.
const popWait = 20 * time.Second

// bridgeAgent says by its first part which family of programs this one belongs to:
// hordes give programs that they do not know hardly any jobs (generation §1.17). What
// an engine cannot do is declined in the pop.
const bridgeAgent = "Horde Worker:1:https://example.org/horde-examples"

func main() {
	url := flag.String("url", "http://127.0.0.1:7001", "address of the horde")
	key := flag.String("key", "", "API key of the worker's owner")
	name := flag.String("name", "a gradient", "name of the worker; nobody else's may have it")
	model := flag.String("model", "horde_sketch", "model to offer")
	flag.Parse()
	if *key == "" {
		log.Fatal("-key is missing: workers need an account")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	w := &worker{
		horde:  client.New(*url, *key, client.WithAgent("gradient:1:https://example.org/horde-examples")),
		engine: &gradient{model: *model},
		name:   *name,
	}
	defer w.engine.Close()
	if err := w.run(ctx); err != nil {
		log.Fatal(err)
	}
}

// worker takes jobs, one pop after the other.
type worker struct {
	horde  *client.Client
	engine engine.ImageEngine
	name   string
}

// run works until ctx ends.
func (w *worker) run(ctx context.Context) error {
	for ctx.Err() == nil {
		job, err := w.horde.Pop(ctx, w.offer(), popWait)
		switch {
		case ctx.Err() != nil:
			return nil
		case client.Temporary(err):
			log.Print("no answer to a pop; trying again: ", err)
			pause(ctx, 5*time.Second)
		case err != nil:
			return err // the name is taken, the key unknown, the worker refused
		case job.ID == nil:
			pause(ctx, time.Second) // hordes of others answer at once
		default:
			if err := w.do(ctx, job); err != nil {
				log.Print("job failed: ", err)
			}
		}
	}
	return nil
}

// offer is what the engine can do, in the words of a pop.
func (w *worker) offer() *api.ImagePop {
	can := w.engine.Capabilities()
	return &api.ImagePop{
		Name:                w.name,
		Models:              w.engine.Models(),
		BridgeAgent:         bridgeAgent,
		Amount:              &can.MaxBatch,
		MaxPixels:           &can.MaxPixels,
		AllowImg2Img:        &can.Img2Img,
		AllowPainting:       &can.Inpainting,
		AllowPostProcessing: &can.PostProcessing,
		AllowControlnet:     &can.Controlnet,
		AllowSDXLControlnet: &can.SDXLControlnet,
		AllowLora:           &can.Lora,
	}
}

// do generates the images of a pop and delivers each. Those that it cannot deliver
// it gives back at once, so that the horde can hand them to another worker.
func (w *worker) do(ctx context.Context, job *api.ImageJob) error {
	seed, err := strconv.ParseUint(job.Payload.Seed, 10, 64)
	if err != nil {
		seed = 0
	}
	delivered := 0
	deliver := func(i int, r engine.ImageResult) error {
		if i >= len(job.IDs) {
			return errors.New("more images than jobs")
		}
		if err := w.deliver(ctx, job.IDs[i], r); err != nil {
			return err
		}
		delivered++
		return nil
	}

	order := engine.ImageJob{Model: *job.Model, Payload: job.Payload, Seed: seed}
	err = w.engine.Generate(ctx, order, engine.ImageHooks{Result: deliver})

	// Also when it was told to stop: a job that is not given back keeps its requester
	// waiting until its time is over.
	ctx = context.WithoutCancel(ctx)
	for _, id := range job.IDs[delivered:] {
		_, faultErr := w.horde.Submit(ctx, &api.ImageSubmit{ID: id, Generation: "faulted", State: "faulted", Seed: -1})
		err = errors.Join(err, faultErr)
	}
	return err
}

// deliver submits one image along with its job. Hordes turn whatever image it is
// into WebP; uploading a WebP to the links of the pop saves them that.
func (w *worker) deliver(ctx context.Context, id string, r engine.ImageResult) error {
	text, err := encode(r.Image)
	if err != nil {
		return err
	}
	paid, err := w.horde.Submit(ctx, &api.ImageSubmit{
		ID:          id,
		Generation:  text,
		Seed:        int64(r.Seed),
		GenMetadata: r.Metadata,
	})
	if err != nil {
		return err
	}
	log.Printf("delivered %s for %v kudos", id, float64(paid.Reward))
	return nil
}

// encode is an image as a submit takes it.
func encode(img image.Image) (string, error) {
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		return "", fmt.Errorf("encode the image: %w", err)
	}
	return base64.StdEncoding.EncodeToString(file.Bytes()), nil
}

// pause waits, but not when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
