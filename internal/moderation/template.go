package moderation

import (
	"fmt"
	"strconv"
	"strings"
)

// maxReplacement is the length limit of a replacement, in characters
// (generation §7.1).
const maxReplacement = 255

// template is what replaces a match, in the syntax of Python: \1 and
// \g<name> stand for groups.
type template []piece

// piece is literal text, or a group if of is set.
type piece struct {
	text string
	of   *group
}

// group identifies a group of a pattern by its name, or else its number.
type group struct {
	name   string
	number int
}

func (g group) String() string {
	if g.name != "" {
		return g.name
	}
	return strconv.Itoa(g.number)
}

var plainEscapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'f': "\f", 'v': "\v", 'a': "\a", '\\': `\`}

// parseTemplate reads a replacement for a pattern.
func parseTemplate(text string, p *pattern) (template, error) {
	if n := len([]rune(text)); n > maxReplacement {
		return nil, fmt.Errorf("the replacement has %d characters; the most is %d", n, maxReplacement)
	}

	var t template
	for text != "" {
		before, after, escaped := strings.Cut(text, `\`)
		if before != "" {
			t = append(t, piece{text: before})
		}
		if !escaped {
			break
		}

		next, rest, err := templateEscape(after)
		if err != nil {
			return nil, err
		}

		if next.of != nil && !p.has(*next.of) {
			return nil, fmt.Errorf("the replacement names the group %s, which the pattern does not have", next.of)
		}

		t, text = append(t, next), rest
	}
	return t, nil
}

// templateEscape reads what follows a backslash.
func templateEscape(text string) (piece, string, error) {
	if text == "" {
		return piece{}, "", fmt.Errorf("the replacement ends in a backslash")
	}
	if plain, ok := plainEscapes[text[0]]; ok {
		return piece{text: plain}, text[1:], nil
	}

	if name, rest, ok := strings.Cut(strings.TrimPrefix(text, "g<"), ">"); ok && strings.HasPrefix(text, "g<") {
		if number, err := strconv.Atoi(name); err == nil && number >= 0 {
			return piece{of: &group{number: number}}, rest, nil
		}
		if name != "" {
			return piece{of: &group{name: name}}, rest, nil
		}
	}

	if text[0] >= '1' && text[0] <= '9' {
		n := 1
		if len(text) > 1 && text[1] >= '0' && text[1] <= '9' {
			n = 2
		}
		number, _ := strconv.Atoi(text[:n])
		return piece{of: &group{number: number}}, text[n:], nil
	}

	if c := text[0] | 0x20; c >= 'a' && c <= 'z' || text[0] == '0' {
		return piece{}, "", fmt.Errorf(`the replacement has the unknown escape \%c`, text[0])
	}
	return piece{text: `\`}, text, nil
}

// expand fills in the template; value returns what a group matched.
func (tm template) expand(value func(group) string) string {
	if len(tm) == 1 && tm[0].of == nil {
		return tm[0].text
	}
	var b strings.Builder
	for _, p := range tm {
		if p.of != nil {
			b.WriteString(value(*p.of))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}
