package moderation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxDepth is how deep groups may be nested.
const maxDepth = 200

// letterEscapes are the letter escapes that mean the same here as in
// Python. Others are translated or refused: an engine might take them for the
// letter itself and match something that the author did not mean.
const letterEscapes = "AbBdDsSwWafnrtvxpP"

// fromPython translates a pattern from the syntax of Python's module regex where ours
// differs, and refuses what would silently mean something else.
func fromPython(text string) (string, error) {
	t := &translation{rest: text}
	for t.rest != "" && t.err == nil {
		t.step()
	}
	return t.out.String(), t.err
}

// translation is a pattern being translated.
type translation struct {
	rest  string
	out   strings.Builder
	class bool // inside of […]
	fresh bool // at the first character of a class
	depth int
	err   error
}

// take copies n bytes unchanged.
func (t *translation) take(n int) {
	t.out.WriteString(t.rest[:n])
	t.rest = t.rest[n:]
}

// refuse ends the translation with an error.
func (t *translation) refuse(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// step translates the next token.
func (t *translation) step() {
	c := t.rest[0]
	switch {
	case c == '\\':
		t.fresh = false
		t.escape()
	case t.class:
		t.inClass(c)
	case c == '[':
		t.take(1)
		t.class, t.fresh = true, true
		if strings.HasPrefix(t.rest, "^") {
			t.take(1)
		}
	case c == '{':
		t.brace()
	case c == '(':
		if t.depth++; t.depth > maxDepth {
			t.refuse("the pattern has more than %d nested groups", maxDepth)
		}
		t.take(1)
	case c == ')':
		t.depth--
		t.take(1)
	default:
		t.take(1)
	}
}

// inClass translates one character of a class.
func (t *translation) inClass(c byte) {
	if name, _, ok := strings.Cut(strings.TrimPrefix(t.rest, "[:"), ":]"); ok && strings.HasPrefix(t.rest, "[:") {
		t.take(len("[:") + len(name) + len(":]"))
	} else {
		t.class = c != ']' || t.fresh
		t.take(1)
	}
	t.fresh = false
}

// escape translates a backslash and what follows it.
func (t *translation) escape() {
	if len(t.rest) < 2 {
		t.refuse("the pattern ends in a backslash")
		return
	}

	c := t.rest[1]
	isLetter := c|0x20 >= 'a' && c|0x20 <= 'z'
	switch {
	case !isLetter || strings.IndexByte(letterEscapes, c) >= 0:
		t.take(2)
	case c == 'u' || c == 'U':
		t.codePoint(map[byte]int{'u': 4, 'U': 8}[c])
	case t.class:
		t.refuse(`the escape \%c is not supported`, c)
	case c == 'Z':
		t.swap(2, `\z`)
	case c == 'm':
		t.swap(2, `\b(?=\w)`)
	case c == 'M':
		t.swap(2, `\b(?<=\w)`)
	case strings.HasPrefix(t.rest, `\g<`):
		t.swap(2, `\k`)
	default:
		t.refuse(`the escape \%c is not supported`, c)
	}
}

// swap replaces the next n bytes.
func (t *translation) swap(n int, with string) {
	t.out.WriteString(with)
	t.rest = t.rest[n:]
}

// codePoint translates \uXXXX and \UXXXXXXXX.
func (t *translation) codePoint(digits int) {
	if len(t.rest) >= 2+digits {
		if n, err := strconv.ParseUint(t.rest[2:2+digits], 16, 32); err == nil && n <= 0x10FFFF {
			t.swap(2+digits, fmt.Sprintf(`\x{%X}`, n))
			return
		}
	}
	t.refuse(`\%c needs %d hexadecimal digits`, t.rest[1], digits)
}

var errFuzzy = errors.New("approximate matching ({e<=1} and its like) is not supported")

// brace translates a repetition, including {,n}, or a literal brace, and refuses
// approximate matching.
func (t *translation) brace() {
	inside, _, closed := strings.Cut(t.rest[1:], "}")
	least, most, two := strings.Cut(inside, ",")

	switch {
	case closed && digits(least) && digits(most) && (least != "" || two && most != ""):
		if least == "" {
			t.swap(1, "{0")
		}
		t.take(strings.IndexByte(t.rest, '}') + 1)
	case closed && inside == ",":
		t.swap(3, "*")
	case closed && strings.Trim(inside, "eids<=+0123456789, ") == "" && strings.ContainsAny(inside, "eids"):
		t.err = errFuzzy
	default:
		t.swap(1, `\{`)
	}
}

// digits reports whether text has only digits; it may be empty.
func digits(text string) bool { return strings.Trim(text, "0123456789") == "" }
