package moderation

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Patterns in Python's syntax, with what they find in a text that has been
// normalized. slow says which engine runs them.
func TestPatternsFindWhatPythonFinds(t *testing.T) {
	for _, c := range []struct {
		pattern, text, want string
		slow                bool
	}{
		{"ac.*", "black cat", "ack cat", false},
		{"forbidden|word", "a WORD", "WORD", false},
		{`\bloli\b`, "a Loli here", "Loli", false},
		{`(?P<age>\d+) ?(?:years?|yo)`, "12 years old", "12 years", false},
		{`[[:digit:]]{,2}x`, "123x", "23x", false},
		{`x{,}y`, "xxy", "xxy", false},
		{`a{b}`, "a{b}", "a{b}", false},
		{`[{]x[]}]`, "{x]", "{x]", false},
		{`\u0061\U00000062`, "ab", "ab", false},
		{`end\Z`, "the end", "end", false},
		{`(?s)a.c`, "abc", "abc", false},
		{`(?<!not )young`, "not young", "", true},
		{`(?<!not )young`, "very young", "young", true},
		{`girl(?!friend)`, "girlfriend girls", "girl", true},
		{`(?<=small )cat`, "small cat", "cat", true},
		{`(\w)\1\1`, "hmmm", "mmm", true},
		{`(?P<c>\w)(?P=c)`, "book", "oo", true},
		{`(?P<c>\w)\g<c>`, "book", "oo", true},
		{`x*+y`, "xxy", "xxy", true},
		{`(?>ab|a)c`, "abc", "abc", true},
		{`a++a`, "aaa", "", true},
		{`\mcat\M`, "concat a CAT", "CAT", true},
		{`(?x) c a t  # an animal`, "a cat", "cat", true},
		{`(a)?b(?(1)c|d)`, "abd", "bd", true},
		{`a{0,2000}b`, "aaab", "aaab", true}, // more than Go's engine repeats
	} {
		t.Run(c.pattern, func(t *testing.T) {
			p, err := compile(c.pattern)
			if err != nil {
				t.Errorf("compile(%q): %v", c.pattern, err)
				return
			}

			if (p.slow != nil) != c.slow {
				t.Errorf("%q: run one by one %v, want %v", c.pattern, p.slow != nil, c.slow)
			}

			f, ok, err := p.find(c.text)
			if f.text != c.want || ok != (c.want != "") || err != nil || ok && !strings.HasPrefix(c.text[f.at:], f.text) {
				t.Errorf("%q in %q: %+v %v %v, want %q", c.pattern, c.text, f, ok, err, c.want)
			}
		})
	}
}

