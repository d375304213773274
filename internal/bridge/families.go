package bridge

// since is what a bridge gained with a major version.
type since struct {
	major uint32
	caps  Capability
	// Samplers usable with and without the karras schedule, and those usable
	// only without.
	samplers, plainOnly samplerSet
}

// family is what is known of a bridge: its gains by version, ascending.
type family struct {
	name      string
	gains     []since
	official  bool // its newest version earns in full, older ones 0.9
	validated bool // as a text back end
}

const (
	// The ten samplers that every k-diffusion bridge has.
	classic = kLMS | kHeun | kEuler | kEulerA | kDPM2 | kDPM2A | kDPMFast | kDPMAdaptive | kDPMpp2SA | kDPMpp2M

	reGen1 = Img2Img | Inpainting | Karras | PostProcessing | gfpgan | realESRGANx4plus | R2 | codeFormers |
		ClipSkip | R2Source | ControlNet | stripBackground | ReturnControlMap | realESRGANx4plusAnime6B |
		nmkdSiax | animeSharp4x | ImageIsControl | realESRGANx2plus | HiresFix | Tiling
	reGen2  = TextualInversion | Lora
	reGen7  = QRCode | ExtraTexts | Workflow
	reGen13 = nomos8kSC4x | lsdirPlus4x | nomosWebPhotoRealPLKSR4x | nomos2RealplksrDysample4x |
		nomos2HqDat24x | modernSpanimationV1x2 | gfpgan13 | restoreFormer
)

// families is the table of generation §1.17; the first row is our own worker
// (decision 46).
var families = []family{
	{
		name: "Horde Worker", official: true, validated: true,
		gains: []since{{
			major: 1,
			caps: reGen1 | reGen2 | LoraVersions | ExtraSourceImages | StableCascade2Pass | reGen7 |
				LayerDiffuse | Flux | reGen13,
			samplers: classic | kDPMppSDE | dpmsolver | ddim | lcm,
		}},
	},
	{
		name: "AI Horde Worker reGen", official: true,
		gains: []since{
			{major: 1, caps: reGen1},
			{major: 2, caps: reGen2, samplers: classic | kDPMppSDE | dpmsolver | ddim},
			{major: 3, caps: LoraVersions, samplers: lcm},
			{major: 5, caps: ExtraSourceImages},
			{major: 6, caps: StableCascade2Pass},
			{major: 7, caps: reGen7},
			{major: 8, caps: LayerDiffuse},
			{major: 9, caps: Flux},
			{major: 13, caps: reGen13},
		},
	},
	{
		name: "AI Horde Worker", official: true, validated: true,
		gains: []since{
			{major: 3, caps: Img2Img},
			{major: 4, caps: Inpainting},
			{major: 6, caps: Karras},
			{major: 7, caps: PostProcessing | gfpgan | realESRGANx4plus},
			{major: 8, caps: R2},
			{major: 9, caps: codeFormers},
			{major: 11, samplers: classic | dpmsolver},
			{major: 12, samplers: kDPMppSDE},
			{major: 13, caps: HiresFix | ClipSkip},
			{major: 14, caps: R2Source},
			{major: 15, caps: ControlNet},
			{major: 17, plainOnly: ddim},
			{major: 18, caps: stripBackground | ReturnControlMap | realESRGANx4plusAnime6B},
			{major: 19, caps: nmkdSiax | animeSharp4x},
			{major: 21, caps: realESRGANx2plus},
			{major: 22, caps: Lora},
			{major: 23, caps: ImageIsControl},
			{major: 24, caps: TextualInversion},
		},
	},
	{
		name: "SD-WebUI Stable Horde Worker Bridge",
		gains: []since{
			{major: 1, caps: Inpainting | Karras | R2 | codeFormers, samplers: classic | kDPMppSDE, plainOnly: ddim | plms},
			{major: 2, caps: Tiling},
			{major: 3, caps: R2Source},
			{major: 4, caps: ClipSkip},
		},
	},
	{
		name: "HordeAutoWebBridge",
		gains: []since{
			{
				major: 1, caps: Painting | Img2Img | Karras,
				samplers:  kLMS | kDPM2 | kDPM2A | kDPMpp2SA | kDPMpp2M | dpmsolver,
				plainOnly: kHeun | kEuler | kEulerA | kDPMFast | kDPMAdaptive,
			},
			{major: 2, caps: Tiling},
		},
	},
	{name: "AI Horde Worker~aphrodite~oai", validated: true},
	{name: "AI Horde Worker~aphrodite~kai", validated: true},
	{name: "KoboldCppEmbedWorker", validated: true},
	{name: "TabbyAPI", validated: true},
}

// strangerSamplers names the bridge whose samplers are assumed for a bridge that is
// not in the table.
var strangerSamplers = struct {
	name  string
	major uint32
}{"AI Horde Worker", 23}
