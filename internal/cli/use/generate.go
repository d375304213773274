// Package use is the commands that use a horde: generate, text, alchemy, status, models
// and whoami. collect.go and save.go keep the images that arrive, view.go shows a
// request on its way, price.go its price, and served.go says what workers serve.
package use

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"horde/api"
	"horde/engine/pocket"
	"horde/internal/cli/console"
	"horde/internal/imaging"
	"horde/internal/terminal"
)

// GenerateCmd generates images.
type GenerateCmd struct {
	console.HordeFlags
	Prompt   string   `arg:"" field:"prompt" help:"What to show."`
	Model    string   `field:"models" placeholder:"NAME" help:"Model to use (see \"horde models\"); default: any."`
	Width    int      `field:"params.width" default:"512" help:"Pixels, a multiple of 64 (${default})."`
	Height   int      `field:"params.height" default:"512" help:"Pixels, a multiple of 64 (${default})."`
	Steps    *int     `field:"params.steps" placeholder:"N" help:"Sampling steps; default: the horde's, 24 for ${pocket}."`
	Cfg      *float64 `field:"params.cfg_scale" placeholder:"SCALE" help:"How closely to follow the prompt; default: the horde's, 3.5 for ${pocket}."`
	Sampler  string   `field:"params.sampler_name" placeholder:"NAME" complete:"samplers" help:"Such as k_euler; default: the horde's, k_dpmpp_2m for ${pocket}."`
	Seed     string   `field:"params.seed" placeholder:"SEED" help:"Number or word; the same seed makes the same image again. Default: random."`
	Init     string   `field:"source_image" placeholder:"FILE" type:"existingfile" help:"Source image to start from."`
	Strength *float64 `field:"params.denoising_strength" placeholder:"0.01…1" help:"How far to depart from --init: 0.01 almost keeps it, 1 ignores it."`
	Negative string   `placeholder:"TEXT" help:"What not to show."`
	Lora     []string `field:"params.loras" sep:"none" placeholder:"NAME:STRENGTH" help:"Change the style with a LoRA, such as night, pixel-art or watercolour of ${pocket}; the strength is from -1 to 2, 1 without one. Can be repeated."`
	Number   int      `field:"params.n" short:"n" default:"1" placeholder:"N" help:"How many images (${default})."`
	RequestFlags
	Output  string `short:"o" placeholder:"FILE" help:"Where to save: exactly here, or as name-1, name-2, … for several. The extension chooses the format: .webp, .png or .jpg; without one it is WebP. An existing file is replaced. Default: horde-ID.webp."`
	Preview bool   `default:"true" negatable:"" help:"Show the image in the terminal while it is generated and when it is done."`
	Price   bool   `help:"Only print what it would cost, line by line, and request nothing."`
	Images  string `default:"auto" enum:"auto,kitty,sixel,blocks,none" help:"How to show images in the terminal: auto, kitty, sixel, blocks or none."`
}

// RequestFlags say which workers may serve a request, and whether it may be reduced.
type RequestFlags struct {
	SlowWorkers    bool `field:"slow_workers" default:"true" negatable:"" help:"Allow slow workers too. Without them it costs more, and needs its kudos upfront."`
	TrustedWorkers bool `field:"trusted_workers" help:"Only workers of trusted owners."`
	AllowDowngrade bool `field:"allow_downgrade" help:"Where the kudos do not suffice: request less than the flags say, instead of being refused."`
}

// fields are the flags as a request carries them: nil where they equal the default.
func (f *RequestFlags) fields() (slow, trusted, downgrade *bool) {
	if !f.SlowWorkers {
		slow = &f.SlowWorkers
	}
	if f.TrustedWorkers {
		trusted = &f.TrustedWorkers
	}
	if f.AllowDowngrade {
		downgrade = &f.AllowDowngrade
	}
	return slow, trusted, downgrade
}

