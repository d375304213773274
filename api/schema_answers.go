package api

// AnswerMembers say of the members of answers what their Go types cannot: limits,
// enums, defaults, formats, and what they mean. Keys are definitions of the
// contract's document; a member without a type keeps that of the Go type, and one
// that the Go type lacks is documented without being sent. Bodies of requests have
// schemas of their own.
var AnswerMembers = map[string][]Property{
	"RequestAsync": {
		optional("id", about("Id of the request: ask with it how far it is.")),
		optional("kudos", about("What the request will cost, as far as that is known.")),
		optional("message", about("Something that the caller should know.")),
		optional("warnings", about("What may not come out as expected.")),
	},
	"RequestSingleWarning": {
		optional("code", oneOf(WarningCodes, "What the warning is about.").example("StepsTooFew")),
		optional("message", sized(1, 0, "The warning in words.")),
	},
	"RequestStatusCheck": {
		optional("finished", about("Jobs that are finished.")),
		optional("processing", about("Jobs that workers have in hand.")),
		optional("restarted", about("Jobs that went back to the queue after a failure.")),
		optional("waiting", about("Jobs that wait for a worker.")),
		optional("done", about("Everything is finished: results can be fetched.")),
		optional("faulted", facet(false, "The request failed and will not be finished.")),
		optional("wait_time", about("Seconds until it is likely to be finished.")),
		optional("queue_position", about("Place in the queue; 0 when no job waits.")),
		optional("kudos", about("Kudos charged so far.")),
		optional("is_possible", facet(true, "A worker that is online now could serve it.")),
	},
	"RequestStatusStable": {
		optional("generations", about("The images that are there.")),
		optional("shared", about("The images are shared.")),
	},
	"RequestStatusKobold": {optional("generations", about("The text generations that are there."))},
	"GenerationStable":    append(deliveryMembers(), imageMembers...),
	"GenerationKobold": append(deliveryMembers(),
		optional("text", sized(-1, 0, "The generated text.")),
		optional("seed", facet(0, "Seed of the generation.")),
		optional("gen_metadata", list(textMetadataSchema)),
	),
	"GenerationSubmitted": {optional("reward", about("Kudos that the worker earned by the job.").example(12.5))},

	"GenerationPayloadStable": {
		optional("id", about("Id of the only or first job; null when there is none.")),
		optional("ids", list(text("").example(exampleID))),
		optional("ttl", about("Seconds that the worker has for it.")),
		optional("model", about("Model to use.")),
		optional("source_image", about("Source image: URL or base64.")),
		optional("source_processing", oneOf(SourceProcessings, "What to do with the source image.").standard("img2img").example("img2img")),
		optional("source_mask", about("Mask: URL or base64.")),
		optional("r2_upload", about("Link to put the only image to.")),
		optional("r2_uploads", list(text("Link to put an image to, one for each."))),
		optional("skipped", skippedImagesSchema),
	},
	"ModelPayloadStable": {
		optional("prompt", about("What to generate.")),
		optional("ddim_steps", facet(30, "Sampling steps.")),
		optional("n_iter", facet(1, "Number of images.")),
		optional("use_nsfw_censor", about("Censor adult images.")),
		optional("seed_variation", integer("1", "1000", "Step from the seed of one image to the next.")), // never sent
		optional("special", imageSpecialSchema),
	},
	"ResponseModelMessagePop": {
		required("id", about("Id of the message.").example(exampleID)),
		required("message", about("What the owner of the worker should read.").example("Your worker needs an update.")),
		optional("origin", about("Who says so.").example("moderators")),
		required("expiry", &Schema{Format: dateTime, Description: "Until when the message is told."}),
	},
	"GenerationPayloadKobold": {
		optional("id", about("Id of the job; null when there is none.")),
		optional("ids", list(text("").example(exampleID))),
		optional("ttl", about("Seconds that the worker has for it.")),
		optional("softprompt", about("Softprompt to use.")),
		optional("model", about("Model to use.")),
		optional("skipped", skippedTextsSchema),
	},
	"ModelPayloadKobold": {optional("prompt", about("What the text continues or answers."))},
	"InterrogationPopPayload": {
		optional("forms", about("The forms to fill in; null when there are none.")),
		optional("skipped", skippedFormsSchema),
	},
	"InterrogationPopFormPayload": {
		optional("id", about("Id of the form.")),
		optional("form", oneOf(AlchemyFormNames(), "What to do with the image.").example("caption")),
		optional("payload", alchemyPayloadSchema),
		optional("source_image", about("Link to the image.")),
		optional("r2_upload", about("Link to put the result to, of forms that make an image.")),
	},
	"RequestInterrogationResponse": {
		optional("id", about("Id of the request.")),
		optional("message", about("Something that the caller should know.")),
	},
	"InterrogationStatus": {optional("state", about("waiting, processing, partial, done or faulted."))},
	"InterrogationFormStatus": {
		optional("form", about("Name of the form.")),
		optional("state", about("waiting, processing, done, cancelled or faulted.")),
		optional("result", &Schema{Name: "InterrogationFormResult", Type: Object}),
	},

	"StyleStable": {
		optional("id", sized(36, 36, "Id of the style.").example(exampleID)),
		optional("use_count", about("How often it was used.")),
		optional("creator", about("Who made it: name#id.").example("maria#42")),
	},
	"StyleKobold": {
		optional("id", about("Id of the style.").example(exampleID)),
		optional("use_count", about("How often it was used.")),
		optional("creator", about("Who made it: name#id.").example("maria#42")),
	},
	"StyleModify": {
		optional("id", about("Id of what was made or changed.").example(exampleID)),
		optional("message", about("OK.")),
	},
	"StyleExample": {optional("id", about("Id of the example.").example(exampleID))},
	"SharedKeyDetails": {
		optional("id", about("Id, which is the key itself.")),
		optional("username", about("Whose kudos it spends: name#id.")),
		optional("name", about("Name of the key.")),
		optional("kudos", about("Kudos left to spend; -1 is no limit.")),
		optional("expiry", &Schema{Format: dateTime, Description: "When it expires."}),
		optional("utilized", about("Kudos spent so far.")),
		optional("max_image_pixels", about("Most pixels of an image; -1 is no limit.")),
		optional("max_image_steps", about("Most steps of an image; -1 is no limit.")),
		optional("max_text_tokens", about("Most tokens of a text generation; -1 is no limit.")),
	},
	"ResponseModelCollection": {
		optional("id", about("Id of the collection.")),
		optional("name", sized(1, 100, "Name of the collection.")),
		optional("type", oneOf(styleKinds, "What its styles are for.").example("image")),
		optional("info", sized(1, 1000, "What the collection is about.")),
		optional("public", facet(true, "The collection is in the public list.")),
		optional("use_count", about("How often it was used.")),
	},
	"ResponseModelStylesShort": {
		optional("name", about("Full name of the style.").example("maria#42::style::watercolour")),
		optional("id", about("Id of the style.").example(exampleID)),
	},
	"ResponseModelStylesUser": {optional("type", oneOf(styleKinds, "What the style is for.").example("image"))},
	"SimpleResponse":          {required("message", facet("OK", "OK: it is done."))},

	"UserDetails": {
		optional("username", about("Name that others see: name#id.")),
		optional("id", about("Number of the account.")),
		optional("kudos", about("Kudos that can be spent.")),
		optional("evaluating_kudos", about("Kudos kept back until the user is trusted; for moderators.")),
		optional("concurrency", about("Jobs that may wait at the same time.")),
		optional("worker_invited", about("Workers that may be added while an invitation is needed.")),
		optional("moderator", about("Moderates this horde.")),
		optional("worker_count", about("Workers of the user.")),
		optional("worker_ids", list(sized(36, 36, "Id of a worker.").example(exampleID))),
		optional("sharedkey_ids", list(text("").example(exampleID))),
		optional("trusted", about("The user's workers are trusted.")),
		optional("flagged", about("Can neither move kudos nor run workers.")),
		optional("account_age", about("Seconds since the account was made.")),
		optional("contact", about("How moderators reach the user; for moderators.").example("maria@example.org")),
	},
	"UserKudosDetails":      zeros("accumulated", "gifted", "donated", "admin", "received", "recurring", "awarded", "styled"),
	"UserThingRecords":      zeros("megapixelsteps", "tokens"),
	"UserAmountRecords":     zeros("image", "text", "interrogation"),
	"UserActiveGenerations": {idsOf("text"), idsOf("image"), idsOf("alchemy")},
	"MonthlyKudos": {
		optional("amount", about("Kudos given each month.")),
		optional("last_received", &Schema{Format: dateTime, Description: "When they were given last."}),
	},
	"ModifyUser": {
		optional("new_kudos", about("The balance now.")),
		optional("admin_comment", sized(5, 500, "Remark of the moderators.")),
		optional("proxy_passkey", sized(16, 16, "The new passkey for the proxy of a service.")),
	},

	"WorkerDetails": {
		optional("requests_fulfilled", about("Jobs that the worker finished.")),
		optional("kudos_rewards", about("Kudos that it earned.")),
		optional("performance", about("How fast it is, in words.")),
		optional("threads", about("Jobs that it does at the same time.")),
		optional("uptime", about("Seconds that it was there.")),
		optional("maintenance_mode", about("It only serves its owner.").example(false)),
		optional("nsfw", facet(false, "It takes adult requests.")),
		optional("contact", sized(5, 500, "How its owner is reached; for moderators.").example("maria@example.org")),
		required("bridge_agent", sized(0, 1000, "Software of the worker: name:version:url.").standard("unknown:0:unknown").example(exampleAgent)),
		optional("tokens_generated", number("", "", "Not sent: see requests_fulfilled.")),
		optional("type", oneOf(workerKinds, "What it generates.").example("image")),
		optional("name", about("Its name.")),
		optional("id", about("Its id.")),
		optional("online", about("It was there within the last minutes.")),
	},
	"WorkerDetailsLite": {
		optional("type", oneOf(workerKinds, "What it generates.").example("image")),
		optional("name", about("Its name.")),
		optional("id", about("Its id.")),
		optional("online", about("It was there within the last minutes.")),
	},
	"ActiveModel": {
		optional("performance", about("Speed of its workers, in megapixelsteps or tokens a second.")),
		optional("queued", about("Megapixelsteps or tokens that wait.")),
		optional("jobs", about("Jobs that wait.")),
		optional("eta", about("Seconds until what waits is done.")),
		optional("type", oneOf(styleKinds, "What it generates.").example("image")),
		optional("name", about("Name of the model.")),
		optional("count", about("Worker threads that have it.")),
	},
	"KudosTransferred": {optional("transferred", about("Kudos given.").example(100))},
	"KudosAwarded":     {optional("awarded", about("Kudos awarded.").example(100))},
	"HordeModes": {
		optional("maintenance_mode", about("No requests are taken.")),
		optional("invite_only_mode", about("New workers need an invitation.")),
		optional("raid_mode", about("The horde defends itself; for moderators.")),
	},
	"HordePerformance": {
		optional("queued_forms", number("", "", "Forms of alchemy that wait.")),
		optional("queued_tokens", number("", "", "Tokens that wait.")),
		optional("past_minute_tokens", number("", "", "Tokens generated in the last minute.")),
	},
	"IPTimeout": {
		required("ipaddr", sized(7, 40, "Address or range that is kept out.").example("203.0.113.7")),
		required("seconds", about("Seconds that it is kept out for yet.").example(3600)),
	},
	"FilterDetails": {
		required("id", about("Id of the filter.")),
		required("regex", about("The pattern.").example("forbidd?en")),
		required("filter_type", integer("10", "29", "What the pattern is for.").example(10)),
		optional("description", about("What the pattern is meant to catch.")),
		optional("replacement", facet("", "What takes the place of a match.")),
		required("user", about("Who wrote or changed it last.")),
	},
	"FilterRegex": {
		required("filter_type", integer("10", "29", "What the pattern is for.").example(10)),
		required("regex", about("All patterns of the type in one.")),
	},
	"FilterPromptSuspicion": {
		required("suspicion", facet(0, "How suspicious the prompt is: 0, 1, or 2 for refused.")),
		optional("matches", list(text("What a filter found."))),
	},
	"HordeDocument": {
		optional("html", about("The document as HTML, when that was asked for.")),
		optional("markdown", about("The document as Markdown, when that was asked for.")),
	},
	"TeamDetails": {
		optional("requests_fulfilled", about("Jobs that members finished while in the team.")),
		optional("kudos", about("Kudos that they earned by them.")),
		optional("uptime", about("Seconds that members were there.")),
		optional("creator", about("Who made it: name#id.").example("maria#42")),
		optional("worker_count", about("Members that it has.")),
	},
}

