package pocket

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strings"

	"horde/api"
	"horde/engine"
	"horde/engine/pocket/loras"
)

// Bounds of a job's LoRAs: how many the API allows (generation §1.2), and the
// strengths between which the built-in model still generates images.
const (
	maxLoras        = 5
	minLoraStrength = -1.0
	maxLoraStrength = 2.0
)

// chosen are a job's LoRAs for each part of the model, the trigger words to be
// prepended to its prompt, and remarks for the requester.
type chosen struct {
	text, net adapters
	triggers  string
	metadata  []api.GenMetadatum
}

// chooseLoras finds the LoRAs of a job. One that cannot be had is left out, and the
// requester is told (worker §3.8).
func (g *generator) chooseLoras(job engine.ImageJob) chosen {
	var c chosen
	var phrases []string
	list := job.Payload.Loras
	if len(list) > maxLoras {
		c.remark("information", "see_ref", fmt.Sprintf("loras: only the first %d of %d were used", maxLoras, len(list)))
		list = list[:maxLoras]
	}

	for i := range list {
		l := &list[i]
		if l.Name == "" {
			continue
		}
		f, err := g.load(l)
		if err != nil {
			c.remark("lora", missing(err), clipRef(l.Name))
			continue
		}

		net, text := c.strength(l.Name, "model", l.Model), c.strength(l.Name, "clip", l.Clip)
		c.net, c.text = c.net.add(f, net), c.text.add(f, text)
		// Strength 0 is no LoRA: its trigger words would change the image, too.
		if t := f.Trigger(l.InjectTrigger, job.Seed); t != "" && (net != 0 || text != 0) {
			phrases = append(phrases, t)
		}
	}
	c.triggers = strings.Join(phrases, ", ")

	c.bound("model", c.net)
	c.bound("clip", c.text)
	return c
}

// bound brings the strengths within the bounds of LoRAs that were named several times.
func (c *chosen) bound(field string, as adapters) {
	for i := range as {
		a := &as[i]
		bounded := min(max(a.strength, minLoraStrength), maxLoraStrength)
		if bounded != a.strength {
			c.remark("information", "see_ref",
				fmt.Sprintf("lora %s: %s %g instead of %g in all", short(a.file.Name), field, bounded, a.strength))
			a.strength = bounded
		}
	}
}

// load finds a LoRA of a job. Whoever filled the folder is told of a file that the start
// had no word about: the requester is only told that the LoRA was left out.
func (g *generator) load(l *api.Lora) (*loras.File, error) {
	f, err := g.library.Load(l.Name, l.IsVersion != nil && *l.IsVersion)
	if errors.Is(err, loras.ErrChanged) {
		g.warn(err)
	}
	if err != nil {
		return nil, err
	}

	if err := checkFit(f); err != nil {
		g.warn(fmt.Errorf("LoRA %s: %w", short(f.Name), err))
		return nil, err
	}
	return f, nil
}

func (c *chosen) remark(kind, value, ref string) {
	c.metadata = append(c.metadata, api.GenMetadatum{Type: kind, Value: value, Ref: ref})
}

// missing is the API's word for why a LoRA was left out.
func missing(err error) string {
	if errors.Is(err, loras.ErrBaseline) {
		return "baseline_mismatch"
	}
	return "download_failed"
}

// strength reads one of a LoRA's two strengths: 1 where none was given, and
// within the bounds.
func (c *chosen) strength(name, field string, given *float64) float64 {
	if given == nil {
		return 1
	}
	v := *given
	if math.IsNaN(v) {
		c.remark("information", "see_ref", fmt.Sprintf("lora %s: %s is no number, 1 was used", short(name), field))
		return 1
	}

	bounded := min(max(v, minLoraStrength), maxLoraStrength)
	if bounded != v {
		c.remark("information", "see_ref", fmt.Sprintf("lora %s: %s %g instead of %g", short(name), field, bounded, v))
	}
	return bounded
}

// clipRef bounds what a remark refers to (generation §1.20: 255 characters).
func clipRef(s string) string {
	if r := []rune(s); len(r) > 255 {
		return string(r[:255])
	}
	return s
}

// adapt makes a workspace use the networks with the job's LoRAs, until done is
// called.
func (g *generator) adapt(ctx context.Context, ws *workspace, c chosen) (done func(), err error) {
	text, textDone, err := g.adapted.get(ctx, textEncoder, partText, c.text)
	if err != nil {
		return nil, err
	}
	net, netDone, err := g.adapted.get(ctx, denoiser, partNet, c.net)
	if err != nil {
		textDone()
		return nil, err
	}

	ws.use(text, net)
	return func() {
		ws.use(nil, nil)
		netDone()
		textDone()
	}, nil
}

// loadVariant merges LoRAs into a network and loads it: half a second and, until it
// is loaded, two times the memory that it takes afterwards.
func (g *generator) loadVariant(name string, as adapters) (session, int, error) {
	graph, err := mergedGraph(name, as)
	if err != nil {
		return nil, 0, err
	}
	s, err := g.nets.variant(name, graph)
	if err != nil {
		return nil, 0, err
	}

	// The graph is 100 MB that nobody needs any more: give them back at once.
	size := loadedFactor * len(graph)
	graph = nil
	debug.FreeOSMemory()
	return s, size, nil
}

// loadedFactor is how much more memory a loaded network takes than its graph
// (measured: 210 MB for a denoiser's 94).
const loadedFactor = 2
