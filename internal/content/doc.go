// Package content keeps the documents of a horde: its terms, its privacy notice and
// its sponsors (platform §3.11).
//
// A document is the operator's file if one is configured, else what an
// administrator put into the database, else a default. Each is available as HTML and
// as Markdown, whichever of them it was written in. HTML is always sanitised:
// neither scripts nor styles nor frames get through.
package content
