package api

// KudosHistory is the answer of GET /api/ext/v1/kudos/history: a user's account
// and a page of what moved it, newest first. Next, sent back as the query
// parameter before, asks for the page of older movements; it is absent on the last.
type KudosHistory struct {
	Username        string          `json:"username"` // alias: name#id
	Kudos           Float           `json:"kudos"`
	EvaluatingKudos Float           `json:"evaluating_kudos"` // withheld until the user is trusted
	Held            Float           `json:"held"`             // set aside for requests in progress
	Unpaid          UnpaidKudos     `json:"unpaid"`
	Movements       []KudosMovement `json:"movements"`
	Next            string          `json:"next,omitempty"`
}

// UnpaidKudos is what a user earned on one day of what nobody paid for: of anonymous
// requests, for instance.
type UnpaidKudos struct {
	Day    string `json:"day"` // 2006-01-02, by UTC; "": nothing was ever earned so
	Earned Float  `json:"earned"`

	// Bound is how much can be earned so on that day, all of the user's workers together;
	// absent where there is no bound, or it is not known.
	Bound Float `json:"bound,omitempty"`
}

// KudosMovement is one movement of a user's kudos, or all that a request of the
// user moved on this page. Members that do not apply are absent.
type KudosMovement struct {
	// Kind is request, work, uptime, transfer, award, monthly, admin, promotion,
	// style, rating, test or other.
	Kind            string `json:"kind"`
	At              string `json:"at"`               // RFC 3339, of the newest movement
	Text            string `json:"text"`             // in words
	Amount          Float  `json:"amount"`           // what moved of the kudos that can be spent
	Balance         Float  `json:"balance"`          // after the movement
	Evaluating      Float  `json:"evaluating"`       // what moved of those that are withheld
	EvaluatingKudos Float  `json:"evaluating_kudos"` // after the movement

	Request       string `json:"request,omitempty"` // only to the requester
	Job           string `json:"job,omitempty"`
	WorkerID      string `json:"worker_id,omitempty"`
	WorkerName    string `json:"worker_name,omitempty"`
	Model         string `json:"model,omitempty"`
	Username      string `json:"username,omitempty"`  // the other user: giver, receiver, administrator
	Reason        string `json:"reason,omitempty"`    // why an administrator moved it
	SharedKey     string `json:"sharedkey,omitempty"` // id of the user's key that paid or was filled up
	SharedKeyName string `json:"sharedkey_name,omitempty"`

	// Parts are what the amounts consist of, such as tax, image and burn.
	Parts []KudosPart `json:"parts,omitempty"`
	// Movements are those of one request, newest first, where there are several:
	// its acceptance and its deliveries.
	Movements []KudosMovement `json:"movements,omitempty"`
}

// KudosPart is a named part of an amount.
type KudosPart struct {
	What   string `json:"what"`
	Amount Float  `json:"amount"`
}

// Adjustment is the body of POST /api/ext/v1/kudos/adjust: what an administrator
// gives to a user manually, and why.
type Adjustment struct {
	Username string `json:"username"`
	Amount   int64  `json:"amount"`
	Reason   string `json:"reason"`
}

// Adjusted is the answer: what was moved, which is less where the floor of a balance
// limits it, and what the user has now.
type Adjusted struct {
	Username string `json:"username"`
	Adjusted Float  `json:"adjusted"`
	Kudos    Float  `json:"kudos"`
}
