package content

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"horde/api"
)

// markdown renders the common dialect, with tables. Raw HTML is left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

// policy lets text, lists, tables, links and images through. Links to other sites
// do not tell them where they were followed.
var policy = func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowAttrs("id").Globally()
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}()

// render makes both formats of a document from the one it is written in. An error is
// the document's own: it is nested too deeply.
func render(format, source string) (Page, error) {
	if format == api.HTML {
		clean := strings.TrimSpace(policy.Sanitize(source))
		md, err := toMarkdown(clean)
		return Page{HTML: clean, Markdown: md}, err
	}

	doc := markdown.Parser().Parse(text.NewReader([]byte(source)))
	var html bytes.Buffer
	if err := markdown.Renderer().Render(&html, []byte(source), doc); err != nil {
		return Page{}, fmt.Errorf("write Markdown as HTML: %w", err)
	}
	page := Page{HTML: strings.TrimSpace(policy.Sanitize(html.String())), Markdown: source}

	// Whoever shows the Markdown may let raw HTML through.
	if hasHTML(doc) {
		md, err := toMarkdown(page.HTML)
		page.Markdown = md
		return page, err
	}
	return page, nil
}

// hasHTML reports whether Markdown holds raw HTML, or links that are not addresses.
func hasHTML(doc ast.Node) (found bool) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.RawHTML, *ast.HTMLBlock:
			found = true
		case *ast.Link:
			found = found || !safeLink(n.Destination)
		case *ast.Image:
			found = found || !safeLink(n.Destination)
		}

		if found {
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found
}

// safeLink reports whether a destination is relative, or an address of the web or of
// a mailbox.
func safeLink(destination []byte) bool {
	scheme, _, absolute := strings.Cut(string(destination), ":")
	if !absolute || strings.ContainsAny(scheme, "/?#") {
		return true
	}

	switch strings.ToLower(scheme) {
	case "http", "https", "mailto":
		return true
	}
	return false
}

func toMarkdown(html string) (string, error) {
	c := converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(), table.NewTablePlugin()))
	md, err := c.ConvertString(html)
	if err != nil {
		return "", fmt.Errorf("write HTML as Markdown: %w", err)
	}
	return md, nil
}
