package server

import (
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"horde/internal/horde"
)

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// Wildcards returns the names of a pattern's parameters.
func Wildcards(pattern string) []string {
	var names []string
	for _, m := range wildcard.FindAllStringSubmatch(pattern, -1) {
		names = append(names, m[1])
	}
	return names
}

// sanitizePath puts U+FFFD for what no database takes as text, in the parameters of
// the path and in the query: broken UTF-8 and NUL. Nothing has such a name, so
// handlers answer that it was not found. Ids in capitals become the ids that are
// kept (horde.PlainID).
func sanitizePath(r *http.Request, names []string) {
	text := isText(r.URL.Path)
	for _, name := range names {
		switch v := r.PathValue(name); {
		case !text:
			r.SetPathValue(name, sanitize(v))
		case strings.HasSuffix(name, "id") && v != strings.ToLower(v):
			r.SetPathValue(name, horde.PlainID(v))
		}
	}

	if !strings.Contains(r.URL.RawQuery, "%") && isText(r.URL.RawQuery) {
		return
	}

	query, broken := r.URL.Query(), false
	for _, values := range query {
		for i, v := range values {
			if !isText(v) {
				values[i], broken = sanitize(v), true
			}
		}
	}

	if broken {
		u := *r.URL
		u.RawQuery = query.Encode()
		r.URL = &u
	}
}

// isText reports whether s is UTF-8 without NUL.
func isText(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// sanitize puts U+FFFD for broken UTF-8 and for NUL.
func sanitize(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
