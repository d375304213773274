package api

// The bodies of text generation (generation §2.1, §2.2, §2.7, §2.8).
// Defaults are the published ones; the effective ones stand in the rulebook.

// TextRequestSchema describes a TextRequest.
var TextRequestSchema = func() *Schema {
	s := object("GenerationInputKobold",
		parserRequired("prompt", text("What the text continues or answers.")),
		optional("params", textParamsSchema),
		optional("softprompt", sized(1, 0, "Softprompt that the worker must have.")),
		optional("trusted_workers", flag(false, "Only workers of trusted owners may serve it.")),
		optional("validated_backends", flag(true, "Only validated backends may serve it.")),
		optional("slow_workers", flag(true, "Slow workers may serve it.")),
		optional("extra_slow_workers", flag(false, "No effect on text generation.")),
		optional("workers", list(text("Id of a worker that may serve it; at most five count."))),
		optional("worker_blacklist", flag(false, "The workers named may not serve it, all others may.")),
		optional("models", list(text("Name of a model that may generate it."))),
		optional("dry_run", flag(false, "Only answer what the request would cost.")),
		optional("proxied_account", text("For service accounts: whom the request is for.")),
		optional("extra_source_images", list(extraSourceSchema)),
		optional("disable_batching", flag(false, "For trusted users.")),
		optional("allow_downgrade", flag(false, "A request that is too expensive is made shorter instead of refused.")),
		optional("webhook", text("https URL that is called with every finished text.")),
		optional("style", sized(3, 1024, "Id or name of a style.")),
	)
	s.NeedsKey = true
	return s
}()

var textParamsSchema = func() *Schema {
	s := object("ModelGenerationInputKobold", append(samplingProperties(),
		optional("n", integer("1", "20", "Number of text generations.")),
		optional("max_context_length", integer("80", "1048576", "Most tokens that the model reads.").standard(2048)),
		optional("max_length", integer("16", "4096", "Most tokens to generate.").standard(80)),
	)...)
	s.Finite = true
	return s
}()

// samplingProperties are the members of TextSampling; styles have them too.
func samplingProperties() []Property {
	return []Property{
		optional("frmtadsnsp", toggle("A leading space where the prompt ends without one.")),
		optional("frmtrmblln", toggle("Runs of newlines become one.")),
		optional("frmtrmspch", toggle(`The text without #/@%}{+=~|\^<>.`)),
		optional("frmttriminc", toggle("No half sentence at the end.")),
		optional("rep_pen", number("1", "3", "Penalty for repetitions.")),
		optional("rep_pen_range", integer("0", "4096", "Tokens that the penalty considers.")),
		optional("rep_pen_slope", number("0", "10", "Slope of the penalty.")),
		optional("singleline", toggle("Only the first line.")),
		optional("temperature", number("0", "5.0", "How varied the choice of tokens is.")),
		optional("tfs", number("0.0", "1.0", "Tail free sampling.")),
		optional("top_a", number("0.0", "1.0", "Top-a sampling.")),
		optional("top_k", integer("0", "200", "Top-k sampling.")),
		optional("top_p", number("0.001", "1.0", "Top-p sampling.")),
		optional("typical", number("0.0", "1.0", "Typical sampling.")),
		optional("sampler_order", list(integer("", "", "Number of a sampler, in the order of their use; all seven."))),
		optional("use_default_badwordsids", toggle("The model's usual list of tokens that are never chosen.")),
		optional("stop_sequence", list(text("Where the text ends. It is part of the text."))),
		optional("min_p", number("0.0", "1.0", "Min-p sampling.").standard(0.0)),
		optional("smoothing_factor", number("0.0", "10.0", "Quadratic sampling.").standard(0.0)),
		optional("dynatemp_range", number("0.0", "5.0", "Range of a dynamic temperature.").standard(0.0)),
		optional("dynatemp_exponent", number("0.0", "5.0", "Exponent of a dynamic temperature.").standard(1.0)),
	}
}

// TextPopSchema describes a TextPop.
var TextPopSchema = func() *Schema {
	s := object("PopInputKobold", append(popProperties(),
		optional("max_length", integer("", "", "Most tokens that the worker generates.").standard(512)),
		optional("max_context_length", integer("", "", "Most tokens that its model reads.").standard(2048)),
		optional("softprompts", listOf(maxOffered, text("Softprompt that the worker has."))),
	)...)
	s.NeedsKey = true
	return s
}()

// TextSubmitSchema describes a TextSubmit.
var TextSubmitSchema = func() *Schema {
	s := object("SubmitInputKobold",
		required("id", text("Id of the job.")),
		parserRequired("generation", text("The text.")),
		optional("state", oneOf(JobStates, "How the job ended.").standard("ok")),
		optional("gen_metadata", list(textMetadataSchema)),
	)
	s.Unlisted = []string{"seed"}
	s.NeedsKey = true
	return s
}()

var textMetadataSchema = object("GenerationMetadataKobold",
	required("type", oneOf(TextMetadataTypes, "What the remark is about.")),
	required("value", oneOf(TextMetadataValues, "The remark.")),
	optional("ref", sized(0, 255, "What it refers to.")),
)
