package api

import "slices"

// The bodies of alchemy (generation §3). Defaults are the published
// ones; the effective ones stand in the rulebook. POST /interrogate/submit has no
// schema: its members are read as its argument parser reads them.

// AlchemyForms are the forms that are not post-processors.
var AlchemyForms = []string{"caption", "interrogation", "nsfw", "vectorize", "palette", "describe", "aesthetic"}

// AlchemyFormNames are all forms that a request may name.
func AlchemyFormNames() []string { return slices.Concat(AlchemyForms, PostProcessorNames()) }

// maxForms is the longest list of forms: each counts once, and there are some twenty.
const maxForms = 1_000

// AlchemyRequestSchema describes an AlchemyRequest.
var AlchemyRequestSchema = func() *Schema {
	s := object("ModelInterrogationInputStable",
		optional("forms", listOf(maxForms, alchemyFormSchema)),
		parserRequired("source_image", text("The image: base64 or URL.")),
		optional("slow_workers", flag(true, "Slow workers may serve it.")),
		optional("webhook", sized(10, 1024, "https URL that is called with every finished form.")),
	)
	s.Unlisted = []string{"trusted_workers"}
	s.MaxBytes = ImageMaxBytes
	s.NeedsKey = true
	return s
}()

var alchemyFormSchema = object("ModelInterrogationFormStable",
	required("name", oneOf(AlchemyFormNames(), "What to do with the image.").example("caption")),
	optional("payload", alchemyPayloadSchema),
)

var alchemyPayloadSchema = &Schema{
	Name: "ModelInterrogationFormPayloadStable", Type: Object, Description: "Settings for the worker.", Values: text(""),
}

// AlchemyPopSchema describes an AlchemyPop.
var AlchemyPopSchema = func() *Schema {
	s := object("InterrogationPopInput",
		parserRequired("name", text("Name of the worker.")),
		optional("priority_usernames", listOf(maxPriorityUsers, text("User (name#id) whose requests come first."))),
		optional("forms", listOf(maxForms, oneOf(AlchemyFormNames(), "Form that the worker fills in."))),
		optional("amount", integer("", "", "Most forms to hand out.").standard(1)),
		optional("bridge_agent", sized(0, 1000, "Software of the worker: name:version:url.").standard("unknown")),
		optional("threads", integer("1", "100", "Forms that the worker fills in at the same time.").standard(1)),
		optional("max_tiles", integer("1", "256", "Most tiles of 512×512 pixels that an image may have.").standard(16)),
	)
	s.NeedsKey = true
	return s
}()
