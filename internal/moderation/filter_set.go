package moderation

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"horde/internal/store"
)

// Types of filters that are in use (generation §7.1). Others can be
// stored and have no effect.
const (
	childType   = 10 // with replacements, and emoji of children besides patterns
	youngType   = 11
	contextType = 20
)

// knownTypes are the types in use, in ascending order.
var knownTypes = []int{childType, youngType, contextType}

// scoring are the groups of types: each adds at most 1 to the suspicion (generation §7.3).
var scoring = [][]int{{childType, youngType}, {contextType}}

// filterSet is all filters, compiled. It never changes.
type filterSet struct {
	types        map[int]*alternation
	replacements []replacing // in the order of ids
}

// alternation is the patterns of one type. Those that Go's engine can run are joined
// into as few programs as the limit of their size allows; the others run one by one.
type alternation struct {
	text string // all patterns, joined
	fast []joined
	slow []single
}

type joined struct {
	re   *regexp.Regexp
	size int
}

type single struct {
	id      int64
	pattern *pattern
}

type replacing struct {
	single
	with template
}

// compileSet compiles rows. A row that cannot be compiled is skipped and
// reported; the others work.
func compileSet(rows []store.Filter) (*filterSet, error) {
	s := &filterSet{types: map[int]*alternation{}}
	var errs []error
	fast := map[int][]*pattern{}
	texts := map[int][]string{}

	for _, row := range rows {
		p, err := compile(row.Regex)
		if err != nil {
			errs = append(errs, fmt.Errorf("filter %d: %w", row.ID, err))
			continue
		}

		texts[row.Type] = append(texts[row.Type], row.Regex)
		a := s.types[row.Type]
		if a == nil {
			a = &alternation{}
			s.types[row.Type] = a
		}

		if p.slow != nil {
			a.slow = append(a.slow, single{row.ID, p})
		} else {
			fast[row.Type] = append(fast[row.Type], p)
		}
		if row.Type != childType {
			continue
		}
		with, err := parseTemplate(row.Replacement, p)
		if err != nil {
			errs = append(errs, fmt.Errorf("filter %d: %w", row.ID, err))
		}
		s.replacements = append(s.replacements, replacing{single{row.ID, p}, with})
	}

	for kind, a := range s.types {
		a.text, a.fast = strings.Join(texts[kind], "|"), join(fast[kind])
	}
	return s, errors.Join(errs...)
}

// join joins patterns into alternations of at most maxJoined instructions; a larger one
// stays alone. So does one with named groups, as no two in a program may share a name.
func join(all []*pattern) (out []joined) {
	var parts []string
	size := 0
	flush := func() {
		if len(parts) > 0 {
			out = append(out, joined{regexp.MustCompile(strings.Join(parts, "|")), size})
		}
		parts, size = nil, 0
	}

	for _, p := range all {
		if strings.Join(p.fast.SubexpNames(), "") != "" {
			out = append(out, joined{p.fast, p.size})
			continue
		}

		if size+p.size > maxJoined {
			flush()
		}
		parts, size = append(parts, "(?:"+p.fast.String()+")"), size+p.size
	}
	flush()
	return out
}

// scanned is a prompt as filters see it.
type scanned struct {
	raw  string // as sent
	text string // as Normalize makes it
}

// scanTime bounds the time of those patterns of a type that run one by one.
const scanTime = 3 * slowTimeout

// match looks for the first match of a type in a prompt. slow is called with patterns
// that ran out of time; they count as not matching.
func (s *filterSet) match(kind int, prompt scanned, slow func(id int64, err error)) (string, bool) {
	first, any := found{}, false
	take := func(f found, ok bool) {
		if ok && (!any || f.at < first.at) {
			first, any = f, true
		}
	}

	if a := s.types[kind]; a != nil {
		for _, j := range a.fast {
			f, ok, _ := findFast(j.re, j.size, prompt.text)
			take(f, ok)
		}

		begun := time.Now()
		for _, one := range a.slow {
			if time.Since(begun) > scanTime {
				slow(one.id, errTooMuch)
				break
			}
			f, ok, err := one.pattern.find(prompt.text)
			if err != nil {
				slow(one.id, err)
			}
			take(f, ok)
		}
	}

	if !any && kind == childType {
		if g := childGrapheme(prompt.raw); g != "" {
			return g, true
		}
	}
	return first.text, any
}

// verdict is what the filters say about a prompt.
type verdict struct {
	suspicion int // 0 to 2
	matches   []string
}

// judge scores a prompt by the types for which in returns true. For a group, the first match of
// each of its types is reported, but it adds only 1.
func (s *filterSet) judge(prompt scanned, in func(kind int) bool, slow func(id int64, err error)) verdict {
	v := verdict{matches: []string{}}
	for _, kinds := range scoring {
		hit := 0

		for _, kind := range kinds {
			if !in(kind) {
				continue
			}
			if text, ok := s.match(kind, prompt, slow); ok {
				v.matches = append(v.matches, text)
				hit = 1
			}
		}
		v.suspicion += hit
	}
	return v
}

// refuses reports whether every group has a match. Most prompts match none, and the
// second group usually has fewer patterns, so it is tried first.
func (s *filterSet) refuses(prompt scanned, slow func(id int64, err error)) bool {
	for _, kinds := range slices.Backward(scoring) {
		hit := slices.ContainsFunc(kinds, func(kind int) bool {
			_, ok := s.match(kind, prompt, slow)
			return ok
		})
		if !hit {
			return false
		}
	}
	return true
}

// mayRefuse reports whether any prompt can reach a suspicion of 2: emoji of
// children need no filter, but the second group does.
func (s *filterSet) mayRefuse() bool { return s.types[contextType] != nil }
