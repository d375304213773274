// Package content keeps the documents of a horde: its terms, its privacy notice and
// its sponsors (platform §3.11).
//
// A document is a file of the operator's where one is configured, else what an
// administrator put into the database, else a default. Each can be had as HTML and
// as Markdown, whichever of them it was written in. HTML is always sanitised:
// neither scripts nor styles nor frames get through.
package content
