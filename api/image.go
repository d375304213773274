package api

import "encoding/json"

// ImageRequest is the body of POST /generate/async. Pointers distinguish "left
// out" from a value: the server's defaults (generation §1.1) are not the
// zero values.
type ImageRequest struct {
	Prompt            string        `json:"prompt"`
	Params            *ImageParams  `json:"params,omitempty"`
	NSFW              *bool         `json:"nsfw,omitempty"`
	CensorNSFW        *bool         `json:"censor_nsfw,omitempty"`
	TrustedWorkers    *bool         `json:"trusted_workers,omitempty"`
	ValidatedBackends *bool         `json:"validated_backends,omitempty"`
	SlowWorkers       *bool         `json:"slow_workers,omitempty"`
	ExtraSlowWorkers  *bool         `json:"extra_slow_workers,omitempty"`
	Workers           []string      `json:"workers,omitempty"`
	WorkerBlacklist   *bool         `json:"worker_blacklist,omitempty"`
	Models            *[]string     `json:"models,omitempty"` // nil: ["stable_diffusion"]; empty: any model
	SourceImage       string        `json:"source_image,omitempty"`
	SourceProcessing  string        `json:"source_processing,omitempty"`
	SourceMask        string        `json:"source_mask,omitempty"`
	ExtraSourceImages []ExtraSource `json:"extra_source_images,omitempty"`
	R2                *bool         `json:"r2,omitempty"`
	Shared            *bool         `json:"shared,omitempty"`
	ReplacementFilter *bool         `json:"replacement_filter,omitempty"`
	DryRun            *bool         `json:"dry_run,omitempty"`
	ProxiedAccount    string        `json:"proxied_account,omitempty"`
	DisableBatching   *bool         `json:"disable_batching,omitempty"`
	AllowDowngrade    *bool         `json:"allow_downgrade,omitempty"`
	Webhook           string        `json:"webhook,omitempty"`
	Style             string        `json:"style,omitempty"`
}

// ExtraSource is a further source image of a remix.
type ExtraSource struct {
	Image    string   `json:"image"`
	Strength *float64 `json:"strength,omitempty"`
}

// ImageParams are the generation parameters of an image request (generation §1.2).
type ImageParams struct {
	Steps                     *int           `json:"steps,omitempty"`
	N                         *int           `json:"n,omitempty"`
	Width                     *int           `json:"width,omitempty"`
	Height                    *int           `json:"height,omitempty"`
	SamplerName               string         `json:"sampler_name,omitempty"`
	CfgScale                  *float64       `json:"cfg_scale,omitempty"`
	Karras                    *bool          `json:"karras,omitempty"`
	DenoisingStrength         *float64       `json:"denoising_strength,omitempty"`
	HiresFixDenoisingStrength *float64       `json:"hires_fix_denoising_strength,omitempty"`
	Seed                      *string        `json:"seed,omitempty"`
	SeedVariation             *int           `json:"seed_variation,omitempty"`
	PostProcessing            []string       `json:"post_processing,omitempty"`
	FacefixerStrength         *float64       `json:"facefixer_strength,omitempty"`
	Tiling                    *bool          `json:"tiling,omitempty"`
	HiresFix                  *bool          `json:"hires_fix,omitempty"`
	Transparent               *bool          `json:"transparent,omitempty"`
	ClipSkip                  *int           `json:"clip_skip,omitempty"`
	ControlType               string         `json:"control_type,omitempty"`
	ImageIsControl            *bool          `json:"image_is_control,omitempty"`
	ReturnControlMap          *bool          `json:"return_control_map,omitempty"`
	Workflow                  string         `json:"workflow,omitempty"`
	ExtraTexts                []ExtraText    `json:"extra_texts,omitempty"`
	Loras                     []Lora         `json:"loras,omitempty"`
	TIs                       []TI           `json:"tis,omitempty"`
	Special                   map[string]any `json:"special,omitempty"`
}

// ExtraText is one text of the qr_code workflow.
type ExtraText struct {
	Text      string `json:"text"`
	Reference string `json:"reference"`
}

// Lora names a LoRA by CivitAI name or, with IsVersion, by version id.
type Lora struct {
	Name          string   `json:"name"`
	Model         *float64 `json:"model,omitempty"`
	Clip          *float64 `json:"clip,omitempty"`
	InjectTrigger string   `json:"inject_trigger,omitempty"`
	IsVersion     *bool    `json:"is_version,omitempty"`
}

// TI names a textual inversion.
type TI struct {
	Name     string   `json:"name"`
	InjectTI string   `json:"inject_ti,omitempty"`
	Strength *float64 `json:"strength,omitempty"`
}

