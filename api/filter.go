package api

// Prompt filters, which only moderators see (platform §3.8).

// FilterDetails is a filter, as the calls that write one answer it. ID is a
// number as text; User is the alias of who wrote or changed it last.
type FilterDetails struct {
	ID          string  `json:"id"`
	Regex       string  `json:"regex"`
	FilterType  int     `json:"filter_type"` // 10 to 29
	Description *string `json:"description"`
	Replacement string  `json:"replacement"`
	User        string  `json:"user"`
}

// ShownFilter is a FilterDetails as the calls that read answer it: without the
// description where there is none.
type ShownFilter struct {
	ID          string  `json:"id"`
	Regex       string  `json:"regex"`
	FilterType  int     `json:"filter_type"`
	Description *string `json:"description,omitempty"`
	Replacement string  `json:"replacement"`
	User        string  `json:"user"`
}

// FilterRegex is all patterns of one type in one; none when there are none.
type FilterRegex struct {
	FilterType int    `json:"filter_type"`
	Regex      string `json:"regex,omitempty"`
}

// FilterPromptSuspicion is what the filters say of a prompt. Suspicion is "0",
// "1" or "2", which would be rewritten or refused; Matches is what they found.
type FilterPromptSuspicion struct {
	Suspicion string   `json:"suspicion"`
	Matches   []string `json:"matches"`
}

// PutFilter is the body of PUT /filters.
type PutFilter struct {
	Regex       string  `json:"regex"`
	FilterType  int     `json:"filter_type"`
	Description *string `json:"description,omitempty"`
	Replacement string  `json:"replacement,omitempty"`
}

// PatchFilter is the body of PATCH /filters/{id}. What is absent, empty or 0
// stays.
type PatchFilter struct {
	Regex       string `json:"regex,omitempty"`
	FilterType  int    `json:"filter_type,omitempty"`
	Description string `json:"description,omitempty"`
	Replacement string `json:"replacement,omitempty"`
}

// PutFilterSchema describes a PutFilter.
var PutFilterSchema = keyed(object("PutNewFilter",
	required("regex", text("The pattern, as Python's module regex writes it. Case does not matter.")),
	required("filter_type", integer("10", "29", "What the pattern is for: 10, 11 and 20 are in use.")),
	optional("description", text("What the pattern is meant to catch.")),
	optional("replacement", text("What replaces a match when a prompt is rewritten; of type 10 only.").standard("")),
))

// PatchFilterSchema describes a PatchFilter.
var PatchFilterSchema = keyed(object("PatchExistingFilter",
	optional("regex", text("The pattern.")),
	optional("filter_type", integer("10", "29", "What the pattern is for.")),
	optional("description", text("What the pattern is meant to catch.")),
	optional("replacement", text("What replaces a match.").standard("")),
))

// RefusedPrompt is a prompt that the filters refused, in the answer of
// GET /api/ext/v1/refused-prompts.
type RefusedPrompt struct {
	ID      string `json:"id"`
	User    string `json:"user"`    // alias
	Created string `json:"created"` // RFC 3339
	Prompt  string `json:"prompt"`
}

// FilterTestSchema describes the body of POST /filters for the document; it is
// read leniently.
var FilterTestSchema = &Schema{Type: Object, Properties: []Property{
	optional("prompt", text("")), optional("filter_type", &Schema{Type: Integer}),
}}
