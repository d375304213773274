package api

// Webhooks is the answer of GET /api/ext/v1/webhooks: a page of the webhooks of an
// account that wait or were given up, newest first, and how many there are. Next, sent
// back as the query parameter before, asks for the page of older ones; it is absent on
// the last.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
	Pending  int       `json:"pending"`
	Failed   int       `json:"failed"`
	Dead     int       `json:"dead"`
	Next     string    `json:"next,omitempty"`

	// SecretSince is since when they are signed with the same secret, RFC 3339; absent
	// where they are not signed.
	SecretSince string `json:"secret_since,omitempty"`
}

// Webhook is a call that is to be made, or was given up.
type Webhook struct {
	ID       string `json:"id"`      // of the job or form that it tells of, and the header webhook-id
	Request  string `json:"request"` // that it belongs to
	Type     string `json:"type"`    // image, text or form
	URL      string `json:"url"`
	State    string `json:"state"`    // pending, failed (to be tried again) or dead (given up)
	Attempts int    `json:"attempts"` // that were begun
	Created  string `json:"created"`  // RFC 3339, as all times
	Next     string `json:"next,omitempty"`
	Error    string `json:"error,omitempty"` // of the last attempt
}

// WebhookSecret is the answer of POST /api/ext/v1/webhooks/secret: what webhooks of the
// account are signed with from now on. It is shown once.
type WebhookSecret struct {
	Secret string `json:"secret"` // whsec_…, for the libraries of Standard Webhooks
}
