package content

import (
	"bytes"
	"fmt"
	"strings"

	htmltomarkdown "github.com/JohannesKaufmann/html-to-markdown/v2"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"horde/api"
)

// markdown renders the common dialect, with tables. Raw HTML in it is left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

// policy lets text, lists, tables, links and images through. Links to other sites
// tell those nothing of where they were followed.
var policy = func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowAttrs("id").Globally()
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}()

// render makes both formats of a document from the one it is written in.
func render(format, text string) (Page, error) {
	if format == api.HTML {
		clean := policy.Sanitize(text)
		md, err := htmltomarkdown.ConvertString(clean)
		if err != nil {
			return Page{}, fmt.Errorf("write HTML as Markdown: %w", err)
		}
		return Page{HTML: strings.TrimSpace(clean), Markdown: md}, nil
	}

	var html bytes.Buffer
	if err := markdown.Convert([]byte(text), &html); err != nil {
		return Page{}, fmt.Errorf("write Markdown as HTML: %w", err)
	}
	return Page{HTML: strings.TrimSpace(policy.Sanitize(html.String())), Markdown: text}, nil
}
