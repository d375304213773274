package moderation

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// Bounds of patterns. Go's engine takes time proportional to program and
// text; maxWork bounds their product. The other engine can take any time, and is
// stopped after slowTimeout.
const (
	maxPattern  = 16_000      // bytes
	maxProgram  = 5_000       // instructions of a pattern that goes to Go's engine
	maxJoined   = 1_000       // instructions of joined patterns
	maxWork     = 100_000_000 // instructions times bytes of text: two seconds at the worst
	slowTimeout = 100 * time.Millisecond
)

// pattern is one regular expression of a moderator, in the syntax of Python's
// module regex. Case does not matter. What Go's engine can run it runs, in linear
// time; look-around, references and possessive repetition go to an engine that
// backtracks, with a time limit.
type pattern struct {
	fast *regexp.Regexp
	size int // instructions of fast
	slow *regexp2.Regexp
}

// compile compiles a pattern. Its errors tell a moderator what is wrong.
func compile(text string) (*pattern, error) {
	switch {
	case text == "":
		return nil, errors.New("the pattern is empty")
	case len(text) > maxPattern:
		return nil, fmt.Errorf("the pattern has %d bytes; the most is %d", len(text), maxPattern)
	case !utf8.ValidString(text):
		return nil, errors.New("the pattern is not valid UTF-8")
	}

	translated, err := fromPython(text)
	if err != nil {
		return nil, err
	}

	p := &pattern{}
	if p.fast, p.size = compileFast(translated); p.fast == nil {
		if p.slow, err = compileSlow(translated); err != nil {
			return nil, err
		}
	}

	if _, found, _ := p.find(""); found {
		return nil, errors.New("the pattern matches an empty text, and therefore every prompt")
	}
	return p, nil
}

// compileFast compiles for Go's engine; nil if that cannot run it.
func compileFast(text string) (*regexp.Regexp, int) {
	tree, err := syntax.Parse("(?i)"+text, syntax.Perl)
	if err != nil {
		return nil, 0
	}

	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, 0
	}

	re, err := regexp.Compile("(?i)" + text)
	if err != nil {
		return nil, 0
	}
	return re, len(program.Inst)
}

// compileSlow compiles for the backtracking engine.
func compileSlow(text string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(text, regexp2.IgnoreCase|regexp2.RE2, regexp2.OptionMaintainCaptureOrder())
	if err != nil {
		return nil, fmt.Errorf("the pattern cannot be understood: %w", err)
	}
	re.MatchTimeout = slowTimeout
	return re, nil
}

// found is a match in a text: where it begins, and what it matched.
type found struct {
	at   int // bytes
	text string
}

// find looks for the first match. An error means that the pattern ran out of time.
func (p *pattern) find(text string) (found, bool, error) {
	if p.slow != nil {
		m, err := p.slow.FindStringMatch(text)
		if m == nil || err != nil {
			return found{}, false, err
		}
		at, _ := m.ByteRange()
		return found{at, m.String()}, true, nil
	}
	return findFast(p.fast, p.size, text)
}

// findFast searches as much of a text as the limit of work allows.
func findFast(re *regexp.Regexp, size int, text string) (found, bool, error) {
	text = text[:min(len(text), maxWork/max(size, 1))]
	where := re.FindStringIndex(text)
	if where == nil {
		return found{}, false, nil
	}
	return found{where[0], text[where[0]:where[1]]}, true, nil
}

// replace replaces every match by what t makes of it. It fails if
// that takes too long or the result becomes too long.
func (p *pattern) replace(text string, t template) (string, error) {
	var out []byte
	last := 0
	err := p.each(text, func(start, end int, value func(group) string) error {
		out = append(append(out, text[last:start]...), t.expand(value)...)
		last = end
		if len(out) > maxRewritten {
			return errTooMuch
		}
		return nil
	})

	if err != nil {
		return "", err
	}

	if out = append(out, text[last:]...); len(out) > maxRewritten {
		return "", errTooMuch
	}
	return string(out), nil
}

// maxRewritten is the length limit of a rewritten prompt, in bytes.
const maxRewritten = 200_000

var errTooMuch = errors.New("the prompt takes too much work to rewrite")

// each calls visit with every match: where it is, and what its groups matched.
func (p *pattern) each(text string, visit func(start, end int, value func(group) string) error) error {
	if p.slow != nil {
		return p.eachSlow(text, visit)
	}
	if p.size*len(text) > maxWork {
		return errTooMuch
	}

	for _, at := range p.fast.FindAllStringSubmatchIndex(text, -1) {
		err := visit(at[0], at[1], func(g group) string {
			i := g.number
			if g.name != "" {
				i = p.fast.SubexpIndex(g.name)
			}
			if i < 0 || 2*i+1 >= len(at) || at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pattern) eachSlow(text string, visit func(start, end int, value func(group) string) error) error {
	begun := time.Now()
	m, err := p.slow.FindStringMatch(text)
	for m != nil && err == nil {
		if time.Since(begun) > slowTimeout {
			return errTooMuch
		}

		start, length := m.ByteRange()
		err = visit(start, start+length, func(g group) string {
			of := m.GroupByNumber(g.number)
			if g.name != "" {
				of = m.GroupByName(g.name)
			}
			if of == nil {
				return ""
			}
			return of.String()
		})

		if err == nil {
			m, err = p.slow.FindNextMatch(m)
		}
	}
	return err
}

// has reports whether the pattern has the group.
func (p *pattern) has(g group) bool {
	if p.slow != nil {
		if g.name != "" {
			return p.slow.GroupNumberFromName(g.name) >= 0
		}
		return p.slow.GroupNameFromNumber(g.number) != ""
	}
	if g.name != "" {
		return p.fast.SubexpIndex(g.name) >= 0
	}
	return g.number <= p.fast.NumSubexp()
}
