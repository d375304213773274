package api

// The bodies of styles and collections (platform §3.12, §3.13).

// Schemas of StyleInput, by kind of style, to make one and to change one.
var (
	ImageStyleSchema = keyed(object("ModelStyleInputStable", append([]Property{
		required("name", sized(1, 100, "Name of the style; one of its owner's has it.")),
		optional("info", sized(10, 1000, "What the style is like.")),
		optional("prompt", imageTemplate().standard("{p}{np}")),
		optional("params", imageStyleParamsSchema),
		optional("sharedkey", sized(36, 36, "Id of a shared key that pays for the style's requests.")),
	}, styleProperties()...)...))
	ImageStylePatchSchema = keyed(object("ModelStylePatchStable", append([]Property{
		optional("name", sized(1, 100, "Name of the style; one of its owner's has it.")),
		optional("info", sized(1, 1000, "What the style is like.")),
		optional("prompt", imageTemplate()),
		optional("params", imageStyleParamsSchema),
		optional("sharedkey", sized(36, 36, "Id of a shared key that pays for the style's requests.")),
	}, styleProperties()...)...))
	TextStyleSchema = keyed(object("ModelStyleInputKobold", append([]Property{
		required("name", sized(1, 100, "Name of the style; one of its owner's has it.")),
		optional("info", sized(10, 1000, "What the style is like.")),
		optional("prompt", sized(3, 0, "Template of the prompt: {p} is where the client's goes.").standard("{p}")),
		optional("params", textStyleParamsSchema),
	}, styleProperties()...)...))
	TextStylePatchSchema = keyed(object("ModelStylePatchKobold", append([]Property{
		optional("name", sized(1, 100, "Name of the style; one of its owner's has it.")),
		optional("info", sized(1, 1000, "What the style is like.")),
		optional("prompt", sized(7, 0, "Template of the prompt: {p} is where the client's goes.")),
		optional("params", textStyleParamsSchema),
	}, styleProperties()...)...))
)

// imageTemplate is the prompt of an image style.
func imageTemplate() *Schema {
	return sized(7, 0, "Template of the prompt: {p} is where the client's goes, {np} where its negative part goes.")
}

// styleProperties are what styles of both kinds have alike.
func styleProperties() []Property {
	return []Property{
		optional("public", flag(true, "The style is in the public list.")),
		optional("nsfw", flag(false, "The style is meant for adult results.")),
		optional("tags", list(sized(1, 25, "Tag by which the style is found; at most ten."))),
		optional("models", list(sized(1, 0, "Model that serves the style; one to five."))),
	}
}

// keyed marks a body that comes with the header apikey.
func keyed(s *Schema) *Schema { s.NeedsKey = true; return s }

var imageStyleParamsSchema = func() *Schema {
	// A style sets nothing that it does not name, so nothing has a default.
	bare := func(s *Schema) *Schema { s.Default = nil; return s }
	effects := list(oneOf(PostProcessorNames(), "Post-processor, in the order to apply."))
	effects.Unique = true

	return object("ModelStyleInputParamsStable",
		optional("sampler_name", oneOf(Samplers, "Sampler.")),
		optional("cfg_scale", number("0", "100", "How closely to follow the prompt; two decimals.")),
		optional("denoising_strength", number("0.01", "1.0", "How far to depart from the source image.")),
		optional("hires_fix_denoising_strength", number("0.01", "1.0", "The same for the second pass of hires_fix.")),
		optional("height", bare(side("Height in pixels."))),
		optional("width", bare(side("Width in pixels."))),
		optional("post_processing", effects),
		optional("karras", toggle("Karras noise schedule.")),
		optional("tiling", toggle("The image can be laid side by side without seams.")),
		optional("hires_fix", toggle("Generate small, enlarge, generate again.")),
		optional("clip_skip", integer("1", "12", "Layers of the text encoder to leave out.")),
		optional("facefixer_strength", number("0", "1.0", "Strength of face post-processors.")),
		optional("loras", list(loraSchema)),
		optional("tis", list(tiSchema)),
		optional("special", imageSpecialSchema),
		optional("workflow", oneOf(Workflows, "Workflow to use instead of the usual one.")),
		optional("transparent", toggle("An image without background.")),
		optional("steps", integer("1", "500", "Sampling steps.")),
	)
}()

var textStyleParamsSchema = object("ModelStyleInputParamsKobold", samplingProperties()...)

// Property is the schema of an object's member, nil when it has none of that
// name.
func (s *Schema) Property(name string) *Schema {
	for i := range s.Properties {
		if s.Properties[i].Name == name {
			return s.Properties[i].Schema
		}
	}
	return nil
}

// StyleExampleSchema describes a StyleExampleInput.
var StyleExampleSchema = keyed(object("InputStyleExamplePost",
	optional("url", text("https address of the image.")),
	optional("primary", toggle("This example stands for the style.")),
))

// CollectionSchema describes a CollectionInput that makes a collection,
// CollectionPatchSchema one that changes it.
var (
	CollectionSchema      = collectionSchema(parserRequired)
	CollectionPatchSchema = collectionSchema(optional)
)

func collectionSchema(needed func(string, *Schema) Property) *Schema {
	return keyed(object("InputModelCollection",
		needed("name", sized(1, 100, "Name of the collection; one of its owner's has it.")),
		optional("info", sized(1, 1000, "What the collection is about.")),
		optional("public", flag(true, "The collection is in the public list.")),
		optional("styles", list(sized(1, 0, "Id or name of a style; all of one kind."))),
	))
}
