package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/imaging"
)

const (
	cancelPatience = 15 * time.Second // for the answer to a cancel
	maxImageFile   = 64 << 20         // bytes of an image that arrives
)

// collect follows a request until its end and saves what arrives. At an interrupt
// it cancels the request, and waits for what workers have begun.
func (c *GenerateCmd) collect(con *console, v *view, h *client.Client, id string) error {
	status, err := v.follow(con.ctx, h, id)
	interrupted := con.ctx.Err() != nil
	after, cancel := windUp(con.ctx)
	defer cancel()

	s := &saver{output: c.Output, id: id, number: c.Number, horde: h, view: v, seen: map[string]bool{}}
	if interrupted {
		status, err = withdraw(after, v, h, id, s)
	}
	if err != nil {
		return failedRequest(h, "generate", id, err)
	}
	s.save(after, status.Generations)
	if s.failed != nil {
		return fmt.Errorf("%w\n%s", s.failed, stillAt(h, "generate", id))
	}
	return verdict("images", s.kept, c.Number, status.Faulted, interrupted)
}

// verdict is a command's error: nil only if everything arrived.
func verdict(what string, kept, wanted int, faulted, interrupted bool) error {
	switch {
	case kept >= wanted:
		return nil
	case interrupted:
		return &exitError{exitInterrupted, fmt.Errorf("cancelled; %d of %d %s kept", kept, wanted, what)}
	case faulted:
		return fmt.Errorf("the horde gave up on the request after three failures; %d of %d %s arrived", kept, wanted, what)
	}
	return fmt.Errorf("only %d of %d %s arrived", kept, wanted, what)
}

// failedRequest is the error of a request that could not be followed to its end.
func failedRequest(h *client.Client, kind, id string, err error) error {
	if e := (*exitError)(nil); errors.As(err, &e) {
		return err
	}
	text := fmt.Sprintf("request %s: %s", clean(id), explain(err))
	if refused := (*api.Error)(nil); !errors.As(err, &refused) || client.Temporary(err) {
		text += ". It may still be worked on and charged; " + stillAt(h, kind, id) // unless the horde says that it is gone
	}
	return errors.New(text)
}

// stillAt says where a request can be fetched without this program. kind is the
// part of the address that tells what was asked for.
func stillAt(h *client.Client, kind, id string) string {
	return fmt.Sprintf("what is finished can be fetched for 20 minutes from %s/api/v2/%s/status/%s", h.URL(), kind, clean(id))
}

// withdraw cancels a request of images, saves what was finished, and follows what
// workers have begun, which is charged in any case. It returns the last state.
func withdraw(ctx context.Context, v *view, h *client.Client, id string, s *saver) (*api.ImageStatus, error) {
	asking, stop := context.WithTimeout(ctx, cancelPatience)
	defer stop()
	status, err := h.Cancel(asking, id)
	if err != nil {
		return nil, notCancelled(h, "generate", id, err)
	}
	s.save(ctx, status.Generations)

	// The answer is from before the cancel: a worker may have taken or delivered a
	// job since.
	now, err := h.Check(ctx, id)
	if err != nil || now.Processing == 0 && now.Finished <= len(status.Generations) {
		return status, nil
	}
	if now.Processing > 0 {
		fmt.Fprintln(v.con.stderr, stillComing(now.Processing, "image"))
	}
	v.cancelled = true
	last, err := v.follow(ctx, h, id)
	if ctx.Err() != nil {
		return nil, leftBehind(h, "generate", id, max(1, v.check.Processing), "image")
	}
	return last, err
}

// notCancelled is the error of an interrupt whose cancel failed, or was not waited
// for.
func notCancelled(h *client.Client, kind, id string, err error) error {
	why := explain(err)
	if errors.Is(err, context.Canceled) {
		why = "left before the horde answered"
	}
	return &exitError{exitInterrupted, fmt.Errorf("request %s is not cancelled: %s. It may still be worked on and charged; %s",
		clean(id), why, stillAt(h, kind, id))}
}

// stillComing says what a cancelled request goes on with.
func stillComing(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("cancelled; 1 %s is with a worker already: it will be charged, and is saved when it comes. Ctrl-C again leaves without it", what)
	}
	return fmt.Sprintf("cancelled; %d %ss are with workers already: they will be charged, and are saved when they come. Ctrl-C again leaves without them", n, what)
}

// leftBehind is the error of a second interrupt.
func leftBehind(h *client.Client, kind, id string, n int, what string) error {
	return &exitError{exitInterrupted, fmt.Errorf("left; %d %s of request %s still with a worker, charged when delivered; %s",
		n, what, clean(id), stillAt(h, kind, id))}
}

// saver saves the images of a request, each once.
type saver struct {
	output string // of -o
	id     string
	number int // images asked for
	horde  *client.Client
	view   *view

	seen   map[string]bool // by id
	kept   int
	failed error
}

// save saves and shows the images that were not there before.
func (s *saver) save(ctx context.Context, images []api.Generation) {
	for i, g := range images {
		name := g.ID
		if name == "" { // not known to be of any horde: then their order tells them apart
			name = strconv.Itoa(i)
		}
		if s.seen[name] {
			continue
		}
		path := outputPath(s.output, s.id, len(s.seen), s.number)
		s.seen[name] = true

		data, err := s.fetch(ctx, g, path)
		if err != nil {
			s.failed = errors.Join(s.failed, fmt.Errorf("image %d: %s", len(s.seen), explain(err)))
			continue
		}
		s.kept++
		s.view.saved(path, data, g)
	}
}

// fetch gets an image into a file and returns what the file holds.
func (s *saver) fetch(ctx context.Context, g api.Generation, path string) ([]byte, error) {
	data, err := imageOf(ctx, s.horde, g)
	if err != nil {
		return nil, err
	}
	if data, err = convert(data, path); err != nil {
		return nil, err
	}
	return data, writeFile(path, data)
}

// imageOf gets an image's file: by its link, or from base64.
func imageOf(ctx context.Context, h *client.Client, g api.Generation) ([]byte, error) {
	switch {
	case strings.HasPrefix(g.Img, "http://"), strings.HasPrefix(g.Img, "https://"):
		return h.Download(ctx, g.Img, maxImageFile)
	case g.Img == "" || g.Img == "N/A":
		return nil, errors.New("its worker never uploaded it")
	}
	return imaging.Base64(g.Img, imaging.Limits{MaxBytes: maxImageFile})
}
