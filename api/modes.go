package api

// Modes is the answer of GET /status/modes: the switches of the whole horde.
type Modes struct {
	Maintenance bool  `json:"maintenance_mode"`    // no requests are accepted
	InviteOnly  bool  `json:"invite_only_mode"`    // new workers by invitation only
	Raid        *bool `json:"raid_mode,omitempty"` // moderators only
}

// ModifyModes is the body of PUT /status/modes, and its answer: those that were
// changed.
type ModifyModes struct {
	Maintenance *bool `json:"maintenance_mode,omitempty"`
	InviteOnly  *bool `json:"invite_only_mode,omitempty"`
	Raid        *bool `json:"raid_mode,omitempty"`
}

// ModifyModesSchema describes the body for the document; it is read loosely.
var ModifyModesSchema = &Schema{Type: Object, Properties: []Property{
	optional("maintenance_mode", &Schema{Type: Boolean}),
	optional("invite_only_mode", &Schema{Type: Boolean}),
	optional("raid_mode", &Schema{Type: Boolean}),
}}

// Newspiece is an entry of GET /status/news, the newest first.
type Newspiece struct {
	DatePublished string   `json:"date_published"` // YYYY-MM-DD
	Newspiece     string   `json:"newspiece"`
	Importance    string   `json:"importance"` // Information, Breaking News …
	Tags          []string `json:"tags"`
	Title         string   `json:"title"`
	MoreInfoURLs  []string `json:"more_info_urls"`
}
