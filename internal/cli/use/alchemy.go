package use

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
	"horde/internal/source"
)

// AlchemyCmd runs alchemy forms on an image.
type AlchemyCmd struct {
	console.HordeFlags
	Image   string            `arg:"" field:"source_image" complete:"files" help:"File or http(s) URL of the image."`
	Form    []string          `field:"forms" short:"f" default:"caption" placeholder:"NAME" complete:"forms" help:"What to do with it; separate several with commas, or repeat the flag. See below."`
	Set     map[string]string `placeholder:"KEY=VALUE" help:"Setting for the worker, such as facefixer_strength=0.7."`
	Slow    bool              `field:"slow_workers" aliases:"slow-workers" default:"true" negatable:"" help:"Allow slow workers too."`
	Trusted bool              `field:"trusted_workers" aliases:"trusted-workers" help:"Only workers of trusted owners."`
	Output  string            `short:"o" placeholder:"FILE" help:"Where to save the image that a form makes: exactly here, or as name-FORM for several. The extension chooses the format: .webp, .png or .jpg; without one it is WebP. An existing file is replaced. Default: horde-ID-FORM.webp."`
	JSON    bool              `help:"Print the forms and their results as JSON; images stay links."`
}

// Help lists the forms and shows examples.
func (AlchemyCmd) Help() string {
	return "Forms that describe: " + strings.Join(api.AlchemyForms, ", ") + ".\n\nForms that make an image: " +
		strings.Join(api.PostProcessorNames(), ", ") + `.

Ctrl-C cancels the request and keeps what is done. A form that a worker has started by then is charged, but its result is lost.

Examples:
  horde alchemy photo.jpg
  horde alchemy photo.jpg --form caption,nsfw --json
  horde alchemy photo.jpg -f RealESRGAN_x4plus -o large.png
  horde alchemy https://example.org/cat.png -f GFPGAN --set facefixer_strength=0.7`
}

// Run sends the request, waits, prints descriptions and saves images.
func (c *AlchemyCmd) Run(con *console.Console) error {
	request, err := c.request(con.Ctx)
	if err != nil {
		return err
	}
	if err := checkTargets(c.Output, c.targets()...); err != nil {
		return err
	}

	h := newClient(c.HordeFlags)
	accepted, err := awaitAnswer(con.Ctx, func(ctx context.Context) (*api.AlchemyAccepted, error) {
		return h.Alchemy(ctx, request)
	})
	if err != nil {
		return err
	}
	printAccepted(con, &api.Accepted{ID: accepted.ID, Message: accepted.Message})
	if accepted.Message == "" {
		if text := unservedForms(con.Ctx, c.HordeFlags, c.Form); text != "" {
			fmt.Fprintf(con.Stderr, "note: %s; waiting for one (Ctrl-C cancels)\n", text)
		}
	}
	return c.collect(con, h, accepted.ID)
}

// collect follows a request until its end, prints descriptions and saves images. At
// an interrupt it cancels the request.
func (c *AlchemyCmd) collect(con *console.Console, h *client.Client, id string) error {
	shown := ""
	status, err := h.WatchAlchemy(con.Ctx, id, func(s *api.AlchemyStatus) {
		if line := progressOf(s); line != shown {
			shown = line
			fmt.Fprintln(con.Stderr, line)
		}
	})

	interrupted := con.Ctx.Err() != nil
	after, cancel := console.UntilSecondSignal(con.Ctx)
	defer cancel()
	if interrupted {
		status, err = c.withdraw(after, con, h, id)
	}
	if err != nil {
		return failedRequest(h, "interrogate", id, err)
	}
	return c.finish(after, con, h, id, status, interrupted)
}

// withdraw cancels a request, says what is charged nevertheless, and returns the
// status after it.
func (c *AlchemyCmd) withdraw(
	ctx context.Context, con *console.Console, h *client.Client, id string,
) (*api.AlchemyStatus, error) {
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()

	before, _ := h.AlchemyStatus(ctx, id) // only for the message below
	after, err := h.CancelAlchemy(ctx, id)
	if err != nil {
		return nil, notCancelled(h, "interrogate", id, err)
	}

	if n := inHand(before, after); n > 0 {
		fmt.Fprintf(con.Stderr, "cancelled; forms that a worker had started: %d. "+
			"They are charged, and their results do not arrive any more\n", n)
	}
	return after, nil
}

// inHand counts the forms that a worker had before a cancel and that are cancelled
// after it.
func inHand(before, after *api.AlchemyStatus) (n int) {
	if before == nil {
		return 0
	}
	for i, f := range before.Forms {
		if f.State == "processing" && i < len(after.Forms) && after.Forms[i].State == "cancelled" {
			n++
		}
	}
	return n
}

