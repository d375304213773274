package use

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
	"horde/internal/imaging"
)

const (
	cancelTimeout = 15 * time.Second // for the answer to a cancel
	maxImageFile  = 64 << 20         // bytes of an image that arrives
)

// collect follows a request until its end and saves what arrives. At an interrupt
// it cancels the request, and waits for what workers have started.
func (c *GenerateCmd) collect(con *console.Console, v *view, h *client.Client, id string) error {
	status, err := v.follow(con.Ctx, h, id)
	interrupted := con.Ctx.Err() != nil
	after, cancel := console.UntilSecondSignal(con.Ctx)
	defer cancel()

	s := newSaver(c, v, h, id)
	if interrupted {
		status, err = withdraw(after, v, h, id, s)
	}
	if err != nil {
		return failedRequest(h, "generate", id, err)
	}

	s.save(after, status.Generations)
	if err := s.failure(); err != nil {
		return fmt.Errorf("%w\n%s", err, stillAt(h, "generate", id))
	}
	return verdict("images", len(s.kept), c.Number, &status.Check, interrupted)
}

// verdict is a command's error: nil only if everything arrived.
func verdict(what string, kept, wanted int, last *api.Check, interrupted bool) error {
	switch {
	case kept >= wanted:
		return nil
	case interrupted:
		return console.InterruptedError("cancelled; %d of %d %s kept", kept, wanted, what)
	case last.Faulted && last.Restarted > 0:
		return fmt.Errorf("the horde gave up on the request (failed tries: %d); %d of %d %s arrived",
			last.Restarted, kept, wanted, what)
	case last.Faulted:
		return fmt.Errorf("the horde gave up on the request; %d of %d %s arrived", kept, wanted, what)
	}
	return fmt.Errorf("only %d of %d %s arrived", kept, wanted, what)
}

// failedRequest is the error of a request that could not be followed to its end.
func failedRequest(h *client.Client, kind, id string, err error) error {
	if e := (*console.ExitError)(nil); errors.As(err, &e) {
		return err
	}
	text := fmt.Sprintf("request %s: %s", console.Clean(id), console.Explain(err))
	if refused := (*api.Error)(nil); !errors.As(err, &refused) || client.Temporary(err) {
		// Unless the horde says that the request is gone.
		text += ". It may still be worked on and charged; " + stillAt(h, kind, id)
	}
	return errors.New(text)
}

// stillAt says where a request can be fetched without this program. kind is the part
// of the address that names the kind of request.
func stillAt(h *client.Client, kind, id string) string {
	return fmt.Sprintf("what is finished can be fetched for 20 minutes from %s/api/v2/%s/status/%s",
		h.URL(), kind, console.Clean(id))
}

// withdraw cancels an image request, saves what was finished, and follows what workers
// have started, which is charged in any case. It returns the last status.
func withdraw(
	ctx context.Context, v *view, h *client.Client, id string, s *saver,
) (*api.ImageStatus, error) {
	cancelling, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	status, err := h.Cancel(cancelling, id)
	if err != nil {
		return nil, notCancelled(h, "generate", id, err)
	}
	s.save(ctx, status.Generations)

	// The answer is from before the cancel: a worker may have taken or delivered a
	// job since. Where the horde cannot be asked right now, following finds out.
	v.cancelled, v.check = true, api.Check{}
	switch now, err := h.Check(ctx, id); {
	case isGone(err), err == nil && now.Processing == 0 && now.Finished <= len(status.Generations):
		return status, nil
	case err != nil && ctx.Err() == nil:
		fmt.Fprintln(v.con.Stderr, stillAsking(err, "saved"))
	case err == nil && now.Processing > 0:
		v.noteCheck(*now)
		fmt.Fprintln(v.con.Stderr, stillComing(now.Processing, "image", "saved"))
	}

	last, err := v.follow(ctx, h, id)
	if ctx.Err() != nil {
		return nil, leftBehind(h, "generate", id, v.check.Processing, "image")
	}
	return last, err
}

