package api

// StyleInput is the body that makes or changes a style of either kind
// (platform §3.12). Nil members are absent.
type StyleInput struct {
	Name      *string        `json:"name,omitempty"`
	Info      *string        `json:"info,omitempty"`
	Prompt    *string        `json:"prompt,omitempty"`
	Params    map[string]any `json:"params,omitempty"` // as sent
	Public    *bool          `json:"public,omitempty"`
	NSFW      *bool          `json:"nsfw,omitempty"`
	Tags      *[]string      `json:"tags,omitempty"`
	Models    *[]string      `json:"models,omitempty"`
	SharedKey string         `json:"sharedkey,omitempty"` // of image styles
}

// ImageStyle is a style for images (platform §4.3).
type ImageStyle struct {
	ID        string            `json:"id"`
	UseCount  int64             `json:"use_count"`
	Creator   string            `json:"creator"` // alias of the owner
	Examples  []StyleExample    `json:"examples"`
	Name      string            `json:"name"`
	Info      string            `json:"info,omitempty"`
	Prompt    string            `json:"prompt"`
	Params    *ImageStyleParams `json:"params,omitempty"`
	Public    bool              `json:"public"`
	NSFW      bool              `json:"nsfw"`
	Tags      []string          `json:"tags"`
	Models    []string          `json:"models"`
	SharedKey *SharedKey        `json:"shared_key,omitempty"`
}

// StyleExample is an image that a style made.
type StyleExample struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Primary bool   `json:"primary"`
}

// ImageStyleParams are the params of an image style as they are shown: those that
// it sets.
type ImageStyleParams struct {
	SamplerName               string         `json:"sampler_name,omitempty"`
	CfgScale                  *Float         `json:"cfg_scale,omitempty"`
	DenoisingStrength         *Float         `json:"denoising_strength,omitempty"`
	HiresFixDenoisingStrength *Float         `json:"hires_fix_denoising_strength,omitempty"`
	Height                    *int           `json:"height,omitempty"`
	Width                     *int           `json:"width,omitempty"`
	PostProcessing            []string       `json:"post_processing,omitempty"`
	Karras                    *bool          `json:"karras,omitempty"`
	Tiling                    *bool          `json:"tiling,omitempty"`
	HiresFix                  *bool          `json:"hires_fix,omitempty"`
	ClipSkip                  *int           `json:"clip_skip,omitempty"`
	FacefixerStrength         *Float         `json:"facefixer_strength,omitempty"`
	Loras                     []StyleLora    `json:"loras,omitempty"`
	TIs                       []StyleTI      `json:"tis,omitempty"`
	Special                   map[string]any `json:"special,omitempty"`
	Workflow                  string         `json:"workflow,omitempty"`
	Transparent               *bool          `json:"transparent,omitempty"`
	Steps                     *int           `json:"steps,omitempty"`
}

// StyleLora is a LoRA of a style, its defaults filled in by Complete.
type StyleLora struct {
	Name          string `json:"name"`
	Model         *Float `json:"model"`
	Clip          *Float `json:"clip"`
	InjectTrigger string `json:"inject_trigger,omitempty"`
	IsVersion     bool   `json:"is_version"`
}

// StyleTI is a textual inversion of a style, its defaults filled in by Complete.
type StyleTI struct {
	Name     string `json:"name"`
	InjectTI string `json:"inject_ti,omitempty"`
	Strength *Float `json:"strength"`
}

// Complete fills in what the contract always shows of LoRAs and textual
// inversions.
func (p *ImageStyleParams) Complete() {
	full := func(into **Float) {
		if *into == nil {
			one := Float(1)
			*into = &one
		}
	}

	for i := range p.Loras {
		full(&p.Loras[i].Model)
		full(&p.Loras[i].Clip)
	}
	for i := range p.TIs {
		full(&p.TIs[i].Strength)
	}
}

// TextStyle is a style for text generation.
type TextStyle struct {
	ID       string       `json:"id"`
	UseCount int64        `json:"use_count"`
	Creator  string       `json:"creator"`
	Name     string       `json:"name"`
	Info     string       `json:"info,omitempty"`
	Prompt   string       `json:"prompt"`
	Params   TextSampling `json:"params"`
	Public   bool         `json:"public"`
	NSFW     bool         `json:"nsfw"`
	Tags     []string     `json:"tags"`
	Models   []string     `json:"models"`
}

// StyleModified is the answer to a call that made or changed a style, an example
// or a collection.
type StyleModified struct {
	ID       string          `json:"id"`
	Message  string          `json:"message"`            // OK
	Warnings *[]StyleWarning `json:"warnings,omitempty"` // nil of text styles
}

// StyleWarning is a Warning, or the empty one that comes with examples.
type StyleWarning struct {
	Code    *string `json:"code"`
	Message *string `json:"message"`
}

// StyleExampleInput is the body that adds or changes an example.
type StyleExampleInput struct {
	URL     *string `json:"url,omitempty"`
	Primary *bool   `json:"primary,omitempty"`
}

// CollectionInput is the body that makes or changes a collection (platform §3.13). Styles
// are named by id or name.
type CollectionInput struct {
	Name   *string   `json:"name,omitempty"`
	Info   *string   `json:"info,omitempty"`
	Public *bool     `json:"public,omitempty"`
	Styles *[]string `json:"styles,omitempty"`
}

// Collection is a set of styles of one kind.
type Collection struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Type     string       `json:"type"` // image, text
	Info     *string      `json:"info"` // always null
	Public   bool         `json:"public"`
	Styles   []ShortStyle `json:"styles"`
	UseCount int64        `json:"use_count"`
}

// ShortStyle names a style.
type ShortStyle struct {
	Name string `json:"name"` // owner::style::name
	ID   string `json:"id"`
}