// Help shows examples.
func (GenerateCmd) Help() string {
	return `Where ` + pocket.ModelName + ` is the only model that workers serve, it is used with the settings that suit it.

Ctrl-C cancels the request and keeps the images that are finished. What a worker has started by then is charged, so it is waited for and saved too; a second Ctrl-C leaves without it.

Examples:
  horde generate "a red fox in the snow" -o fox.webp
  horde generate "a red fox" -n 2 -o fox.png           # fox-1.png and fox-2.png
  horde generate "a red fox" -n 2 --price
  horde generate "a castle" --model horde_pocket --seed 42 --negative "people"
  horde generate "a castle" --lora night:0.8 --lora pixel-art:0.5
  horde generate "a castle" --width 1024 --height 1024 --allow-downgrade
  horde generate "beach at sunset" --init photo.jpg --strength 0.5 -o beach.png`
}

// maxSourceFile bounds the file of a source image.
const maxSourceFile = 20 << 20 // bytes

// Run requests the images, follows the request and saves what arrives.
func (c *GenerateCmd) Run(con *console.Console) error {
	request, err := c.request(con.Ctx)
	if err != nil {
		return err
	}
	if err := checkTargets(c.Output, c.targets()...); err != nil {
		return err
	}

	h := newClient(c.HordeFlags)
	models := modelsOf(con.Ctx, c.HordeFlags, "image")
	c.usePocketDefaults(con, models, request)
	if c.Price {
		return printPrice(con, pricing{
			breakdown: func(ctx context.Context) (*api.Price, error) { return h.Breakdown(ctx, request) },
			dryRun:    func(ctx context.Context) (*api.DryRun, error) { return h.Price(ctx, request) },
			unserved:  unserved(models, "image", *request.Models),
			anyModel:  len(*request.Models) == 0,
		})
	}

	accepted, err := awaitAnswer(con.Ctx, func(ctx context.Context) (*api.Accepted, error) {
		return h.Generate(ctx, request)
	})
	if err != nil {
		return err
	}
	v := c.newView(con)
	v.accepted(accepted)
	return c.collect(con, v, h, accepted.ID)
}

// targets are the files that the images will be saved as.
func (c *GenerateCmd) targets() []string {
	paths := make([]string, c.Number)
	for i := range paths {
		paths[i] = outputPath(c.Output, unknownID, i, c.Number)
	}
	return paths
}

// request is what the flags ask for.
func (c *GenerateCmd) request(ctx context.Context) (*api.ImageRequest, error) {
	if strings.TrimSpace(c.Prompt) == "" {
		return nil, console.UsageError("the prompt is empty: say what to show")
	}
	if c.Number < 1 {
		return nil, console.UsageError("-n %d: ask for at least one image", c.Number)
	}
	if c.Number > maxNumber {
		return nil, console.UsageError("-n %d: ask for at most %d images at once", c.Number, maxNumber)
	}
	if c.Strength != nil && c.Init == "" {
		return nil, console.UsageError("--strength says how far to depart from a source image: name one with --init")
	}

	list, err := parseLoras(c.Lora)
	if err != nil {
		return nil, err
	}

	r := &api.ImageRequest{Prompt: c.Prompt, Models: &[]string{}}
	if c.Negative != "" {
		r.Prompt += " ### " + c.Negative
	}
	r.SlowWorkers, r.TrustedWorkers, r.AllowDowngrade = c.fields()
	r.Params = &api.ImageParams{
		N:                 &c.Number,
		Width:             &c.Width,
		Height:            &c.Height,
		Steps:             c.Steps,
		SamplerName:       c.Sampler,
		CfgScale:          c.Cfg,
		DenoisingStrength: c.Strength,
		Loras:             list,
	}
	if c.Seed != "" {
		r.Params.Seed = &c.Seed
	}
	if c.Model != "" {
		r.Models = &[]string{c.Model}
	}
	if c.Model == pocket.ModelName {
		pocketDefaults(r.Params)
	}

	if c.Init == "" {
		return r, nil
	}
	r.SourceImage, err = readSource(ctx, "--init", c.Init)
	r.SourceProcessing = "img2img"
	return r, err
}