// isGone reports whether a horde says that it no longer knows a request.
func isGone(err error) bool {
	var refused *api.Error
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound && !client.Temporary(err)
}

// stillAsking says what a cancelled request goes on with where the horde does not
// answer. kept: what becomes of it, such as saved.
func stillAsking(err error, kept string) string {
	return fmt.Sprintf("cancelled; what workers have started is not known yet (%s): it will be charged, "+
		"and is %s when it arrives. Ctrl-C again leaves without it", console.Explain(err), kept)
}

// notCancelled is the error of an interrupt whose cancel failed, or was not awaited.
func notCancelled(h *client.Client, kind, id string, err error) error {
	why := console.Explain(err)
	if errors.Is(err, context.Canceled) {
		why = "left before the horde answered"
	}
	return console.InterruptedError("request %s is not cancelled: %s. It may still be worked on and charged; %s",
		console.Clean(id), why, stillAt(h, kind, id))
}

// stillComing says what a cancelled request goes on with: n of what, such as image,
// and what becomes of them, such as saved.
func stillComing(n int, what, kept string) string {
	if n == 1 {
		return fmt.Sprintf("cancelled; 1 %s is with a worker already: it will be charged, "+
			"and is %s when it arrives. Ctrl-C again leaves without it", what, kept)
	}
	return fmt.Sprintf("cancelled; %d %ss are with workers already: they will be charged, "+
		"and are %s when they arrive. Ctrl-C again leaves without them", n, what, kept)
}

// leftBehind is the error of a second interrupt. n: how many jobs workers have, 0 where
// that is not known.
func leftBehind(h *client.Client, kind, id string, n int, what string) error {
	if n == 0 {
		return console.InterruptedError("left; what workers have of request %s is charged when delivered; %s",
			console.Clean(id), stillAt(h, kind, id))
	}
	return console.InterruptedError("left; %d %s of request %s still with a worker, charged when delivered; %s",
		n, what, console.Clean(id), stillAt(h, kind, id))
}

// saver saves the images of a request, each once. What could not be fetched is tried
// again the next time.
type saver struct {
	output string // of -o
	id     string
	number int // images requested
	horde  *client.Client
	view   *view

	places map[string]int // an image's id → its number, from 0, in the order of arrival
	kept   map[int]bool
	failed map[int]error // why images are not kept, so far
}

func newSaver(c *GenerateCmd, v *view, h *client.Client, id string) *saver {
	return &saver{
		output: c.Output,
		id:     id,
		number: c.Number,
		horde:  h,
		view:   v,
		places: map[string]int{},
		kept:   map[int]bool{},
		failed: map[int]error{},
	}
}

// save saves and shows the images that are not kept yet.
func (s *saver) save(ctx context.Context, images []api.Generation) {
	for i, g := range images {
		name := g.ID
		if name == "" { // no known horde does this: their order tells them apart then
			name = strconv.Itoa(i)
		}
		place, known := s.places[name]
		if !known {
			place = len(s.places)
			s.places[name] = place
		}
		if s.kept[place] {
			continue
		}

		path := outputPath(s.output, s.id, place, s.number)
		data, err := s.fetch(ctx, g, path)
		if err != nil {
			s.failed[place] = fmt.Errorf("image %d: %s", place+1, console.Explain(err))
			continue
		}
		delete(s.failed, place)
		s.kept[place] = true
		s.view.saved(ctx, path, data, g)
	}
}

// failure is why images are not kept: nil where all are.
func (s *saver) failure() error {
	var failed []error
	for _, place := range slices.Sorted(maps.Keys(s.failed)) {
		failed = append(failed, s.failed[place])
	}
	return errors.Join(failed...)
}

// fetch gets an image into a file and returns what the file holds.
func (s *saver) fetch(ctx context.Context, g api.Generation, path string) ([]byte, error) {
	data, err := imageOf(ctx, s.horde, g)
	if err != nil {
		return nil, err
	}
	if data, err = convert(ctx, data, path); err != nil {
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
