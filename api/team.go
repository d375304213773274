package api

// TeamDetails is the answer of GET /teams/{id} and an entry of GET /teams
// (platform §4.3).
type TeamDetails struct {
	Info              *string      `json:"info,omitempty"`
	RequestsFulfilled int64        `json:"requests_fulfilled"` // images by its members
	Kudos             Float        `json:"kudos"`              // that they were rewarded for them
	Uptime            int64        `json:"uptime"`             // seconds
	Creator           string       `json:"creator"`            // alias
	WorkerCount       int          `json:"worker_count"`
	Workers           []TeamWorker `json:"workers"`
	Models            []ModelCount `json:"models"`
	Name              string       `json:"name"`
	ID                string       `json:"id"`
}

// TeamWorker is a member of a team.
type TeamWorker struct {
	Type   string `json:"type"` // image, text, interrogation
	Name   string `json:"name"`
	ID     string `json:"id"`
	Online bool   `json:"online"`
}

// ModelCount is a model and how many workers offer it.
type ModelCount struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// TeamInput is the body of POST /teams and PATCH /teams/{id}; absent members
// change nothing.
type TeamInput struct {
	Name *string `json:"name,omitempty"`
	Info *string `json:"info,omitempty"`
}

// ModifiedTeam is the answer to a TeamInput: what was set.
type ModifiedTeam struct {
	ID   string  `json:"id,omitempty"` // of a new team
	Name *string `json:"name,omitempty"`
	Info *string `json:"info,omitempty"`
}

// DeletedTeam is the answer of DELETE /teams/{id}.
type DeletedTeam struct {
	ID   string `json:"deleted_id"`
	Name string `json:"deleted_name"`
}
