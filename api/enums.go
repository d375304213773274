package api

// Names that requests may use (generation §1.3). Slices keep the order
// of the rulebook; callers must not change them.

// Samplers are the values of sampler_name.
var Samplers = []string{
	"k_lms", "k_heun", "k_euler", "k_euler_a", "k_dpm_2", "k_dpm_2_a", "k_dpm_fast",
	"k_dpm_adaptive", "k_dpmpp_2s_a", "k_dpmpp_2m", "dpmsolver", "k_dpmpp_sde", "DDIM", "lcm",
}

// SecondOrderSamplers evaluate the model twice in every step.
var SecondOrderSamplers = map[string]bool{
	"k_heun": true, "k_dpm_2": true, "k_dpm_2_a": true, "k_dpmpp_2s_a": true, "k_dpmpp_sde": true,
}

// AdaptiveSampler chooses its own steps; it always counts as AdaptiveSteps.
const (
	AdaptiveSampler = "k_dpm_adaptive"
	AdaptiveSteps   = 40
)

// PostProcessor is a value of post_processing.
type PostProcessor struct {
	Name     string
	Factor   float64 // multiplies the requester's price
	Upscaler bool    // at most one of these in a request
	Heavy    bool    // makes batches smaller
}

// PostProcessors are all that a request may name.
var PostProcessors = []PostProcessor{
	{Name: "GFPGAN", Factor: 1},
	{Name: "RealESRGAN_x4plus", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "RealESRGAN_x2plus", Factor: 1.05, Upscaler: true},
	{Name: "RealESRGAN_x4plus_anime_6B", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "NMKD_Siax", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "4x_AnimeSharp", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "CodeFormers", Factor: 1, Heavy: true},
	{Name: "strip_background", Factor: 1},
	{Name: "4xNomos8kSC", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "4xLSDIRplus", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "4xNomosWebPhoto_RealPLKSR", Factor: 1.05, Upscaler: true},
	{Name: "4xNomos2_realplksr_dysample", Factor: 1.05, Upscaler: true},
	{Name: "4xNomos2_hq_dat2", Factor: 1.05, Upscaler: true, Heavy: true},
	{Name: "2xModernSpanimationV1", Factor: 1.05, Upscaler: true},
	{Name: "GFPGANv1.3", Factor: 1},
	{Name: "RestoreFormer", Factor: 1, Heavy: true},
}

var postProcessorIndex = func() map[string]PostProcessor {
	m := make(map[string]PostProcessor, len(PostProcessors))
	for _, p := range PostProcessors {
		m[p.Name] = p
	}
	return m
}()

// PostProcessorByName finds a post-processor; ok is false for other names.
func PostProcessorByName(name string) (p PostProcessor, ok bool) {
	p, ok = postProcessorIndex[name]
	return p, ok
}

// PostProcessorNames lists the names alone.
func PostProcessorNames() []string {
	names := make([]string, len(PostProcessors))
	for i, p := range PostProcessors {
		names[i] = p.Name
	}
	return names
}

// SourceProcessings are the values of source_processing.
var SourceProcessings = []string{"img2img", "inpainting", "outpainting", "remix"}

// ControlTypes are the values of control_type.
var ControlTypes = []string{
	"canny", "hed", "depth", "normal", "openpose", "seg", "scribble", "fakescribbles", "hough",
}

// Workflows are the values of workflow.
var Workflows = []string{"qr_code"}

// TIInjections are the values of a textual inversion's inject_ti.
var TIInjections = []string{"prompt", "negprompt"}

// JobStates are the values of a delivery's state.
var JobStates = []string{"ok", "censored", "faulted", "csam"}

// MetadataTypes and MetadataValues are the values of a GenMetadatum of an
// image.
var (
	MetadataTypes = []string{
		"lora", "ti", "censorship", "source_image", "source_mask", "extra_source_images",
		"batch_index", "information", "aesthetic_score",
	}
	MetadataValues = []string{
		"download_failed", "parse_failed", "baseline_mismatch", "csam", "nsfw", "see_ref",
	}
)

// TextMetadataTypes and TextMetadataValues are the values of a GenMetadatum of a
// text generation.
var (
	TextMetadataTypes  = []string{"censorship"}
	TextMetadataValues = []string{"csam"}
)

// LoRAs that turn a model into a latent consistency model: by CivitAI version id
// where is_version is true, else by model id.
var (
	LCMVersionIDs = map[string]bool{
		"246747": true, "247778": true, "268475": true, "243643": true, "225222": true,
		"219782": true, "363353": true,
	}
	LCMModelIDs = map[string]bool{"195519": true, "216190": true, "324115": true}
)
