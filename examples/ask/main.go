// Command ask asks a horde for one image and saves it. It shows how a program of
// your own uses the packages client and api.
//
//	ask -url http://127.0.0.1:7001 -out fox.webp "a red fox in the snow"
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"horde/api"
	"horde/client"
)

// maxImage is the most bytes of an image that are downloaded.
const maxImage = 32 << 20

func main() {
	url := flag.String("url", "http://127.0.0.1:7001", "address of the horde")
	key := flag.String("key", api.AnonymousKey, "API key; the anonymous one waits longest")
	model := flag.String("model", "", "model; none: any")
	out := flag.String("out", "image.webp", "where to save the image")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	horde := client.New(*url, *key, client.WithAgent("ask:1:https://example.org/horde-examples"))
	if err := ask(ctx, horde, request(flag.Arg(0), *model), *out); err != nil {
		fmt.Fprintln(os.Stderr, "ask:", explain(err))
		os.Exit(1)
	}
}

// request is what is asked for. Fields that stay nil have the horde's defaults.
func request(prompt, model string) *api.ImageRequest {
	models := []string{} // any
	if model != "" {
		models = []string{model}
	}
	side, steps := 512, 20
	return &api.ImageRequest{
		Prompt: cmp.Or(prompt, "a red fox in the snow"),
		Models: &models,
		Params: &api.ImageParams{Width: &side, Height: &side, Steps: &steps},
	}
}

// ask sends a request, tells how far it is, and saves the image.
func ask(ctx context.Context, horde *client.Client, r *api.ImageRequest, out string) error {
	price, err := horde.Price(ctx, r)
	if err != nil {
		return err
	}
	fmt.Printf("it will cost %v kudos\n", float64(price.Kudos))

	accepted, err := horde.Generate(ctx, r)
	if err != nil {
		return err
	}
	if accepted.Message != "" {
		fmt.Println(accepted.Message)
	}

	// Watch ends with an event that holds the images, or with an error.
	for event, err := range horde.Watch(ctx, accepted.ID) {
		switch {
		case err != nil:
			return err
		case event.Check != nil:
			fmt.Printf("place %d in the queue, %d s to wait\n", event.Check.QueuePosition, event.Check.WaitTime)
		case event.End != nil:
			return save(ctx, horde, event.End, out)
		}
	}
	return errors.New("the horde said no more")
}

// save downloads the image of a finished request.
func save(ctx context.Context, horde *client.Client, end *api.ImageStatus, out string) error {
	if len(end.Generations) == 0 {
		return errors.New("no worker could make the image")
	}
	made := end.Generations[0]
	data, err := horde.Download(ctx, made.Img, maxImage)
	if err != nil {
		return err
	}
	fmt.Printf("made by %s with %s, seed %s\n", made.WorkerName, made.Model, made.Seed)
	return os.WriteFile(out, data, 0o644)
}

// explain adds what a program can know of a refusal: its return code.
func explain(err error) string {
	var refused *api.Error
	if errors.As(err, &refused) && refused.RC != "" {
		return fmt.Sprintf("%v (%s)", err, refused.RC)
	}
	return err.Error()
}
