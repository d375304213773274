package api

// WorkerDetails is the answer of GET /workers/{id} and an entry of GET /workers
// (platform §4.2). Fields that the caller may not see, or that workers of
// this type do not have, are nil and left out.
type WorkerDetails struct {
	RequestsFulfilled  int         `json:"requests_fulfilled"`
	KudosRewards       Float       `json:"kudos_rewards"`
	KudosDetails       WorkerKudos `json:"kudos_details"`
	Performance        string      `json:"performance"` // "1.0 megapixelsteps per second"
	Threads            int         `json:"threads"`
	Uptime             int64       `json:"uptime"` // seconds
	MaintenanceMode    bool        `json:"maintenance_mode"`
	Paused             *bool       `json:"paused,omitempty"`
	Info               *string     `json:"info,omitempty"`
	NSFW               bool        `json:"nsfw"`
	Owner              *string     `json:"owner,omitempty"` // alias
	IPAddr             *string     `json:"ipaddr,omitempty"`
	Trusted            bool        `json:"trusted"` // the owner
	Flagged            bool        `json:"flagged"` // the owner
	Suspicious         *int        `json:"suspicious,omitempty"`
	UncompletedJobs    int         `json:"uncompleted_jobs"`
	Models             []string    `json:"models,omitzero"` // image, text
	Forms              []string    `json:"forms,omitzero"`  // interrogation
	Team               TeamName    `json:"team"`
	Contact            *string     `json:"contact,omitempty"` // of the owner
	BridgeAgent        string      `json:"bridge_agent"`
	MaxPixels          *int        `json:"max_pixels,omitempty"`
	MegapixelstepsDone *Float      `json:"megapixelsteps_generated,omitempty"`
	Img2Img            *bool       `json:"img2img,omitempty"`
	Painting           *bool       `json:"painting,omitempty"`
	PostProcessing     *bool       `json:"post-processing,omitempty"`
	Lora               *bool       `json:"lora,omitempty"`
	Controlnet         *bool       `json:"controlnet,omitempty"`
	SDXLControlnet     *bool       `json:"sdxl_controlnet,omitempty"`
	MaxLength          *int        `json:"max_length,omitempty"`
	MaxContextLength   *int        `json:"max_context_length,omitempty"`
	Messages           []Message   `json:"messages,omitzero"` // to this worker alone
	Type               string      `json:"type"`              // image, text, interrogation
	Name               string      `json:"name"`
	ID                 string      `json:"id"`
	Online             bool        `json:"online"`
}

// WorkerFailures is the answer of GET /api/ext/v1/workers/{worker_id}/failures: how
// the worker's last jobs went.
type WorkerFailures struct {
	InARow      int     `json:"failures_in_a_row"`      // pops of which jobs failed, since the last delivery; counted to 5
	PausedUntil *string `json:"paused_until,omitempty"` // RFC 3339; absent when the worker gets jobs
	Message     *string `json:"message,omitempty"`      // what its pops are told then
}

// WorkerKudos says what a worker earned its kudos with; null when nothing.
type WorkerKudos struct {
	Generated *Float `json:"generated"`
	Uptime    *int64 `json:"uptime"`
}

// TeamName names a team; both are null for none.
type TeamName struct {
	Name *string `json:"name"`
	ID   *string `json:"id"`
}

// ModifyWorker is the body of PUT /workers/{id}. Absent members change nothing;
// MaintenanceMsg counts only together with Maintenance true.
type ModifyWorker struct {
	Maintenance    *bool   `json:"maintenance,omitempty"`
	MaintenanceMsg *string `json:"maintenance_msg,omitempty"`
	Paused         *bool   `json:"paused,omitempty"`
	Info           *string `json:"info,omitempty"`
	Name           *string `json:"name,omitempty"`
	Team           *string `json:"team,omitempty"` // id; "" leaves the team
}

// ModifiedWorker is the answer of PUT /workers/{id}: the new values of what
// changed.
type ModifiedWorker struct {
	Maintenance *bool   `json:"maintenance,omitempty"`
	Paused      *bool   `json:"paused,omitempty"`
	Info        *string `json:"info,omitempty"`
	Name        *string `json:"name,omitempty"`
	Team        *string `json:"team,omitempty"` // name; "None" for none
}

// DeletedWorker is the answer of DELETE /workers/{id}.
type DeletedWorker struct {
	ID   string `json:"deleted_id"`
	Name string `json:"deleted_name"`
}
