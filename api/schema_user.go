package api

// The bodies of user accounts (platform §3.1). The header apikey of a
// change is checked after the user, so NeedsKey is not set.

// ModifyUserSchema describes a ModifyUser.
var ModifyUserSchema = object("ModifyUserInput",
	optional("kudos", number("", "", "Kudos to add, or with a minus to take away.")),
	optional("concurrency", integer("0", "500", "Jobs that the user may have waiting.")),
	optional("usage_multiplier", number("0.1", "10", "Scales the recorded usage.")),
	optional("worker_invited", integer("", "", "Workers that the user may add while workers need an invitation.")),
	optional("moderator", toggle("The user may moderate this horde. Moderators are trusted too.")),
	optional("public_workers", toggle("Everybody sees whose the user's workers are.")),
	optional("monthly_kudos",
		integer("", "", "Kudos to add to the monthly allowance; what is added is paid at once too.")),
	optional("username", sized(3, 100, "Name that others see, at most 30 characters.")),
	optional("trusted", toggle("The user's workers are trusted and earn all they can spend at once.")),
	optional("flagged", toggle("The user can neither move kudos nor run workers.")),
	optional("customizer", toggle("The user's workers may offer models outside the reference.")),
	optional("vpn", toggle("The user's workers may call from a VPN.")),
	optional("service", toggle("The account is a service that sends requests for others.")),
	optional("education", toggle("The account belongs to a school.")),
	optional("special", toggle("The user may host and use special models.")),
	optional("undelete", toggle("Undo the deletion of the account.")),
	optional("filtered", toggle("Obsolete, without effect.")),
	optional("reset_suspicion", toggle("Forget all suspicions against the user and the user's workers.")),
	optional("generate_proxy_passkey", flag(false, "Make a new passkey for the proxy of a service.")),
	optional("contact", sized(5, 500, "How moderators reach the user.")),
	optional("admin_comment", sized(5, 500, "Remark of the moderators.")),
).open() // a call without effect is told what it named

// toggle is a flag without a default: absent means unchanged.
func toggle(about string) *Schema { return &Schema{Type: Boolean, Description: about} }

// ModifyUser is the body of PUT /users/{id}. Absent members change nothing; of
// ResetSuspicion, GenerateProxyPasskey and Undelete the mere presence counts.
type ModifyUser struct {
	Kudos                *float64 `json:"kudos,omitempty"` // a difference; fractions are cut
	Concurrency          *int     `json:"concurrency,omitempty"`
	UsageMultiplier      *float64 `json:"usage_multiplier,omitempty"`
	WorkerInvited        *int     `json:"worker_invited,omitempty"`
	Moderator            *bool    `json:"moderator,omitempty"`
	PublicWorkers        *bool    `json:"public_workers,omitempty"`
	MonthlyKudos         *int64   `json:"monthly_kudos,omitempty"` // a difference
	Username             *string  `json:"username,omitempty"`
	Trusted              *bool    `json:"trusted,omitempty"`
	Flagged              *bool    `json:"flagged,omitempty"`
	Customizer           *bool    `json:"customizer,omitempty"`
	VPN                  *bool    `json:"vpn,omitempty"`
	Service              *bool    `json:"service,omitempty"`
	Education            *bool    `json:"education,omitempty"`
	Special              *bool    `json:"special,omitempty"`
	Undelete             *bool    `json:"undelete,omitempty"`
	Filtered             *bool    `json:"filtered,omitempty"`
	ResetSuspicion       *bool    `json:"reset_suspicion,omitempty"`
	GenerateProxyPasskey *bool    `json:"generate_proxy_passkey,omitempty"`
	Contact              *string  `json:"contact,omitempty"`
	AdminComment         *string  `json:"admin_comment,omitempty"`
}

