package admission

import (
	"slices"
	"strings"

	"horde/internal/catalog"
	"horde/internal/horde"
)

// Stage is a run of rows of generation §1.4's table.
type Stage struct{ first, last int }

// The stages in order; between them lie checks that need the store.
var (
	BeforeKey = Stage{3, 6}
	AfterKey  = Stage{11, 14} // row 15, behind it, is no refusal but a favour
	Named     = Stage{15, 16}
	Batching  = Stage{18, 18}
	Content   = Stage{23, 58}
	// Preset is the part of Content that a style can be held to
	// (platform §3.12).
	Preset = Stage{23, 40}
)

// Row is the stage of one row.
func Row(row int) Stage { return Stage{row, row} }

// Check runs the rows of a stage in order and returns the first refusal, a
// *horde.Error, or nil. Stages after BeforeKey need Normalize to have run.
func (r *Request) Check(s Stage) error {
	e := entrance{prompt: r.Asked.Prompt, webhook: r.Asked.Webhook, proxied: r.Asked.ProxiedAccount,
		models: r.Image.Models, extraSources: len(r.Asked.ExtraSourceImages), n: r.Image.N,
		alone: or(r.Asked.DisableBatching, false), // the QR code workflow switches batching off by itself
		style: r.Style, foreign: TextStyle, caller: r.Caller, server: r.Server}
	if err := run(entranceChecks, &e, s); err != nil {
		return err
	}
	return run(checks, r, s)
}

// check is one row of the table: its number in generation §1.4, what refuses a request and
// what its owner is told. Texts are our own; programs go by the code.
type check[R any] struct {
	row     int
	code    horde.Code
	refuses func(R) bool
	text    string
}

// run tries the rows of a table that lie in a stage.
func run[R any](table []check[R], r R, s Stage) error {
	for i := range table {
		c := &table[i]
		if c.row > s.last {
			break // rows are in their order
		}
		if c.row >= s.first && c.refuses(r) {
			return horde.Errorf(c.code, "%s", c.text)
		}
	}
	return nil
}

// MaxPromptBytes is the most bytes of a prompt for images. It is ours: words can
// be of any length.
const MaxPromptBytes = 100_000

const (
	maxPromptWords  = 7500
	maxLoras        = 5
	maxTIs          = 20
	maxExtraSources = 5
	qrCode          = "qr_code"
	remix           = "remix"
	exampleAgent    = "My-Project:v0.0.1:My-Contact"
)

