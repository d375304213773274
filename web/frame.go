package web

import (
	_ "embed" // frame.html
	"fmt"
	"path"
	"slices"
	"strings"
)

// StylePath is where a [Site] serves the style of pages that the server writes
// itself.
const StylePath = "/plain.css"

// FramePolicy is the Content-Security-Policy of those pages: all that they use
// comes from the binary.
const FramePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// DocumentPolicy is that of pages that the operator has written: their images may
// come from elsewhere, as the logos of sponsors do. They run nothing.
const DocumentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src 'self' data: https:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

// FrameHTML defines the templates "head" and "foot", between which a page of the
// server's own puts its content. Both take a value that embeds a [Frame].
//
//go:embed frame.html
var FrameHTML string

// Frame is what stands around the content of a page of the server's own.
type Frame struct {
	Site       string // title of the horde
	Page       string // what this page is, as the window's title says it
	Version    string // of this program
	Repository string // URL of its source code
	Whole      bool   // the content takes the whole width of the window
}

// fontsOfPlain are the families of tokens.css, and what their files begin with.
var fontsOfPlain = []struct{ family, prefix, weight, style string }{
	{"Hanken Grotesk", "/assets/hanken-grotesk-", "100 900", "normal"},
	{"Newsreader", "/assets/newsreader-", "200 800", "italic"},
}

// plainStyle is the page's own style, and what pages without a script have
// beyond it. Where the page was never built its fonts are missing, and the
// system's take their place.
func (s *Site) plainStyle() []byte {
	var css strings.Builder
	for _, font := range fontsOfPlain {
		for _, url := range s.named(font.prefix, ".woff2") {
			fmt.Fprintf(&css, "@font-face { font-family: '%s'; src: url('%s') format('woff2'); "+
				"font-weight: %s; font-style: %s; font-display: swap; }\n",
				font.family, url, font.weight, font.style)
		}
	}
	for _, name := range []string{"tokens", "base", "frame", "plain"} {
		css.Write(source("src/styles/" + name + ".css"))
	}
	return []byte(css.String())
}

// named are the paths of files with a prefix and an extension, in order.
func (s *Site) named(prefix, ext string) (urls []string) {
	for url := range s.files {
		if strings.HasPrefix(url, prefix) && path.Ext(url) == ext {
			urls = append(urls, url)
		}
	}
	slices.Sort(urls)
	return urls
}
