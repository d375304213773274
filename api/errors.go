package api

// Error is the body of every unsuccessful answer. Errors is set only when
// a body or parameter failed validation: dotted path → what is wrong.
type Error struct {
	Message string            `json:"message"`
	RC      string            `json:"rc,omitempty"`
	Errors  map[string]string `json:"errors,omitempty"`

	Status     int `json:"-"` // HTTP status, filled in by the client
	RetryAfter int `json:"-"` // seconds, from Retry-After
}

func (e *Error) Error() string {
	if e.RC == "" {
		return e.Message
	}
	return e.RC + ": " + e.Message
}
