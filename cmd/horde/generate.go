package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/engine/pocket"
	"horde/internal/imaging"
	"horde/internal/terminal"
)

// GenerateCmd has pictures painted.
type GenerateCmd struct {
	HordeFlags
	Prompt   string   `arg:"" help:"What to paint."`
	Model    string   `placeholder:"NAME" help:"Model to paint with (see \"horde models\"); default: any."`
	Width    int      `default:"512" help:"Pixels, a multiple of 64 (${default})."`
	Height   int      `default:"512" help:"Pixels, a multiple of 64 (${default})."`
	Steps    *int     `placeholder:"N" help:"Sampling steps; default: the horde's, 24 for ${pocket}."`
	Cfg      *float64 `placeholder:"SCALE" help:"How closely to follow the prompt; default: the horde's, 3.5 for ${pocket}."`
	Sampler  string   `placeholder:"NAME" help:"Such as k_euler; default: the horde's, k_dpmpp_2m for ${pocket}."`
	Seed     string   `placeholder:"SEED" help:"Number or word that makes the picture the same again; default: random."`
	Init     string   `placeholder:"FILE" type:"existingfile" help:"Picture to start from."`
	Strength *float64 `placeholder:"0.01…1" help:"How far to go from --init: 0.01 almost keeps it, 1 forgets it."`
	Negative string   `placeholder:"TEXT" help:"What not to paint."`
	Number   int      `short:"n" default:"1" placeholder:"N" help:"How many pictures (${default})."`
	Output   string   `short:"o" placeholder:"FILE" help:"Where to save: exactly here, or as name-1, name-2, … for several. Ending .png or .jpg converts; default: horde-ID.webp."`
	Preview  bool     `default:"true" negatable:"" help:"Show the picture in the terminal while it is painted and when it is done."`
	Price    bool     `help:"Only tell what it would cost, line by line, and ask for nothing."`
	Pictures string   `default:"auto" enum:"auto,kitty,sixel,blocks,none" help:"How to show pictures in the terminal: auto, kitty, sixel, blocks or none."`
}

// Help shows examples.
func (GenerateCmd) Help() string {
	return `Ctrl-C cancels the request and keeps the pictures that are finished.

Examples:
  horde generate "a red fox in the snow" -o fox.webp
  horde generate "a red fox" -n 2 -o fox.webp          # fox-1.webp and fox-2.webp
  horde generate "a red fox" -n 2 --price
  horde generate "a castle" --model horde_pocket --seed 42 --negative "people"
  horde generate "as an oil painting" --init photo.jpg --strength 0.5 -o painting.png`
}

// maxPicture bounds the file of a picture to send.
const maxPicture = 20 << 20

// Run asks for the pictures, follows the request and saves what arrives.
func (c *GenerateCmd) Run(con *console) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	if err := checkOutput(c.Output); err != nil {
		return err
	}
	h := client.New(c.Horde, c.APIKey)
	if c.Price {
		return tellPrice(con, func(ctx context.Context) (*api.Price, error) { return h.Breakdown(ctx, request) })
	}
	accepted, err := answered(con.ctx, func(ctx context.Context) (*api.Accepted, error) { return h.Generate(ctx, request) })
	if err != nil {
		return err
	}
	v := c.newView(con)
	v.accepted(accepted)
	status, err := v.follow(h, accepted.ID)
	interrupted := con.ctx.Err() != nil
	after, cancel := windUp(con.ctx)
	defer cancel()
	if interrupted {
		status, err = withdraw(after, h, accepted.ID)
	}
	if err != nil {
		return fmt.Errorf("request %s: %s", accepted.ID, explain(err))
	}
	kept, err := c.save(after, v, h, accepted.ID, status)
	if err != nil {
		return err
	}
	return verdict("pictures", kept, c.Number, status.Faulted, interrupted)
}

// verdict is a command's error: nil only if everything arrived.
func verdict(what string, kept, wanted int, faulted, interrupted bool) error {
	switch {
	case kept >= wanted:
		return nil
	case interrupted:
		return &exitError{130, fmt.Errorf("cancelled; %d of %d %s kept", kept, wanted, what)}
	case faulted:
		return fmt.Errorf("the horde gave up on the request after three failures; %d of %d %s arrived", kept, wanted, what)
	}
	return fmt.Errorf("only %d of %d %s arrived", kept, wanted, what)
}

