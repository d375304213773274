package bridge

// Capability is one ability of a bridge, as a bit: Agent.Has takes several at
// once.
type Capability uint64

// Abilities. Those of post-processors are found by name with PostProcessor.
const (
	Img2Img Capability = 1 << iota
	Inpainting
	Painting
	Karras
	PostProcessing
	R2       // uploads results by link
	R2Source // fetches source images by link
	ClipSkip
	HiresFix
	ControlNet
	ReturnControlMap
	ImageIsControl
	Tiling
	TextualInversion
	Lora
	LoraVersions
	ExtraSourceImages
	StableCascade2Pass
	QRCode
	ExtraTexts
	Workflow
	LayerDiffuse
	Flux

	gfpgan
	realESRGANx4plus
	codeFormers
	stripBackground
	realESRGANx4plusAnime6B
	nmkdSiax
	animeSharp4x
	realESRGANx2plus
	nomos8kSC4x
	lsdirPlus4x
	nomosWebPhotoRealPLKSR4x
	nomos2RealplksrDysample4x
	nomos2HqDat24x
	modernSpanimationV1x2
	gfpgan13
	restoreFormer

	// PostProcessors are the abilities that post-processing takes, whichever.
	PostProcessors = PostProcessing | ^(gfpgan - 1)
)

var postProcessors = map[string]Capability{
	"GFPGAN":                      gfpgan,
	"RealESRGAN_x4plus":           realESRGANx4plus,
	"CodeFormers":                 codeFormers,
	"strip_background":            stripBackground,
	"RealESRGAN_x4plus_anime_6B":  realESRGANx4plusAnime6B,
	"NMKD_Siax":                   nmkdSiax,
	"4x_AnimeSharp":               animeSharp4x,
	"RealESRGAN_x2plus":           realESRGANx2plus,
	"4xNomos8kSC":                 nomos8kSC4x,
	"4xLSDIRplus":                 lsdirPlus4x,
	"4xNomosWebPhoto_RealPLKSR":   nomosWebPhotoRealPLKSR4x,
	"4xNomos2_realplksr_dysample": nomos2RealplksrDysample4x,
	"4xNomos2_hq_dat2":            nomos2HqDat24x,
	"2xModernSpanimationV1":       modernSpanimationV1x2,
	"GFPGANv1.3":                  gfpgan13,
	"RestoreFormer":               restoreFormer,
}

// PostProcessor returns the ability to run the post-processor of this name;
// false if there is none of that name.
func PostProcessor(name string) (Capability, bool) {
	c, ok := postProcessors[name]
	return c, ok
}

// samplerSet is a set of samplers, one bit each.
type samplerSet uint32

const (
	kLMS samplerSet = 1 << iota
	kHeun
	kEuler
	kEulerA
	kDPM2
	kDPM2A
	kDPMFast
	kDPMAdaptive
	kDPMpp2SA
	kDPMpp2M
	kDPMppSDE
	dpmsolver
	ddim
	plms
	lcm
)

var samplers = map[string]samplerSet{
	"k_lms": kLMS, "k_heun": kHeun, "k_euler": kEuler, "k_euler_a": kEulerA, "k_dpm_2": kDPM2,
	"k_dpm_2_a": kDPM2A, "k_dpm_fast": kDPMFast, "k_dpm_adaptive": kDPMAdaptive,
	"k_dpmpp_2s_a": kDPMpp2SA, "k_dpmpp_2m": kDPMpp2M, "k_dpmpp_sde": kDPMppSDE,
	"dpmsolver": dpmsolver, "DDIM": ddim, "plms": plms, "lcm": lcm,
}
