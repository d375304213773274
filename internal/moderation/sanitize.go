package moderation

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// allowedTags are the elements that Sanitize keeps, with their attributes.
var allowedTags = map[string][]string{
	"a": {"href", "title"}, "abbr": {"title"}, "acronym": {"title"}, "b": nil, "blockquote": nil, "code": nil,
	"em": nil, "i": nil, "li": nil, "ol": nil, "strong": nil, "ul": nil,
}

var (
	escapeText      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	escapeAttribute = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
)

// Sanitize makes text that a stranger wrote safe for pages that show it:
// a few plain elements stay (b, i, code, a with a web address …) and are closed
// if their writer forgot to, all other markup is escaped, NUL and broken UTF-8
// are removed, the ends are trimmed (platform §7.9).
func Sanitize(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if !strings.ContainsAny(text, "<>&") {
		return strings.TrimSpace(text)
	}

	var out strings.Builder
	var open []string
	z := html.NewTokenizer(strings.NewReader(text))

	// Keep allowed tags, escape the others, and remember what is open.
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		z.NextIsNotRawText()                  // markup inside <script> and its like is examined too
		raw := strings.Clone(string(z.Raw())) // Token overwrites it
		switch t := z.Token(); kind {
		case html.TextToken:
			out.WriteString(escapeText.Replace(t.Data))
		case html.CommentToken:
		case html.StartTagToken, html.SelfClosingTagToken:
			attributes, ok := allowedTags[t.Data]
			if !ok {
				out.WriteString(escapeText.Replace(raw))
				break
			}
			writeTag(&out, t, attributes)
			open = append(open, t.Data)
		case html.EndTagToken:
			if _, ok := allowedTags[t.Data]; !ok {
				out.WriteString(escapeText.Replace(raw))
				break
			}
			if i := lastIndex(open, t.Data); i >= 0 {
				closeTags(&out, open[i:])
				open = open[:i]
			}
		default:
			out.WriteString(escapeText.Replace(raw))
		}
	}

	out.WriteString(escapeText.Replace(string(z.Raw()))) // a tag that never ends
	closeTags(&out, open)
	return strings.TrimSpace(out.String())
}

func writeTag(out *strings.Builder, t html.Token, attributes []string) {
	out.WriteString("<" + t.Data)
	for _, a := range t.Attr {
		if slices.Contains(attributes, a.Key) && (a.Key != "href" || webAddress(a.Val)) {
			out.WriteString(" " + a.Key + `="` + escapeAttribute.Replace(a.Val) + `"`)
		}
	}
	out.WriteString(">")
}

// webAddress reports whether a link leads to the web or a mailbox, not into a
// script.
func webAddress(link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	return u.Scheme == "" && u.Opaque == "" || u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto"
}

// closeTags writes the end tags of open elements, innermost first.
func closeTags(out *strings.Builder, open []string) {
	for _, name := range slices.Backward(open) {
		out.WriteString("</" + name + ">")
	}
}

func lastIndex(list []string, v string) int {
	for i, x := range slices.Backward(list) {
		if x == v {
			return i
		}
	}
	return -1
}
