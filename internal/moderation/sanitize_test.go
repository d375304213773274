package moderation

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

func TestAllowedElementsStay(t *testing.T) {
	for text, want := range map[string]string{
		"my first worker":                         "my first worker",
		"<b>bold</b> <script>alert(1)</script> &": "<b>bold</b> &lt;script&gt;alert(1)&lt;/script&gt; &amp;",
		"  a\x00b \n":                             "ab",
		"1 < 2 > 0":                               "1 &lt; 2 &gt; 0",
		"&amp; stays":                             "&amp; stays",
		"<B>loud":                                 "<b>loud</b>",
		"<i><b>x</i>y":                            "<i><b>x</b></i>y",
		"</b>x":                                   "x",
		`<a href="https://x.org" onclick="y">z</a>`:     `<a href="https://x.org">z</a>`,
		`<a href="javascript:alert(1)" title="t">z</a>`: `<a title="t">z</a>`,
		`<img src=x onerror=alert(1)>`:                  "&lt;img src=x onerror=alert(1)&gt;",
		`<style><b>x`:                                   "&lt;style&gt;<b>x</b>",
		"a <!-- c --> b":                                "a  b",
		"<b":                                            "&lt;b",
		"\xff\xfe":                                      "",
		"🐈":                                             "🐈",
	} {
		t.Run(text, func(t *testing.T) {
			if got := Sanitize(text); got != want {
				t.Errorf("Sanitize(%q) = %q, want %q", text, got, want)
			}
		})
	}
}

// Nothing but the allowed elements and attributes comes out, and a second time
// changes nothing.
func TestNothingElseComesOut(t *testing.T) {
	pieces := []string{"<", ">", "</", "/>", "b", "a", "script", "style", "textarea", "title", " href=", `"`, "'",
		"javascript:", "https://x", "&lt;", "&", "<!--", "-->", " ", "x", "\x00", "<b>", "</b>", "<plaintext>", "<![CDATA["}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "pieces"), "")
		clean := Sanitize(text)

		z := html.NewTokenizer(strings.NewReader(clean))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			switch tok.Type {
			case html.TextToken:
			case html.StartTagToken, html.EndTagToken:
				attributes, ok := allowedTags[tok.Data]
				if !ok {
					t.Fatalf("%q became %q with <%s>", text, clean, tok.Data)
				}
				for _, a := range tok.Attr {
					if a.Key == "href" && !webAddress(a.Val) || len(attributes) == 0 {
						t.Fatalf("%q became %q with %s", text, clean, a.Key)
					}
				}

			default:
				t.Fatalf("%q became %q with a %v", text, clean, tok.Type)
			}
		}

		if again := Sanitize(clean); again != clean {
			t.Fatalf("%q became %q, then %q", text, clean, again)
		}
	})
}