// checks is the table of generation §1.4 from row 23 on, in the order of its rows, save
// those that need the store (59, 60). Row 23 only warns there; the check for NUL,
// which the original's database makes when the request is stored, stands in its
// place.
var checks = []check[*Request]{
	{23, horde.NulByteInPayload, hasNUL, "The request may not contain NUL bytes."},
	{24, horde.HiResMismatch, func(r *Request) bool {
		return r.Image.HiresFix && r.anyBaseline(catalog.Flux1, catalog.QwenImage, catalog.ZImageTurbo)
	}, "hires_fix does not work with Flux, Qwen and Z-Image models. Switch it off or choose another model."},
	{25, horde.TooManyLoras, func(r *Request) bool { return len(r.Image.Loras) > maxLoras },
		"A request can use at most 5 LoRAs."},
	{26, horde.BadLoraVersion, func(r *Request) bool {
		return slices.ContainsFunc(r.params().Loras, badLoraVersion)
	}, "With is_version a LoRA is named by its version id: its name must be a number."},
	{27, horde.TooManyTIs, func(r *Request) bool { return len(r.Image.TIs) > maxTIs },
		"A request can use at most 20 textual inversions."},
	{28, horde.InvalidTransparencyModel, func(r *Request) bool {
		return r.Image.Transparent && r.otherBaseline(catalog.SD1, catalog.SDXL)
	}, "Transparent pictures can only be made by Stable Diffusion 1 and SDXL models."},
	{29, horde.ControlNetMismatchWithStop, func(r *Request) bool {
		return r.Image.Workflow == qrCode && r.otherBaseline(catalog.SD1, catalog.SDXL)
	}, "The qr_code workflow works only with Stable Diffusion 1 and SDXL models."},
	{30, horde.InvalidPromptSize, func(r *Request) bool {
		return r.PromptTooLong || len(r.Image.Prompt) > MaxPromptBytes || moreWords(r.Image.Prompt, maxPromptWords)
	}, "The prompt is too long: at most 7500 words and 100000 bytes, those of a style's template included."},
	{31, horde.UnexpectedModelName, func(r *Request) bool {
		return slices.ContainsFunc(r.Image.Models, isPostProcessor)
	}, "A post-processor was named as a model. Name it in params.post_processing, or send the picture to /interrogate/async."},
	{32, horde.TooManyUpscalers, func(r *Request) bool { return countUpscalers(r.Image.PostProcessing) > 1 },
		"A request can use at most 1 upscaler."},
	{33, horde.BadCFGDecimals, func(r *Request) bool { return horde.Round2(r.Image.Cfg) != r.Image.Cfg },
		"cfg_scale can have at most 2 decimals."},

	// In the place of a row that the schema makes unreachable, a bound of ours.
	{34, horde.InvalidPromptSize, func(r *Request) bool {
		bytes := 0
		for _, x := range r.Image.ExtraTexts {
			bytes += len(x.Text) + len(x.Reference)
		}
		return bytes > MaxPromptBytes
	}, "The extra_texts are too long: at most 100000 bytes together."},
	{35, horde.Forbidden, func(r *Request) bool { return r.anyModel(isSpecial) && !r.Caller.Special },
		"Special models are for special users only."},
	{36, horde.SpecialMissingUsername, func(r *Request) bool { return r.anyModel(specialWithoutOwner) },
		"Special models are named with their owner: horde_special::name#id."},
	{37, horde.Forbidden, func(r *Request) bool {
		return r.anyModel(func(m string) bool { return isSpecial(m) && ownerOf(m) != r.Caller.Alias })
	}, "This special model belongs to somebody else."},
	{38, horde.SpecialMissingPayload, func(r *Request) bool { return r.anyModel(isSpecial) && r.Image.Special == nil },
		"Special models need params.special."},
	{39, horde.UntrustedUnsafeIP, func(r *Request) bool {
		return r.Server.Raid && !r.Caller.Vouched() && r.UnsafeIP != nil && r.UnsafeIP()
	}, "The horde is being raided, so requests from this address are only taken from trusted users and patrons for now."},
	{40, horde.BadRequest, func(r *Request) bool { return r.Image.Special != nil && !r.Caller.Special },
		"params.special is for special users only. Leave it out."},
	{41, horde.SourceMaskUnnecessary, func(r *Request) bool { return r.Image.HasMask && !r.Image.HasSource },
		"There is a source_mask but no source_image that it could cover."},

	{42, horde.ControlNetUnsupported, func(r *Request) bool {
		return (r.Image.ControlType == "normal" || r.Image.ControlType == "hough") &&
			r.anyModel(func(m string) bool { return strings.HasPrefix(r.Models.Baseline(m), catalog.SD2) })
	}, "The control types normal and hough do not work with Stable Diffusion 2 models."},
	{43, horde.ControlNetUnsupported, func(r *Request) bool { return r.controlled() && r.names("pix2pix") },
		"The model pix2pix works without a control type."},
	{44, horde.ControlNetSourceMissing, func(r *Request) bool { return r.controlled() && !r.Image.HasSource },
		"A control type needs a source_image to take its shapes from."},
	{45, horde.ControlNetInpaintingMismatch, func(r *Request) bool {
		return r.controlled() && r.Image.SourceProcessing == "inpainting"
	}, "A control type cannot be combined with inpainting."},
	{46, horde.ControlNetMismatch, func(r *Request) bool {
		return r.controlled() && r.anyBaseline(catalog.SDXL, catalog.StableCascade, catalog.Flux1, catalog.QwenImage, catalog.ZImageTurbo)
	}, "Control types work only with Stable Diffusion 1 and 2 models."},
	{47, horde.InvalidTransparencyImg2Img, func(r *Request) bool { return r.Image.Transparent && r.Image.ExtraSources > 0 },
		"Transparent pictures cannot be made from source images."},
	{48, horde.InvalidTransparencyCN, func(r *Request) bool { return r.Image.Transparent && r.controlled() },
		"Transparent pictures cannot be made with a control type."},
	{49, horde.InvalidRemix, func(r *Request) bool {
		return r.Image.SourceProcessing == remix && r.otherBaseline(catalog.StableCascade)
	}, "Only Stable Cascade models can remix."},
	{50, horde.InvalidExtraSourceImagesWithStop, func(r *Request) bool {
		return r.Image.ExtraSources > 0 && r.Image.SourceProcessing != remix
	}, "Extra source images need source_processing remix."},
	{51, horde.InvalidExtraTextsWithStop, func(r *Request) bool { return len(r.Image.ExtraTexts) > 0 && r.Image.Workflow != qrCode },
		"extra_texts are only for the qr_code workflow."},
	{52, horde.MissingExtraTextsWithStop, missingExtraTexts,
		"The qr_code workflow needs an entry in extra_texts with the reference qr_code: the text of the code."},
	{53, horde.ControlNetInvalidPayload, func(r *Request) bool { return r.initAsImage && r.Image.ReturnControlMap },
		"init_as_image and return_control_map exclude each other."},
	{54, horde.SourceImageRequiredForModel, func(r *Request) bool {
		return !r.Image.HasSource && (r.names("Stable Diffusion 2 Depth") || r.names("pix2pix"))
	}, "This model works only on a source_image."},
	{55, horde.UnexpectedModelName, func(r *Request) bool { return !r.Image.HasSource && r.anyModel(r.isControlNet) },
		"A ControlNet was named as a model. Name a model, and the control type in params.control_type."},

	{56, horde.BetaAnonForbidden, func(r *Request) bool { return r.names(betaModel) && r.Caller.Anonymous },
		"The beta comparison is not open to anonymous users. Please register."},
	{57, horde.BetaComparisonFault, func(r *Request) bool { return r.names(betaModel) && r.Image.N == 1 },
		"The beta comparison makes two pictures: set n to 2."},
	{58, horde.BannedClientAgent, func(r *Request) bool { return r.ClientAgent == exampleAgent },
		"This Client-Agent is that of the example code. Name your own project and a way to reach you."},
}
