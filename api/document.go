package api

import "time"

// Formats of documents.
const (
	HTML     = "html"
	Markdown = "markdown"
)

// HordeDocument is the answer of GET /documents/{name} (platform §3.11):
// one of its members, by the requested format.
type HordeDocument struct {
	HTML     *string `json:"html,omitempty"`
	Markdown *string `json:"markdown,omitempty"`
}

// DocumentSource says where a document of the horde comes from: an entry of GET
// /api/ext/v1/documents.
type DocumentSource struct {
	Name    string     `json:"name"`           // terms, privacy, sponsors
	From    string     `json:"from"`           // file, database, default
	Path    string     `json:"path,omitempty"` // of the file
	Format  string     `json:"format"`         // that it is written in: html, markdown
	Bytes   int        `json:"bytes"`
	Changed *time.Time `json:"changed,omitempty"` // not known of a default
}

// DocumentInput is the body of PUT /api/ext/v1/documents/{name}: one of its members.
type DocumentInput struct {
	HTML     *string `json:"html,omitempty"`
	Markdown *string `json:"markdown,omitempty"`
}
