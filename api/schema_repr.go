package api

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxRepr bounds how much of a caller's own value an error message repeats.
const maxRepr = 200

// pyRepr writes a JSON value as Python would, which is what the messages of the
// original show: None, True, 'text', 1e+16. At most maxRepr bytes and an
// ellipsis.
func pyRepr(v any) string { return pyReprMax(v, maxRepr) }

func pyReprMax(v any, limit int) string {
	w := reprWriter{limit: limit}
	w.value(v)
	if w.b.Len() > limit {
		return strings.ToValidUTF8(w.b.String()[:limit], "") + "…"
	}
	return w.b.String()
}

func pyReprList(values []string) string {
	items := make([]any, len(values))
	for i, v := range values {
		items[i] = v
	}
	return pyReprMax(items, 4*maxRepr)
}

// reprWriter stops soon after its limit, so that a message about a large value
// costs no more than one about a small value.
type reprWriter struct {
	b     strings.Builder
	limit int
}

func (w *reprWriter) full() bool { return w.b.Len() > w.limit }

func (w *reprWriter) value(v any) {
	switch v := v.(type) {
	case nil:
		w.b.WriteString("None")
	case bool:
		if v {
			w.b.WriteString("True")
		} else {
			w.b.WriteString("False")
		}
	case string:
		w.text(v)
	case int64:
		w.b.WriteString(strconv.FormatInt(v, 10))
	case int:
		w.b.WriteString(strconv.Itoa(v))
	case json.Number:
		w.b.WriteString(string(v[:min(len(v), maxRepr+1)]))
	case float64:
		w.b.WriteString(pyFloat(v))
	case []any:
		w.array(v)
	case map[string]any:
		w.object(v)
	}
}

func (w *reprWriter) array(items []any) {
	w.b.WriteByte('[')
	for i, item := range items {
		if w.full() {
			return
		}
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.value(item)
	}
	w.b.WriteByte(']')
}

func (w *reprWriter) object(members map[string]any) {
	w.b.WriteByte('{')
	keys := slices.Collect(maps.Keys(members))
	if len(keys) <= maxRepr || w.limit > maxRepr {
		slices.Sort(keys)
	}

	for i, key := range keys {
		if w.full() {
			return
		}
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.text(key)
		w.b.WriteString(": ")
		w.value(members[key])
	}
	w.b.WriteByte('}')
}

func (w *reprWriter) text(s string) {
	quote := byte('\'')
	if shown := s[:min(len(s), maxRepr)]; strings.Contains(shown, "'") && !strings.Contains(shown, `"`) {
		quote = '"'
	}

	w.b.WriteByte(quote)
	for _, r := range s {
		if w.full() {
			return
		}

		switch {
		case r == '\\' || r == rune(quote):
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r == '\n':
			w.b.WriteString(`\n`)
		case r == '\r':
			w.b.WriteString(`\r`)
		case r == '\t':
			w.b.WriteString(`\t`)
		case unicode.IsPrint(r):
			w.b.WriteRune(r)
		default:
			w.escape(r)
		}
	}
	w.b.WriteByte(quote)
}

func (w *reprWriter) escape(r rune) {
	prefix, width := `\x`, 2
	if r > 0xffff {
		prefix, width = `\U`, 8
	} else if r > 0xff {
		prefix, width = `\u`, 4
	}
	hex := strconv.FormatInt(int64(r), 16)
	w.b.WriteString(prefix + strings.Repeat("0", max(0, width-len(hex))) + hex)
}

// pyFloat is the shortest text that Python reads back as f.
func pyFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}

	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
