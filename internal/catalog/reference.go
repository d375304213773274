package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a reference document. The public ones have 0.2 and 1.1 MiB, some
// 2,200 entries, and go five levels deep.
const (
	MaxDocument = 16 << 20 // bytes
	maxEntries  = 50_000
	maxDepth    = 32
	maxName     = 255 // characters; no worker can offer longer ones
	maxWords    = 64  // in a list of an entry
	maxWord     = 128 // characters
)

// imageEntry is an entry of the public image reference: a map from the model's
// name. Keys that we do not use are left out.
type imageEntry struct {
	Baseline      string             `json:"baseline"`
	Type          string             `json:"type"`
	NSFW          bool               `json:"nsfw"`
	Inpainting    bool               `json:"inpainting"`
	Requirements  *requirementsEntry `json:"requirements"`
	CSAMWhitelist words              `json:"csam_whitelist"`
}

type requirementsEntry struct {
	MinSteps    *float64 `json:"min_steps"`
	MaxSteps    *float64 `json:"max_steps"`
	CfgScale    *float64 `json:"cfg_scale"`
	MinCfgScale *float64 `json:"min_cfg_scale"`
	MaxCfgScale *float64 `json:"max_cfg_scale"`
	Samplers    words    `json:"samplers"`
	Schedulers  words    `json:"schedulers"`
	ClipSkip    *float64 `json:"clip_skip"`
}

type textEntry struct {
	Baseline   string  `json:"baseline"`
	Parameters float64 `json:"parameters"`
	NSFW       bool    `json:"nsfw"`
}

// words is a short list of short strings.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	if len(list) > maxWords ||
		slices.ContainsFunc(list, func(s string) bool { return utf8.RuneCountInString(s) > maxWord }) {
		return errors.New("too many or too long")
	}
	*w = list
	return nil
}

// parsed is what a document says: image or text models, depending on its slot.
type parsed struct {
	images map[string]Image
	texts  map[string]Text
	bad    int // entries that could not be read
}

func (p parsed) models() int { return len(p.images) + len(p.texts) }

// parseDocument reads the reference of a slot. Its errors continue a sentence
// that begins with the document's name.
func parseDocument(slot string, doc []byte) (p parsed, err error) {
	raw, err := split(doc)
	if err != nil {
		return p, err
	}
	if len(raw) == 0 && slot != ExtraImages {
		return p, errors.New("has no models")
	}
	if other := mistakenKind(raw, slot); other != "" {
		return p, fmt.Errorf("is a reference of %s models, where one of %s models belongs", other, kindOf(slot))
	}

	if slot == Texts {
		p.texts, p.bad = read(raw, textOf)
	} else {
		p.images, p.bad = read(raw, imageOf)
	}

	if p.models() == 0 && len(raw) > 0 {
		return p, errors.New("has no entry that could be read; it must map each model's name to an object")
	}
	return p, nil
}

// split splits a document into its entries, by name.
func split(doc []byte) (map[string]json.RawMessage, error) {
	switch {
	case len(doc) > MaxDocument:
		return nil, tooLarge()
	case !utf8.Valid(doc):
		return nil, errors.New("is no UTF-8 text")
	case depthOf(doc) > maxDepth:
		return nil, fmt.Errorf("is nested deeper than %d levels", maxDepth)
	}

	var raw map[string]json.RawMessage
	if err := json.Unmarshal(doc, &raw); err != nil {
		return nil, fmt.Errorf("is no JSON object of models by name: %w", err)
	}
	if raw == nil {
		return nil, errors.New("is no JSON object of models by name: it is null")
	}
	if len(raw) > maxEntries {
		return nil, fmt.Errorf("has %d models; it may have %d", len(raw), maxEntries)
	}
	return raw, nil
}

func tooLarge() error { return fmt.Errorf("is larger than %d MiB", MaxDocument>>20) }

// depthOf returns how deep brackets are nested in a JSON text, without regard to
// anything else.
func depthOf(doc []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}

	return deepest
}

