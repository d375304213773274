package api

// The bodies of image generation (generation §1.1, §1.2, §1.14, §1.20).
// Defaults are the published ones; the effective ones stand in the rulebook.

// ImageRequestSchema describes an ImageRequest.
var ImageRequestSchema = func() *Schema {
	s := object("GenerationInputStable",
		required("prompt", sized(1, 0, "What to show. Text after the first ### says what to avoid.")),
		optional("params", imageParamsSchema),
		optional("nsfw", flag(false, "The request may give adult images; only workers that allow them get it.")),
		optional("trusted_workers", flag(false, "Only workers of trusted owners may serve it.")),
		optional("validated_backends", flag(true, "Only validated backends may serve it.")),
		optional("slow_workers", flag(true, "Slow workers may serve it. Without them it costs more.")),
		optional("extra_slow_workers", flag(false, "Very slow workers may serve it too.")),
		optional("censor_nsfw", flag(false, "An adult image that was not requested is censored.")),
		optional("workers", list(text("Id of a worker that may serve it; at most five count."))),
		optional("worker_blacklist", flag(false, "The workers named may not serve it, all others may.")),
		optional("models", list(text("Name of a model that may generate it."))),
		optional("source_image", text("Source image: base64 or URL.")),
		optional("source_processing", oneOf(SourceProcessings, "What to do with the source image.").standard("img2img")),
		optional("source_mask", text("Mask for in- and outpainting: base64 or URL. Without it the alpha channel counts.")),
		optional("extra_source_images", list(extraSourceSchema)),
		optional("r2", flag(true, "The result comes as a download link, else in base64.")),
		optional("shared", flag(false, "The images may be shared and rated.")),
		optional("replacement_filter", flag(true, "Suspicious prompts are cleaned instead of refused.")),
		optional("dry_run", flag(false, "Only answer what the request would cost.")),
		optional("proxied_account", text("For service accounts: whom the request is for.")),
		optional("disable_batching",
			flag(false, "Every image is generated alone, so that its seed is exact. For trusted users.")),
		optional("allow_downgrade", flag(false, "A request that is too expensive is made smaller instead of refused.")),
		optional("webhook", sized(10, 1024, "https URL that is called with every finished image.")),
		optional("style", sized(3, 1024, "Id or name of a style.")),
	)
	s.MaxBytes = ImageMaxBytes
	s.NeedsKey = true
	return s
}()

var imageParamsSchema = func() *Schema {
	cfg := number("0", "100", "How closely to follow the prompt; two decimals.").standard(7.5)
	cfg.NaN = true // refused with BadCFGDecimals (generation §1.4 row 33)
	effects := list(oneOf(PostProcessorNames(), "Post-processor, in the order to apply."))
	effects.Unique = true
	return object("ModelGenerationInputStable",
		optional("sampler_name", oneOf(Samplers, "Sampler.").standard("k_euler_a")),
		optional("cfg_scale", cfg),
		optional("denoising_strength", number("0.01", "1.0", "How far to depart from the source image.")),
		optional("hires_fix_denoising_strength", number("0.01", "1.0", "The same for the second pass of hires_fix.")),
		optional("height", side("Height in pixels.")),
		optional("width", side("Width in pixels.")),
		optional("post_processing", effects),
		optional("karras", flag(false, "Karras noise schedule.")),
		optional("tiling", flag(false, "The image can be laid side by side without seams.")),
		optional("hires_fix", flag(false, "Generate small, enlarge, generate again.")),
		optional("clip_skip", integer("1", "12", "Layers of the text encoder to leave out.")),
		optional("facefixer_strength", number("0", "1.0", "Strength of face post-processors.")),
		optional("loras", list(loraSchema)),
		optional("tis", list(tiSchema)),
		optional("special", imageSpecialSchema),
		optional("workflow", oneOf(Workflows, "Workflow to use instead of the usual one.")),
		optional("transparent", flag(false, "An image without background.")),
		optional("seed", text("Seed: a number or any text. Empty means random.")),
		optional("seed_variation", integer("1", "1000", "Step from the seed of one image to the next.")),
		optional("control_type", oneOf(ControlTypes, "ControlNet to use with the source image.")),
		optional("image_is_control", flag(false, "The source image is a control map already.")),
		optional("return_control_map", flag(false, "The result is the control map.")),
		optional("extra_texts", list(extraTextSchema)),
		optional("steps", integer("1", "500", "Sampling steps.").standard(30)),
		optional("n", integer("1", "20", "Number of images.").standard(1)),
	).open() // workers get what they know and we do not
}()

