package api

// TextRequest is the body of POST /generate/text/async
// (generation §2.1). Pointers distinguish "left out" from a value.
type TextRequest struct {
	Prompt            string        `json:"prompt"`
	Params            *TextParams   `json:"params,omitempty"`
	Softprompt        string        `json:"softprompt,omitempty"`
	TrustedWorkers    *bool         `json:"trusted_workers,omitempty"`
	ValidatedBackends *bool         `json:"validated_backends,omitempty"`
	SlowWorkers       *bool         `json:"slow_workers,omitempty"`
	ExtraSlowWorkers  *bool         `json:"extra_slow_workers,omitempty"` // no effect on text generation
	Workers           []string      `json:"workers,omitempty"`
	WorkerBlacklist   *bool         `json:"worker_blacklist,omitempty"`
	Models            []string      `json:"models,omitempty"` // empty: any model
	DryRun            *bool         `json:"dry_run,omitempty"`
	ProxiedAccount    string        `json:"proxied_account,omitempty"`
	ExtraSourceImages []ExtraSource `json:"extra_source_images,omitempty"` // refused: text requests have none
	DisableBatching   *bool         `json:"disable_batching,omitempty"`
	AllowDowngrade    *bool         `json:"allow_downgrade,omitempty"`
	Webhook           string        `json:"webhook,omitempty"`
	Style             string        `json:"style,omitempty"`
}

// TextParams are the generation parameters of a text request (generation §2.2). Lengths
// are in tokens.
type TextParams struct {
	N                *int `json:"n,omitempty"`
	MaxContextLength *int `json:"max_context_length,omitempty"`
	MaxLength        *int `json:"max_length,omitempty"`
	TextSampling
}

// TextSampling is how text is sampled from a model, in the terms of KoboldAI.
// Requests and payloads share it; nil and empty members were not given.
type TextSampling struct {
	AddSpace           *bool    `json:"frmtadsnsp,omitempty"`  // a leading space where the prompt ends without one
	TrimBlankLines     *bool    `json:"frmtrmblln,omitempty"`  // runs of newlines become one
	DropSpecial        *bool    `json:"frmtrmspch,omitempty"`  // without #/@%}{+=~|\^<>
	TrimSentence       *bool    `json:"frmttriminc,omitempty"` // no half sentence at the end
	RepPen             *Float   `json:"rep_pen,omitempty"`
	RepPenRange        *int     `json:"rep_pen_range,omitempty"`
	RepPenSlope        *Float   `json:"rep_pen_slope,omitempty"`
	SingleLine         *bool    `json:"singleline,omitempty"`
	Temperature        *Float   `json:"temperature,omitempty"`
	TFS                *Float   `json:"tfs,omitempty"`
	TopA               *Float   `json:"top_a,omitempty"`
	TopK               *int     `json:"top_k,omitempty"`
	TopP               *Float   `json:"top_p,omitempty"`
	Typical            *Float   `json:"typical,omitempty"`
	SamplerOrder       []int    `json:"sampler_order,omitempty"`
	DefaultBadWordsIDs *bool    `json:"use_default_badwordsids,omitempty"`
	StopSequence       []string `json:"stop_sequence,omitempty"`
	MinP               *Float   `json:"min_p,omitempty"`
	SmoothingFactor    *Float   `json:"smoothing_factor,omitempty"`
	DynatempRange      *Float   `json:"dynatemp_range,omitempty"`
	DynatempExponent   *Float   `json:"dynatemp_exponent,omitempty"`
}

// TextStatus is the answer of GET and DELETE /generate/text/status/{id} (generation §2.6).
type TextStatus struct {
	Generations []TextGeneration `json:"generations"`
	Check
}

// TextGeneration is one delivered text generation.
type TextGeneration struct {
	Text        string         `json:"text"`
	Seed        int64          `json:"seed"`
	GenMetadata []GenMetadatum `json:"gen_metadata"`
	WorkerID    string         `json:"worker_id"`
	WorkerName  string         `json:"worker_name"`
	Model       string         `json:"model"`
	State       string         `json:"state"` // ok, censored, csam
}

// TextPop is the body of POST /generate/text/pop (generation §2.7). Lengths are in tokens.
type TextPop struct {
	Name                string   `json:"name"`
	Models              []string `json:"models,omitempty"`
	NSFW                *bool    `json:"nsfw,omitempty"`
	BridgeAgent         string   `json:"bridge_agent,omitempty"`
	Threads             *int     `json:"threads,omitempty"`
	Amount              *int     `json:"amount,omitempty"`
	PriorityUsernames   []string `json:"priority_usernames,omitempty"`
	RequireUpfrontKudos *bool    `json:"require_upfront_kudos,omitempty"` // no effect on text generation
	ExtraSlowWorker     *bool    `json:"extra_slow_worker,omitempty"`     // no effect on text generation
	MaxLength           *int     `json:"max_length,omitempty"`
	MaxContextLength    *int     `json:"max_context_length,omitempty"`
	Softprompts         []string `json:"softprompts,omitempty"`
}

// TextJob is the answer of POST /generate/text/pop. Without a job ID is nil, IDs
// empty, Payload the defaults and Skipped says why.
type TextJob struct {
	Payload           TextPayload     `json:"payload"`
	ID                *string         `json:"id"`
	IDs               []string        `json:"ids"`
	Messages          []WorkerMessage `json:"messages"`
	TTL               *int            `json:"ttl"`                 // seconds
	ExtraSourceImages []ExtraSource   `json:"extra_source_images"` // always nil
	Skipped           map[string]int  `json:"skipped"`
	Softprompt        *string         `json:"softprompt"`
	Model             *string         `json:"model"`
}

// TextPayload is what a Scribe generates. MinP, SmoothingFactor, DynatempRange and
// DynatempExponent are always there.
type TextPayload struct {
	Prompt           string `json:"prompt,omitempty"`
	N                int    `json:"n,omitempty"` // 1 in every job
	MaxContextLength int    `json:"max_context_length"`
	MaxLength        int    `json:"max_length"`
	TextSampling
}

// TextSubmit is the body of POST /generate/text/submit (generation §2.8).
type TextSubmit struct {
	ID          string         `json:"id"`
	Generation  string         `json:"generation"`
	Seed        int64          `json:"seed"`
	State       string         `json:"state,omitempty"` // ok, censored, faulted, csam
	GenMetadata []GenMetadatum `json:"gen_metadata,omitempty"`
}