// shapeOf reports whether an entry can only be that of an image model, or of a text
// model: Images, Texts or neither, "".
func shapeOf(entry json.RawMessage) string {
	var e struct {
		Baseline   *string  `json:"baseline"`
		Type       *string  `json:"type"`
		Inpainting *bool    `json:"inpainting"`
		Parameters *float64 `json:"parameters"`
	}

	switch {
	case json.Unmarshal(entry, &e) != nil:
		return ""
	case e.Parameters != nil:
		return Texts
	case e.Baseline != nil && (e.Inpainting != nil || e.Type != nil && *e.Type == "ckpt"):
		return Images
	}
	return ""
}

// kindOf returns the kind of a slot's models: Images or Texts.
func kindOf(slot string) string {
	if slot == Texts {
		return Texts
	}
	return Images
}

// mistakenKind returns the other kind if a document is of that rather than of its slot's,
// "" if it may be right: most entries have the shape of the other kind, and none of this
// one.
func mistakenKind(raw map[string]json.RawMessage, slot string) string {
	others := 0
	for _, entry := range raw {
		switch shapeOf(entry) {
		case kindOf(slot):
			return "" // usually the first
		case "":
		default:
			others++
		}
	}

	if 2*others <= len(raw) {
		return ""
	}
	if slot == Texts {
		return Images
	}
	return Texts
}

// Detect determines from the shape of a document whether it is a reference of image or
// of text models: Images or Texts. It is an error when most entries are neither.
func Detect(doc []byte) (slot string, err error) {
	raw, err := split(bytes.TrimPrefix(doc, byteOrderMark))
	if err != nil {
		return "", err
	}

	count := map[string]int{}
	for _, entry := range raw {
		count[shapeOf(entry)]++
	}

	switch {
	case count[Texts] == 0 && 2*count[Images] > len(raw):
		return Images, nil
	case count[Images] == 0 && 2*count[Texts] > len(raw):
		return Texts, nil
	}
	return "", errors.New("does not look like a reference of image models (entries with baseline and inpainting) " +
		"nor of text models (entries with parameters)")
}

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// read converts entries into models. Those that cannot be read are left out and
// counted: one bad entry must not cost the whole reference.
func read[E, M any](raw map[string]json.RawMessage, model func(string, E) M) (models map[string]M, bad int) {
	models = make(map[string]M, len(raw))
	for name, entry := range raw {
		var e E
		if !fitName(name) || len(entry) == 0 || entry[0] != '{' || json.Unmarshal(entry, &e) != nil {
			bad++
			continue
		}
		models[name] = model(name, e)
	}
	return models, bad
}

// fitName reports whether a worker can offer a model of this name and a
// terminal can show it.
func fitName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= maxName && strings.IndexFunc(name, unicode.IsControl) < 0
}

func imageOf(name string, e imageEntry) Image {
	return Image{
		Name:          name,
		Baseline:      e.Baseline,
		Type:          e.Type,
		NSFW:          e.NSFW,
		Inpainting:    e.Inpainting,
		Requirements:  e.Requirements.plain(),
		CSAMWhitelist: e.CSAMWhitelist,
	}
}

func textOf(name string, e textEntry) Text {
	params := int64(math.Max(0, math.Min(e.Parameters, 1e18)))
	return Text{Name: name, Baseline: e.Baseline, Parameters: params, NSFW: e.NSFW}
}

func (r *requirementsEntry) plain() Requirements {
	if r == nil {
		return Requirements{}
	}

	whole := func(v *float64) int {
		if v == nil || !(*v > 0) {
			return 0
		}
		return int(math.Min(*v, 1e6))
	}

	return Requirements{
		MinSteps:    whole(r.MinSteps),
		MaxSteps:    whole(r.MaxSteps),
		ClipSkip:    whole(r.ClipSkip),
		CfgScale:    r.CfgScale,
		MinCfgScale: r.MinCfgScale,
		MaxCfgScale: r.MaxCfgScale,
		Samplers:    r.Samplers,
		Schedulers:  r.Schedulers,
	}
}
