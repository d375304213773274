package api

// AnswerMembers say about the members of answers what their Go types cannot: limits,
// enums, defaults, formats, and what they mean. Keys are definitions of the
// documents; a member without a type keeps that of the Go type, and one
// that the Go type lacks is documented without being sent. Bodies of requests have
// schemas of their own.
var AnswerMembers = map[string][]Property{
	"RequestAsync": {
		optional("id", about("Id of the request: its progress is requested with it.")),
		optional("kudos", about("What the request will cost, as far as that is known.")),
		optional("message", about("Something that the caller should know.")),
		optional("warnings", about("What may turn out other than expected.")),
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
	"RequestStatus": {
		optional("cancelled", about("Nothing more is handed out; what jobs lists is still delivered and charged.")),
		optional("jobs", about("The jobs that workers have in hand. Another attempt has another id.")),
		optional("delivered", about("Ids of the jobs whose results are there.")),
	},
	"RequestProgress": {
		optional("preview", about("Small image in base64, as it looks at this step.")),
		optional("elapsed", about("Seconds from handing out the job to this step.")),
		optional("step_seconds", about("Seconds that one step of this job takes.")),
	},
	"RequestStatusStable": {
		optional("generations", about("The images that are there.")),
		optional("shared", about("The images are shared.")),
	},
	"RequestStatusKobold": {optional("generations", about("The text generations that are there."))},
	"GenerationStable":    append(deliveryMembers(), imageMembers...),
	"GenerationKobold": append(deliveryMembers(),
		optional("text", sized(-1, 0, "What was generated.")),
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
		optional("source_processing",
			oneOf(SourceProcessings, "What to do with the source image.").standard("img2img").example("img2img")),
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
		required("expiry", &Schema{Format: dateTime, Description: "Until when the message is shown."}),
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
		optional("vpn", about("The workers may call from a VPN; for moderators.")),
		optional("service", about("Sends requests for others.")),
		optional("education", about("Belongs to a school.")),
		optional("customizer", about("The workers may offer models outside the reference.")),
		optional("special", about("May host and use special models.")),
		optional("deleted", about("The account is to be deleted.")),
		optional("suspicious", about("Suspicions against the user; for moderators.")),
		optional("pseudonymous", about("The account was made without a login elsewhere.")),
		optional("admin_comment", about("Remark of the moderators, for them.")),
		optional("proxy_passkey", about("Passkey for the proxy of a service; for the user.")),
	},
	"UserKudosDetails": {
		optional("accumulated", facet(0, "Kudos earned, less those spent on requests.")),
		optional("gifted", facet(0, "Kudos given to others; below 0.")),
		optional("donated", facet(0, "Kudos given to schools; below 0.")),
		optional("admin", facet(0, "Kudos that administrators gave or took.")),
		optional("received", facet(0, "Kudos that others gave.")),
		optional("recurring", facet(0, "Kudos given each month.")),
		optional("awarded", facet(0, "Kudos awarded for something done outside.")),
		optional("styled", facet(0, "Kudos for the use of the user's styles.")),
	},
	"UserThingRecords": {
		optional("megapixelsteps", facet(0, "Megapixelsteps of images.")),
		optional("tokens", facet(0, "Tokens of text generations.")),
	},
	"UserAmountRecords": {
		optional("image", facet(0, "Images.")),
		optional("text", facet(0, "Text generations.")),
		optional("interrogation", facet(0, "Forms of alchemy.")),
	},
	"UserActiveGenerations": {idsOf("text"), idsOf("image"), idsOf("alchemy")},
	"MonthlyKudos": {
		optional("amount", about("Kudos given each month.")),
		optional("last_received", &Schema{Format: dateTime, Description: "When they were given last."}),
	},
	"ModifyUser": {
		optional("new_kudos", about("The balance now.")),
		optional("admin_comment", sized(5, 500, "Remark of the moderators.")),
		optional("proxy_passkey", sized(16, 16, "The new passkey for the proxy of a service.")),
		optional("concurrency", about("Jobs that may wait now.")),
		optional("contact", about("The contact that was set.")),
		optional("customizer", about("May offer models outside the reference.")),
		optional("education", about("Belongs to a school.")),
		optional("flagged", about("Can neither move kudos nor run workers.")),
		optional("moderator", about("Moderates this horde.")),
		optional("monthly_kudos", about("The monthly allowance now.")),
		optional("new_suspicion", about("Suspicions that are left.")),
		optional("public_workers", about("Everybody sees whose the workers are.")),
		optional("service", about("Sends requests for others.")),
		optional("special", about("May use special models.")),
		optional("trusted", about("The workers are trusted.")),
		optional("undeleted", about("The deletion was undone.")),
		optional("usage_multiplier", about("What recorded usage is scaled by.")),
		optional("username", about("The name that was set.")),
		optional("vpn", about("The workers may call from a VPN.")),
		optional("worker_invited", about("Workers that may be added by invitation.")),
	},

	"WorkerDetails": {
		optional("requests_fulfilled", about("Jobs that the worker finished.")),
		optional("kudos_rewards", about("Kudos that it earned.")),
		optional("performance", about("How fast it is, in words.")),
		optional("threads", about("Jobs that it does at the same time.")),
		optional("uptime", about("Seconds that it was there.")),
		optional("maintenance_mode", about("It only serves its owner.").example(false)),
		optional("nsfw", facet(false, "It accepts adult requests.")),
		optional("contact", sized(5, 500, "How its owner is reached; for moderators.").example("maria@example.org")),
		required("bridge_agent", sized(0, 1000, "Software of the worker: name:version:url.").
			standard("unknown:0:unknown").example(exampleAgent)),
		optional("tokens_generated", number("", "", "Not sent: see requests_fulfilled.")),
		optional("type", oneOf(workerKinds, "What it generates.").example("image")),
		optional("name", about("Its name.")),
		optional("id", about("Its id.")),
		optional("online", about("It was there within the last minutes.")),
		optional("paused", about("It gets no requests of others; for moderators.")),
		optional("info", about("What others should know of it.")),
		optional("owner", about("Whose it is: name#id, if that is public.")),
		optional("ipaddr", about("Where it calls from; for moderators.")),
		optional("trusted", about("Its owner is trusted.")),
		optional("flagged", about("Its owner is flagged.")),
		optional("suspicious", about("Suspicions against it; for moderators.")),
		optional("uncompleted_jobs", about("Jobs that it accepted and did not finish.")),
		optional("max_pixels", about("Most pixels of an image that it accepts.")),
		optional("megapixelsteps_generated", about("Megapixelsteps that it generated.")),
		optional("img2img", about("It accepts source images.")),
		optional("painting", about("It accepts in- and outpainting.")),
		optional("post-processing", about("It accepts post-processing.")),
		optional("lora", about("It accepts LoRAs.")),
		optional("controlnet", about("It accepts ControlNet.")),
		optional("sdxl_controlnet", about("It accepts ControlNet with SDXL.")),
		optional("max_length", about("Most tokens that it generates.")),
		optional("max_context_length", about("Most tokens that it reads.")),
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
		optional("maintenance_mode", about("No requests are accepted.")),
		optional("invite_only_mode", about("New workers need an invitation.")),
		optional("raid_mode", about("The horde defends itself; for moderators.")),
	},
	"HordePerformance": {
		optional("queued_forms", number("", "", "Forms of alchemy that wait.")),
		optional("queued_tokens", number("", "", "Tokens that wait.")),
		optional("past_minute_tokens", number("", "", "Tokens generated in the last minute.")),
		optional("queued_requests", about("Images that wait or are generated.")),
		optional("queued_text_requests", about("Text generations that wait or are under way.")),
		optional("worker_count", about("Image workers that are online.")),
		optional("text_worker_count", about("Text workers that are online.")),
		optional("thread_count", about("Threads of the image workers.")),
		optional("text_thread_count", about("Threads of the text workers.")),
		optional("interrogator_count", about("Alchemists that are online.")),
		optional("interrogator_thread_count", about("Threads of the alchemists.")),
		optional("queued_megapixelsteps", about("Megapixelsteps that wait.")),
		optional("past_minute_megapixelsteps", about("Megapixelsteps generated in the last minute.")),
	},
	"IPTimeout": {
		required("ipaddr", sized(7, 40, "Address or range that is kept out.").example("203.0.113.7")),
		required("seconds", about("Seconds for which it is still kept out.").example(3600)),
	},
	"FilterDetails": {
		required("id", about("Id of the filter.")),
		required("regex", about("The pattern.").example("forbidd?en")),
		required("filter_type", integer("10", "29", "What the pattern is for.").example(10)),
		optional("description", about("What the pattern is meant to catch.")),
		optional("replacement", facet("", "What replaces a match.")),
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
	"ActiveModelLite": {
		optional("name", about("Name of the model.")),
		optional("count", about("Worker threads that have it.")),
	},
	"ContributionsDetails": {
		optional("megapixelsteps", about("Obsolete: see records.")),
		optional("fulfillments", about("Obsolete: see records.")),
	},
	"UsageDetails": {
		optional("megapixelsteps", about("Obsolete: see records.")),
		optional("requests", about("Obsolete: see records.")),
	},
	"DeletedTeam": {
		optional("deleted_id", about("Id that the team had.")),
		optional("deleted_name", about("Name that the team had.")),
	},
	"DeletedWorker": {
		optional("deleted_id", about("Id that the worker had.")),
		optional("deleted_name", about("Name that the worker had.")),
	},
	"ImgModelStats": {
		optional("day", about("Images of the last day, by model.")),
		optional("month", about("Images of the last 30 days, by model.")),
		optional("total", about("Images ever, by model.")),
	},
	"TxtModelStats": {
		optional("day", about("Text generations of the last day, by model.")),
		optional("month", about("Text generations of the last 30 days, by model.")),
		optional("total", about("Text generations ever, by model.")),
	},
	"ModifyTeam": {
		optional("id", about("Id of the new team.")),
		optional("name", about("The name that was set.")),
		optional("info", about("The description that was set.")),
	},
	"ModifyWorker": {
		optional("maintenance", about("It only serves its owner.")),
		optional("paused", about("It gets no requests of others.")),
		optional("info", about("The description that was set.")),
		optional("name", about("The name that was set.")),
		optional("team", about("Name of the team that it joined; None when it left.")),
	},
	"Newspiece": {
		optional("date_published", about("Day of the news: YYYY-MM-DD.")),
		optional("newspiece", about("The news, in Markdown.")),
		optional("importance", about("How important it is, in a word.")),
		optional("title", about("Headline.")),
	},
	"SinglePeriodImgStat": {
		optional("images", about("Images that were delivered.")),
		optional("ps", about("Pixelsteps of them: width × height × steps.")),
	},
	"SinglePeriodTxtStat": {
		optional("requests", about("Text generations that were delivered.")),
		optional("tokens", about("Tokens that they asked for.")),
	},
	"TeamDetailsLite": {
		optional("name", about("Name of the team; null for none.")),
		optional("id", about("Id of the team; null for none.")),
	},
	"WorkerKudosDetails": {
		optional("generated", about("Kudos for what it generated.")),
		optional("uptime", about("Kudos for being there.")),
	},
	"TeamDetails": {
		optional("requests_fulfilled", about("Jobs that members finished while in the team.")),
		optional("kudos", about("Kudos that they earned by them.")),
		optional("uptime", about("Seconds that members were there.")),
		optional("creator", about("Who made it: name#id.").example("maria#42")),
		optional("worker_count", about("Members that it has.")),
		optional("info", about("What others should know of it.")),
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

// What a worker is told when requests wait that it does not get: counts by reason.
// The server has more reasons than the contract names.
var (
	skippedImagesSchema = object("NoValidRequestFoundStable", append(skippedMembers(),
		optional("max_pixels", reason("Larger than the worker accepts.")),
		optional("step_count", reason("More steps than the worker accepts.")),
		optional("unsafe_ip", reason("From unsafe addresses.")),
		optional("img2img", reason("With a source image.")),
		optional("painting", reason("In- and outpainting.")),
		optional("post-processing", reason("With post-processing.")),
		optional("lora", reason("With LoRAs.")),
		optional("controlnet", reason("With ControlNet.")),
	)...)
	skippedTextsSchema = object("NoValidRequestFoundKobold", append(skippedMembers(),
		optional("max_context_length", reason("A longer context than the worker accepts.")),
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