// request is what the flags ask for.
func (c *GenerateCmd) request() (*api.ImageRequest, error) {
	if c.Number < 1 {
		return nil, usageError("-n %d: ask for at least one picture", c.Number)
	}
	if c.Strength != nil && c.Init == "" {
		return nil, usageError("--strength says how far to go from a picture: name one with --init")
	}
	r := &api.ImageRequest{Prompt: c.Prompt, Models: &[]string{}}
	if c.Negative != "" {
		r.Prompt += " ### " + c.Negative
	}
	p := &api.ImageParams{N: &c.Number, Width: &c.Width, Height: &c.Height, Steps: c.Steps, SamplerName: c.Sampler, CfgScale: c.Cfg, DenoisingStrength: c.Strength}
	if c.Seed != "" {
		p.Seed = &c.Seed
	}
	r.Params = p
	if c.Model != "" {
		r.Models = &[]string{c.Model}
	}
	if c.Model == pocket.ModelName {
		pocketDefaults(p)
	}
	if c.Init == "" {
		return r, nil
	}
	var err error
	r.SourceImage, err = readPicture("--init", c.Init)
	r.SourceProcessing = "img2img"
	return r, err
}

// pocketDefaults are what the built-in model paints best with.
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

// readPicture reads a picture file as base64, having looked at its header. what
// is the flag or argument that named it.
func readPicture(what, path string) (string, error) {
	if path == "" {
		return "", usageError("%s: name a file", what)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if info.Size() > maxPicture {
		return "", fmt.Errorf("%s %s: more than %d MB", what, path, maxPicture>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if _, err := imaging.Inspect(data); err != nil {
		return "", fmt.Errorf("%s %s: %w", what, path, err)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}

// answered makes a call that asks for something. An interrupt in the middle does
// not leave the user ignorant of a request that the horde has taken: it waits 5 s
// for the answer.
func answered[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(5*time.Second, cancel)
		<-asking.Done()
		t.Stop()
	})
	defer stop()
	return ask(asking)
}

// withdraw cancels a request and returns what was finished.
func withdraw(ctx context.Context, h *client.Client, id string) (*api.ImageStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	status, err := h.Cancel(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("cannot cancel: %w", err)
	}
	return status, nil
}

// checkOutput finds a mistake in -o before anything is paid for.
func checkOutput(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usageError("-o %s: there is no folder %s", path, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usageError("-o %s is a folder: name a file", path)
	}
	return nil
}

// save writes and shows every picture that arrived and returns their number.
func (c *GenerateCmd) save(ctx context.Context, v *view, h *client.Client, id string, status *api.ImageStatus) (int, error) {
	kept := 0
	var failed error
	for i, g := range status.Generations {
		data, err := pictureOf(ctx, h, g)
		if err == nil {
			path := outputPath(c.Output, id, i, c.Number)
			if data, err = convert(data, path); err == nil {
				if err = writeFile(path, data); err == nil {
					kept++
					v.saved(path, data, g)
					continue
				}
			}
		}
		failed = errors.Join(failed, fmt.Errorf("picture %d: %s", i+1, explain(err)))
	}
	return kept, failed
}

// pictureOf gets a picture's file: by its link, or from base64.
func pictureOf(ctx context.Context, h *client.Client, g api.Generation) ([]byte, error) {
	switch {
	case strings.HasPrefix(g.Img, "http://"), strings.HasPrefix(g.Img, "https://"):
		return h.Download(ctx, g.Img, 64<<20)
	case g.Img == "" || g.Img == "N/A":
		return nil, errors.New("its worker never uploaded it")
	}
	return imaging.Base64(g.Img, imaging.Limits{MaxBytes: 64 << 20})
}

// screen is where pictures are shown, by the flags.
func (c *GenerateCmd) screen(con *console) terminal.Screen {
	s := terminal.Detect(asFile(con.stdout), con.getenv)
	if !c.Preview || asFile(con.stdout) == nil || !isTerminal(con.stdout) {
		s.Protocol = terminal.None
	} else if c.Pictures != "auto" {
		s.Protocol, _ = terminal.ParseProtocol(c.Pictures)
	}
	return s
}