// Accepted is the 202 answer to a request.
type Accepted struct {
	ID       string    `json:"id"`
	Kudos    Float     `json:"kudos"`
	Message  string    `json:"message,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// Warning says that an accepted request may not give what its owner expects.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// DryRun is the 200 answer to a request that only asked for its price.
type DryRun struct {
	Kudos Float `json:"kudos"`
}

// Check is the answer of GET /generate/check/{id} (generation §1.10): every key is always
// present.
type Check struct {
	Finished      int   `json:"finished"`
	Processing    int   `json:"processing"`
	Restarted     int   `json:"restarted"`
	Waiting       int   `json:"waiting"`
	Done          bool  `json:"done"`
	Faulted       bool  `json:"faulted"`
	WaitTime      int   `json:"wait_time"` // seconds
	QueuePosition int   `json:"queue_position"`
	Kudos         Float `json:"kudos"`
	IsPossible    bool  `json:"is_possible"`
}

// ImageStatus is the answer of GET and DELETE /generate/status/{id} (generation §1.11).
type ImageStatus struct {
	Generations []Generation `json:"generations"`
	Shared      bool         `json:"shared"`
	Check
}

// Generation is one delivered image.
type Generation struct {
	Img         string         `json:"img"` // URL (r2) or base64 WebP
	Seed        string         `json:"seed"`
	ID          string         `json:"id"`
	Censored    bool           `json:"censored"`
	GenMetadata []GenMetadatum `json:"gen_metadata"`
	WorkerID    string         `json:"worker_id"`
	WorkerName  string         `json:"worker_name"`
	Model       string         `json:"model"`
	State       string         `json:"state"`
}

// GenMetadatum is a remark of the worker about its result.
type GenMetadatum struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Ref   string `json:"ref,omitempty"`
}

// ImagePop is the body of POST /generate/pop (generation §1.14).
type ImagePop struct {
	Name                string   `json:"name"`
	Models              []string `json:"models,omitempty"`
	NSFW                *bool    `json:"nsfw,omitempty"`
	BridgeAgent         string   `json:"bridge_agent,omitempty"`
	Threads             *int     `json:"threads,omitempty"`
	Amount              *int     `json:"amount,omitempty"`
	PriorityUsernames   []string `json:"priority_usernames,omitempty"`
	RequireUpfrontKudos *bool    `json:"require_upfront_kudos,omitempty"`
	Blacklist           []string `json:"blacklist,omitempty"`
	MaxPixels           *int     `json:"max_pixels,omitempty"`
	AllowImg2Img        *bool    `json:"allow_img2img,omitempty"`
	AllowPainting       *bool    `json:"allow_painting,omitempty"`
	AllowUnsafeIPAddr   *bool    `json:"allow_unsafe_ipaddr,omitempty"`
	AllowPostProcessing *bool    `json:"allow_post_processing,omitempty"`
	AllowControlnet     *bool    `json:"allow_controlnet,omitempty"`
	AllowSDXLControlnet *bool    `json:"allow_sdxl_controlnet,omitempty"`
	AllowLora           *bool    `json:"allow_lora,omitempty"`
	LimitMaxSteps       *bool    `json:"limit_max_steps,omitempty"`
	ExtraSlowWorker     *bool    `json:"extra_slow_worker,omitempty"`
}

// ImageJob is the answer of POST /generate/pop (generation §1.18). Without a job ID is
// nil, IDs empty, Payload the defaults and Skipped says why.
type ImageJob struct {
	Payload           ImagePayload    `json:"payload"`
	ID                *string         `json:"id"`
	IDs               []string        `json:"ids"`
	TTL               *int            `json:"ttl"` // seconds
	Skipped           map[string]int  `json:"skipped"`
	Model             *string         `json:"model"`
	SourceImage       *string         `json:"source_image"` // URL or base64
	SourceProcessing  string          `json:"source_processing"`
	SourceMask        *string         `json:"source_mask"`
	ExtraSourceImages []ExtraSource   `json:"extra_source_images"`
	R2Upload          *string         `json:"r2_upload"`
	R2Uploads         []string        `json:"r2_uploads"`
	Messages          []WorkerMessage `json:"messages"`
}

// WorkerMessage is a note of a moderator or owner to a worker.
type WorkerMessage struct {
	ID      string `json:"id"`
	Message string `json:"message"`
	Origin  string `json:"origin"`
	Expiry  string `json:"expiry"` // RFC 822
}

// ImagePayload is what a Dreamer generates: the request in the worker's terms.
type ImagePayload struct {
	Prompt                    string          `json:"prompt,omitempty"`
	Steps                     int             `json:"ddim_steps"`
	N                         int             `json:"n_iter"`
	UseNSFWCensor             bool            `json:"use_nsfw_censor,omitempty"`
	Seed                      string          `json:"seed,omitempty"`
	ImageIsControl            bool            `json:"image_is_control"`
	ReturnControlMap          bool            `json:"return_control_map"`
	SamplerName               string          `json:"sampler_name"`
	CfgScale                  Float           `json:"cfg_scale"`
	DenoisingStrength         *Float          `json:"denoising_strength,omitempty"`
	HiresFixDenoisingStrength *Float          `json:"hires_fix_denoising_strength,omitempty"`
	Height                    int             `json:"height"`
	Width                     int             `json:"width"`
	PostProcessing            []string        `json:"post_processing,omitempty"`
	Karras                    bool            `json:"karras"`
	Tiling                    bool            `json:"tiling"`
	HiresFix                  bool            `json:"hires_fix"`
	Transparent               bool            `json:"transparent"`
	ClipSkip                  *int            `json:"clip_skip,omitempty"`
	ControlType               string          `json:"control_type,omitempty"`
	FacefixerStrength         *Float          `json:"facefixer_strength,omitempty"`
	Loras                     []Lora          `json:"loras,omitempty"`
	TIs                       []TI            `json:"tis,omitempty"`
	ExtraTexts                []ExtraText     `json:"extra_texts,omitempty"`
	Workflow                  string          `json:"workflow,omitempty"`
	Special                   json.RawMessage `json:"special,omitempty"`
}

// ImageSubmit is the body of POST /generate/submit (generation §1.20). Generation is "R2"
// for an uploaded image, else the image in base64.
type ImageSubmit struct {
	ID          string         `json:"id"`
	Generation  string         `json:"generation"`
	Seed        int64          `json:"seed"`
	State       string         `json:"state,omitempty"` // ok, censored, faulted, csam
	Censored    *bool          `json:"censored,omitempty"`
	GenMetadata []GenMetadatum `json:"gen_metadata,omitempty"`
}

// Submitted is the answer to a delivery: the base reward of the job.
type Submitted struct {
	Reward Float `json:"reward"`
}