// maxNumber is how many images or texts one request can ask for (generation §1.2).
const maxNumber = 20

// usePocketDefaults requests the built-in model by name where it is the only one that
// workers serve, with the settings that suit it.
func (c *GenerateCmd) usePocketDefaults(con *console.Console, models []api.ActiveModel, r *api.ImageRequest) {
	if c.Model != "" {
		return
	}

	served := servedModels(models)
	if len(served) != 1 || served[0] != pocket.ModelName {
		return
	}

	r.Models = &served
	pocketDefaults(r.Params)
	fmt.Fprintf(con.Stderr, "%s is the only model served: using it with %d steps, cfg %g and %s\n",
		pocket.ModelName, *r.Params.Steps, *r.Params.CfgScale, r.Params.SamplerName)
}

// pocketDefaults are the settings that suit the built-in model best.
func pocketDefaults(p *api.ImageParams) {
	if p.Steps == nil {
		steps := 24
		p.Steps = &steps
	}

	if p.CfgScale == nil {
		cfg := 3.5
		p.CfgScale = &cfg
	}

	if p.SamplerName == "" {
		p.SamplerName = "k_dpmpp_2m"
	}
}

// sourceQuality is the WebP quality of a source image that is encoded again.
const sourceQuality = 95 // of 100

// readSource reads the file of a source image as base64, once its header is found
// valid. what is the flag or argument that named it. The orientation that the file
// states is applied: not every horde does that.
func readSource(ctx context.Context, what, path string) (string, error) {
	if path == "" {
		return "", console.UsageError("%s: name a file", what)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", console.UsageError("%s: %w", what, err)
	case info.IsDir():
		return "", console.UsageError("%s %s: is a folder: name a file", what, path)
	case info.Size() > maxSourceFile:
		return "", console.UsageError("%s %s: more than %d MiB", what, path, maxSourceFile>>20)
	}

	data, err := os.ReadFile(path)
	if err != nil {
		return "", console.UsageError("%s: %w", what, err)
	}
	h, err := imaging.Inspect(data)
	if err == nil && h.Turned() {
		data, err = turnSource(ctx, data)
	}
	if err != nil {
		return "", console.UsageError("%s %s: %w", what, path, err)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}

// turnSource is a source image the right way up, as WebP.
func turnSource(ctx context.Context, data []byte) ([]byte, error) {
	img, _, err := imaging.Decode(ctx, data, imaging.Limits{})
	if err != nil {
		return nil, err
	}
	var turned bytes.Buffer
	err = imaging.EncodeWebP(ctx, &turned, img, sourceQuality)
	return turned.Bytes(), err
}

// awaitAnswer makes a call that places a request. At an interrupt in the middle it
// waits for the answer, though not for long: otherwise the user would not know of a
// request that the horde has accepted.
func awaitAnswer[T any](ctx context.Context, place func(context.Context) (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}

	placing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(AnswerTimeout, cancel)
		<-placing.Done()
		t.Stop()
	})
	defer stop()

	answer, err := place(placing)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = console.InterruptedError("interrupted before the horde answered: it may have accepted the request")
	}
	return answer, err
}

// screen is where images are shown, by the flags.
func (c *GenerateCmd) screen(con *console.Console) terminal.Screen {
	s := terminal.Detect(console.AsFile(con.Stdout), con.Getenv)
	if !c.Preview || console.AsFile(con.Stdout) == nil || !console.IsTerminal(con.Stdout) {
		s.Protocol = terminal.None
	} else if c.Images != "auto" {
		s.Protocol, _ = terminal.ParseProtocol(c.Images)
	}
	return s
}
