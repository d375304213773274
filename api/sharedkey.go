package api

// SharedKey is a key that spends its owner's kudos, as GET /sharedkeys/{id} and
// the calls that change it answer it (platform §4.3).
type SharedKey struct {
	ID             string `json:"id"`
	Username       string `json:"username"` // alias of the owner
	Name           string `json:"name,omitempty"`
	Kudos          int64  `json:"kudos"`            // left to spend; -1: unlimited
	Expiry         string `json:"expiry,omitempty"` // RFC 822
	Utilized       int64  `json:"utilized"`         // spent so far
	MaxImagePixels int64  `json:"max_image_pixels"` // of one image; -1: no limit
	MaxImageSteps  int64  `json:"max_image_steps"`
	MaxTextTokens  int64  `json:"max_text_tokens"`
}

// SharedKeyInputSchema documents the body of PUT and PATCH /sharedkeys. It is not
// enforced: members are converted where they can be, as the original does.
var SharedKeyInputSchema = object("SharedKeyInput",
	optional("kudos", integer("-1", "50000000", "Kudos that may be spent with the key; -1 is no limit.").standard(5000)),
	optional("expiry", integer("-1", "", "Days until the key expires; -1 is never.").standard(-1)),
	optional("name", sized(3, 255, "Name of the key.")),
	optional("max_image_pixels", integer("-1", "4194304", "Most pixels of an image; -1 is no limit.").standard(-1)),
	optional("max_image_steps", integer("-1", "500", "Most steps of an image; -1 is no limit.").standard(-1)),
	optional("max_text_tokens", integer("-1", "500", "Most tokens of a text; -1 is no limit.").standard(-1)),
)
