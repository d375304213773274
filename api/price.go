package api

// Price is the answer of POST /api/ext/v1/kudos/price: what a request would
// cost, line by line. All amounts are kudos.
type Price struct {
	Type string `json:"type"` // image or text
	// Net is the price network in use, "" where images are priced by the fixed
	// formula alone; Basis is what this price comes from: network, formula,
	// targeted, or text.
	Net   string `json:"net,omitempty"`
	Basis string `json:"basis"`

	Lines []PriceLine `json:"lines"`
	N     int         `json:"n"`     // images or text generations
	Each  Float       `json:"each"`  // charge for one of them
	Tax   Float       `json:"tax"`   // charged when the request is accepted
	Kudos Float       `json:"kudos"` // what a dry run of the request answers

	// Width, Height (pixels) and Steps are those of the images that are priced:
	// smaller than requested where allow_downgrade reduced them. Text has none.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	Steps  int `json:"steps,omitempty"`

	Upfront bool  `json:"upfront"` // the kudos must be there before the request is accepted
	Held    Float `json:"held"`    // of them set aside then
	// UpfrontRules are the rules that need them upfront, the one that decides first.
	UpfrontRules []UpfrontRule `json:"upfront_rules,omitempty"`
	// Charged is what the request costs in all if everything is delivered and
	// nothing censored; Exact is false where it is the most that it can be.
	Charged Float `json:"charged"`
	Exact   bool  `json:"exact"`
	// Floor is what the account that pays keeps in any case: what would take its
	// balance below is forgiven.
	Floor Float `json:"floor"`

	Notes []string `json:"notes"` // in words
}

// UpfrontRule is a rule that a request breaks, so that its kudos must be there
// before it is accepted.
type UpfrontRule struct {
	Rule   string   `json:"rule"`   // slow_workers, lcm_steps, model_steps, size, control_steps, text_length or workers
	Fields []string `json:"fields"` // of the body that it considers, as dotted paths
	Asked  int      `json:"asked"`  // what it counts of the request: steps, pixels, tokens, workers
	Limit  int      `json:"limit"`  // how much of that needs no kudos upfront
	Text   string   `json:"text"`   // in words
}

// PriceLine is one step of a price.
type PriceLine struct {
	Code   string `json:"code"` // see docs/integrators.md
	Text   string `json:"text"` // in words
	Factor *Float `json:"factor,omitempty"`
	Add    *Float `json:"add,omitempty"`
	Kudos  Float  `json:"kudos"` // the price after this step
}

// PriceNet is the answer of GET /api/ext/v1/kudos/net: the price network in use.
// All but Name is empty where images are priced by the fixed formula alone.
type PriceNet struct {
	Name           string   `json:"name"` // "formula" without a network
	Description    string   `json:"description,omitempty"`
	Accuracy       Float    `json:"accuracy,omitempty"` // on jobs that its training held out: mean of 1 - |a-p|/max(a,p)
	Worst          Float    `json:"worst_percentile,omitempty"`
	Jobs           int      `json:"jobs,omitempty"`            // that it learned from
	BasisSeconds   Float    `json:"basis_seconds,omitempty"`   // that it gives the job worth 11 kudos
	Samplers       []string `json:"samplers,omitempty"`        // known beyond those of the original's network
	ControlTypes   []string `json:"control_types,omitempty"`   // likewise
	PostProcessors []string `json:"post_processors,omitempty"` // likewise
}
