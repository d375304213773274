package api

// AnonymousKey is the API key that anybody may use.
const AnonymousKey = "0000000000"

// Heartbeat is the answer of GET /status/heartbeat.
type Heartbeat struct {
	Message      string `json:"message"` // OK, DOWN, OVERLOADED
	Version      string `json:"version"`
	Queue        int    `json:"queue"`
	Threads      int    `json:"threads"`
	ActiveCount  int    `json:"active_count"`
	DBConnection bool   `json:"db_connection"`
}

// ActiveModel is one entry of GET /status/models.
type ActiveModel struct {
	Name        string `json:"name"`
	Count       int    `json:"count"`       // threads that serve it
	Performance Float  `json:"performance"` // pixelsteps or tokens per second
	Queued      Float  `json:"queued"`      // pixelsteps or tokens
	Jobs        Float  `json:"jobs"`
	ETA         int    `json:"eta"` // seconds
	Type        string `json:"type"`
}

// Performance is the answer of GET /status/performance.
type Performance struct {
	QueuedRequests           int   `json:"queued_requests"`
	QueuedTextRequests       int   `json:"queued_text_requests"`
	WorkerCount              int   `json:"worker_count"`
	TextWorkerCount          int   `json:"text_worker_count"`
	ThreadCount              int   `json:"thread_count"`
	TextThreadCount          int   `json:"text_thread_count"`
	QueuedMegapixelsteps     Float `json:"queued_megapixelsteps"`
	PastMinuteMegapixelsteps Float `json:"past_minute_megapixelsteps"`
	QueuedForms              Float `json:"queued_forms"`
	InterrogatorCount        int   `json:"interrogator_count"`
	InterrogatorThreadCount  int   `json:"interrogator_thread_count"`
	QueuedTokens             Float `json:"queued_tokens"`
	PastMinuteTokens         Float `json:"past_minute_tokens"`
}

// TestUserRequest is the body of POST /dev/test-user (platform §8.6);
// nil fields take the defaults named there.
type TestUserRequest struct {
	Username  *string `json:"username,omitempty"`
	OAuthID   *string `json:"oauth_id,omitempty"`
	Moderator *bool   `json:"moderator,omitempty"`
	Trusted   *bool   `json:"trusted,omitempty"`
	Kudos     *int64  `json:"kudos,omitempty"`
}

// TestUser is the account that POST /dev/test-user made or renewed.
type TestUser struct {
	APIKey    string `json:"api_key"`
	UserID    string `json:"user_id"`
	Username  string `json:"username"`
	Alias     string `json:"alias"`
	Kudos     int64  `json:"kudos"`
	Trusted   bool   `json:"trusted"`
	Moderator bool   `json:"moderator"`
	Created   bool   `json:"created"`
}
