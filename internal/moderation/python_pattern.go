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
func (tr *translation) take(n int) {
	tr.out.WriteString(tr.rest[:n])
	tr.rest = tr.rest[n:]
}

// refuse ends the translation with an error.
func (tr *translation) refuse(format string, args ...any) {
	if tr.err == nil {
		tr.err = fmt.Errorf(format, args...)
	}
}

// step translates the next token.
func (tr *translation) step() {
	c := tr.rest[0]
	switch {
	case c == '\\':
		tr.fresh = false
		tr.escape()
	case tr.class:
		tr.inClass(c)
	case c == '[':
		tr.take(1)
		tr.class, tr.fresh = true, true
		if strings.HasPrefix(tr.rest, "^") {
			tr.take(1)
		}
	case c == '{':
		tr.brace()
	case c == '(':
		if tr.depth++; tr.depth > maxDepth {
			tr.refuse("the pattern has more than %d nested groups", maxDepth)
		}
		tr.take(1)
	case c == ')':
		tr.depth--
		tr.take(1)
	default:
		tr.take(1)
	}
}

// inClass translates one character of a class.
func (tr *translation) inClass(c byte) {
	if name, _, ok := strings.Cut(strings.TrimPrefix(tr.rest, "[:"), ":]"); ok && strings.HasPrefix(tr.rest, "[:") {
		tr.take(len("[:") + len(name) + len(":]"))
	} else {
		tr.class = c != ']' || tr.fresh
		tr.take(1)
	}
	tr.fresh = false
}

// escape translates a backslash and what follows it.
func (tr *translation) escape() {
	if len(tr.rest) < 2 {
		tr.refuse("the pattern ends in a backslash")
		return
	}

	c := tr.rest[1]
	isLetter := c|0x20 >= 'a' && c|0x20 <= 'z'
	switch {
	case !isLetter || strings.IndexByte(letterEscapes, c) >= 0:
		tr.take(2)
	case c == 'u' || c == 'U':
		tr.codePoint(map[byte]int{'u': 4, 'U': 8}[c])
	case tr.class:
		tr.refuse(`the escape \%c is not supported`, c)
	case c == 'Z':
		tr.swap(2, `\z`)
	case c == 'm':
		tr.swap(2, `\b(?=\w)`)
	case c == 'M':
		tr.swap(2, `\b(?<=\w)`)
	case strings.HasPrefix(tr.rest, `\g<`):
		tr.swap(2, `\k`)
	default:
		tr.refuse(`the escape \%c is not supported`, c)
	}
}

// swap replaces the next n bytes.
func (tr *translation) swap(n int, with string) {
	tr.out.WriteString(with)
	tr.rest = tr.rest[n:]
}

// codePoint translates \uXXXX and \UXXXXXXXX.
func (tr *translation) codePoint(digits int) {
	if len(tr.rest) >= 2+digits {
		if n, err := strconv.ParseUint(tr.rest[2:2+digits], 16, 32); err == nil && n <= 0x10FFFF {
			tr.swap(2+digits, fmt.Sprintf(`\x{%X}`, n))
			return
		}
	}
	tr.refuse(`\%c needs %d hexadecimal digits`, tr.rest[1], digits)
}

var errFuzzy = errors.New("approximate matching ({e<=1} and its like) is not supported")

// brace translates a repetition, including {,n}, or a literal brace, and refuses
// approximate matching.
func (tr *translation) brace() {
	inside, _, closed := strings.Cut(tr.rest[1:], "}")
	least, most, two := strings.Cut(inside, ",")

	switch {
	case closed && digits(least) && digits(most) && (least != "" || two && most != ""):
		if least == "" {
			tr.swap(1, "{0")
		}
		tr.take(strings.IndexByte(tr.rest, '}') + 1)
	case closed && inside == ",":
		tr.swap(3, "*")
	case closed && strings.Trim(inside, "eids<=+0123456789, ") == "" && strings.ContainsAny(inside, "eids"):
		tr.err = errFuzzy
	default:
		tr.swap(1, `\{`)
	}
}

// digits reports whether text has only digits; it may be empty.
func digits(text string) bool { return strings.Trim(text, "0123456789") == "" }