// ModifiedUser is the answer of PUT /users/{id}: the new values of what changed.
type ModifiedUser struct {
	NewKudos        *Float  `json:"new_kudos,omitempty"` // the balance
	Concurrency     *int    `json:"concurrency,omitempty"`
	UsageMultiplier *Float  `json:"usage_multiplier,omitempty"`
	WorkerInvited   *int    `json:"worker_invited,omitempty"`
	Moderator       *bool   `json:"moderator,omitempty"`
	PublicWorkers   *bool   `json:"public_workers,omitempty"`
	Username        *string `json:"username,omitempty"`
	MonthlyKudos    *int64  `json:"monthly_kudos,omitempty"` // the allowance
	Trusted         *bool   `json:"trusted,omitempty"`
	Flagged         *bool   `json:"flagged,omitempty"`
	Customizer      *bool   `json:"customizer,omitempty"`
	VPN             *bool   `json:"vpn,omitempty"`
	Service         *bool   `json:"service,omitempty"`
	Education       *bool   `json:"education,omitempty"`
	Special         *bool   `json:"special,omitempty"`
	Undeleted       *bool   `json:"undeleted,omitempty"`
	NewSuspicion    *int    `json:"new_suspicion,omitempty"`
	Contact         *string `json:"contact,omitempty"`
	AdminComment    *string `json:"admin_comment,omitempty"`
	ProxyPasskey    *string `json:"proxy_passkey,omitempty"`
}

// ListedUser is an entry of GET /users: the details that everybody may see, with
// all other fields null instead of left out.
type ListedUser struct {
	Username          string        `json:"username"`
	ID                int           `json:"id"`
	Kudos             Float         `json:"kudos"`
	EvaluatingKudos   *Float        `json:"evaluating_kudos"`
	Concurrency       int           `json:"concurrency"`
	WorkerInvited     int           `json:"worker_invited"`
	Moderator         bool          `json:"moderator"`
	KudosDetails      KudosDetails  `json:"kudos_details"`
	WorkerCount       int           `json:"worker_count"`
	WorkerIDs         []string      `json:"worker_ids"` // null: not public
	Styles            []UserStyle   `json:"styles"`
	SharedKeyIDs      []string      `json:"sharedkey_ids"`
	ActiveGenerations struct{}      `json:"active_generations"`
	MonthlyKudos      struct{}      `json:"monthly_kudos"`
	Trusted           bool          `json:"trusted"`
	Flagged           bool          `json:"flagged"`
	VPN               *bool         `json:"vpn"`
	Service           bool          `json:"service"`
	Education         bool          `json:"education"`
	Customizer        bool          `json:"customizer"`
	Special           *bool         `json:"special"`
	Deleted           bool          `json:"deleted"`
	Suspicious        *int          `json:"suspicious"`
	Pseudonymous      bool          `json:"pseudonymous"`
	Contact           *string       `json:"contact"`
	AdminComment      *string       `json:"admin_comment"`
	ProxyPasskey      *string       `json:"proxy_passkey"`
	AccountAge        int           `json:"account_age"`
	Usage             Usage         `json:"usage"`
	Contributions     Contributions `json:"contributions"`
	Records           UserRecords   `json:"records"`
}

// Listed is the entry for a user in GET /users.
func (d *UserDetails) Listed() ListedUser {
	return ListedUser{
		Username:      d.Username,
		ID:            d.ID,
		Kudos:         d.Kudos,
		Concurrency:   d.Concurrency,
		WorkerInvited: d.WorkerInvited,
		Moderator:     d.Moderator,
		KudosDetails:  d.KudosDetails,
		WorkerCount:   d.WorkerCount,
		WorkerIDs:     d.WorkerIDs,
		Styles:        d.Styles,
		Trusted:       d.Trusted,
		Flagged:       d.Flagged,
		Service:       d.Service,
		Education:     d.Education,
		Customizer:    d.Customizer,
		Deleted:       d.Deleted,
		Pseudonymous:  d.Pseudonymous,
		AccountAge:    d.AccountAge,
		Records:       d.Records,
	}
}

// Simple is the answer of calls that only succeed.
type Simple struct {
	Message string `json:"message"` // OK
}

// KudosTransferSchema describes the body of POST /kudos/transfer for the
// document; it is read leniently.
var KudosTransferSchema = &Schema{Type: Object, Properties: []Property{
	optional("username", text("")), optional("amount", &Schema{Type: Integer}),
}}

// KudosTransferred is the answer of POST /kudos/transfer.
type KudosTransferred struct {
	Transferred Float `json:"transferred"`
}

// KudosAwarded is the answer of POST /kudos/award.
type KudosAwarded struct {
	Awarded Float `json:"awarded"`
}