// Values of examples, and words that several tables share.
const (
	dateTime     = "date-time"
	exampleID    = "4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c"
	exampleAgent = "My Worker:1:https://example.org/my-worker"
)

var (
	styleKinds  = []string{"image", "text"}
	workerKinds = []string{"image", "text", "interrogation"}
)

// about describes a member and leaves its type to Go.
func about(what string) *Schema { return &Schema{Description: what} }

// facet is a member with a default that leaves its type to Go.
func facet(standard any, what string) *Schema { return &Schema{Default: standard, Description: what} }

// zeros are sums that begin at 0.
func zeros(names ...string) []Property {
	list := make([]Property, len(names))
	for i, name := range names {
		list[i] = optional(name, facet(0, ""))
	}
	return list
}

func idsOf(kind string) Property { return optional(kind, list(text("").example(exampleID))) }

// deliveryMembers are what results of both kinds have alike.
func deliveryMembers() []Property {
	return []Property{
		optional("worker_id", sized(36, 36, "Id of the worker that generated it.")),
		optional("worker_name", about("Name of that worker.")),
		optional("model", about("Model that was used.")),
		required("state", oneOf([]string{"ok", "censored", "csam"}, "Whether it was censored.").standard("ok").example("ok")),
	}
}

var imageMembers = []Property{
	optional("img", about("The image as WebP: a link, or base64 when the request says r2 false.")),
	optional("seed", about("Seed of the image.")),
	optional("id", about("Id of the image.")),
	optional("censored", about("The worker censored it.")),
}