// request is what the flags ask for.
func (c *AlchemyCmd) request(ctx context.Context) (*api.AlchemyRequest, error) {
	r := &api.AlchemyRequest{SourceImage: c.Image, SlowWorkers: &c.Slow}
	if c.Trusted {
		r.TrustedWorkers = &c.Trusted
	}

	known := api.AlchemyFormNames()
	for _, name := range c.Form {
		if !slices.Contains(known, name) {
			return nil, console.UsageError("--form %s: there is no such form; there are %s", name, strings.Join(known, ", "))
		}
		r.Forms = append(r.Forms, api.AlchemyForm{Name: name, Payload: c.Set})
	}

	if source.IsURL(c.Image) {
		return r, nil
	}
	var err error
	r.SourceImage, err = readSource(ctx, "<image>", c.Image)
	return r, err
}

// imageForms are the requested forms that make an image.
func (c *AlchemyCmd) imageForms() (forms []string) {
	for _, name := range c.Form {
		if _, makes := api.PostProcessorByName(name); makes && !slices.Contains(forms, name) {
			forms = append(forms, name)
		}
	}
	return forms
}

// targets are the files that images will be saved as.
func (c *AlchemyCmd) targets() (paths []string) {
	forms := c.imageForms()
	for _, form := range forms {
		paths = append(paths, alchemyPath(c.Output, unknownID, form, len(forms)))
	}
	return paths
}

// progressOf describes how far a request is.
func progressOf(s *api.AlchemyStatus) string {
	n := map[string]int{}
	for _, f := range s.Forms {
		n[f.State]++
	}

	var parts []string
	for _, state := range []string{"waiting", "processing", "done", "faulted", "cancelled"} {
		if n[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// finish prints and saves the results. Its error is nil only if every form is
// done.
func (c *AlchemyCmd) finish(
	ctx context.Context, con *console.Console, h *client.Client, id string, s *api.AlchemyStatus, interrupted bool,
) error {
	if c.JSON {
		if err := console.PrintJSON(con.Stdout, s); err != nil {
			return err
		}
	}

	var failed error
	done := 0
	for _, f := range s.Forms {
		if f.State != "done" {
			fmt.Fprintf(con.Stderr, "%s: %s\n", console.Clean(f.Form), console.Clean(f.State))
			continue
		}

		done++
		if c.JSON {
			continue
		}
		if err := c.show(ctx, con, h, id, f); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %s", console.Clean(f.Form), console.Explain(err)))
		}
	}

	switch {
	case failed != nil:
		return failed
	case done == len(s.Forms):
		return nil
	case interrupted:
		return console.InterruptedError("cancelled; %d of %d forms are done", done, len(s.Forms))
	}
	return fmt.Errorf("only %d of %d forms are done: the horde gave up on the others", done, len(s.Forms))
}

// show saves the image that a form made, or prints its description.
func (c *AlchemyCmd) show(
	ctx context.Context, con *console.Console, h *client.Client, id string, f api.AlchemyFormStatus,
) error {
	link, is := imageLink(f)
	if !is {
		_, err := fmt.Fprintf(con.Stdout, "%s: %s\n", console.Clean(f.Form), formText(f))
		return err
	}

	path := alchemyPath(c.Output, id, f.Form, len(c.imageForms()))
	data, err := h.Download(ctx, link, maxImageFile)
	if err == nil {
		data, err = convert(ctx, data, path)
	}
	if err == nil {
		err = writeFile(path, data)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.Stdout, path)
	return err
}

// ownResult is the member of a result that has the form's name, or the whole result of
// a worker that sends no such member.
func ownResult(f api.AlchemyFormStatus) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(f.Result, &members) == nil && members[f.Form] != nil {
		return members[f.Form]
	}
	return f.Result
}

// imageLink is the link to the image that a form made.
func imageLink(f api.AlchemyFormStatus) (link string, is bool) {
	if _, post := api.PostProcessorByName(f.Form); !post || f.State != "done" {
		return "", false
	}
	is = json.Unmarshal(ownResult(f), &link) == nil && source.IsURL(link)
	return link, is
}

// formText is the result of a form: a string as it is, lines and all, other things
// as JSON.
func formText(f api.AlchemyFormStatus) string {
	var text string
	if json.Unmarshal(ownResult(f), &text) == nil {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = console.Clean(lines[i])
		}
		return strings.Join(lines, "\n")
	}

	var b bytes.Buffer
	if json.Indent(&b, ownResult(f), "", "  ") != nil {
		return "nothing"
	}
	return b.String()
}

// alchemyPath names the file of a form's image, where n forms make one.
func alchemyPath(output, id, form string, n int) string {
	if output == "" {
		return fmt.Sprintf("horde-%s-%s.webp", id[:min(8, len(id))], form)
	}
	if n == 1 {
		return output
	}
	ext := filepath.Ext(output)
	return strings.TrimSuffix(output, ext) + "-" + form + ext
}
