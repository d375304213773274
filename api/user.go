package api

import "encoding/json"

// UserDetails is the answer of GET /find_user and GET /users/{id}
// (platform §4.1). Fields beyond the caller's privilege are nil and left out;
// those printed at every privilege are plain.
type UserDetails struct {
	Username          string             `json:"username"` // alias: name#id
	ID                int                `json:"id"`
	Kudos             Float              `json:"kudos"`
	EvaluatingKudos   *Float             `json:"evaluating_kudos,omitempty"` // escrow; moderators only
	Concurrency       int                `json:"concurrency"`
	WorkerInvited     int                `json:"worker_invited"`
	Moderator         bool               `json:"moderator"`
	KudosDetails      KudosDetails       `json:"kudos_details"`
	WorkerCount       int                `json:"worker_count"`
	WorkerIDs         []string           `json:"worker_ids,omitzero"` // nil: not public
	Styles            []UserStyle        `json:"styles"`              // never nil on the wire
	SharedKeyIDs      []string           `json:"sharedkey_ids,omitzero"`
	ActiveGenerations *ActiveGenerations `json:"active_generations,omitempty"`
	MonthlyKudos      *MonthlyKudos      `json:"monthly_kudos,omitempty"`
	Trusted           bool               `json:"trusted"`
	Flagged           bool               `json:"flagged"`
	VPN               *bool              `json:"vpn,omitempty"`
	Service           bool               `json:"service"`
	Education         bool               `json:"education"`
	Customizer        bool               `json:"customizer"`
	Special           *bool              `json:"special,omitempty"`
	Deleted           bool               `json:"deleted"`
	Suspicious        *int               `json:"suspicious,omitempty"`
	Pseudonymous      bool               `json:"pseudonymous"`
	Contact           *string            `json:"contact,omitempty"`
	AdminComment      *string            `json:"admin_comment,omitempty"`
	ProxyPasskey      *string            `json:"proxy_passkey,omitempty"`
	AccountAge        int                `json:"account_age"` // seconds
	Usage             Usage              `json:"usage"`
	Contributions     Contributions      `json:"contributions"`
	Records           UserRecords        `json:"records"`
}

// Tally is a sum that an account may not have started yet: it prints as the integer 0
// until then, and with a decimal point ever after.
type Tally struct {
	Sum   Float
	Begun bool
}

// TallyOf is a tally that has been started.
func TallyOf(sum float64) Tally { return Tally{Sum: Float(sum), Begun: true} }

// MarshalJSON prints 0 for a tally not started, else its sum as a Float.
func (t Tally) MarshalJSON() ([]byte, error) {
	if !t.Begun {
		return []byte("0"), nil
	}
	return t.Sum.MarshalJSON()
}

// UnmarshalJSON reads any number; null and a bare 0 mean "not started".
func (t *Tally) UnmarshalJSON(b []byte) error {
	*t = Tally{}
	if s := string(b); s == "0" || s == "null" {
		return nil
	}
	t.Begun = true
	return json.Unmarshal(b, &t.Sum)
}

// KudosDetails says where an account's kudos came from and went to; gifted and
// donated are sums below zero.
type KudosDetails struct {
	Accumulated Tally `json:"accumulated"`
	Gifted      Tally `json:"gifted"`
	Donated     Tally `json:"donated"`
	Admin       Tally `json:"admin"`
	Received    Tally `json:"received"`
	Recurring   Tally `json:"recurring"`
	Awarded     Tally `json:"awarded"`
	Styled      Tally `json:"styled"`
}

// UserStyle names a style that the user made.
type UserStyle struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	Type string `json:"type"` // image, text
}

// ActiveGenerations are the ids of a user's live requests by kind; kinds
// without any are left out.
type ActiveGenerations struct {
	Text    []string `json:"text,omitempty"`
	Image   []string `json:"image,omitempty"`
	Alchemy []string `json:"alchemy,omitempty"`
}

// MonthlyKudos is what a user is given each month.
type MonthlyKudos struct {
	Amount       int    `json:"amount"`
	LastReceived string `json:"last_received,omitempty"` // RFC 822
}

// Usage is obsolete: its values are null. See UserRecords.
type Usage struct {
	Megapixelsteps *Float `json:"megapixelsteps"`
	Requests       *int   `json:"requests"`
}

// Contributions is obsolete: its values are null. See UserRecords.
type Contributions struct {
	Megapixelsteps *Float `json:"megapixelsteps"`
	Fulfillments   *int   `json:"fulfillments"`
}

// UserRecords count what a user has requested and what the user's workers have done.
type UserRecords struct {
	Usage        WorkRecords   `json:"usage"`
	Contribution WorkRecords   `json:"contribution"`
	Fulfillment  AmountRecords `json:"fulfillment"`
	Request      AmountRecords `json:"request"`
	Style        AmountRecords `json:"style"`
}

// WorkRecords are amounts of work.
type WorkRecords struct {
	Megapixelsteps Tally `json:"megapixelsteps"`
	Tokens         int64 `json:"tokens"`
}

// AmountRecords are numbers of pieces of work.
type AmountRecords struct {
	Image         int `json:"image"`
	Text          int `json:"text"`
	Interrogation int `json:"interrogation"`
}