// What a worker hears when requests wait that it does not get: counts by reason.
// The server has more reasons than the contract names.
var (
	skippedImagesSchema = object("NoValidRequestFoundStable", append(skippedMembers(),
		optional("max_pixels", reason("Larger than the worker takes.")),
		optional("step_count", reason("More steps than the worker takes.")),
		optional("unsafe_ip", reason("From unsafe addresses.")),
		optional("img2img", reason("With a source image.")),
		optional("painting", reason("In- and outpainting.")),
		optional("post-processing", reason("With post-processing.")),
		optional("lora", reason("With LoRAs.")),
		optional("controlnet", reason("With ControlNet.")),
	)...)
	skippedTextsSchema = object("NoValidRequestFoundKobold", append(skippedMembers(),
		optional("max_context_length", reason("A longer context than the worker takes.")),
		optional("max_length", reason("Longer than the worker generates.")),
		optional("matching_softprompt", reason("With a softprompt that the worker lacks.")),
	)...)
	skippedFormsSchema = object("NoValidInterrogationsFound",
		optional("worker_id", integer("0", "", "For other workers.")),
		optional("untrusted", integer("0", "", "For trusted workers.")),
		optional("bridge_version", integer("0", "", "For newer worker software.")),
	)
)

func skippedMembers() []Property {
	return []Property{
		optional("worker_id", integer("0", "", "For other workers.")),
		optional("performance", integer("0", "", "For faster workers.")),
		optional("nsfw", integer("0", "", "Adult requests.")),
		optional("blacklist", integer("0", "", "With words that the worker does not want.")),
		optional("untrusted", integer("0", "", "For trusted workers.")),
		optional("models", integer("0", "", "For models that the worker does not offer.")),
		optional("bridge_version", integer("0", "", "For newer worker software.")),
		optional("kudos", reason("Of users who cannot pay now.")),
	}
}

func reason(about string) *Schema { return integer("", "", about) }
