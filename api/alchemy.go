package api

import "encoding/json"

// AlchemyRequest is the body of POST /interrogate/async
// (generation §3.1): forms to be run on one image. TrustedWorkers is read beside
// the schema, as the original does.
type AlchemyRequest struct {
	Forms          []AlchemyForm `json:"forms,omitempty"`
	SourceImage    string        `json:"source_image"` // base64 or URL
	SlowWorkers    *bool         `json:"slow_workers,omitempty"`
	TrustedWorkers *bool         `json:"trusted_workers,omitempty"`
	Webhook        string        `json:"webhook,omitempty"`
}

// AlchemyForm is one thing to do with the image. Payload holds free settings for the
// worker; values that are not strings reach it as strings.
type AlchemyForm struct {
	Name    string            `json:"name"`
	Payload map[string]string `json:"payload,omitempty"`
}

// AlchemyAccepted is the 202 answer to an AlchemyRequest.
type AlchemyAccepted struct {
	ID      string `json:"id"`
	Message string `json:"message,omitempty"`
}

// AlchemyStatus is the answer of GET and DELETE /interrogate/status/{id} (generation §3.2).
// State is faulted, done, processing, waiting or partial.
type AlchemyStatus struct {
	State string              `json:"state"`
	Forms []AlchemyFormStatus `json:"forms"`
}

// AlchemyFormStatus is how far one form is: State is waiting, processing, done,
// cancelled or faulted. Result is what the worker sent, usually an object with
// the form's name as its only member; nil while there is none.
type AlchemyFormStatus struct {
	Form   string          `json:"form"`
	State  string          `json:"state"`
	Result json.RawMessage `json:"result,omitempty"`
}

// AlchemyPop is the body of POST /interrogate/pop (generation §3.3).
type AlchemyPop struct {
	Name              string   `json:"name"`
	PriorityUsernames []string `json:"priority_usernames,omitempty"`
	Forms             []string `json:"forms,omitempty"`
	Amount            *int     `json:"amount,omitempty"`
	BridgeAgent       string   `json:"bridge_agent,omitempty"`
	Threads           *int     `json:"threads,omitempty"`
	MaxTiles          *int     `json:"max_tiles,omitempty"` // 512×512 pixels each
}

// AlchemyJob is the answer of POST /interrogate/pop: Forms is nil when nothing
// was found, and Skipped says why.
type AlchemyJob struct {
	Forms   []AlchemyTask  `json:"forms"`
	Skipped map[string]int `json:"skipped"`
}

// AlchemyTask is one form that a worker has three minutes for. R2Upload is the
// link to put the image to, of forms that make one; the result then is
// {"<form>": "R2"}.
type AlchemyTask struct {
	ID          string            `json:"id"`
	Form        string            `json:"form"`
	Payload     map[string]string `json:"payload,omitempty"`
	SourceImage string            `json:"source_image"` // URL
	R2Upload    string            `json:"r2_upload,omitempty"`
}

// AlchemySubmit is the body of POST /interrogate/submit (generation §3.4). Result is an
// object, an empty one with the state "faulted".
type AlchemySubmit struct {
	ID     string         `json:"id"`
	Result map[string]any `json:"result"`
	State  string         `json:"state,omitempty"` // ok, faulted
}

// AlchemySubmitSchema describes the body for the document; its members are read
// one by one, as the original does.
var AlchemySubmitSchema = &Schema{Type: Object, Properties: []Property{
	optional("id", text("")), optional("result", text("")), optional("state", text("")),
}}
