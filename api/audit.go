package api

// Audit is a page of what moderators and administrators did by their rights, the newest
// first: the answer of GET /api/ext/v1/audit.
type Audit struct {
	Actions []AuditedAction `json:"actions"`
	// Next is the "before" of the next page, "" on the last one.
	Next string `json:"next,omitempty"`
}

// AuditedAction is one thing that a moderator or administrator did.
type AuditedAction struct {
	ID     string `json:"id"`
	At     string `json:"at"` // RFC 3339
	By     string `json:"by"` // alias
	Action string `json:"action"`
	Target string `json:"target"` // what it was done to
	Detail string `json:"detail,omitempty"`
}

// RenewedKey is the answer of POST /api/ext/v1/users/{user_id}/key.
type RenewedKey struct {
	APIKey string `json:"api_key"` // shown once
}