func TestPatternsThatCannotWorkAreRefused(t *testing.T) {
	for pattern, why := range map[string]string{
		"":                          "empty",
		"x*":                        "matches an empty text",
		"a|":                        "matches an empty text",
		"(?<!a)":                    "matches an empty text",
		"(":                         "cannot be understood",
		"a)|(b":                     "cannot be understood",
		"[a":                        "cannot be understood",
		`(?P<x>a)(?P<`:              "cannot be understood",
		"a**":                       "cannot be understood",
		`a\`:                        "ends in a backslash",
		`\hello`:                    `\h is not supported`,
		`[\Z]`:                      `\Z is not supported`,
		`\L<words>`:                 `\L is not supported`,
		`\u12`:                      "hexadecimal",
		`\U00110000`:                "hexadecimal",
		"(?:colour){e<=1}":          "approximate",
		"(?:colour){i<=1,s<=2}":     "approximate",
		"(?:colour){1<=e<=3}":       "approximate",
		"(?|(a)|(b))":               "cannot be understood",
		"a\xff":                     "UTF-8",
		strings.Repeat("a", 16_001): "16001 bytes",
		strings.Repeat("(", 201) + "a" + strings.Repeat(")", 201): "nested groups",
	} {
		t.Run(fmt.Sprintf("%.40s", pattern), func(t *testing.T) {
			if p, err := compile(pattern); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("compile(%.40q) = %v, %v; want an error with %q", pattern, p, err, why)
			}
		})
	}
}

// Whatever a moderator writes, no prompt waits for long: patterns that backtrack
// are stopped, the others take time in proportion to their size and the text.
func TestNoPatternHoldsAPromptUp(t *testing.T) {
	text := strings.Repeat("a", 3000) + "!" + strings.Repeat("ab ", 30_000)
	for _, pattern := range []string{
		`(?=x?)(a+)+\d`, `(a*)*\1b\d`, `(?:a|a|ab)+\d(?!x)`, `(.*.*.*.*.*)=\1`, `((a{0,1000}){0,1000}){0,1000}(?!x)\d`,
		`(\w{0,500}){0,3}\d\d`,
		`(a+)+$`, strings.Repeat("(?:a?b?)", 500) + `\d`, `(?:.*a){1000}\d`,
	} {
		t.Run(fmt.Sprintf("%.40s", pattern), func(t *testing.T) {
			p, err := compile(pattern)
			if err != nil {
				t.Errorf("compile(%.40q): %v", pattern, err)
				return
			}
			looked := text
			if p.fast != nil {
				looked = text[:min(len(text), 1_000_000/p.size)] // a hundredth of the work that is allowed
			}
			begun := time.Now()
			_, _, _ = p.find(looked)
			_, _ = p.replace(looked, template{{text: "long"}})
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("%.40q took %v", pattern, took)
			}
		})
	}
}

// A large program looks at as much of a text as the bound allows, and does not
// rewrite more.
func TestWorkIsBounded(t *testing.T) {
	p, err := compile("a")
	if err != nil {
		t.Fatal(err)
	}
	p.size = maxWork / 10
	for text, want := range map[string]bool{"123456789a": true, "1234567890a": false} {
		if _, ok, err := p.find(text); ok != want || err != nil {
			t.Errorf("find in %q: %v %v", text, ok, err)
		}
		if _, err := p.replace(text, nil); (err == nil) != want {
			t.Errorf("replace in %q: %v", text, err)
		}
	}
}

func TestTemplatesReplaceAsPythonDoes(t *testing.T) {
	for _, c := range []struct{ pattern, template, text, want, refused string }{
		{`cat`, `dog`, "a cat, a CAT", "a dog, a dog", ""},
		{`cat`, ``, "a cat", "a ", ""},
		{`(big|small) (cat)`, `\2 \1`, "a big cat", "a cat big", ""},
		{`(?P<size>big) cat`, `\g<size> \g<1> \g<0>`, "a big cat", "a big big big cat", ""},
		{`(?<!a )(?P<size>big) cat(s)?`, `\g<size>\2\g<0>`, "the big cat", "the bigbig cat", ""},
		{`(a)(b)?`, `[\1\2]`, "a ab", "[a] [ab]", ""},
		{`(a)(b)?(?!c)`, `[\1\2]`, "a ab", "[a] [ab]", ""},
		{`cat`, `$1 \\ \n\- {}`, "cat", "$1 \\ \n\\- {}", ""},
		{`cat`, `\1`, "", "", "the group 1"},
		{`cat(?!s)`, `\1`, "", "", "the group 1"},
		{`cat`, `\g<size>`, "", "", "the group size"},
		{`cat(?!s)`, `\g<size>`, "", "", "the group size"},
		{`cat`, `\q`, "", "", `\q`},
		{`cat`, `x\`, "", "", "backslash"},
		{`cat`, strings.Repeat("é", 256), "", "", "256 characters"},
		{`cat`, strings.Repeat("é", 255), "cat", strings.Repeat("é", 255), ""},
	} {
		t.Run(fmt.Sprintf("%s %.40s", c.pattern, c.template), func(t *testing.T) {
			p, err := compile(c.pattern)
			if err != nil {
				t.Fatal(err)
			}

			with, err := parseTemplate(c.template, p)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("parseTemplate(%.40q) for %q: %v, want an error with %q", c.template, c.pattern, err, c.refused)
				}
				return
			}
			if err != nil {
				t.Errorf("parseTemplate(%.40q) for %q: %v", c.template, c.pattern, err)
				return
			}

			if got, err := p.replace(c.text, with); got != c.want || err != nil {
				t.Errorf("%q in %q with %q: %q, %v; want %q", c.pattern, c.text, c.template, got, err, c.want)
			}
		})
	}
}

func TestReplaceIsBounded(t *testing.T) {
	for _, pattern := range []string{`a`, `a(?!b)`} {
		p, err := compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.replace(strings.Repeat("a", 10_000), template{{text: strings.Repeat("b", 255)}}); err == nil {
			t.Errorf("%q: 2.5 MB were made", pattern)
		}
	}
}

// A pattern either works or is refused; it never breaks the server, and never
// takes long.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`(a+)+$`, `(?<!x)y`, `[[:alpha:]-z]{,3}`, `\g<1>(a)`, `(?P<a>.)(?P=a)`, `x{e<=1}`,
		`(?x) a #`, `(?(1)a|b)`, `\p{L}++`, `[^]]`, `a{2}{3}`} {
		f.Add(s, "an aaaaa example text 12", `\1x`)
	}

	f.Fuzz(func(t *testing.T, pattern, text, replacement string) {
		begun := time.Now()
		p, err := compile(pattern)
		if err != nil {
			return
		}

		text = text[:min(len(text), 10_000)]
		found, ok, err := p.find(text)
		if err == nil && ok && utf8.ValidString(text) && !strings.HasPrefix(text[found.at:], found.text) {
			t.Errorf("%q in %q: found %+v", pattern, text, found)
		}

		if with, err := parseTemplate(replacement, p); err == nil {
			if out, err := p.replace(text, with); err == nil && len(out) > maxRewritten {
				t.Errorf("%d bytes were made of %d", len(out), len(text))
			}
		}

		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%q took %v", pattern, took)
		}

		if p.fast != nil {
			if _, err := syntax.Parse("(?:"+p.fast.String()+")|(?:"+p.fast.String()+")", syntax.Perl); err != nil &&
				!strings.Contains(pattern, "<") {
				t.Errorf("%q cannot be joined: %v", pattern, err)
			}
		}
	})
}
