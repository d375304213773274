package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Baselines of image models, as references spell them.
const (
	SD1           = "stable diffusion 1" // also the default for unknown names
	SD2           = "stable diffusion 2"
	SD2x512       = "stable diffusion 2 512"
	SDXL          = "stable_diffusion_xl"
	StableCascade = "stable_cascade"
	Flux1         = "flux_1"
	QwenImage     = "qwen_image"
	ZImageTurbo   = "z_image_turbo"
)

// Names of our own engines' models: every server knows them in addition to its
// reference.
const (
	Pocket = "horde_pocket"
	Sketch = "horde_sketch"
)

// Image is what the reference says about an image model.
type Image struct {
	Name         string
	Baseline     string // one of the constants above, or whatever the reference says
	Type         string // ckpt, controlnet, …
	NSFW         bool   // made for adult images
	Inpainting   bool   // can only inpaint
	Requirements Requirements
	// CSAMWhitelist is a list of words in the reference. The rulebook names the field
	// (platform §15) without a rule that reads it.
	CSAMWhitelist []string
}

// Requirements are the settings that a model requires. They are advice: a
// request that differs causes a warning, not a refusal. Nil, 0 and empty mean none.
type Requirements struct {
	MinSteps, MaxSteps       int
	CfgScale                 *float64 // exactly this
	MinCfgScale, MaxCfgScale *float64
	Samplers                 []string
	Schedulers               []string // "karras", "simple"
	ClipSkip                 int
}

// Text is what the reference says about a text model.
type Text struct {
	Name       string
	Baseline   string
	Parameters int64 // a count, not billions
	NSFW       bool
}

// Snapshot is one state of the references. It never changes.
type Snapshot struct {
	images map[string]Image
	texts  map[string]Text
}

// newSnapshot adds our own models to a reference. It takes ownership of both maps; nil
// is an empty reference.
func newSnapshot(images map[string]Image, texts map[string]Text) *Snapshot {
	if images == nil {
		images = map[string]Image{}
	}
	for _, name := range []string{Pocket, Sketch} {
		if _, ok := images[name]; !ok {
			images[name] = Image{Name: name, Baseline: SD1, Type: "builtin"}
		}
	}
	return &Snapshot{images: images, texts: texts}
}

// Image returns what is known about an image model; false for names that are not
// in the reference.
func (s *Snapshot) Image(name string) (Image, bool) {
	m, ok := s.images[name]
	return m, ok
}

// KnownImage reports whether the reference has an image model of this name:
// workers may only offer those (generation §1.14).
func (s *Snapshot) KnownImage(name string) bool {
	_, ok := s.images[name]
	return ok
}

// ImageNames lists the known image models in order.
func (s *Snapshot) ImageNames() []string { return slices.Sorted(maps.Keys(s.images)) }

// baselineTags give a baseline to names that no reference has (generation §1.3).
var baselineTags = []struct{ tag, baseline string }{
	{"[SDXL]", SDXL},
	{"[Flux]", Flux1},
	{"[Qwen]", QwenImage},
	{"[ZModel]", ZImageTurbo},
	{"[ZImage]", ZImageTurbo},
}

// Baseline returns what an image model is built on. Names that the reference lacks are
// recognised by a tag inside the name, or else count as Stable Diffusion 1.
func (s *Snapshot) Baseline(name string) string {
	if m, ok := s.images[name]; ok && m.Baseline != "" {
		return m.Baseline
	}
	if strings.IndexByte(name, '[') >= 0 {
		for _, t := range baselineTags {
			if strings.Contains(name, t.tag) {
				return t.baseline
			}
		}
	}
	return SD1
}

// quantisation is the suffix of a quantised text model: ".Q4_K_M", "-Q8_0",
// "-i1-Q5_K_S", "-Q-Int4" (generation §2.4, platform §15).
var quantisation = regexp.MustCompile(`^[.,-](?:[a-zA-Z0-9]+?-?)?Q(?:-[Ii]nt)?[2-9]{1,2}(?:[_.-][0-9a-zA-Z]+)*$`)

// Text returns what is known about a text model. An owner's suffix ("::alias#1")
// and then a quantisation suffix are removed if the full name is not known.
func (s *Snapshot) Text(name string) (Text, bool) {
	if m, ok := s.texts[name]; ok {
		return m, true
	}
	if i := strings.Index(name, "::"); i >= 0 {
		name = name[:i]
		if m, ok := s.texts[name]; ok {
			return m, true
		}
	}

	if len(name) > maxName {
		return Text{}, false
	}

	// Try the shortest suffix first: in "Marx-3B-V3-Q8_0" it is "-Q8_0", not "-V3-Q8_0".
	for i := len(name) - 1; i > 0; i-- {
		if c := name[i]; c != '.' && c != ',' && c != '-' {
			continue
		}
		if m, ok := s.texts[name[:i]]; ok && quantisation.MatchString(name[i:]) {
			return m, true
		}
	}
	return Text{}, false
}

// KnownText reports whether the reference has a text model of this name, with or
// without the suffixes of an owner and of a quantisation.
func (s *Snapshot) KnownText(name string) bool {
	_, ok := s.Text(name)
	return ok
}

// TextSize returns the size of a text model in billions of parameters; 0 where
// it is not known.
func (s *Snapshot) TextSize(name string) float64 {
	m, _ := s.Text(name)
	return float64(m.Parameters) / 1e9
}

// TextBillions is TextSize with 1 for models about which nothing is known (generation §2.4).
func (s *Snapshot) TextBillions(name string) float64 {
	if size := s.TextSize(name); size > 0 {
		return size
	}
	return 1
}