var imageSpecialSchema = &Schema{
	Name:        "ModelSpecialPayloadStable",
	Type:        Object,
	Description: "For special users only.",
}

func side(about string) *Schema {
	s := integer("64", "3072", about).standard(512)
	s.MultipleOf = "64"
	return s
}

var extraSourceSchema = object("ExtraSourceImage",
	optional("image", sized(1, 0, "The image: base64 or URL.")),
	optional("strength", number("", "", "Its weight.").standard(1.0)),
)

var extraTextSchema = object("ExtraText",
	optional("text", sized(1, 0, "The text.")),
	optional("reference", sized(3, 0, "What the text is for.")),
)

var loraSchema = object("ModelPayloadLorasStable",
	required("name", sized(1, 255, "CivitAI name or id; with is_version the version id.")),
	optional("model", number("-5.0", "5.0", "Strength on the model.").standard(1.0)),
	optional("clip", number("-5.0", "5.0", "Strength on the text encoder.").standard(1.0)),
	optional("inject_trigger", sized(1, 30, "Add the trigger word most like this; any: the first.")),
	optional("is_version", flag(false, "The name is a version id.")),
)

var tiSchema = object("ModelPayloadTextualInversionsStable",
	required("name", sized(1, 255, "CivitAI name or id.")),
	optional("inject_ti", oneOf(TIInjections, "Where the server adds it by itself.")),
	optional("strength", number("-5.0", "5.0", "Weight, where it is added.").standard(1.0)),
)

// ImagePopSchema describes an ImagePop.
var ImagePopSchema = func() *Schema {
	s := object("PopInputStable", append(popProperties(),
		optional("max_pixels", integer("", "", "Most pixels of an image (width × height).").standard(262144)),
		optional("blacklist", listOf(maxOffered, text("Requests with this word in the prompt are not wanted."))),
		optional("allow_img2img", flag(true, "Requests with a source image are wanted.")),
		optional("allow_painting", flag(true, "In- and outpainting is wanted.")),
		optional("allow_unsafe_ipaddr", flag(true, "Requests with a source image from unsafe addresses are wanted.")),
		optional("allow_post_processing", flag(true, "Post-processing is wanted.")),
		optional("allow_controlnet", flag(true, "ControlNet is wanted.")),
		optional("allow_sdxl_controlnet", flag(true, "ControlNet with SDXL is wanted.")),
		optional("allow_lora", flag(true, "LoRAs are wanted.")),
		optional("limit_max_steps", flag(true, "Requests with more steps than usual for the model are not wanted.")),
	)...)
	s.NeedsKey = true
	return s
}()

// Bounds of the lists of a pop, far beyond what workers send.
const (
	maxOffered       = 10_000 // models, softprompts, words that are not wanted
	maxPriorityUsers = 1_000
)

// popProperties are what image and text workers send alike.
func popProperties() []Property {
	return []Property{
		parserRequired("name", text("Name of the worker.")),
		optional("priority_usernames", listOf(maxPriorityUsers, text("User (name#id) whose requests come first."))),
		optional("nsfw", flag(false, "Adult requests are wanted.")),
		optional("models", listOf(maxOffered, sized(3, 255, "Model that the worker offers."))),
		optional("bridge_agent", sized(0, 1000, "Software of the worker: name:version:url.").standard("unknown:0:unknown")),
		optional("threads", integer("1", "50", "Jobs that the worker does at the same time.").standard(1)),
		optional("require_upfront_kudos", flag(false, "Only requests of users who can pay them now.")),
		optional("amount", integer("1", "20", "Most jobs of one request to hand out.").standard(1)),
		optional("extra_slow_worker", flag(true, "The worker is very slow; only requests that allow it are handed out.")),
	}
}

// ImageSubmitSchema describes an ImageSubmit.
var ImageSubmitSchema = func() *Schema {
	s := object("SubmitInputStable",
		required("id", text("Id of the job.")),
		parserRequired("generation", text("R2 if the image was uploaded, else the image in base64.")),
		optional("state", oneOf(JobStates, "How the job ended.").standard("ok")),
		required("seed", integer("", "", "Seed that was used.")),
		optional("censored", flag(false, "Obsolete: use gen_metadata.")),
		optional("gen_metadata", list(imageMetadataSchema)),
	)
	s.MaxBytes = ImageMaxBytes
	s.NeedsKey = true
	return s
}()

var imageMetadataSchema = object("GenerationMetadataStable",
	required("type", oneOf(MetadataTypes, "What the remark is about.")),
	required("value", oneOf(MetadataValues, "The remark.")),
	optional("ref", sized(0, 255, "What it refers to, for example a LoRA.")),
)
