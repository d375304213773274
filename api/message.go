package api

// NewMessage is the body of POST /workers/messages (platform §3.5).
type NewMessage struct {
	WorkerID string `json:"worker_id,omitempty"` // "": all workers; for moderators
	Message  string `json:"message"`             // 1 to 10240 characters
	Origin   string `json:"origin,omitempty"`    // who says so; for moderators
	Expiry   *int   `json:"expiry,omitempty"`    // hours, 1 to 720; nil: 12
}

// NewMessageSchema describes a NewMessage.
var NewMessageSchema = keyed(object("ResponseModelMessage",
	optional("worker_id",
		sized(36, 36, "Id of the worker; without it the message goes to all workers, which is for moderators.")),
	required("message", sized(1, 10240, "The message.")),
	optional("origin", sized(1, 255, "Who says so; for moderators.")),
	optional("expiry", integer("1", "720", "For how many hours it is shown.").standard(12)),
))

// Message is a message to a worker, or to all of them.
type Message struct {
	WorkerID string `json:"worker_id,omitempty"` // "": all workers
	UserID   string `json:"user_id"`             // number of who wrote it
	Created  string `json:"created"`             // YYYY-MM-DD hh:mm:ss.ffffff, UTC
	ID       string `json:"id"`
	Message  string `json:"message"`
	Origin   string `json:"origin"` // of owners: their number
	Expiry   string `json:"expiry"` // RFC 822
}

// AlchemyAnswer is what a pop of an alchemist gets: Messages, which the original's
// contract does not name here, only when there are any.
type AlchemyAnswer struct {
	*AlchemyJob
	Messages []WorkerMessage `json:"messages,omitempty"`
}
